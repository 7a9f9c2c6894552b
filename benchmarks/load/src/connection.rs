//! A connection that speaks the Redis protocol, without a task of its own: it sends and receives
//! what the socket takes and has.
//!
//! Invariants:
//! * `pending` has one moment for each request that was queued and not answered, in order;
//! * `out[written..]` is what the socket has not taken yet.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::time::Instant;

use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::replies::Scanner;
use crate::report::Tally;
use crate::template::Text;

/// Bytes per read: replies of a whole batch of small documents.
const READ_BYTES: usize = 256 << 10;

pub struct Connection {
    stream: TcpStream,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    out: Vec<u8>,
    written: usize,
    pending: VecDeque<Instant>,
    scanner: Scanner,
}

impl Connection {
    pub async fn open(address: &str) -> io::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, state: RefCell::default() })
    }

    /// Adds a request whose latency counts from `since`.
    pub fn queue(&self, request: &Text, number: u64, since: Instant) {
        let state = &mut *self.state.borrow_mut();
        request.write(number, &mut state.out);
        state.pending.push_back(since);
    }

    pub fn is_idle(&self) -> bool {
        self.state.borrow().pending.is_empty()
    }

    pub fn has_unsent(&self) -> bool {
        !self.state.borrow().out.is_empty()
    }

    /// Sends what the socket takes now.
    pub fn send(&self) -> io::Result<()> {
        let state = &mut *self.state.borrow_mut();
        while state.written < state.out.len() {
            match self.stream.try_write(&state.out[state.written..]) {
                Ok(count) => state.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        state.out.clear();
        state.written = 0;
        Ok(())
    }

    /// Waits until the socket has something, or takes something that is unsent.
    pub async fn ready(&self) -> io::Result<()> {
        let interest =
            if self.has_unsent() { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.stream.ready(interest).await?;
        Ok(())
    }

    /// Counts the replies that have arrived.
    ///
    /// # Errors
    /// The end of the stream; a reply without a request; bytes that are no reply.
    pub fn receive(&self, buffer: &mut Buffer, tally: &mut Tally) -> io::Result<()> {
        let state = &mut *self.state.borrow_mut();
        loop {
            let count = match self.stream.try_read(&mut buffer.0) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            tally.received(count);
            let now = Instant::now();
            let mut unasked = false;
            state.scanner.scan(&buffer.0[..count], |kind| match state.pending.pop_front() {
                Some(since) => tally.reply(kind, since, now),
                None => unasked = true,
            })?;
            if unasked {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a reply without a request"));
            }
            if count < buffer.0.len() {
                return Ok(());
            }
        }
    }
}

/// Where bytes arrive. All connections of the thread share one.
pub struct Buffer(Vec<u8>);

impl Buffer {
    pub fn new() -> Buffer {
        Buffer(vec![0; READ_BYTES])
    }
}
