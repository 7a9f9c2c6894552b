//! Waits for conditions.

use std::time::{Duration, Instant};

/// Maximum wait for a condition. It is far longer than a loaded machine needs, so exceeding it
/// means that there is a bug.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The poll interval.
const INTERVAL: Duration = Duration::from_millis(10);

/// Polls `probe` until it returns `Some`.
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
