//! Client connections: accepts them, reads requests, runs them in batches, writes the replies.
//!
//! Each connection is one task. It decodes the requests that have arrived into a batch, takes each
//! of them through admission, and runs it by the route of its command. Consecutive writes of a
//! batch become one proposal; any other command first flushes them, so that it sees their effects
//! and its reply follows theirs.
//!
//! | file | owns |
//! |---|---|
//! | `listener` | the bound ports, protected mode, a task for each client |
//! | `task` | one connection, from accept to close |
//! | `dispatch` | running a batch of requests: the route of each |
//! | `read_write` | reads and writes of a batch, the read barrier, the order of replies |
//! | `admission` | the checks that can refuse, delay or redirect a request before it runs |
//! | `transact` | MULTI, EXEC, WATCH |

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

/// Returns when the client has closed its side; up to [`POLL_INTERVAL`] later if it has unread
/// input.
async fn hung_up(socket: &OwnedReadHalf) {
    while socket.ready(Interest::READABLE).await.is_ok_and(|ready| !ready.is_read_closed()) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Returns when the node stops. A dropped sender means the same.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    while !*stopping.borrow_and_update() {
        if stopping.changed().await.is_err() {
            return;
        }
    }
}
