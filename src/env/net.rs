//! The network between nodes: streams of bytes to and from addresses.
//!
//! Nodes communicate only through [`Net`], so that a simulation can delay and drop their messages,
//! and cut their connections.
#![allow(clippy::disallowed_methods, reason = "this module is the only access to the network between nodes")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A connection: a stream of bytes in each direction.
pub trait Connection: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Connection for T {}

/// A bound port on which connections arrive.
pub trait Acceptor: Send + Sync {
    /// The bound address. If port 0 was requested, it has the chosen port.
    fn address(&self) -> SocketAddr;
    /// Waits for the next connection, and returns it with the peer's address.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn Connection>, SocketAddr)>>;
}

/// The network as one node sees it.
pub trait Net: Send + Sync + 'static {
    /// Binds `address`, which is host:port.
    fn bind<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Acceptor>>>;
    /// Connects to `address`, which is host:port. The caller has to limit the time.
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Connection>>>;
}

/// The operating system's network: TCP.
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
