//! Deadlines: a value is readable until its deadline by the leader's time and never after it, on
//! whichever node. That time goes forward, and hardly faster than the true time ([`DRIFT`]),
//! whatever the nodes' wall clocks show.
//!
//! Clocks of different speeds shift that time: a leader that is elected within another's lease
//! continues from what its voters extrapolated. `slack_ms` allows for this shift alone.
//!
//! Not guaranteed: if a node was started between a read and a later operation, the later one may
//! get an earlier time than the read. No operation gets a time before the stamp of an earlier
//! write.

use crate::history::{Event, History, Operation, Outcome};

/// A leader may let time run faster by one part in this many.
const DRIFT: u64 = 1_000;
/// The two clocks that are compared have whole milliseconds.
const ROUNDED_MS: u64 = 2;

/// An acknowledged write.
struct Set<'a> {
    event: &'a Event,
    number: u64,
    deadline_ms: u64,
    stamp_ms: u64,
}

/// A read that had to see the newest value.
struct Read<'a> {
    event: &'a Event,
    found: Option<u64>,
    time_ms: u64,
}

fn sets<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Set<'a>> {
    let set = |event: &'a Event| match (&event.operation, event.outcome()) {
        (Operation::SetFor(number, for_ms), Some(Outcome::Set(deadline_ms))) => {
            Some(Set { event, number: *number, deadline_ms: *deadline_ms, stamp_ms: deadline_ms - for_ms })
        }
        _ => None,
    };
    events.filter_map(set).collect()
}

fn reads<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Read<'a>> {
    let read = |event: &'a Event| match event.outcome() {
        Some(Outcome::Found(found, time_ms)) => Some(Read { event, found: *found, time_ms: *time_ms }),
        _ => None,
    };
    events.filter_map(read).collect()
}

/// Whether `one` completed before `other` was invoked.
fn before(one: &Event, other: &Event) -> bool {
    one.completed.as_ref().is_some_and(|(at, _)| *at < other.invoked)
}

/// Whether any node was started between the invocation of `one` and the completion of `other`.
fn starts_between(one: &Event, other: &Event) -> bool {
    one.moments[0].starts != other.moments[1].starts
}

/// Checks the reads of one key.
pub fn check(history: &History, key: usize, slack_ms: u64) -> Result<(), String> {
    let (sets, reads) = (sets(history.of_key(key)), reads(history.of_key(key)));
    for read in &reads {
        let violation = |what: String| {
            let (client, host, time) = (read.event.client, read.event.host + 1, read.time_ms);
            Err(format!("k{key}: c{client} read {:?} at n{host} at {time}: {what}", read.found))
        };
        let known = |number: u64| sets.iter().find(|set| set.number == number);
        if let Some(set) = read.found.and_then(known)
            && set.deadline_ms <= read.time_ms
        {
            return violation(format!("its deadline was {}", set.deadline_ms));
        }
        let newest = sets.iter().filter(|set| before(set.event, read.event)).max_by_key(|set| set.stamp_ms);
        let Some(newest) = newest else { continue };
        if let Some(found) = read.found.and_then(known)
            && found.stamp_ms < newest.stamp_ms
        {
            return violation(format!("{} had replaced it", newest.number));
        }
        if read.found.is_none() && read.time_ms < newest.deadline_ms && !replaced(history, newest, read.event)
        {
            return violation(format!("{} had a deadline of {}", newest.number, newest.deadline_ms));
        }
    }
    come_back(key, &sets, &reads, slack_ms)
}

/// Whether another value may have replaced this one before the read completed. The other value may
/// have expired since, so that the read finds nothing.
fn replaced(history: &History, set: &Set<'_>, read: &Event) -> bool {
    let ends = read.completed.as_ref().map_or(0, |(at, _)| *at);
    history.of_key(read.key).filter(|other| other.invoked < ends).any(|other| {
        let Operation::SetFor(number, for_ms) = other.operation else { return false };
        match other.outcome() {
            _ if number == set.number => false,
            Some(Outcome::Set(deadline_ms)) => deadline_ms - for_ms >= set.stamp_ms,
            Some(Outcome::Refused(_)) => false,
            _ => true,
        }
    })
}

/// A value that was seen to be gone must not be seen again.
fn come_back(key: usize, sets: &[Set<'_>], reads: &[Read<'_>], slack_ms: u64) -> Result<(), String> {
    for again in reads {
        let Some(set) = sets.iter().find(|set| Some(set.number) == again.found) else { continue };
        for gone in reads.iter().filter(|gone| before(gone.event, again.event)) {
            let forgotten = starts_between(gone.event, again.event);
            if gone.found != again.found && gone.time_ms >= set.deadline_ms + slack_ms && !forgotten {
                return Err(format!(
                    "k{key}: c{} found {} at n{} at {}, but it was gone before for c{} at n{} at {}",
                    again.event.client,
                    set.number,
                    again.event.host + 1,
                    again.time_ms,
                    gone.event.client,
                    gone.event.host + 1,
                    gone.time_ms
                ));
            }
        }
    }
    Ok(())
}

/// Checks the times by which all deadlines were judged.
pub fn check_time(history: &History, slack_ms: u64) -> Result<(), String> {
    let (sets, reads) = (sets(history.events.iter()), reads(history.events.iter()));
    let stamps = sets.iter().map(|set| (set.event, set.stamp_ms, true));
    let read_times = reads.iter().map(|read| (read.event, read.time_ms, false));
    let all: Vec<_> = stamps.chain(read_times).collect();
    for &(one, one_ms, written) in &all {
        for &(other, other_ms, _) in all.iter().filter(|(other, ..)| before(one, other)) {
            let starts = starts_between(one, other);
            let where_ = |event: &Event| format!("{:?} at n{}", event.operation, event.host + 1);
            if other_ms + slack_ms < one_ms && (written || !starts) {
                let (one, other) = (where_(one), where_(other));
                return Err(format!("time went back from {one_ms} ({one}) to {other_ms} ({other})"));
            }
            let passed_ms = other.moments[1].now_ms - one.moments[0].now_ms;
            let most_ms = passed_ms + passed_ms / DRIFT + ROUNDED_MS + slack_ms;
            // A read may be judged by the stamp of an entry that has been in flight for long.
            if written && !starts && other_ms > one_ms + most_ms {
                let (one, other) = (where_(one), where_(other));
                return Err(format!(
                    "in {passed_ms} ms the time went from {one_ms} ({one}) to {other_ms} ({other})"
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Moment;

    fn set(history: &mut History, number: u64, for_ms: u64, stamp_ms: u64) {
        let event = history.invoke(0, 0, 4, Operation::SetFor(number, for_ms));
        history.complete(event, Outcome::Set(stamp_ms + for_ms));
    }

    fn read(history: &mut History, found: Option<u64>, time_ms: u64) {
        let event = history.invoke(0, 0, 4, Operation::ReadSet);
        history.complete(event, Outcome::Found(found, time_ms));
    }

    fn begun() -> History {
        let mut history = History::default();
        set(&mut history, 1, 100, 1_000);
        history
    }

    #[test]
    fn a_value_is_there_until_its_deadline_and_not_after_it() {
        let mut history = begun();
        read(&mut history, Some(1), 1_099);
        read(&mut history, None, 1_100);
        assert_eq!(check(&history, 4, 0), Ok(()));
        read(&mut history, Some(1), 1_100);
        assert!(check(&history, 4, 0).is_err());
        let mut history = begun();
        read(&mut history, None, 1_099);
        assert!(check(&history, 4, 0).is_err());
    }

    #[test]
    fn a_value_that_comes_back_is_detected() {
        let mut history = begun();
        read(&mut history, None, 1_100);
        read(&mut history, Some(1), 1_050);
        assert!(check(&history, 4, 0).is_err());
        let mut history = begun();
        read(&mut history, None, 1_100);
        history.is_now(Moment { now_ms: 0, starts: 1 });
        read(&mut history, Some(1), 1_050);
        assert_eq!(check(&history, 4, 0), Ok(()), "a node was started meanwhile");
    }

    #[test]
    fn time_that_goes_back_or_too_fast_is_detected() {
        let mut history = begun();
        read(&mut history, None, 1_002);
        assert_eq!(check_time(&history, 0), Ok(()));
        read(&mut history, None, 1_003);
        assert!(check_time(&history, 0).is_err(), "no millisecond has passed");
        history.is_now(Moment { now_ms: 500, starts: 0 });
        let mut history = begun();
        read(&mut history, None, 999);
        assert!(check_time(&history, 0).is_err());
    }
}
