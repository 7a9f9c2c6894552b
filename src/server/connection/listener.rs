//! Accepts connections until the node stops.
//!
//! A connection over `maxclients`, or one that protected mode rejects, gets an error and is closed.
//! Each other connection gets a task.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::signals::stopped;
use super::task::Connection;
use crate::config::{BindAddr, Config};
use crate::error::Fatal;
use crate::server::admin::rights::admits_everybody;
use crate::server::state::ServerState;
use crate::server::stats::counters::{add, get};

/// Pause after a failed accept, usually caused by a lack of file descriptors. An immediate retry
/// would only waste processor time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long open connections have to accept their replies once the node stops: longer than a write
/// may take (five seconds), and shorter than supervisors wait before they kill a process (ten
/// seconds and more).
const STOP_TIMEOUT: Duration = Duration::from_secs(8);

/// Maximum number of connections that wait to be accepted, the default of Redis' `tcp-backlog`. The
/// operating system may allow fewer.
const BACKLOG: u32 = 511;

/// A port, bound at one or more addresses.
pub struct Listener {
    sockets: Vec<TcpListener>,
    address: SocketAddr,
}

impl Listener {
    /// Binds all addresses. Port 0 selects a free port, the same for all addresses.
    /// [`Listener::address`] is the first one that was bound.
    ///
    /// # Errors
    /// [`Fatal::Listen`] if an address that is not optional is in use or does not belong to this
    /// machine.
    pub async fn bind(addresses: &[BindAddr], keepalive: bool) -> Result<Listener, Fatal> {
        let mut sockets: Vec<TcpListener> = Vec::new();
        let mut bound: Option<SocketAddr> = None;
        for bind in addresses {
            let port = bound.map(|bound| bound.port());
            match listen(&bind.address, port, keepalive).await {
                Ok(socket) => {
                    bound = bound.or(socket.local_addr().ok());
                    sockets.push(socket);
                }
                Err(error) if bind.optional => {
                    tracing::warn!(address = bind.address, %error, "cannot listen at an optional address");
                }
                Err(error) => {
                    let reason = match error.kind() {
                        std::io::ErrorKind::AddrInUse => "the port is in use by another process".to_string(),
                        _ => error.to_string(),
                    };
                    return Err(Fatal::Listen { address: bind.address.clone(), reason });
                }
            }
        }
        let address = bound.expect("the first address was bound, because it is not optional");
        assert!(!sockets.is_empty(), "a listener has at least one socket");
        Ok(Listener { sockets, address })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts the next client at any of the addresses.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        std::future::poll_fn(|context| {
            let mut ready = self.sockets.iter().map(|socket| socket.poll_accept(context));
            ready.find(Poll::is_ready).unwrap_or(Poll::Pending)
        })
        .await
    }

    /// Serves clients until `stopping` turns true, and then until each open connection has received
    /// its replies, at most for [`STOP_TIMEOUT`]. Connections still open after that are dropped.
    pub async fn serve(self, state: Arc<ServerState>, mut stopping: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let stop_seen = stopping.clone();
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok((socket, peer)) => admit(socket, peer, &state, &stop_seen, &mut connections),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = stopped(&mut stopping) => break,
            }
        }
        drop(self.sockets);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "dropping clients that did not accept their replies in time"
            );
        }
    }
}

/// Listens at the first address that the name resolves to and that can be bound, with `port`
/// instead of the port in the name if one is given.
async fn listen(address: &str, port: Option<u16>, keepalive: bool) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    for mut address in tokio::net::lookup_host(address).await? {
        address.set_port(port.unwrap_or(address.port()));
        match listen_at(address, keepalive) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn listen_at(address: SocketAddr, keepalive: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Allows binding a port that still has old connections in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit this setting.
    socket.set_keepalive(keepalive)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn admit(
    mut socket: TcpStream,
    peer: SocketAddr,
    state: &Arc<ServerState>,
    stopping: &watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    add(&state.stats.counters.connections_received, 1);
    if get(&state.stats.counters.connections_open) >= state.config.read().maxclients as u64 {
        add(&state.stats.counters.connections_rejected, 1);
        connections.spawn(async move {
            let _ = socket.write_all(b"-ERR max number of clients reached\r\n").await;
        });
        return;
    }
    let open = admits_everybody(state);
    if rejects(&state.config.read(), open, peer.ip()) {
        add(&state.stats.counters.connections_rejected, 1);
        connections.spawn(async move {
            let _ = socket.write_all(DENIED).await;
        });
        return;
    }
    add(&state.stats.counters.connections_open, 1);
    let state = state.clone();
    let stopping = stopping.clone();
    connections.spawn(async move {
        let closed = OpenConnection(state.clone());
        Connection::new(socket, peer, state).run(stopping).await;
        drop(closed);
    });
}

/// Keeps a connection counted as open until this guard is dropped, however the connection's task
/// ends.
struct OpenConnection(Arc<ServerState>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let before = self.0.stats.counters.connections_open.fetch_sub(1, Ordering::Relaxed);
        assert!(before > 0, "a connection that closes was counted as open");
    }
}

/// The reply to a client that protected mode rejects.
const DENIED: &[u8] = b"-DENIED this node is in protected mode: it has no password, so only clients of its own \
machine are served. Set requirepass, or set protected-mode to no if every client that can reach the port may use it.\r\n";

/// Protected mode: while clients need no password, only those of this machine are served. Returns
/// whether a client at this address is rejected.
fn rejects(config: &Config, is_open: bool, client: IpAddr) -> bool {
    // A dual-stack socket reports an IPv4 client as `::ffff:127.0.0.1`.
    config.protected_mode && is_open && !client.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_password_only_this_machine_is_served() {
        let open = Config { protected_mode: false, ..Config::default() };
        let from = |config: &Config, client: &str| rejects(config, true, client.parse().unwrap());
        for near in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(!from(&Config::default(), near), "{near}");
        }
        for far in ["10.0.0.1", "192.0.2.2", "fe80::1", "::ffff:10.0.0.1", "0.0.0.0"] {
            assert!(from(&Config::default(), far), "{far}");
            assert!(!from(&open, far), "{far}");
            assert!(!rejects(&Config::default(), false, far.parse().unwrap()), "{far}");
        }
        assert!(DENIED.starts_with(b"-DENIED ") && DENIED.ends_with(b".\r\n"));
    }
}
