//! Events that end a wait of a connection's task: the client disconnects, or the node stops.

use std::time::Duration;

use tokio::io::Interest;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;

/// Poll interval for detecting a disconnected client while it has unread input.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Returns when the client has closed its side; up to [`POLL_INTERVAL`] later if it has unread
/// input.
pub async fn hung_up(socket: &OwnedReadHalf) {
    while socket.ready(Interest::READABLE).await.is_ok_and(|ready| !ready.is_read_closed()) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Returns when the node stops. A dropped sender also means that the node stops.
pub async fn stopped(stopping: &mut watch::Receiver<bool>) {
    while !*stopping.borrow_and_update() {
        if stopping.changed().await.is_err() {
            return;
        }
    }
}
