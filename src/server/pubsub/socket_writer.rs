//! The write half of a client's socket, shared by the connection's own task and by invalidations.
//!
//! An invalidation is sent by the thread that applies the change, while the connection's task may
//! be waiting for something else. Both write through this type, so their bytes have a definite
//! order.
//!
//! Invariants:
//! * bytes are sent in the order in which callers added them, and a message is never interrupted by
//!   another;
//! * no caller waits: bytes that the socket does not accept now are kept for the connection's task
//!   to send;
//! * a closed writer accepts nothing more.

use std::io;

use parking_lot::Mutex;
use tokio::net::tcp::OwnedWriteHalf;

/// The buffer capacity that is kept between batches. More is freed, so that one burst does not
/// occupy memory forever.
pub const BUFFER_BYTES_KEPT: usize = 64 << 10;

/// The write half of a client's socket, with the unsent bytes.
#[derive(Debug, Default)]
pub struct SocketWriter(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// `None` once the writer is closed.
    socket: Option<OwnedWriteHalf>,
    unsent: Vec<u8>,
    /// The number of bytes at the front of `unsent` that have been sent.
    sent: usize,
    /// The number of bytes added since the last [`SocketWriter::write`] by other methods.
    uncounted: usize,
    /// `Some` while a transaction of a caching client runs: the pushes since it began, each with
    /// the index of its entry.
    recorded: Option<Vec<(u64, Vec<u8>)>>,
}

impl Inner {
    fn waiting(&self) -> usize {
        self.unsent.len() - self.sent
    }

    /// Sends as many bytes as the socket accepts.
    fn send(&mut self) -> io::Result<()> {
        let socket = self.socket.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        while self.sent < self.unsent.len() {
            match socket.try_write(&self.unsent[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.drop_sent();
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.unsent.clear();
        self.sent = 0;
        if self.unsent.capacity() > BUFFER_BYTES_KEPT {
            self.unsent = Vec::new();
        }
        assert_eq!(self.waiting(), 0, "all bytes were sent");
        Ok(())
    }

    /// Removes the sent bytes from the buffer once they are more than half of it and at least
    /// [`BUFFER_BYTES_KEPT`]. Otherwise the buffer would grow forever for a client that never
    /// catches up.
    fn drop_sent(&mut self) {
        if self.sent >= BUFFER_BYTES_KEPT && self.sent > self.unsent.len() / 2 {
            self.unsent.drain(..self.sent);
            self.sent = 0;
        }
    }

    fn recorded_bytes(&self) -> usize {
        self.recorded.iter().flatten().map(|(_, bytes)| bytes.len()).sum()
    }
}

/// The outcome of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Whether there are bytes left that the socket did not accept.
    pub waits: bool,
    /// The number of bytes that any method has added since the last write.
    pub added: usize,
}

/// The outcome of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Sent,
    /// The connection's task has to send the remaining bytes.
    Waits,
    /// The waiting bytes would exceed the limit, so nothing was added.
    OverLimit,
}

impl SocketWriter {
    pub fn new(socket: OwnedWriteHalf) -> SocketWriter {
        SocketWriter(Mutex::new(Inner { socket: Some(socket), ..Inner::default() }))
    }

    /// Sends the waiting bytes and then those of `out`, and empties `out`.
    pub fn write(&self, out: &mut Vec<u8>) -> io::Result<Written> {
        let mut inner = self.0.lock();
        let added = out.len() + std::mem::take(&mut inner.uncounted);
        let socket = inner.socket.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut sent = 0;
        if inner.unsent.is_empty() && !out.is_empty() {
            // The common case: nothing waits, and the socket takes the bytes without a copy. An
            // error is returned by the next attempt below.
            sent = socket.try_write(out).unwrap_or(0);
        }
        if sent < out.len() {
            inner.unsent.extend_from_slice(&out[sent..]);
        }
        out.clear();
        if !inner.unsent.is_empty() {
            inner.send()?;
        }
        Ok(Written { waits: inner.waiting() > 0, added })
    }

    /// Adds the bytes of `out` without sending them yet, and empties `out`. Returns how many bytes
    /// wait.
    pub fn append(&self, out: &mut Vec<u8>) -> usize {
        let mut inner = self.0.lock();
        inner.unsent.extend_from_slice(out);
        inner.uncounted += out.len();
        out.clear();
        inner.waiting()
    }

    /// Sends a message about the entry `index`, after all bytes that were added before.
    pub fn push(&self, index: u64, message: &[u8], bytes_max: usize) -> Pushed {
        let mut inner = self.0.lock();
        if inner.socket.is_none() {
            return Pushed::Sent;
        }
        let waiting = inner.waiting() + inner.recorded_bytes();
        if waiting > 0 && waiting + message.len() > bytes_max {
            return Pushed::OverLimit;
        }
        if let Some(recorded) = &mut inner.recorded {
            recorded.push((index, message.to_vec()));
        }
        inner.unsent.extend_from_slice(message);
        inner.uncounted += message.len();
        match inner.send() {
            Ok(()) if inner.waiting() == 0 => Pushed::Sent,
            // The connection's task gets the error at its next write, and ends.
            _ => Pushed::Waits,
        }
    }

    /// Begins to record pushes, until [`SocketWriter::repeat_pushes`].
    pub fn record_pushes(&self) {
        self.0.lock().recorded = Some(Vec::new());
    }

    /// Ends the recording. Adds a second time those recorded pushes whose entries come after
    /// `index`, so that they also follow the transaction's reply.
    pub fn repeat_pushes(&self, index: u64) {
        let mut inner = self.0.lock();
        for (of, message) in inner.recorded.take().unwrap_or_default() {
            if of > index {
                inner.unsent.extend_from_slice(&message);
                inner.uncounted += message.len();
            }
        }
    }

    /// The number of bytes that wait to be sent.
    pub fn waiting(&self) -> usize {
        self.0.lock().waiting()
    }

    /// Closes the write side.
    pub fn close(&self) {
        *self.0.lock() = Inner::default();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn connected() -> (TcpStream, SocketWriter, tokio::net::tcp::OwnedReadHalf) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let client = TcpStream::connect(listener.local_addr().expect("the listener has an address")).await;
        let (server, _) = listener.accept().await.expect("a client comes");
        let (reader, writer) = server.into_split();
        (client.expect("the listener is open"), SocketWriter::new(writer), reader)
    }

    async fn all_of(mut client: TcpStream, writer: SocketWriter) -> String {
        writer.close();
        let mut text = String::new();
        client.read_to_string(&mut text).await.expect("what was sent is text");
        text
    }

    #[tokio::test]
    async fn a_push_follows_earlier_replies() {
        let (client, writer, _reader) = connected().await;
        assert_eq!(writer.append(&mut b"one ".to_vec()), 4);
        assert_eq!(writer.push(1, b"two ", 1), Pushed::OverLimit);
        assert_eq!(writer.push(1, b"two ", 100), Pushed::Sent);
        let written = writer.write(&mut b"three".to_vec()).expect("the writer is open");
        assert_eq!(written, Written { waits: false, added: 13 });
        assert_eq!(all_of(client, writer).await, "one two three");
    }

    #[tokio::test]
    async fn pushes_during_a_transaction_are_repeated_after_it() {
        let (client, writer, _reader) = connected().await;
        writer.record_pushes();
        for (index, message) in [(1, b"a "), (2, b"b "), (3, b"c ")] {
            writer.push(index, message, 100);
        }
        writer.append(&mut b"reply ".to_vec());
        writer.repeat_pushes(2);
        writer.push(4, b"d", 100);
        writer.repeat_pushes(0);
        assert_eq!(all_of(client, writer).await, "a b c reply c d");
    }

    #[tokio::test]
    async fn bytes_that_the_socket_does_not_accept_wait_in_order() {
        let (client, writer, reader) = connected().await;
        let large = "x".repeat(16 << 20);
        assert!(writer.write(&mut large.clone().into_bytes()).expect("the writer is open").waits);
        assert_eq!(writer.push(1, b"end", usize::MAX), Pushed::Waits);
        let sending = async {
            while writer.waiting() > 0 {
                reader.as_ref().writable().await.expect("the writer is open");
                writer.write(&mut Vec::new()).expect("the writer is open");
            }
            writer.close();
        };
        let mut client = client;
        let mut text = String::new();
        let (_, read) = tokio::join!(sending, client.read_to_string(&mut text));
        read.expect("what was sent is text");
        assert_eq!(text.strip_suffix("end").map(str::len), Some(large.len()));
        assert!(writer.write(&mut b"late".to_vec()).is_err());
    }

    #[test]
    fn sent_bytes_are_dropped_for_a_client_that_never_catches_up() {
        let backlog = 4 * BUFFER_BYTES_KEPT;
        let mut inner = Inner { unsent: vec![b'x'; backlog], ..Inner::default() };
        for _ in 0..1000 {
            // The client accepts some bytes, and the same number is added: it never catches up.
            inner.sent += BUFFER_BYTES_KEPT / 2;
            inner.drop_sent();
            inner.unsent.extend_from_slice(&[b'y'; BUFFER_BYTES_KEPT / 2]);
            assert_eq!(inner.waiting(), backlog);
        }
        assert!(inner.unsent.len() <= 3 * backlog, "{} bytes", inner.unsent.len());
    }
}
