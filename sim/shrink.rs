//! Finds the smallest run that still fails: leaves out faults, then clients, as long as any failure
//! remains (delta debugging, Zeller and Hildebrandt, 2002).

use std::collections::BTreeSet;

use crate::plan::Plan;
use crate::run::{self, Report};

/// The most runs that are tried: about a minute.
const RUNS_MAX: usize = 120;

/// A plan that fails, with its report, and how many runs were tried.
pub struct Shrunk {
    pub plan: Plan,
    pub report: Report,
    pub runs: usize,
}

/// Makes a plan that fails smaller.
///
/// # Panics
/// If the report is of a run that did not fail.
pub fn shrink(plan: &Plan, report: Report) -> Shrunk {
    assert!(report.failure.is_some(), "only a failure is made smaller");
    let begun: BTreeSet<usize> = match &plan.faults {
        Some(faults) => faults.clone(),
        // Faults that were not due before the failure do not matter.
        None => (0..report.faults_begun).collect(),
    };
    let mut shrunk = Shrunk { plan: plan.clone(), report, runs: 0 };
    let clients = plan.clients;
    let with = |faults: &BTreeSet<usize>| Plan { faults: Some(faults.clone()), ..plan.clone() };
    let kept = smallest(&begun, |faults| shrunk.fails(with(faults)));
    for fewer in 1..clients {
        if shrunk.fails(Plan { clients: fewer, ..with(&kept) }) {
            break;
        }
    }
    shrunk
}

impl Shrunk {
    /// Runs a plan, and keeps it if it fails. Returns whether it did; `false` without a run once
    /// [`RUNS_MAX`] were tried.
    fn fails(&mut self, plan: Plan) -> bool {
        if self.runs == RUNS_MAX {
            return false;
        }
        self.runs += 1;
        let report = run::run(&plan);
        let fails = report.failure.is_some();
        if fails {
            (self.plan, self.report) = (plan, report);
        }
        fails
    }
}

/// A subset for which the test still holds, and from which no single member can be taken away.
fn smallest(all: &BTreeSet<usize>, mut holds: impl FnMut(&BTreeSet<usize>) -> bool) -> BTreeSet<usize> {
    let mut kept: Vec<usize> = all.iter().copied().collect();
    let mut parts = 2;
    while !kept.is_empty() {
        let size = kept.len().div_ceil(parts);
        let without = |part: usize| {
            let range = part * size..(part + 1) * size;
            kept.iter().enumerate().filter(|(at, _)| !range.contains(at)).map(|(_, fault)| *fault).collect()
        };
        let fewer = (0..kept.len().div_ceil(size)).map(without).find(&mut holds);
        match fewer {
            Some(fewer) => {
                kept = fewer.into_iter().collect();
                parts = parts.saturating_sub(1).max(2);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(kept.len()),
        }
    }
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_is_needed() {
        let needed = BTreeSet::from([3, 17, 18]);
        let mut tries = 0;
        let found = smallest(&(0..40).collect(), |some| {
            tries += 1;
            needed.is_subset(some)
        });
        assert_eq!(found, needed);
        assert!(tries < 60, "{tries} tries");
        assert_eq!(smallest(&needed, |_| true), BTreeSet::new(), "a failure without any fault");
    }
}
