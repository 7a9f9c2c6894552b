//! Deterministic simulation: three real nodes in one process, on disks that lose power and a
//! network with cuts and delays. One seed chooses everything.
//!
//! ```text
//! JSONVAULT_SEEDS=1000 cargo nextest run --test sim    1000 seeds instead of 20
//! scripts/sim.sh 17                                    one seed, with its trace
//! ```
//!
//! A node is the product's own code from `cluster::Group` down: consensus, log, snapshots,
//! keyspace, the connections between nodes. Not simulated: the server in front of it, threads (see
//! `env::Background`), full disks, members that leave. `docs/decisions/0006-one-seed-one-run.md`
//! lists the sources of nondeterminism and their replacements.
//!
//! [`scene::Scene`] runs single scenarios; most of them are written as text files, see [`scripts`].
//!
//! Invariant: a seed always produces the same trace, byte for byte.

mod bridge;
mod check;
mod client;
mod disks;
mod faults;
mod history;
mod host;
mod net;
mod operator;
mod panics;
mod run;
mod scene;
mod scripts;

use std::sync::atomic::{AtomicU64, Ordering};

/// Number of seeds of a usual run: they include every kind of fault and take less than a minute.
const SEEDS: u64 = 20;
/// Number of seeds of which at least one must find the planted bug, a disk that lies.
const SEEDS_WITH_LYING_DISK: u64 = 40;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// Runs the seeds on all processors until one fails. Returns that seed with its report.
fn first_failure(seeds: std::ops::Range<u64>, lying_disk: bool) -> Option<(u64, run::Report)> {
    let next = AtomicU64::new(seeds.start);
    let failed = parking_lot::Mutex::new(None);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || failed.lock().is_some() {
                return;
            }
            let report = run::run(seed, lying_disk);
            if report.failure.is_some() {
                *failed.lock() = Some((seed, report));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
        for number in 0..threads {
            let started = std::thread::Builder::new().name(format!("sim-{number}"));
            #[allow(
                clippy::disallowed_methods,
                reason = "several simulations at a time; inside each is one thread"
            )]
            started.spawn_scoped(scope, work).expect("the system can start a thread");
        }
    });
    failed.into_inner()
}

#[test]
fn the_guarantees_hold_under_all_faults() {
    if let Some(seed) = number("JSONVAULT_SEED") {
        let report = run::run(seed, false);
        println!("{}", report.trace.join("\n"));
        assert_eq!(report.failure, None, "seed {seed}");
        return;
    }
    let seeds = number("JSONVAULT_SEEDS").unwrap_or(SEEDS);
    if let Some((seed, report)) = first_failure(0..seeds, false) {
        let failure = report.failure.unwrap_or_default();
        panic!("seed {seed}: {failure}\nrun it again with its trace: scripts/sim.sh {seed}");
    }
}

#[test]
fn a_seed_repeats_itself_and_makes_progress() {
    let seed = number("JSONVAULT_SEED").unwrap_or(7);
    let (one, other) = (run::run(seed, false), run::run(seed, false));
    for (line, (left, right)) in one.trace.iter().zip(&other.trace).enumerate() {
        assert_eq!(left, right, "line {line}");
    }
    assert_eq!(one.trace.len(), other.trace.len());
    assert!(one.acknowledged > 100, "only {} writes were acknowledged", one.acknowledged);
    println!("{} writes, {} snapshots seen", one.acknowledged, one.snapshots);
}

#[test]
fn a_disk_that_lies_about_the_log_is_detected() {
    let found = first_failure(0..SEEDS_WITH_LYING_DISK, true);
    let (seed, report) = found.expect("some seed finds the disk that lies");
    println!("seed {seed}: {}", report.failure.unwrap_or_default());
}
