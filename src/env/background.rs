//! Where work goes that would hold up a task: to threads, or, in a simulation, to tasks behind
//! delays.
//!
//! Invariant: simulated, nothing leaves the thread of its caller, and what runs when depends on the
//! delays alone.
#![allow(clippy::disallowed_methods, reason = "this module is the one door to threads")]

use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::sync::Notify;

/// How long simulated work waits before it is done.
pub trait Delays: Debug + Send + Sync {
    fn next(&self) -> Duration;
}

/// Where blocking work is done. A clone is the same place.
#[derive(Clone, Debug, Default)]
pub enum Background {
    /// On threads of its own, at once.
    #[default]
    Threads,
    /// By a task of the runtime that asks for it, after a while.
    Simulated(Arc<dyn Delays>),
}

impl Background {
    pub fn is_simulated(&self) -> bool {
        matches!(self, Background::Simulated(_))
    }

    /// Does `work` where it holds up nobody, and gives what it gave.
    ///
    /// # Errors
    /// If it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        match self {
            Background::Threads => tokio::task::spawn_blocking(work).await.map_err(io::Error::other),
            Background::Simulated(delays) => {
                tokio::time::sleep(delays.next()).await;
                Ok(work())
            }
        }
    }

    /// Rests a thread in the middle of long work, for others to have the disk. Simulated work takes
    /// no time.
    pub fn rest(&self, time: Duration) {
        if !self.is_simulated() {
            std::thread::sleep(time);
        }
    }

    /// Simulates a thread that waits for `wake`: calls `turn` a while after each, and after `quiet`
    /// without one, until it says that it is done. `turn` is told whether it was quiet.
    ///
    /// # Panics
    /// If this is not simulated: a thread has its own loop.
    pub fn take_turns(
        &self,
        wake: Arc<Notify>,
        quiet: Duration,
        mut turn: impl FnMut(bool) -> bool + Send + 'static,
    ) {
        let Background::Simulated(delays) = self.clone() else { panic!("threads do not take turns") };
        tokio::spawn(async move {
            loop {
                let was_quiet = tokio::time::timeout(quiet, wake.notified()).await.is_err();
                tokio::time::sleep(delays.next()).await;
                if !turn(was_quiet) {
                    return;
                }
            }
        });
    }
}

/// Starts a thread that debuggers, `top -H` and panics show under `name` (Linux shows the first 15
/// bytes).
///
/// Whoever starts a thread keeps the handle and joins it when the node stops.
///
/// # Errors
/// The system's own, when it has no thread to give.
pub fn spawn_thread<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_carries_its_name() {
        let handle = spawn_thread("log-writer", || std::thread::current().name().map(str::to_owned));
        assert_eq!(handle.unwrap().join().unwrap().as_deref(), Some("log-writer"));
    }
}
