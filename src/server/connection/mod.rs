//! Connections of clients: accepting them, reading their requests, running these in batches,
//! writing the replies.
//!
//! | file | what it has |
//! |---|---|
//! | `listener` | the ports, and a task for each client |
//! | `task` | one client's connection, from accept to close |
//! | `dispatch` | a batch of requests: routes, writes that are proposed together, replies in order |
//! | `admission` | what may refuse or delay a request before anything of it is done |
//! | `transact` | the steps of transactions |

mod admission;
mod dispatch;
mod listener;
mod read_write;
mod task;
mod transact;

pub use admission::admit;
pub use listener::Listener;
pub(super) use task::STALL_MAX;

use std::time::Duration;

use tokio::io::Interest;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;

/// Poll interval for detecting a disconnected client while it has unread input.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Returns when the client has closed its side, up to [`POLL_INTERVAL`] later if it has unread input.
async fn hung_up(socket: &OwnedReadHalf) {
    while socket.ready(Interest::READABLE).await.is_ok_and(|ready| !ready.is_read_closed()) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Returns when the node stops. Whoever says so may also just go away.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    while !*stopping.borrow_and_update() {
        if stopping.changed().await.is_err() {
            return;
        }
    }
}
