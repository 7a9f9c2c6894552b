//! Each subscriber gets the messages of a publisher in the order in which they were published, each
//! at most once, and none that nobody published. A message may be lost: nothing here says that all
//! arrive.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Event, History, Operation};

pub fn check(history: &History) -> Result<(), String> {
    let published: BTreeMap<u64, &Event> = history
        .events
        .iter()
        .filter_map(|event| match event.operation {
            Operation::Publish(number) => Some((number, event)),
            _ => None,
        })
        .collect();
    // By receiving node, its start, and publishing node: when the newest message that arrived was
    // published, and its number.
    let mut newest: BTreeMap<(usize, u64, usize), (u64, u64)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for delivery in &history.deliveries {
        let (node, number) = (delivery.host + 1, delivery.number);
        let Some(event) = published.get(&number).filter(|event| event.invoked < delivery.order) else {
            return Err(format!("n{node} received {number}, which was not published yet"));
        };
        if !seen.insert((delivery.host, delivery.boot, number)) {
            return Err(format!("n{node} received {number} twice"));
        }
        let last = newest.entry((delivery.host, delivery.boot, event.host)).or_default();
        // Of messages that were published at the same time, either may be the first.
        if event.ended() < last.0 {
            let (publisher, later) = (event.host + 1, last.1);
            return Err(format!("n{node} received {number} of n{publisher} after {later}, published later"));
        }
        *last = (*last).max((event.invoked, number));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Outcome;

    /// Node 1 publishes 1 and 2, node 2 publishes 3; node 3 receives these.
    fn received(numbers: &[u64]) -> Result<(), String> {
        let mut history = History::default();
        for (host, number) in [(0, 1), (0, 2), (1, 3)] {
            let event = history.invoke(0, host, 0, Operation::Publish(number));
            history.complete(event, Outcome::Done);
        }
        numbers.iter().for_each(|number| history.deliver(2, 1, *number));
        check(&history)
    }

    #[test]
    fn messages_out_of_order_or_twice_are_found() {
        for right in [&[][..], &[1, 2, 3], &[3, 1, 2], &[2], &[1, 3]] {
            assert_eq!(received(right), Ok(()), "{right:?}");
        }
        for wrong in [&[2, 1][..], &[1, 1], &[1, 2, 1], &[4]] {
            assert!(received(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn messages_published_at_the_same_time_have_no_order() {
        let mut history = History::default();
        let both = [1, 2].map(|number| history.invoke(0, 0, 0, Operation::Publish(number)));
        both.into_iter().for_each(|event| history.complete(event, Outcome::Done));
        [2, 1].into_iter().for_each(|number| history.deliver(2, 1, number));
        assert_eq!(check(&history), Ok(()));
    }

    #[test]
    fn a_restarted_subscriber_begins_anew() {
        let mut history = History::default();
        history.invoke(0, 0, 0, Operation::Publish(1));
        history.deliver(2, 1, 1);
        history.deliver(2, 2, 1);
        assert_eq!(check(&history), Ok(()));
    }
}
