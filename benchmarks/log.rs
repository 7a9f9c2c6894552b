//! Measures the log on this machine's disk: `cargo bench --bench log [-- DIRECTORY]`.
//!
//! Prints quantiles, because a shared disk has outliers that are not caused by the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use bytes::Bytes;
use jsonvault::env::{Clock, Disk, Open, RealDisk, SystemClock};
use jsonvault::storage::{Entry, Log, Options};

const PAYLOAD_BYTES: usize = 250;
const SMALL_BYTES: usize = 64;
const BATCHES: usize = 3000;
const REOPENED: u64 = 1_000_000;

fn main() {
    let parent = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).map(PathBuf::from);
    let parent = parent.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"));
    let temporary = tempfile::tempdir_in(parent).expect("a directory to write to");
    let clock = SystemClock::new();
    bare(&clock, temporary.path());
    appends(&clock, temporary.path(), "single, inline", 1, true);
    appends(&clock, temporary.path(), "single, writer thread", 1, false);
    appends(&clock, temporary.path(), "batch of 64, inline", 64, true);
    appends(&clock, temporary.path(), "batch of 64, writer thread", 64, false);
    pipelined(&clock, temporary.path());
    reopening(&clock, temporary.path());
}

fn timed<T>(clock: &SystemClock, run: impl FnOnce() -> T) -> (Duration, T) {
    let start = clock.elapsed();
    let result = run();
    (clock.elapsed() - start, result)
}

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{name:34} median {:>9.1?}  p99 {:>9.1?}  p99.9 {:>9.1?}", at(0.5), at(0.99), at(0.999));
}

/// Measures the disk itself: writes into existing blocks, each with a sync.
fn bare(clock: &SystemClock, dir: &Path) {
    for (name, bytes) in [("bare write and sync of 288 bytes", 288), ("the same of 18 kB", 64 * 288)] {
        let path = dir.join("bare");
        let file = RealDisk.open(&path, Open::Create).expect("a new file");
        file.zero_fill(0, 64 << 20).expect("room on the disk");
        let block = vec![7; bytes];
        let write = |at: usize| {
            file.write_all_at(&block, (at * bytes) as u64).expect("a working disk");
            file.sync_data().expect("a working disk");
        };
        report(name, (0..BATCHES).map(|at| timed(clock, || write(at)).0).collect());
        RealDisk.remove(&path).expect("a file of ours");
    }
}

fn open(dir: &Path, name: &str) -> Log {
    let path = dir.join(name);
    RealDisk.create_dir_all(&path).expect("a new directory");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    Log::open(disk, &path, Options::default()).expect("a log").0
}

fn batch(first: u64, count: usize, bytes: usize) -> Vec<Entry> {
    let payload = Bytes::from(vec![b'x'; bytes]);
    (first..).take(count).map(|index| Entry { index, term: 1, payload: payload.clone() }).collect()
}

fn append(log: &Log, entries: Vec<Entry>) {
    let (sender, receiver) = sync_channel(1);
    log.append(entries, move |result| drop(sender.send(result)));
    receiver.recv().expect("an outcome").expect("a working disk");
}

fn appends(clock: &SystemClock, dir: &Path, name: &str, count: usize, inline: bool) {
    let log = open(dir, name);
    log.set_inline(inline);
    let batches = (0..BATCHES).map(|at| batch((at * count) as u64, count, PAYLOAD_BYTES));
    report(name, batches.map(|entries| timed(clock, || append(&log, entries)).0).collect());
}

/// Measures single entries with a hundred in flight at any time, which shows the gain of one sync
/// for all waiting entries.
fn pipelined(clock: &SystemClock, dir: &Path) {
    let log = open(dir, "pipelined");
    log.set_inline(false);
    let (sender, receiver) = sync_channel(1000);
    let total = 200_000u64;
    let (time, ()) = timed(clock, || {
        for index in 0..total {
            let sender = sender.clone();
            log.append(batch(index, 1, PAYLOAD_BYTES), move |result| drop(sender.send(result)));
            if index >= 100 {
                receiver.recv().expect("an outcome").expect("a working disk");
            }
        }
    });
    let stats = log.stats();
    let rate = total as f64 / time.as_secs_f64();
    println!(
        "{:34} {rate:.0} entries/s, {:.1} a sync",
        "single, 100 in flight",
        total as f64 / stats.syncs as f64
    );
}

fn reopening(clock: &SystemClock, dir: &Path) {
    let log = open(dir, "reopened");
    for first in (0..REOPENED).step_by(1000) {
        append(&log, batch(first, 1000, SMALL_BYTES));
    }
    log.close().expect("a working disk");
    drop(log);
    let times = (0..5).map(|_| {
        let (time, log) = timed(clock, || open(dir, "reopened"));
        assert_eq!(log.last(), Some((REOPENED - 1, 1)));
        time
    });
    report("opening a million entries", times.collect());
}
