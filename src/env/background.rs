//! Runs blocking work: on threads or, in a simulation, in tasks after a delay.
//!
//! Invariant: in a simulation, all work stays on the thread of its caller, and its order depends
//! only on the delays.
#![allow(clippy::disallowed_methods, reason = "this module is the only access to threads")]

use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::sync::Notify;

/// Chooses the delays before simulated work.
pub trait Delays: Debug + Send + Sync {
    fn next(&self) -> Duration;
}

/// Determines where blocking work runs. A clone runs work in the same place.
#[derive(Clone, Debug, Default)]
pub enum Background {
    /// On other threads, without a delay.
    #[default]
    Threads,
    /// In a task of the caller's runtime, after a delay.
    Simulated(Arc<dyn Delays>),
}

impl Background {
    pub fn is_simulated(&self) -> bool {
        matches!(self, Background::Simulated(_))
    }

    /// Runs `work` where it blocks no other task, and returns its result.
    ///
    /// # Errors
    /// If `work` panicked on a thread.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        match self {
            Background::Threads => tokio::task::spawn_blocking(work).await.map_err(io::Error::other),
            Background::Simulated(delays) => {
                tokio::time::sleep(delays.next()).await;
                Ok(work())
            }
        }
    }

    /// Pauses long work on a thread, so that other work can use the disk. Simulated work does not
    /// pause.
    pub fn rest(&self, time: Duration) {
        if !self.is_simulated() {
            std::thread::sleep(time);
        }
    }

    /// Simulates a thread that waits for `wake`. Calls `turn(false)` after a wake-up, and
    /// `turn(true)` after the time `quiet` without one, each after a further delay, until `turn`
    /// returns `false`.
    ///
    /// # Panics
    /// If this is not a simulation: a real thread has a loop of its own.
    pub fn take_turns(
        &self,
        wake: Arc<Notify>,
        quiet: Duration,
        mut turn: impl FnMut(bool) -> bool + Send + 'static,
    ) {
        let Background::Simulated(delays) = self.clone() else { panic!("only simulated work takes turns") };
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
/// The caller keeps the handle and joins the thread when the node stops.
///
/// # Errors
/// The error of the operating system if it cannot start a thread.
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
