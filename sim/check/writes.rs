//! Checks writes: each acknowledged write is in the final list once, at the reported position and
//! in real-time order; refused writes are not in it.

use crate::history::{History, Operation, Outcome};

/// Compares the writes of a key with the key's final list.
pub fn check(history: &History, key: usize, finally: &[u64]) -> Result<(), String> {
    let place = |number: u64| finally.iter().position(|held| *held == number);
    let mut acknowledged = Vec::new();
    for event in history.of_key(key) {
        let Operation::Append(number) = event.operation else { continue };
        let times = finally.iter().filter(|held| **held == number).count();
        if times > 1 {
            return Err(format!("k{key}: {number} is present {times} times"));
        }
        match event.outcome() {
            Some(Outcome::Appended(length)) => {
                let Some(place) = place(number) else {
                    return Err(format!(
                        "k{key}: {number} was acknowledged by n{}, but is lost",
                        event.host + 1
                    ));
                };
                if place + 1 != *length {
                    return Err(format!(
                        "k{key}: {number} is at {place}, but was reported at {}",
                        length - 1
                    ));
                }
                acknowledged.push((event.invoked, event.completed.as_ref().map_or(0, |(at, _)| *at), place));
            }
            Some(Outcome::Refused(reason)) if times > 0 => {
                return Err(format!("k{key}: {number} was refused ({reason}), but is present"));
            }
            _ => {}
        }
    }
    for (invoked, _, later) in &acknowledged {
        if let Some((_, _, earlier)) =
            acknowledged.iter().find(|(_, done, place)| done < invoked && place > later)
        {
            return Err(format!("k{key}: a write acknowledged earlier is at {earlier}, behind {later}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(outcomes: &[Outcome]) -> History {
        let mut history = History::default();
        for outcome in outcomes {
            let number = history.number();
            let event = history.invoke(0, 0, 0, Operation::Append(number));
            history.complete(event, outcome.clone());
        }
        history
    }

    #[test]
    fn lost_duplicated_and_reordered_writes_are_detected() {
        let two = history(&[Outcome::Appended(1), Outcome::Appended(2)]);
        assert_eq!(check(&two, 0, &[1, 2]), Ok(()));
        for wrong in [&[1][..], &[2, 1], &[1, 2, 2], &[]] {
            assert!(check(&two, 0, wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn uncertain_writes_may_be_present_and_refused_ones_may_not() {
        let text = String::new;
        let both = history(&[Outcome::Unknown(text()), Outcome::Refused(text())]);
        assert_eq!(check(&both, 0, &[1]), Ok(()));
        assert_eq!(check(&both, 0, &[]), Ok(()));
        assert!(check(&both, 0, &[2]).is_err());
    }
}
