//! Log matching: two entries with the same index and term are equal, and so are all entries before
//! them; and state-machine safety on disk: a committed index holds the same entry everywhere
//! (figure 3 of the Raft paper).
//!
//! The logs are read from the disks of nodes that are off, by the product's own recovery.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use jsonvault::storage::log::{Entry, Log, Options, SEGMENT_BYTES_MIN};
use jsonvault::testkit::SimDisk;

use crate::host::LOG;
use crate::panics;

#[derive(Default)]
pub struct Logs {
    by_position: BTreeMap<(u64, u64), Known>,
    committed: BTreeMap<u64, u64>,
}

struct Known {
    node: u64,
    payload: bytes::Bytes,
    /// The term of the entry before, where a log had it.
    previous: Option<u64>,
}

/// The entries on the disk of a node that is off. None if the log cannot be opened or read: the
/// node itself reports that when it starts.
///
/// # Errors
/// If opening the log panics.
pub fn read(disk: &SimDisk) -> Result<Vec<Entry>, String> {
    let disk = disk.copy().shared();
    let options = Options { segment_bytes: SEGMENT_BYTES_MIN, ..Options::default() };
    let opened = std::panic::catch_unwind(AssertUnwindSafe(|| Log::open(disk, Path::new(LOG), options)));
    match opened {
        Ok(Ok((log, _))) => Ok(log.read(0..u64::MAX, usize::MAX).unwrap_or_default()),
        Ok(Err(_)) => Ok(Vec::new()),
        Err(_) => Err(format!("the recovery of a log panicked: {:?}", panics::first())),
    }
}

impl Logs {
    /// Compares the log of a node with all that were seen before. Its entries up to `applied` are
    /// committed.
    pub fn seen(&mut self, node: u64, entries: &[Entry], applied: Option<u64>) -> Result<(), String> {
        let mut previous = None;
        for Entry { index, term, payload } in entries {
            let at = format!("entry {index} of term {term}");
            let known = self.by_position.entry((*index, *term)).or_insert_with(|| Known {
                node,
                payload: payload.clone(),
                previous,
            });
            if known.payload != *payload {
                return Err(format!("n{} and n{node} have different entries: {at}", known.node));
            }
            if let (Some(theirs), Some(ours)) = (known.previous, previous)
                && theirs != ours
            {
                return Err(format!(
                    "{at} follows term {theirs} at n{} and term {ours} at n{node}",
                    known.node
                ));
            }
            known.previous = known.previous.or(previous);
            if Some(*index) <= applied {
                let committed = *self.committed.entry(*index).or_insert(*term);
                if committed != *term {
                    return Err(format!(
                        "{at} was applied by n{node}, and one of term {committed} elsewhere"
                    ));
                }
            }
            previous = Some(*term);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: &[(u64, u64, &'static str)]) -> Vec<Entry> {
        let entry = |&(index, term, payload): &(u64, u64, &'static str)| Entry {
            index,
            term,
            payload: bytes::Bytes::from_static(payload.as_bytes()),
        };
        entries.iter().map(entry).collect()
    }

    fn both(
        one: &[(u64, u64, &'static str)],
        other: &[(u64, u64, &'static str)],
        applied: u64,
    ) -> Result<(), String> {
        let mut logs = Logs::default();
        logs.seen(1, &log(one), Some(applied)).expect("one log contradicts nothing");
        logs.seen(2, &log(other), Some(applied))
    }

    #[test]
    fn logs_may_differ_after_what_is_committed() {
        let one = [(5, 1, "a"), (6, 1, "b"), (7, 2, "c")];
        assert_eq!(both(&one, &[(6, 1, "b"), (7, 3, "d")], 6), Ok(()));
        assert!(both(&one, &[(6, 1, "b"), (7, 3, "d")], 7).is_err());
    }

    #[test]
    fn entries_that_do_not_match_are_found() {
        let one = [(5, 1, "a"), (6, 1, "b"), (7, 2, "c")];
        assert!(both(&one, &[(7, 2, "other")], 0).is_err());
        assert!(both(&one, &[(6, 2, "b"), (7, 2, "c")], 0).is_err(), "the entry before is another");
    }
}
