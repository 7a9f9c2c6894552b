//! Each acknowledged append is present, at the reported position and in real-time order; refused
//! ones are absent.

use crate::history::{History, Operation, Outcome};

/// Compares the appends to a key with its final list, if it was read.
pub fn check(history: &History, key: usize) -> Result<(), String> {
    let Some(finally) = history.last_list(key) else { return Ok(()) };
    let place = |number: u64| finally.iter().position(|held| *held == number);
    let mut acknowledged = Vec::new();
    for event in history.of_key(key) {
        let Operation::Append(number) = event.operation else { continue };
        match (event.outcome(), place(number)) {
            (Some(Outcome::Appended(_)), None) => {
                let host = event.host + 1;
                return Err(format!("k{key}: {number} was acknowledged by n{host} and is lost"));
            }
            (Some(Outcome::Appended(length)), Some(place)) if place + 1 != *length => {
                return Err(format!("k{key}: {number} is at {place}, and was reported at {}", length - 1));
            }
            (Some(Outcome::Appended(_)), Some(place)) => {
                acknowledged.push((event.invoked, event.ended(), place));
            }
            (Some(Outcome::Refused(reason)), Some(_)) => {
                return Err(format!("k{key}: {number} was refused ({reason}) and is present"));
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

    /// Appends of 1, 2, .. with these outcomes, one after the other, and the final list.
    fn checked(outcomes: &[Outcome], finally: &[u64]) -> Result<(), String> {
        let mut history = History::default();
        for outcome in outcomes {
            let number = history.number();
            let event = history.invoke(0, 0, 0, Operation::Append(number));
            history.complete(event, outcome.clone());
        }
        let read = history.invoke(0, 0, 0, Operation::Read);
        history.complete(read, Outcome::List(finally.to_vec()));
        check(&history, 0)
    }

    #[test]
    fn lost_and_reordered_writes_are_found() {
        let two = [Outcome::Appended(1), Outcome::Appended(2)];
        assert_eq!(checked(&two, &[1, 2]), Ok(()));
        for wrong in [&[1][..], &[2, 1], &[3, 1, 2], &[]] {
            assert!(checked(&two, wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn uncertain_writes_may_be_present_and_refused_ones_may_not() {
        let text = String::new;
        let both = [Outcome::Unknown(text()), Outcome::Refused(text())];
        assert_eq!(checked(&both, &[1]), Ok(()));
        assert_eq!(checked(&both, &[]), Ok(()));
        assert!(checked(&both, &[2]).is_err());
    }
}
