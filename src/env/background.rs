//! Where work goes that would hold up a task: to threads, or, in a simulation, behind delays that a seed chooses.
//!
//! Invariant: simulated, nothing leaves the thread of its caller, and what runs when depends on the seed alone.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::random::Random;

/// The longest that simulated work waits before it is done: as a busy disk may make it wait.
const DELAY_MICROSECONDS_MAX: u64 = 8_000;

/// Where blocking work is done. A clone is the same place.
#[derive(Clone, Default)]
pub enum Background {
    /// On threads of its own, at once.
    #[default]
    Threads,
    /// By a task of the runtime that asks for it, after a while.
    Simulated(Arc<Simulated>),
}

#[derive(Debug)]
pub struct Simulated {
    random: Mutex<Random>,
    planted_bug: bool,
}

impl fmt::Debug for Background {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Background::Threads => "Threads",
            Background::Simulated(_) => "Simulated",
        })
    }
}

impl Background {
    pub fn simulated(seed: u64) -> Background {
        Background::Simulated(Arc::new(Simulated {
            random: Mutex::new(Random::seeded(seed)),
            planted_bug: false,
        }))
    }

    /// As [`Background::simulated`], with a mistake planted: the log says that entries are durable before it has
    /// written them. A simulation that does not find it out is worth nothing.
    pub fn with_planted_bug(seed: u64) -> Background {
        Background::Simulated(Arc::new(Simulated {
            random: Mutex::new(Random::seeded(seed)),
            planted_bug: true,
        }))
    }

    pub fn has_planted_bug(&self) -> bool {
        matches!(self, Background::Simulated(simulated) if simulated.planted_bug)
    }

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
            Background::Simulated(simulated) => {
                wait(&simulated.random).await;
                Ok(work())
            }
        }
    }

    /// Rests a thread in the middle of long work, for others to have the disk. Simulated work takes no time.
    pub fn rest(&self, time: Duration) {
        if !self.is_simulated() {
            std::thread::sleep(time);
        }
    }

    /// Simulates a thread that waits for `wake`: calls `turn` a while after each, and after `quiet` without one, until
    /// it says that it is done. `turn` is told whether it was quiet.
    ///
    /// # Panics
    /// If this is not simulated: a thread has its own loop.
    pub fn take_turns(
        &self,
        wake: Arc<Notify>,
        quiet: Duration,
        mut turn: impl FnMut(bool) -> bool + Send + 'static,
    ) {
        let Background::Simulated(simulated) = self.clone() else { panic!("threads do not take turns") };
        tokio::spawn(async move {
            loop {
                let was_quiet = tokio::time::timeout(quiet, wake.notified()).await.is_err();
                wait(&simulated.random).await;
                if !turn(was_quiet) {
                    return;
                }
            }
        });
    }
}

async fn wait(random: &Mutex<Random>) {
    let delay = {
        let mut random = random.lock();
        // Mostly short, and now and then long.
        if random.one_in(4) { random.below(DELAY_MICROSECONDS_MAX) } else { random.below(500) }
    };
    tokio::time::sleep(Duration::from_micros(delay)).await;
}
