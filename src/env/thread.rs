//! Threads with a name.
#![allow(clippy::disallowed_methods, reason = "this module is the one door to threads")]

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread that debuggers, `top -H` and panics show under `name` (Linux shows the first 15 bytes).
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
