//! The network between nodes: streams of bytes to and from addresses.
//!
//! Nodes reach each other only through [`Net`], so that a simulation can delay, cut and drop their
//! messages.
#![allow(clippy::disallowed_methods, reason = "this module is the only access to the network between nodes")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A connection: bytes both ways, in order.
pub trait Connection: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Connection for T {}

/// A bound port.
pub trait Acceptor: Send + Sync {
    /// The bound address, with the chosen port if 0 was requested.
    fn address(&self) -> SocketAddr;
    /// The next connection, and its peer's address.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn Connection>, SocketAddr)>>;
}

/// A network that a node is on.
pub trait Net: Send + Sync + 'static {
    /// Binds `address`, host:port.
    fn bind<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Acceptor>>>;
    /// Connects to `address`, host:port. Has no timeout of its own.
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Connection>>>;
}

/// The machine's network: TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealNet;

impl RealNet {
    pub fn shared() -> Arc<dyn Net> {
        Arc::new(RealNet)
    }
}

impl Net for RealNet {
    fn bind<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Acceptor>>> {
        Box::pin(async move {
            let socket = TcpListener::bind(address).await?;
            let address = socket.local_addr()?;
            Ok(Box::new(RealAcceptor { socket, address }) as Box<dyn Acceptor>)
        })
    }

    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Connection>>> {
        Box::pin(async move { ready(TcpStream::connect(address).await?) })
    }
}

struct RealAcceptor {
    socket: TcpListener,
    address: SocketAddr,
}

impl Acceptor for RealAcceptor {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn Connection>, SocketAddr)>> {
        Box::pin(async move {
            let (socket, peer) = self.socket.accept().await?;
            Ok((ready(socket)?, peer))
        })
    }
}

fn ready(socket: TcpStream) -> io::Result<Box<dyn Connection>> {
    // Messages are written whole, so waiting to fill a packet would only delay them.
    socket.set_nodelay(true)?;
    Ok(Box::new(socket))
}
