//! Checks reads: each read returned a prefix of the final list, which is a state that existed. No
//! read returned an older state than one that a client had seen before it began.

use crate::history::{History, Operation, Outcome};

/// Compares the reads of a key with the key's final list.
pub fn check(history: &History, key: usize, finally: &[u64]) -> Result<(), String> {
    // For each completed event, a lower bound on the list's length from then on.
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
        from_the_future(history, key, event.completed.as_ref().map_or(0, |(at, _)| *at), list)?;
    }
    Ok(())
}

/// Checks that no number was read before it was written.
fn from_the_future(history: &History, key: usize, read_at: u64, list: &[u64]) -> Result<(), String> {
    let early = history.of_key(key).find(|event| match event.operation {
        Operation::Append(number) => event.invoked > read_at && list.contains(&number),
        _ => false,
    });
    match early {
        Some(event) => Err(format!("k{key}: {:?} was read before it was invoked", event.operation)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(history: &mut History, operation: Operation, list: &[u64]) {
        let event = history.invoke(0, 0, 0, operation);
        history.complete(event, Outcome::List(list.to_vec()));
    }

    #[test]
    fn a_read_that_goes_back_is_detected() {
        let mut history = History::default();
        read(&mut history, Operation::Read, &[1, 2]);
        read(&mut history, Operation::ReadLocal, &[1]);
        assert_eq!(check(&history, 0, &[1, 2, 3]), Ok(()));
        read(&mut history, Operation::Read, &[1]);
        assert!(check(&history, 0, &[1, 2, 3]).is_err());
    }

    #[test]
    fn a_state_that_never_existed_is_detected() {
        let mut history = History::default();
        read(&mut history, Operation::ReadLocal, &[2]);
        assert!(check(&history, 0, &[1, 2]).is_err());
    }
}
