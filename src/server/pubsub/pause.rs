//! `CLIENT PAUSE`: holds commands back for a while.
//!
//! Invariants:
//! * `active` changes only while `state` is locked, and is true from the beginning of a pause until
//!   a command finds it over;
//! * after [`Pause::disable`] no pause begins.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Maximum length of a pause, so that a mistyped number cannot hold back clients for years.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 3600);

/// The current pause of client commands, if any.
#[derive(Debug, Default)]
pub struct Pause {
    /// Whether there is a pause, so that a command takes no lock if there is none.
    active: AtomicBool,
    state: Mutex<PauseState>,
    over: Notify,
}

#[derive(Debug, Default)]
struct PauseState {
    current: Option<ActivePause>,
    /// Set when the node is stopping: no further pause can begin.
    disabled: bool,
}

#[derive(Clone, Copy, Debug)]
struct ActivePause {
    until: Instant,
    writes_only: bool,
}

impl Pause {
    /// Begins a pause. A second pause neither shortens the first one nor lets more commands pass.
    pub fn begin(&self, millis: u64, writes_only: bool) {
        let mut state = self.state.lock();
        if state.disabled {
            return;
        }
        let until = Instant::now() + Duration::from_millis(millis).min(PAUSE_MAX);
        let before = state.current.filter(|before| before.until > Instant::now());
        state.current = Some(match before {
            Some(before) => {
                ActivePause { until: before.until.max(until), writes_only: before.writes_only && writes_only }
            }
            None => ActivePause { until, writes_only },
        });
        self.active.store(true, Ordering::Release);
    }

    pub fn end(&self) {
        self.end_locked(&mut self.state.lock());
    }

    /// Ends the pause and prevents later ones.
    pub fn disable(&self) {
        let mut state = self.state.lock();
        state.disabled = true;
        self.end_locked(&mut state);
    }

    fn end_locked(&self, state: &mut PauseState) {
        state.current = None;
        self.active.store(false, Ordering::Release);
        self.over.notify_waiters();
    }

    #[inline]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// Whether a command has to wait now; `writes`: whether the command writes.
    pub fn holds(&self, writes: bool) -> bool {
        self.until(writes).is_some()
    }

    /// The time until which a command has to wait; `writes`: whether the command writes.
    fn until(&self, writes: bool) -> Option<Instant> {
        let mut guard = self.state.lock();
        let state = guard.current?;
        assert!(!guard.disabled, "a stopping node has no pause");
        if state.until <= Instant::now() {
            self.end_locked(&mut guard);
            return None;
        }
        (writes || !state.writes_only).then_some(state.until)
    }

    /// Returns when a command may continue; `writes`: whether the command writes.
    pub async fn wait(&self, writes: bool) {
        loop {
            let over = self.over.notified();
            let Some(until) = self.until(writes) else { return };
            tokio::select! {
                biased;
                () = over => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn writes_wait_and_reads_do_not() {
        let pause = Pause::default();
        assert!(!pause.is_active());
        pause.begin(1000, true);
        pause.wait(false).await;
        let begun = Instant::now();
        pause.wait(true).await;
        assert!(begun.elapsed() >= Duration::from_secs(1) && !pause.is_active());
        pause.begin(u64::MAX, false);
        pause.begin(1, true);
        assert!(pause.until(false).is_some(), "a second pause does not let more commands pass");
        pause.end();
        pause.wait(true).await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_command_waits_once_the_node_stops() {
        let pause = Pause::default();
        pause.begin(u64::MAX, false);
        let begun = Instant::now();
        tokio::join!(pause.wait(true), async { pause.disable() });
        pause.begin(u64::MAX, false);
        pause.wait(true).await;
        assert!(begun.elapsed().is_zero() && !pause.is_active());
    }
}
