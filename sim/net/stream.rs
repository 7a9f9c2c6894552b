//! One host's end of a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Network;

/// A stream, whose connection is closed on drop.
pub struct Stream {
    network: Network,
    incoming: u64,
    outgoing: u64,
}

impl Stream {
    pub fn new(network: Network, incoming: u64, outgoing: u64) -> Stream {
        Stream { network, incoming, outgoing }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.network.state.lock().poll_read(self.incoming, buffer.remaining(), context);
        read.map_ok(|bytes| buffer.put_slice(&bytes))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.network.state.lock().poll_write(self.outgoing, bytes, context)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.network.state.lock().end(self.outgoing);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.network.state.lock().close(self.incoming, self.outgoing);
    }
}
