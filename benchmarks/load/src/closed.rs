//! The closed load: each connection sends its next batch when the last one is answered.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::Outcome;
use crate::connection::{Buffer, Connection};
use crate::options::{Numbers, Options};
use crate::report::{Tally, watch};
use crate::template::Text;

/// What the tasks of a run share.
struct Run {
    request: Text,
    pipeline: u64,
    quota: Quota,
    numbers: RefCell<Numbers>,
    tally: RefCell<Tally>,
    buffer: RefCell<Buffer>,
}

/// When a run ends: after a time, or after a number of requests.
pub struct Quota {
    end: Option<Instant>,
    left: Cell<u64>,
}

impl Quota {
    pub fn new(options: &Options, begun: Instant) -> Quota {
        Quota { end: options.time.map(|time| begun + time), left: Cell::new(options.requests) }
    }

    /// Takes a batch of this many requests at this moment. Returns whether the run goes on with the
    /// batch.
    pub fn take(&self, requests: u64, now: Instant) -> bool {
        if let Some(end) = self.end {
            return now < end;
        }
        let left = self.left.get();
        self.left.set(left.saturating_sub(requests));
        left > 0
    }
}

pub async fn run(options: &Options) -> Outcome<Tally> {
    let mut connections = Vec::new();
    for _ in 0..options.clients {
        connections.push(Connection::open(&options.address).await?);
    }
    let begun = Instant::now();
    let run = Rc::new(Run {
        request: Text::request(&options.words),
        pipeline: options.pipeline,
        quota: Quota::new(options, begun),
        numbers: RefCell::new(options.numbers.start()),
        tally: RefCell::default(),
        buffer: RefCell::new(Buffer::new()),
    });
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn_local(converse(connection, run.clone()));
    }
    finish(tasks, &run.tally, begun).await
}

/// Waits for all tasks of a run that began at `begun`, and returns what they have counted.
///
/// # Errors
/// The error of the first task that fails, or a time-out if the server stops answering.
pub async fn finish(
    mut tasks: JoinSet<io::Result<()>>,
    tally: &RefCell<Tally>,
    begun: Instant,
) -> Outcome<Tally> {
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Outcome::Ok(())
    };
    tokio::select! {
        all = all => all?,
        hung = watch(tally) => return Err(hung.into()),
    }
    let mut tally = tally.take();
    tally.end(begun);
    Ok(tally)
}

async fn converse(connection: Connection, run: Rc<Run>) -> io::Result<()> {
    loop {
        let now = Instant::now();
        if !run.quota.take(run.pipeline, now) {
            return Ok(());
        }
        for _ in 0..run.pipeline {
            let number = run.numbers.borrow_mut().next();
            connection.queue(&run.request, number, now);
        }
        connection.send()?;
        while !connection.is_idle() {
            connection.ready().await?;
            connection.send()?;
            connection.receive(&mut run.buffer.borrow_mut(), &mut run.tally.borrow_mut())?;
        }
    }
}
