//! Nothing takes effect twice: no list that is read contains an appended number twice, and a
//! counter is no higher than the increments that may have been applied, uncertain ones included,
//! and no lower than the acknowledged ones.

use std::collections::BTreeSet;

use crate::history::{Event, History, Operation, Outcome};

/// The lists of unique numbers that an operation returned.
fn lists(event: &Event) -> Vec<&[u64]> {
    match event.outcome() {
        Some(Outcome::List(list)) => vec![list],
        Some(Outcome::Transacted(Some(steps))) => steps.iter().map(Vec::as_slice).collect(),
        _ => Vec::new(),
    }
}

pub fn check(history: &History) -> Result<(), String> {
    for event in &history.events {
        for list in lists(event) {
            let mut seen = BTreeSet::new();
            if let Some(twice) = list.iter().find(|number| !seen.insert(**number)) {
                return Err(format!("c{} read {twice} twice at n{}: {list:?}", event.client, event.host + 1));
            }
        }
    }
    let counters: BTreeSet<usize> = of_kind(history, &Operation::Increment).map(|event| event.key).collect();
    counters.into_iter().try_for_each(|key| check_counter(history, key))
}

fn of_kind<'a>(history: &'a History, operation: &'a Operation) -> impl Iterator<Item = &'a Event> {
    history.events.iter().filter(move |event| event.operation == *operation)
}

fn check_counter(history: &History, key: usize) -> Result<(), String> {
    for read in of_kind(history, &Operation::Count).filter(|event| event.key == key) {
        let Some(Outcome::Number(count)) = read.outcome() else { continue };
        let increments = || of_kind(history, &Operation::Increment).filter(|event| event.key == key);
        let refused = |event: &&Event| matches!(event.outcome(), Some(Outcome::Refused(_)));
        let most =
            increments().filter(|event| !refused(event) && event.invoked < read.ended()).count() as u64;
        let done =
            |event: &&Event| event.outcome().is_some_and(Outcome::is_ok) && event.ended() < read.invoked;
        let least = increments().filter(done).count() as u64;
        if *count > most || *count < least {
            return Err(format!(
                "k{key}: c{} counted {count} at n{}, and from {least} to {most} increments were made",
                read.client,
                read.host + 1
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(history: &mut History, operation: Operation, outcome: Outcome) {
        let event = history.invoke(0, 0, 0, operation);
        history.complete(event, outcome);
    }

    #[test]
    fn a_number_that_is_there_twice_is_found() {
        let mut history = History::default();
        done(&mut history, Operation::Read, Outcome::List(vec![1, 2]));
        assert_eq!(check(&history), Ok(()));
        let steps = vec![vec![], vec![2, 1, 2]];
        done(&mut history, Operation::Transact(Vec::new()), Outcome::Transacted(Some(steps)));
        assert!(check(&history).is_err());
    }

    #[test]
    fn a_counter_counts_each_increment_at_most_once() {
        let counted = |count| {
            let mut history = History::default();
            done(&mut history, Operation::Increment, Outcome::Number(1));
            done(&mut history, Operation::Increment, Outcome::Unknown(String::new()));
            done(&mut history, Operation::Increment, Outcome::Refused(String::new()));
            done(&mut history, Operation::Count, Outcome::Number(count));
            check(&history)
        };
        assert!(counted(0).is_err(), "one was acknowledged");
        assert_eq!((counted(1), counted(2)), (Ok(()), Ok(())));
        assert!(counted(3).is_err(), "one was refused");
    }
}
