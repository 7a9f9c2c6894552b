//! Linearizability: there is one order of all operations of a key that respects real time, and in
//! which each has the outcome that it had.
//!
//! The search is that of Wing and Gong, with Lowe's memory of what was tried. Keys are independent
//! of each other, so each is searched alone. An operation whose outcome is not known may take
//! effect at any time after its invocation, or never.

use std::collections::{BTreeSet, HashSet};

use crate::history::{Event, History, Operation, Outcome};

/// The most configurations that are searched for one key, which takes some seconds.
const CONFIGURATIONS_MAX: usize = 1_000_000;

/// The state of a key: what an array, string, counter, list or set holds; a set is sorted.
type State = Vec<u64>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Linearizable,
    /// No order exists; says how many operations have no place in the best attempt.
    Violated(String),
    /// The search took too long.
    Undecided,
}

/// Checks each key of a history that has operations of a known model. Returns the keys that could
/// not be decided.
///
/// # Errors
/// The first key for which no order exists.
pub fn check(history: &History) -> Result<Vec<usize>, String> {
    let keys: BTreeSet<usize> =
        history.events.iter().filter(|event| is_modelled(event)).map(|e| e.key).collect();
    let mut undecided = Vec::new();
    for key in keys {
        match judge(history, key) {
            Verdict::Linearizable => {}
            Verdict::Violated(reason) => return Err(format!("k{key} is not linearizable: {reason}")),
            Verdict::Undecided => undecided.push(key),
        }
    }
    Ok(undecided)
}

pub fn judge(history: &History, key: usize) -> Verdict {
    let events: Vec<&Event> =
        history.of_key(key).filter(|event| is_modelled(event) && !is_unseen(history, event)).collect();
    Search::new(events).run()
}

/// Whether the model knows the operation, and the operation was not refused.
fn is_modelled(event: &Event) -> bool {
    let known = !matches!(
        event.operation,
        Operation::ReadLocal
            | Operation::SetFor(..)
            | Operation::ReadSet
            | Operation::ReadSetLeased
            | Operation::Transact(_)
            | Operation::Watched(_)
            | Operation::Publish(_)
    );
    known && !matches!(event.outcome(), Some(Outcome::Refused(_)))
}

/// Whether an operation without a known outcome left no trace, so that it may be left out: a number
/// that is not in the final array, or a read.
fn is_unseen(history: &History, event: &Event) -> bool {
    if event.ended() != u64::MAX {
        return false;
    }
    match event.operation {
        Operation::Append(number) => history.last_list(event.key).is_some_and(|list| !list.contains(&number)),
        // Reads without an outcome tell nothing.
        Operation::Read | Operation::ReadLeased | Operation::Get => true,
        Operation::Count | Operation::Elements | Operation::Members => true,
        _ => false,
    }
}

/// The state after an operation; `None` if it cannot have had this outcome.
fn apply(state: &State, operation: &Operation, outcome: Option<&Outcome>) -> Option<State> {
    let (next, expected) = match operation {
        Operation::Append(number) | Operation::Push(number) => {
            let next: State = state.iter().copied().chain([*number]).collect();
            let length = next.len();
            (next, Outcome::Appended(length))
        }
        Operation::Read | Operation::ReadLeased | Operation::Elements | Operation::Members => {
            (state.clone(), Outcome::List(state.clone()))
        }
        Operation::Put(number) => (vec![*number], Outcome::Done),
        Operation::Remove => (Vec::new(), Outcome::Number(state.len() as u64)),
        Operation::Get => (state.clone(), Outcome::Value(state.first().copied())),
        Operation::Increment => {
            let next = state.first().copied().unwrap_or(0) + 1;
            (vec![next], Outcome::Number(next))
        }
        Operation::Count => (state.clone(), Outcome::Number(state.first().copied().unwrap_or(0))),
        Operation::Shift => {
            let next = state.get(1..).unwrap_or_default().to_vec();
            (next, Outcome::Value(state.first().copied()))
        }
        Operation::Include(number) => match state.binary_search(number) {
            Ok(_) => (state.clone(), Outcome::Number(0)),
            Err(at) => {
                let mut next = state.clone();
                next.insert(at, *number);
                (next, Outcome::Number(1))
            }
        },
        Operation::Exclude(number) => match state.binary_search(number) {
            Ok(at) => {
                let mut next = state.clone();
                next.remove(at);
                (next, Outcome::Number(1))
            }
            Err(_) => (state.clone(), Outcome::Number(0)),
        },
        other => unreachable!("{other:?} has no model"),
    };
    outcome.is_none_or(|outcome| *outcome == expected).then_some(next)
}

struct Search<'a> {
    /// In the order of their invocations.
    events: Vec<&'a Event>,
    ordered: Vec<u64>,
    /// The operations with a known outcome that have no place yet.
    left: usize,
    seen: HashSet<(Vec<u64>, State)>,
}

/// A configuration: the state after the operations up to `last`, and the next to be tried.
struct Frame {
    state: State,
    last: Option<usize>,
    next: usize,
}

impl<'a> Search<'a> {
    fn new(mut events: Vec<&'a Event>) -> Search<'a> {
        events.sort_by_key(|event| event.invoked);
        let left = events.iter().filter(|event| event.ended() != u64::MAX).count();
        let ordered = vec![0; events.len().div_ceil(64)];
        Search { events, ordered, left, seen: HashSet::new() }
    }

    fn has(&self, at: usize) -> bool {
        self.ordered[at / 64] & (1 << (at % 64)) != 0
    }

    fn toggle(&mut self, at: usize) {
        let placed = !self.has(at);
        self.ordered[at / 64] ^= 1 << (at % 64);
        if self.events[at].ended() != u64::MAX {
            self.left = if placed { self.left - 1 } else { self.left + 1 };
        }
    }

    /// The first operation from `from` on that may come next: it was invoked before any operation
    /// without a place had ended.
    fn candidate(&self, from: usize) -> Option<usize> {
        let mut bound = u64::MAX;
        for at in 0..self.events.len() {
            let event = self.events[at];
            if event.invoked > bound {
                return None;
            }
            if self.has(at) {
                continue;
            }
            bound = bound.min(event.ended());
            if at >= from && !self.is_like_an_earlier_one(at) {
                return Some(at);
            }
        }
        None
    }

    /// Whether an earlier operation is equal, and neither has a known outcome or a place: to try
    /// the earlier one is enough.
    fn is_like_an_earlier_one(&self, at: usize) -> bool {
        let is_open = |at: usize| self.events[at].ended() == u64::MAX && !self.has(at);
        let same = |other: usize| is_open(other) && self.events[other].operation == self.events[at].operation;
        is_open(at) && (0..at).any(same)
    }

    fn run(mut self) -> Verdict {
        let mut best = (self.left + 1, None);
        let mut frames = vec![Frame { state: State::new(), last: None, next: 0 }];
        while let Some(frame) = frames.last_mut() {
            if self.left == 0 {
                return Verdict::Linearizable;
            }
            if self.seen.len() > CONFIGURATIONS_MAX {
                return Verdict::Undecided;
            }
            let Some(at) = self.candidate(frame.next) else {
                if self.left < best.0 {
                    best = (self.left, self.candidate(0));
                }
                let last = frames.pop().and_then(|frame| frame.last);
                last.into_iter().for_each(|last| self.toggle(last));
                continue;
            };
            frame.next = at + 1;
            let event = self.events[at];
            let known = event.outcome().filter(|_| event.ended() != u64::MAX);
            let Some(state) = apply(&frame.state, &event.operation, known) else { continue };
            self.toggle(at);
            match self.seen.insert((self.ordered.clone(), state.clone())) {
                true => frames.push(Frame { state, last: Some(at), next: 0 }),
                false => self.toggle(at),
            }
        }
        let stuck = best.1.map(|at| self.events[at]);
        let shown =
            stuck.map(|event| format!("{:?} of c{} at {}", event.operation, event.client, event.invoked));
        Verdict::Violated(format!("{} operations fit nowhere, such as {}", best.0, shown.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history of one key. A line has a mark, a client, an operation and its outcome. `(` invokes
    /// the operation and `)` completes it, so that others may overlap it. Without an outcome it
    /// stays open.
    fn history(lines: &[(&str, usize, Operation, Option<Outcome>)]) -> History {
        let mut history = History::default();
        let mut open = std::collections::BTreeMap::new();
        for (what, client, operation, outcome) in lines {
            if what.contains('(') {
                open.insert(*client, history.invoke(*client, 0, 0, operation.clone()));
            }
            if let (true, Some(outcome)) = (what.contains(')'), outcome) {
                history.complete(open[client], outcome.clone());
            }
        }
        history
    }

    fn verdict(lines: &[(&str, usize, Operation, Option<Outcome>)]) -> Verdict {
        judge(&history(lines), 0)
    }

    fn value(number: u64) -> Option<Outcome> {
        Some(Outcome::Value(Some(number)))
    }

    #[test]
    fn a_stale_read_is_found_and_a_concurrent_one_is_fine() {
        let write = |n| ("()", 0, Operation::Put(n), Some(Outcome::Done));
        let read = |n| ("()", 1, Operation::Get, value(n));
        assert_eq!(verdict(&[write(1), read(1), write(2), read(2)]), Verdict::Linearizable);
        assert!(matches!(verdict(&[write(1), write(2), read(1)]), Verdict::Violated(_)));
        let begin = ("(", 0, Operation::Put(2), None);
        let end = (")", 0, Operation::Put(2), Some(Outcome::Done));
        assert_eq!(verdict(&[write(1), begin.clone(), read(1), read(2), end.clone()]), Verdict::Linearizable);
        assert!(matches!(verdict(&[write(1), begin, read(2), read(1), end]), Verdict::Violated(_)));
    }

    #[test]
    fn an_uncertain_write_may_take_effect_late_or_never_and_not_twice() {
        let unknown = Some(Outcome::Unknown(String::new()));
        let uncertain = ("()", 0, Operation::Increment, unknown);
        let count = |n| ("()", 1, Operation::Count, Some(Outcome::Number(n)));
        let increment = |n| ("()", 2, Operation::Increment, Some(Outcome::Number(n)));
        let with = |rest: &[(&'static str, usize, Operation, Option<Outcome>)]| {
            verdict(&[std::slice::from_ref(&uncertain), rest].concat())
        };
        assert_eq!(with(&[count(0), count(0)]), Verdict::Linearizable);
        assert_eq!(with(&[count(0), increment(1), count(2)]), Verdict::Linearizable);
        assert_eq!(with(&[increment(2), count(2)]), Verdict::Linearizable);
        let unseen = ("()", 0, Operation::Put(7), Some(Outcome::Unknown(String::new())));
        let remove = |removed| ("()", 1, Operation::Remove, Some(Outcome::Number(removed)));
        assert_eq!(verdict(&[unseen.clone(), remove(1), remove(0)]), Verdict::Linearizable);
        assert!(matches!(verdict(&[unseen, remove(1), remove(1)]), Verdict::Violated(_)));
        assert!(matches!(with(&[count(1), increment(3)]), Verdict::Violated(_)));
        assert!(matches!(with(&[count(1), count(0)]), Verdict::Violated(_)));
    }

    #[test]
    fn lists_and_sets_follow_their_models() {
        let push = |n, length| ("()", 0, Operation::Push(n), Some(Outcome::Appended(length)));
        let shift = |n| ("()", 1, Operation::Shift, value(n));
        let all = |list: &[u64]| ("()", 1, Operation::Elements, Some(Outcome::List(list.to_vec())));
        assert_eq!(verdict(&[push(7, 1), push(8, 2), shift(7), all(&[8])]), Verdict::Linearizable);
        assert!(matches!(verdict(&[push(7, 1), push(8, 2), shift(8)]), Verdict::Violated(_)));
        assert!(matches!(verdict(&[push(7, 1), shift(7), shift(7)]), Verdict::Violated(_)));
        let add = |n, added| ("()", 0, Operation::Include(n), Some(Outcome::Number(added)));
        let remove = |n, removed| ("()", 0, Operation::Exclude(n), Some(Outcome::Number(removed)));
        let members = |list: &[u64]| ("()", 1, Operation::Members, Some(Outcome::List(list.to_vec())));
        let right = [add(5, 1), add(3, 1), add(5, 0), members(&[3, 5]), remove(5, 1), remove(5, 0)];
        assert_eq!(verdict(&right), Verdict::Linearizable);
        assert!(matches!(verdict(&[add(5, 1), add(5, 1)]), Verdict::Violated(_)));
    }

    #[test]
    fn overlapping_pushes_have_one_order() {
        let begin = |client, n| ("(", client, Operation::Push(n), None);
        let end = |client, n, length| (")", client, Operation::Push(n), Some(Outcome::Appended(length)));
        let shift = |client, n| ("()", client, Operation::Shift, value(n));
        let overlapping = [begin(0, 1), begin(1, 2), end(1, 2, 1), end(0, 1, 2), shift(1, 2), shift(0, 1)];
        assert_eq!(verdict(&overlapping), Verdict::Linearizable);
        let twice = [begin(0, 1), begin(1, 2), end(1, 2, 2), end(0, 1, 1), shift(1, 2), shift(0, 1)];
        assert!(matches!(verdict(&twice), Verdict::Violated(_)));
    }
}
