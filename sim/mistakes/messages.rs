//! A network whose messages change on their way, as if the code that sends or takes them had a
//! mistake.
//!
//! A connection's bytes are taken apart into frames (`src/peer/frame.rs` has the layout). The
//! handshake, its first frame, passes unchanged.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jsonvault::env::{Acceptor, Connection, Net};
use jsonvault::peer::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Mistake;

const HEADER_BYTES: usize = 16;
/// How long a node counts as restarted: beyond the time for which it must not vote.
const RESTARTED_FOR: Duration = Duration::from_millis(400);
/// The first byte of a payload that holds members; a batch begins with a smaller one.
const MEMBERSHIP_TAG: u8 = 0xff;

/// The network of one node from its start on.
pub struct MistakenNet {
    inner: Arc<dyn Net>,
    mistake: Mistake,
    started: Instant,
}

impl MistakenNet {
    /// Call it only within a runtime, because it reads the runtime's time.
    pub fn over(inner: Arc<dyn Net>, mistake: Mistake) -> MistakenNet {
        MistakenNet { inner, mistake, started: Instant::now() }
    }
}

/// What arrives on a connection.
#[derive(Clone, Copy)]
enum Arriving {
    Requests { started: Instant },
    Responses,
}

impl Net for MistakenNet {
    fn bind<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Acceptor>>> {
        Box::pin(async move {
            let inner = self.inner.bind(address).await?;
            let port = MistakenPort { inner, mistake: self.mistake, started: self.started };
            Ok(Box::new(port) as Box<dyn Acceptor>)
        })
    }

    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Connection>>> {
        Box::pin(async move {
            let inner = self.inner.connect(address).await?;
            Ok(Box::new(Rewritten::new(inner, self.mistake, Arriving::Responses)) as Box<dyn Connection>)
        })
    }
}

struct MistakenPort {
    inner: Box<dyn Acceptor>,
    mistake: Mistake,
    started: Instant,
}

impl Acceptor for MistakenPort {
    fn address(&self) -> SocketAddr {
        self.inner.address()
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn Connection>, SocketAddr)>> {
        Box::pin(async move {
            let (inner, from) = self.inner.accept().await?;
            let arriving = Arriving::Requests { started: self.started };
            Ok((Box::new(Rewritten::new(inner, self.mistake, arriving)) as Box<dyn Connection>, from))
        })
    }
}

/// A connection whose incoming messages are rewritten.
struct Rewritten {
    inner: Box<dyn Connection>,
    mistake: Mistake,
    arriving: Arriving,
    /// Bytes that are no whole frame yet.
    raw: Vec<u8>,
    /// Bytes of whole frames that the reader has not taken yet.
    ready: Vec<u8>,
    greeted: bool,
    ended: bool,
}

impl Rewritten {
    fn new(inner: Box<dyn Connection>, mistake: Mistake, arriving: Arriving) -> Rewritten {
        Rewritten {
            inner,
            mistake,
            arriving,
            raw: Vec::new(),
            ready: Vec::new(),
            greeted: false,
            ended: false,
        }
    }

    /// Moves whole frames from `raw` to `ready`, and rewrites those that the mistake concerns.
    fn take_frames(&mut self) {
        while let Some(length) = self.raw.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes) as usize)
            && self.raw.len() >= HEADER_BYTES + length
        {
            let mut frame: Vec<u8> = self.raw.drain(..HEADER_BYTES + length).collect();
            if std::mem::replace(&mut self.greeted, true)
                && let Some(body) = self.rewrite(&frame[HEADER_BYTES..])
            {
                frame.truncate(HEADER_BYTES);
                frame[..4].copy_from_slice(&(body.len() as u32).to_le_bytes());
                let crc = crc32c::crc32c_append(crc32c::crc32c(&frame[8..16]), &body);
                frame[4..8].copy_from_slice(&crc.to_le_bytes());
                frame.extend(body);
            }
            self.ready.extend(frame);
        }
    }

    /// The body to deliver instead of this one; `None` to deliver this one.
    fn rewrite(&self, body: &[u8]) -> Option<Vec<u8>> {
        match self.arriving {
            Arriving::Requests { started } => {
                let request = mistake_request(self.mistake, postcard::from_bytes(body).ok()?, started)?;
                postcard::to_stdvec(&request).ok()
            }
            Arriving::Responses => {
                let response = mistake_response(self.mistake, postcard::from_bytes(body).ok()?)?;
                postcard::to_stdvec(&response).ok()
            }
        }
    }
}

fn mistake_request(mistake: Mistake, mut request: Request, started: Instant) -> Option<Request> {
    match (mistake, &mut request) {
        (Mistake::EntriesSwapped, Request::Append(append)) => {
            let is_batch = |payload: &[u8]| payload.first().is_some_and(|first| *first != MEMBERSHIP_TAG);
            let pairs = append.entries.windows(2);
            let at = pairs.into_iter().position(|pair| pair.iter().all(|entry| is_batch(&entry.payload)))?;
            let (left, right) = append.entries.split_at_mut(at + 1);
            std::mem::swap(&mut left[at].payload, &mut right[0].payload);
        }
        (Mistake::RestartedVotes, Request::Vote(ask) | Request::PreVote(ask))
            if started.elapsed() < RESTARTED_FOR =>
        {
            ask.transfer = true;
        }
        _ => return None,
    }
    Some(request)
}

fn mistake_response(mistake: Mistake, response: Response) -> Option<Response> {
    match (mistake, response) {
        (Mistake::OldTermAccepted, Response::HigherVote(_)) => Some(Response::Appended),
        _ => None,
    }
}

impl AsyncRead for Rewritten {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.ready.is_empty() && !self.ended {
            let mut room = [0; 4096];
            let mut incoming = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut self.inner).poll_read(context, &mut incoming))?;
            self.ended = incoming.filled().is_empty();
            self.raw.extend_from_slice(incoming.filled());
            self.take_frames();
        }
        let count = buffer.remaining().min(self.ready.len());
        buffer.put_slice(&self.ready[..count]);
        self.ready.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewritten {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
