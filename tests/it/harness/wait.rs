//! Waiting for a condition.

use std::time::{Duration, Instant};

/// When a condition that must come has not, something is broken: far beyond what a loaded machine
/// needs.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// The first `Some` of `probe`, which is asked again and again.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(INTERVAL);
    }
}
