//! The open load: batches are due at fixed times, whether or not earlier ones were answered.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::closed::finish;
use crate::connection::{Buffer, Connection};
use crate::options::Options;
use crate::report::Tally;
use crate::template::Text;

/// A connection with a task that receives. The task of the schedule sends.
struct Line {
    connection: Connection,
    /// Tells the receiving task that something is unsent, or that the schedule has ended.
    wake: Notify,
    is_over: Cell<bool>,
}

struct Run {
    tally: RefCell<Tally>,
    buffer: RefCell<Buffer>,
}

pub async fn run(options: &Options, rate: f64) -> Outcome<Tally> {
    let mut lines = Vec::new();
    for _ in 0..options.clients {
        let connection = Connection::open(&options.address).await?;
        lines.push(Rc::new(Line { connection, wake: Notify::new(), is_over: Cell::new(false) }));
    }
    let run = Rc::new(Run { tally: RefCell::default(), buffer: RefCell::new(Buffer::new()) });
    let mut tasks = JoinSet::new();
    for line in &lines {
        tasks.spawn_local(receive(line.clone(), run.clone()));
    }
    let request = Text::request(&options.words);
    let mut numbers = options.numbers.start();
    let begun = Instant::now();
    let paced = pace(options, rate, |batch, due| {
        let line = &lines[(batch % lines.len() as u64) as usize];
        for _ in 0..options.pipeline {
            line.connection.queue(&request, numbers.next(), due);
        }
        run.tally.borrow_mut().sent(due, Instant::now());
        line.connection.send()?;
        if line.connection.has_unsent() {
            line.wake.notify_one();
        }
        Ok(())
    });
    // A connection that ends during the schedule ends the run: its task says why.
    tokio::select! {
        paced = paced => paced?,
        Some(ended) = tasks.join_next() => { ended??; }
    }
    for line in &lines {
        line.is_over.set(true);
        line.wake.notify_one();
    }
    finish(tasks, &run.tally, begun).await
}

async fn receive(line: Rc<Line>, run: Rc<Run>) -> io::Result<()> {
    while !(line.is_over.get() && line.connection.is_idle()) {
        tokio::select! {
            ready = line.connection.ready() => {
                ready?;
                line.connection.send()?;
                line.connection.receive(&mut run.buffer.borrow_mut(), &mut run.tally.borrow_mut())?;
            }
            () = line.wake.notified() => {}
        }
    }
    Ok(())
}

/// Calls `send` for each batch when the batch is due, with its number and that moment.
///
/// The moments are evenly spaced. If the driver falls behind, it sends what is due at once.
pub async fn pace(
    options: &Options,
    rate: f64,
    mut send: impl FnMut(u64, Instant) -> io::Result<()>,
) -> io::Result<()> {
    let interval = options.pipeline as f64 / rate;
    let batches = match options.time {
        Some(time) => (time.as_secs_f64() / interval).ceil() as u64,
        None => options.requests.div_ceil(options.pipeline),
    };
    let timer = Timer::new()?;
    let begun = Instant::now();
    for batch in 0..batches {
        let due = begun + Duration::from_secs_f64(batch as f64 * interval);
        let now = Instant::now();
        if due > now {
            timer.wait(due - now).await?;
        } else {
            // Replies are read even if the schedule never waits.
            tokio::task::yield_now().await;
        }
        send(batch, due)?;
    }
    Ok(())
}

/// A timer with the precision of the kernel; tokio's timers have a precision of a millisecond.
struct Timer(AsyncFd<Descriptor>);

struct Descriptor(TimerFd);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Timer {
    fn new() -> io::Result<Timer> {
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        #[expect(deprecated, reason = "its replacement is unsafe; a descriptor lives as long as its TimerFd")]
        Ok(Timer(AsyncFd::new(Descriptor(timer))?))
    }

    async fn wait(&self, time: Duration) -> io::Result<()> {
        // A time of 0 would stop the timer.
        let time = TimeSpec::from_duration(time.max(Duration::from_nanos(1)));
        self.0.get_ref().0.set(Expiration::OneShot(time), TimerSetTimeFlags::empty())?;
        let mut guard = self.0.readable().await?;
        self.0.get_ref().0.wait()?;
        guard.clear_ready();
        Ok(())
    }
}
