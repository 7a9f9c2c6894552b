//! The operations of all clients and their outcomes, in one order. [`crate::checkers::check`]
//! judges a run by its history alone.
//!
//! As a file, a history has a line of JSON for each invocation, completion and delivery; see
//! [`file`].
//!
//! Invariants:
//! * an operation with a known outcome took effect between its `invoked` and its `completed`, both
//!   positions in that order;
//! * an operation completes at most once; one without a known outcome may take effect at any time
//!   after its `invoked`, or never.

pub mod file;

use serde::{Deserialize, Serialize};

/// An operation, on the key of its [`Event`] unless it names its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Appends a number that no other operation appends to a document that is an array.
    Append(u64),
    /// Reads the array, linearizably.
    Read,
    /// Reads the array, by a leader's lease.
    ReadLeased,
    /// Reads the array from the node's own state.
    ReadLocal,
    /// Sets a number that no other operation sets, for this many milliseconds.
    SetFor(u64, u64),
    /// Reads a number with a deadline, linearizably.
    ReadSet,
    /// Reads a number with a deadline, by a leader's lease.
    ReadSetLeased,
    /// Sets a string to a number that no other operation sets.
    Put(u64),
    /// Removes the string.
    Remove,
    /// Reads the string.
    Get,
    /// Adds 1 to a field of a hash.
    Increment,
    /// Reads the field of the hash.
    Count,
    /// Appends a number to a list.
    Push(u64),
    /// Takes the first number of the list.
    Shift,
    /// Reads the list.
    Elements,
    /// Adds a number to a set.
    Include(u64),
    /// Removes a number from the set.
    Exclude(u64),
    /// Reads the set.
    Members,
    /// Steps that are executed together.
    Transact(Vec<Step>),
    /// Reads the keys of all steps, and executes the appends if no key has changed since (WATCH).
    Watched(Vec<Step>),
    /// Publishes a number that no other operation publishes.
    Publish(u64),
}

/// A step of a transaction on arrays: reads one, or appends a number to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub key: usize,
    pub append: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Appended; the length afterwards.
    Appended(usize),
    List(Vec<u64>),
    /// Set, with a deadline in unix milliseconds.
    Set(u64),
    /// The number that was found, and the time by which its deadline was judged.
    Found(Option<u64>, u64),
    /// Done, without a result.
    Done,
    /// The value of a counter, or how many keys or members were changed.
    Number(u64),
    /// The number that was found.
    Value(Option<u64>),
    /// What each step read, empty for an append; `None` if a watched key had changed.
    Transacted(Option<Vec<Vec<u64>>>),
    /// Certainly not applied.
    Refused(String),
    /// It is not known whether the operation was applied.
    Unknown(String),
}

impl Outcome {
    /// Whether the operation succeeded.
    pub fn is_ok(&self) -> bool {
        !matches!(self, Outcome::Refused(_) | Outcome::Unknown(_))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub client: usize,
    pub host: usize,
    pub key: usize,
    pub operation: Operation,
    pub invoked: u64,
    pub completed: Option<(u64, Outcome)>,
    /// The moments of its invocation and its completion.
    pub moments: [Moment; 2],
}

/// A published number that reached a node's subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub order: u64,
    pub host: usize,
    /// How often that node had been started.
    pub boot: u64,
    pub number: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    pub now_ms: u64,
    /// How often any node had been started.
    pub starts: u64,
}

#[derive(Debug, Default, PartialEq)]
pub struct History {
    pub events: Vec<Event>,
    pub deliveries: Vec<Delivery>,
    clock: u64,
    numbers: u64,
    moment: Moment,
}

impl History {
    /// Sets the moment of the following events.
    pub fn is_now(&mut self, moment: Moment) {
        self.moment = moment;
    }

    /// A number that no operation has used.
    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub fn invoke(&mut self, client: usize, host: usize, key: usize, operation: Operation) -> usize {
        self.clock += 1;
        let (invoked, moments) = (self.clock, [self.moment; 2]);
        self.events.push(Event { client, host, key, operation, invoked, completed: None, moments });
        self.events.len() - 1
    }

    pub fn complete(&mut self, event: usize, outcome: Outcome) {
        self.clock += 1;
        let event = &mut self.events[event];
        assert!(event.completed.is_none(), "an operation completes once");
        event.completed = Some((self.clock, outcome));
        event.moments[1] = self.moment;
    }

    pub fn deliver(&mut self, host: usize, boot: u64, number: u64) {
        self.clock += 1;
        self.deliveries.push(Delivery { order: self.clock, host, boot, number });
    }

    pub fn of_key(&self, key: usize) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.key == key)
    }

    /// The list that the last successful read of a key, local ones excluded, returned: its final
    /// state.
    pub fn last_list(&self, key: usize) -> Option<&[u64]> {
        let lists = self.of_key(key).filter_map(|event| Some((event.completed.as_ref()?.0, event.list()?)));
        lists.filter(|(_, (_, newest))| *newest).max_by_key(|(at, _)| *at).map(|(_, (list, _))| list)
    }
}

impl Event {
    pub fn outcome(&self) -> Option<&Outcome> {
        self.completed.as_ref().map(|(_, outcome)| outcome)
    }

    /// The position at which the operation ended; `u64::MAX` if its outcome is not known.
    pub fn ended(&self) -> u64 {
        match &self.completed {
            None | Some((_, Outcome::Unknown(_))) => u64::MAX,
            Some((at, _)) => *at,
        }
    }

    /// The list that was read, and whether it had to be the newest.
    pub fn list(&self) -> Option<(&[u64], bool)> {
        match self.outcome() {
            Some(Outcome::List(list)) => Some((list, self.operation != Operation::ReadLocal)),
            _ => None,
        }
    }
}
