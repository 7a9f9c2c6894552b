//! Transactions are serializable, in an order that respects real time.
//!
//! The keys are arrays to which each number is appended once, as in the list-append test of Elle
//! (Kingsbury and Alvaro, 2020): a read of an array shows the order of all appends before it, so
//! the dependencies between transactions follow from what they read. They and real time must form
//! no cycle.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Event, History, Operation, Outcome, Step};

/// A transaction that was executed.
struct Executed<'a> {
    event: &'a Event,
    /// Key and number, in order.
    appends: Vec<(usize, u64)>,
    /// Key and what it held before the transaction.
    reads: Vec<(usize, &'a [u64])>,
}

pub fn check(history: &History) -> Result<(), String> {
    let orders = orders(history)?;
    let executed = executed(history, &orders)?;
    let mut writers = BTreeMap::new();
    for (at, transaction) in executed.iter().enumerate() {
        writers.extend(transaction.appends.iter().map(|append| (*append, at)));
    }
    for (key, order) in &orders {
        if let Some(unknown) = order.iter().find(|number| !writers.contains_key(&(*key, **number))) {
            return Err(format!("{unknown} is in k{key}, and the transaction with it was not executed"));
        }
    }
    let graph = dependencies(&executed, &orders, &writers);
    match cycle(&executed, &graph) {
        None => Ok(()),
        Some(members) => {
            let shown = members.iter().map(|at| {
                let event = executed[*at].event;
                format!("c{} {:?} at {}..{}", event.client, event.operation, event.invoked, event.ended())
            });
            Err(format!("transactions depend on each other: {}", shown.collect::<Vec<_>>().join("; ")))
        }
    }
}

fn steps(event: &Event) -> Option<&[Step]> {
    match &event.operation {
        Operation::Transact(steps) | Operation::Watched(steps) => Some(steps),
        _ => None,
    }
}

/// The transactions that were executed or may have been, with what each step read, if that is
/// known.
fn results(history: &History) -> impl Iterator<Item = (&Event, &[Step], Option<&[Vec<u64>]>)> {
    history.events.iter().filter_map(|event| {
        let steps = steps(event)?;
        match event.outcome() {
            Some(Outcome::Transacted(Some(lists))) => Some((event, steps, Some(&lists[..]))),
            Some(Outcome::Transacted(None) | Outcome::Refused(_)) => None,
            _ => Some((event, steps, None)),
        }
    })
}

/// The longest list of each key that was read; every other must be a beginning of it.
fn orders(history: &History) -> Result<BTreeMap<usize, &[u64]>, String> {
    let mut orders: BTreeMap<usize, &[u64]> = BTreeMap::new();
    for (event, steps, lists) in results(history) {
        for (step, list) in steps.iter().zip(lists.into_iter().flatten()) {
            if step.append.is_some() {
                continue;
            }
            let longest = orders.entry(step.key).or_insert(&[]);
            let (short, long) =
                if list.len() > longest.len() { (*longest, &list[..]) } else { (&list[..], *longest) };
            if !long.starts_with(short) {
                let (client, key) = (event.client, step.key);
                return Err(format!("c{client} read {list:?} of k{key}, and {longest:?} was read too"));
            }
            *longest = long;
        }
    }
    Ok(orders)
}

/// The transactions that were executed: an uncertain one was, if any of its appends was read.
fn executed<'a>(history: &'a History, orders: &BTreeMap<usize, &[u64]>) -> Result<Vec<Executed<'a>>, String> {
    let read = |key: usize, number: u64| orders.get(&key).is_some_and(|order| order.contains(&number));
    let mut executed = Vec::new();
    for (event, steps, lists) in results(history) {
        let appends: Vec<_> = steps.iter().filter_map(|step| Some((step.key, step.append?))).collect();
        if lists.is_some() || appends.iter().any(|(key, number)| read(*key, *number)) {
            let reads = lists.map_or(Ok(Vec::new()), |lists| before(event, steps, lists))?;
            executed.push(Executed { event, appends, reads });
        }
    }
    Ok(executed)
}

/// What each read found without the transaction's own appends, which must be at the end.
fn before<'a>(
    event: &Event,
    steps: &[Step],
    lists: &'a [Vec<u64>],
) -> Result<Vec<(usize, &'a [u64])>, String> {
    let mut reads = Vec::new();
    let mut own: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for (step, list) in steps.iter().zip(lists) {
        let own = own.entry(step.key).or_default();
        match step.append {
            Some(number) => own.push(number),
            None => match list.strip_suffix(&own[..]) {
                Some(others) => reads.push((step.key, others)),
                None => {
                    let client = event.client;
                    return Err(format!(
                        "c{client} appended {own:?} to k{} and then read {list:?}",
                        step.key
                    ));
                }
            },
        }
    }
    Ok(reads)
}

/// The transactions that must come after each one. Appends that were never read come last.
fn dependencies(
    executed: &[Executed<'_>],
    orders: &BTreeMap<usize, &[u64]>,
    writers: &BTreeMap<(usize, u64), usize>,
) -> Vec<BTreeSet<usize>> {
    let mut after = vec![BTreeSet::new(); executed.len()];
    let mut add = |from: usize, to: usize| {
        if from != to {
            after[from].insert(to);
        }
    };
    let order = |key: usize| orders.get(&key).copied().unwrap_or_default();
    let unread = |key: usize| {
        let appended = writers.range((key, 0)..=(key, u64::MAX));
        appended.filter(move |((_, number), _)| !order(key).contains(number)).map(|(_, writer)| *writer)
    };
    for (key, order) in orders {
        let writers: Vec<usize> = order.iter().map(|number| writers[&(*key, *number)]).collect();
        for pair in writers.windows(2) {
            add(pair[0], pair[1]);
        }
        writers.last().into_iter().for_each(|last| unread(*key).for_each(|next| add(*last, next)));
    }
    for (at, transaction) in executed.iter().enumerate() {
        for (key, list) in &transaction.reads {
            if let Some(newest) = list.last() {
                add(writers[&(*key, *newest)], at);
            }
            match order(*key).get(list.len()) {
                Some(next) => add(at, writers[&(*key, *next)]),
                None => unread(*key).for_each(|next| add(at, next)),
            }
        }
    }
    after
}

/// Transactions that form a cycle of dependencies and real time.
fn cycle(executed: &[Executed<'_>], after: &[BTreeSet<usize>]) -> Option<Vec<usize>> {
    let left = unordered(executed, after);
    let precedes = |one: usize, other: usize| {
        after[one].contains(&other) || executed[one].event.ended() < executed[other].event.invoked
    };
    // Before each of these comes another of them, so going back from one to the next closes a
    // cycle.
    let mut path = vec![*left.first()?];
    loop {
        let at = *path.last()?;
        let before = *left.iter().find(|other| **other != at && precedes(**other, at))?;
        if let Some(begin) = path.iter().position(|member| *member == before) {
            path.drain(..begin);
            path.reverse();
            return Some(path);
        }
        path.push(before);
    }
}

/// Removes transactions one by one, each when none that is left has to precede it. Returns those
/// that cannot be removed: before each of them, another of them has to come.
fn unordered(executed: &[Executed<'_>], after: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut before = vec![0; executed.len()];
    after.iter().flatten().for_each(|later| before[*later] += 1);
    let invoked = |at: usize| (executed[at].event.invoked, at);
    let mut left: BTreeSet<(u64, usize)> =
        (0..executed.len()).map(|at| (executed[at].event.ended(), at)).collect();
    // The transactions that depend on none that is left, in the order of their invocations.
    let mut free: BTreeSet<_> = (0..executed.len()).filter(|at| before[*at] == 0).map(invoked).collect();
    while let Some((begun, at)) = free.pop_first() {
        // If another one ended before this one began, it was invoked earlier. It would have been
        // taken first unless it depended on others that are left.
        if left.first().is_some_and(|(ended, _)| *ended < begun) {
            break;
        }
        left.remove(&(executed[at].event.ended(), at));
        for later in &after[at] {
            before[*later] -= 1;
            if before[*later] == 0 {
                free.insert(invoked(*later));
            }
        }
    }
    left.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(key: usize, number: u64) -> Step {
        Step { key, append: Some(number) }
    }

    fn read(key: usize) -> Step {
        Step { key, append: None }
    }

    /// Checks transactions that come one after the other if `in_turn`, and otherwise all overlap.
    fn checked(in_turn: bool, transactions: &[(&[Step], &[&[u64]])]) -> Result<(), String> {
        let mut history = History::default();
        let outcome = |lists: &[&[u64]]| {
            Outcome::Transacted(Some(lists.iter().map(|list| list.to_vec()).collect::<Vec<_>>()))
        };
        let mut open = Vec::new();
        for (steps, lists) in transactions {
            let event = history.invoke(0, 0, 0, Operation::Transact(steps.to_vec()));
            match in_turn {
                true => history.complete(event, outcome(lists)),
                false => open.push((event, outcome(lists))),
            }
        }
        open.into_iter().for_each(|(event, outcome)| history.complete(event, outcome));
        check(&history)
    }

    #[test]
    fn a_serial_history_is_accepted() {
        let serial: &[(&[Step], &[&[u64]])] = &[
            (&[append(1, 10), append(2, 11), read(1)], &[&[], &[], &[10]]),
            (&[read(1), append(1, 12), read(1)], &[&[10], &[], &[10, 12]]),
            (&[read(1), read(2)], &[&[10, 12], &[11]]),
        ];
        assert_eq!(checked(true, serial), Ok(()));
        assert_eq!(checked(false, serial), Ok(()));
    }

    #[test]
    fn write_skew_is_found() {
        let skew: &[(&[Step], &[&[u64]])] = &[
            (&[read(1), append(2, 10)], &[&[], &[]]),
            (&[read(2), append(1, 11)], &[&[], &[]]),
            (&[read(1), read(2)], &[&[11], &[10]]),
        ];
        assert!(checked(false, skew).is_err());
    }

    #[test]
    fn a_lost_update_is_found() {
        let lost: &[(&[Step], &[&[u64]])] = &[
            (&[read(1), append(1, 10)], &[&[], &[]]),
            (&[read(1), append(1, 11)], &[&[], &[]]),
            (&[read(1)], &[&[10, 11]]),
        ];
        assert!(checked(false, lost).is_err());
    }

    #[test]
    fn an_order_against_real_time_is_found() {
        let stale: &[(&[Step], &[&[u64]])] =
            &[(&[append(1, 10)], &[&[]]), (&[read(1)], &[&[]]), (&[read(1)], &[&[10]])];
        assert_eq!(checked(false, stale), Ok(()));
        assert!(checked(true, stale).is_err());
    }

    #[test]
    fn parts_of_a_transaction_and_lost_ones_are_found() {
        let part: &[(&[Step], &[&[u64]])] =
            &[(&[append(1, 10), append(2, 11)], &[&[], &[]]), (&[read(1), read(2)], &[&[10], &[]])];
        assert!(checked(true, part).is_err());
        let lost: &[(&[Step], &[&[u64]])] = &[(&[append(1, 10)], &[&[]]), (&[read(1)], &[&[]])];
        assert!(checked(true, lost).is_err());
    }

    #[test]
    fn an_uncertain_transaction_may_be_executed_and_a_refused_one_may_not_be_seen() {
        let with = |outcome: Outcome, seen: &[u64]| {
            let mut history = History::default();
            let event = history.invoke(0, 0, 0, Operation::Watched(vec![append(1, 10)]));
            history.complete(event, outcome);
            let event = history.invoke(0, 0, 0, Operation::Transact(vec![read(1)]));
            history.complete(event, Outcome::Transacted(Some(vec![seen.to_vec()])));
            check(&history)
        };
        let unknown = || Outcome::Unknown(String::new());
        assert_eq!((with(unknown(), &[]), with(unknown(), &[10])), (Ok(()), Ok(())));
        assert_eq!(with(Outcome::Transacted(None), &[]), Ok(()));
        assert!(with(Outcome::Transacted(None), &[10]).is_err());
    }
}
