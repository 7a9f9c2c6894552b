//! Accepts connections until the node stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::shared::Shared;
use super::stats::{add, get};
use crate::error::Fatal;

/// How long a listener rests after the system refused it a connection (no file descriptors left, as a rule):
/// trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long open connections have to take their replies once the node stops. Longer than a write may take
/// (five seconds), shorter than what supervisors wait before they kill (ten and more).
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// A bound port.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address`, host:port; port 0 is any free one.
    ///
    /// # Errors
    /// [`Fatal::Listen`] naming the address, for one in use or not of this machine.
    pub async fn bind(address: &str) -> Result<Listener, Fatal> {
        let failed = |error: std::io::Error| {
            let reason = match error.kind() {
                std::io::ErrorKind::AddrInUse => "the port is in use by another process".to_string(),
                _ => error.to_string(),
            };
            Fatal::Listen { address: address.to_string(), reason }
        };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Listener { socket, address })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves clients until `stopping` turns true, and then until each open connection has its replies; those that have
    /// not taken them after [`STOP_PATIENCE`] are dropped.
    pub async fn serve(self, shared: Arc<Shared>, mut stopping: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let told = stopping.clone();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((socket, peer)) => admit(socket, peer, &shared, &told, &mut connections),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = told_to_stop(&mut stopping) => break,
            }
        }
        drop(self.socket);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "dropping clients that do not take their replies"
            );
        }
    }
}

fn admit(
    mut socket: TcpStream,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    stopping: &watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    add(&shared.stats.connections_received, 1);
    if get(&shared.stats.connections_open) >= shared.config.read().maxclients as u64 {
        add(&shared.stats.connections_rejected, 1);
        connections.spawn(async move {
            let _ = socket.write_all(b"-ERR max number of clients reached\r\n").await;
        });
        return;
    }
    add(&shared.stats.connections_open, 1);
    let shared = shared.clone();
    let stopping = stopping.clone();
    connections.spawn(async move {
        let closed = OpenConnection(shared.clone());
        Connection::new(socket, peer, shared).run(stopping).await;
        drop(closed);
    });
}

/// Counts a connection as open until it is dropped, whatever way its task ends.
struct OpenConnection(Arc<Shared>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let before = self.0.stats.connections_open.fetch_sub(1, Ordering::Relaxed);
        assert!(before > 0, "a connection that closes was counted as open");
    }
}

/// Returns when the node stops. Whoever says so may also just go away.
pub async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    while !*stopping.borrow_and_update() {
        if stopping.changed().await.is_err() {
            return;
        }
    }
}
