//! The tests that run seeds.
//!
//! | variable | |
//! |---|---|
//! | `JSONVAULT_SEEDS` | how many seeds run |
//! | `JSONVAULT_FIRST_SEED` | the first of them |
//! | `JSONVAULT_MISTAKE_SEEDS` | among how many seeds each planted bug must be found |
//! | `JSONVAULT_SEED` | run this one seed, and print its trace |
//! | `JSONVAULT_FAULTS`, `JSONVAULT_CLIENTS`, `JSONVAULT_MISTAKE` | with only these faults, this many clients, this planted bug |
//! | `JSONVAULT_HISTORY` | the directory for the histories of runs that fail (default: `target/tmp/histories`); if it is set, `JSONVAULT_SEED` leaves its history there too |
//! | `JSONVAULT_CHECK` | a history to check instead of simulating |

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::checkers;
use crate::history::History;
use crate::plan::{Plan, number};
use crate::run::{self, Report};
use crate::shrink::shrink;

/// How many lines from the end of a trace a failure shows, those about clients not counted.
const LINES_SHOWN: usize = 60;
/// Enough for every kind of fault, within a minute.
const SEEDS: u64 = 20;

/// Runs the plan of each seed, on all processors, until one fails. Returns that plan with its
/// report; `None` if none fails.
pub fn first_failure(
    seeds: std::ops::Range<u64>,
    plan: impl Fn(u64) -> Plan + Sync,
) -> Option<(Plan, Report)> {
    let next = AtomicU64::new(seeds.start);
    let failed = parking_lot::Mutex::new(None);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || failed.lock().is_some() {
                return;
            }
            let plan = plan(seed);
            let report = run::run(&plan);
            if report.failure.is_some() {
                *failed.lock() = Some((plan, report));
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

/// The directory that `JSONVAULT_HISTORY` names.
fn requested() -> Option<PathBuf> {
    std::env::var_os("JSONVAULT_HISTORY").map(PathBuf::from)
}

/// Writes the history of a run. Returns where it is.
#[allow(clippy::disallowed_methods, reason = "a test's own files")]
fn keep(plan: &Plan, history: &History) -> PathBuf {
    let dir = requested().unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("histories"));
    let path = dir.join(format!("seed-{}.jsonl", plan.seed));
    std::fs::create_dir_all(&dir).expect("the directory for histories can be made");
    std::fs::write(&path, history.to_jsonl()).expect("a history can be written");
    path
}

/// Whether a line of a trace is about a client.
fn is_of_a_client(line: &str) -> bool {
    let word = line.split_whitespace().nth(1).and_then(|word| word.strip_prefix('c'));
    word.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// Makes a run that fails as small as possible, and describes both the original and the small one.
fn explain(plan: &Plan, report: Report) -> String {
    let failure = report.failure.clone().unwrap_or_default();
    let kept = keep(plan, &report.history);
    let small = shrink(plan, report);
    let lines: Vec<&str> =
        small.report.trace.iter().map(String::as_str).filter(|line| !is_of_a_client(line)).collect();
    let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    format!(
        "seed {}: {failure}\nrun it again with its trace: {}\nhistory: {}\nafter {} runs, the smallest that fails: {}\n{}",
        plan.seed,
        plan.command(),
        kept.display(),
        small.runs,
        small.plan.command(),
        shown.join("\n")
    )
}

#[test]
fn the_guarantees_hold_under_all_faults() {
    if let Some(plan) = Plan::from_environment() {
        let report = run::run(&plan);
        println!("{}", report.trace.join("\n"));
        if requested().is_some() || report.failure.is_some() {
            println!("history: {}", keep(&plan, &report.history).display());
        }
        assert_eq!(report.failure, None, "{}", plan.command());
        return;
    }
    let first = number("JSONVAULT_FIRST_SEED").unwrap_or(0);
    let seeds = first..first + number("JSONVAULT_SEEDS").unwrap_or(SEEDS);
    if let Some((plan, report)) = first_failure(seeds, Plan::of) {
        panic!("{}", explain(&plan, report));
    }
}

#[test]
fn a_seed_repeats_itself_and_makes_progress() {
    let seed = number("JSONVAULT_SEED").unwrap_or(7);
    let (one, other) = (run::run(&Plan::of(seed)), run::run(&Plan::of(seed)));
    for (line, (left, right)) in one.trace.iter().zip(&other.trace).enumerate() {
        assert_eq!(left, right, "line {line}");
    }
    assert_eq!(one.trace.len(), other.trace.len());
    assert_eq!(one.history.to_jsonl(), other.history.to_jsonl());
    let operations = one.history.events.iter();
    let done = operations.filter(|event| event.outcome().is_some_and(crate::history::Outcome::is_ok)).count();
    assert!(done > 100, "more than 100 operations succeed, not {done}");
    let (appends, snapshots, undecided) = (one.acknowledged, one.snapshots, &one.undecided);
    println!("{done} operations, {appends} appends, {snapshots} snapshots seen, not decided: {undecided:?}");
}

#[test]
fn a_history_is_judged_as_well_from_its_file() {
    let report = run::run(&Plan::of(number("JSONVAULT_SEED").unwrap_or(3)));
    let history = History::from_jsonl(&report.history.to_jsonl()).expect("a run writes what can be read");
    assert_eq!(checkers::check(&history, 0), checkers::check(&report.history, 0));
}

/// Checks a file that any harness has written.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own files")]
fn a_history_from_elsewhere_is_checked() {
    let Some(path) = std::env::var_os("JSONVAULT_CHECK") else { return };
    let text = std::fs::read_to_string(path).expect("the history can be read");
    let history = History::from_jsonl(&text).expect("the file is a history");
    let undecided = checkers::check(&history, 0);
    println!("{} operations; not decided: {:?}", history.events.len(), undecided.expect("no rule is broken"));
}
