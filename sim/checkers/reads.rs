//! Each read returned a state that existed: a prefix of the final list. Except for local reads, it
//! is no older than what any client knew before the read.

use std::collections::BTreeMap;

use crate::history::{History, Operation, Outcome};

/// Compares the reads of a key that only grows with its final list, if it was read.
pub fn check(history: &History, key: usize) -> Result<(), String> {
    let grows = |operation: &Operation| matches!(operation, Operation::Append(_));
    let (true, Some(finally)) =
        (history.of_key(key).any(|event| grows(&event.operation)), history.last_list(key))
    else {
        return Ok(());
    };
    // A lower bound of the list's length after each completed event.
    let mut known: Vec<(u64, usize)> = Vec::new();
    for event in history.of_key(key) {
        let length = match event.completed.as_ref() {
            Some((_, Outcome::Appended(length))) => *length,
            Some((_, Outcome::List(list))) => list.len(),
            _ => continue,
        };
        if let Some((at, _)) = event.completed {
            known.push((at, length));
        }
    }
    let invoked = invocations(history, key);
    for event in history.of_key(key) {
        let Some((list, newest)) = event.list() else { continue };
        if !finally.starts_with(list) {
            return Err(format!("k{key}: n{} showed {list:?}, which never existed", event.host + 1));
        }
        let before =
            known.iter().filter(|(at, _)| newest && *at < event.invoked).map(|(_, length)| *length).max();
        if before.is_some_and(|before| list.len() < before) {
            let length = list.len();
            return Err(format!(
                "k{key}: c{} read {length} numbers at n{}, but {} were known before the read",
                event.client,
                event.host + 1,
                before.unwrap_or_default()
            ));
        }
        let read_at = event.completed.as_ref().map_or(0, |(at, _)| *at);
        let is_early = |number: &&u64| invoked.get(*number).is_some_and(|invoked| *invoked > read_at);
        if let Some(early) = list.iter().find(is_early) {
            return Err(format!("k{key}: {early} was read before it was appended"));
        }
    }
    Ok(())
}

/// When the append of each number was invoked.
fn invocations(history: &History, key: usize) -> BTreeMap<u64, u64> {
    let appends = history.of_key(key).filter_map(|event| match event.operation {
        Operation::Append(number) => Some((number, event.invoked)),
        _ => None,
    });
    appends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends 1, 2 and 3, whose outcomes nobody learnt, then reads as given, then the final list.
    fn checked(reads: &[(Operation, &[u64])]) -> Result<(), String> {
        let mut history = History::default();
        for number in 1..=3 {
            history.invoke(0, 0, 0, Operation::Append(number));
        }
        for (operation, list) in reads.iter().chain([&(Operation::Read, &[1, 2, 3][..])]) {
            let event = history.invoke(1, 0, 0, operation.clone());
            history.complete(event, Outcome::List(list.to_vec()));
        }
        check(&history, 0)
    }

    #[test]
    fn a_read_that_goes_back_is_found() {
        let newest = (Operation::Read, &[1, 2][..]);
        assert_eq!(checked(&[newest.clone(), (Operation::ReadLocal, &[1])]), Ok(()));
        assert!(checked(&[newest.clone(), (Operation::Read, &[1])]).is_err());
        assert!(checked(&[newest, (Operation::ReadLeased, &[1])]).is_err());
    }

    #[test]
    fn a_state_that_never_existed_is_found() {
        assert!(checked(&[(Operation::ReadLocal, &[2])]).is_err());
    }

    #[test]
    fn a_read_of_the_future_is_found() {
        let mut history = History::default();
        let read = history.invoke(1, 0, 0, Operation::Read);
        history.complete(read, Outcome::List(vec![1]));
        history.invoke(0, 0, 0, Operation::Append(1));
        assert!(check(&history, 0).is_err());
    }
}
