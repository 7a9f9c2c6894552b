//! The operations of all clients and their outcomes, in one order.
//!
//! Invariant: an operation takes effect between `invoked` and `completed`, which are positions in
//! that order.

/// An operation of a client on one key. Most keys hold a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Appends a number that no other operation appends.
    Append(u64),
    /// Reads the list, linearizably.
    Read,
    /// Reads the list linearizably, relying on the leader's lease.
    ReadLeased,
    /// Reads the list from the node's own state.
    ReadLocal,
    /// Sets a number that no other operation sets; its lifetime is the second number, in
    /// milliseconds.
    SetFor(u64, u64),
    /// Reads such a number linearizably.
    ReadSet,
    /// Reads such a number linearizably, relying on the leader's lease.
    ReadSetLeased,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The number was appended; the list then had this length.
    Appended(usize),
    List(Vec<u64>),
    /// The number was set, with this deadline in Unix milliseconds.
    Set(u64),
    /// The number that was found, if any, and the time that decided whether it had expired.
    Found(Option<u64>, u64),
    /// The operation was certainly not applied.
    Refused(String),
    /// The outcome is uncertain, or the client did not wait for it.
    Unknown(String),
}

#[derive(Clone, Debug)]
pub struct Event {
    pub client: usize,
    pub host: usize,
    pub key: usize,
    pub operation: Operation,
    pub invoked: u64,
    pub completed: Option<(u64, Outcome)>,
    /// The moments at which the operation was invoked and completed.
    pub moments: [Moment; 2],
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    pub now_ms: u64,
    pub starts: u64,
}

#[derive(Debug, Default)]
pub struct History {
    pub events: Vec<Event>,
    clock: u64,
    numbers: u64,
    moment: Moment,
}

impl History {
    /// Sets the moment for the events that are recorded next.
    pub fn is_now(&mut self, moment: Moment) {
        self.moment = moment;
    }

    /// A number that no operation has used yet.
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

    pub fn of_key(&self, key: usize) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.key == key)
    }
}

impl Event {
    pub fn outcome(&self) -> Option<&Outcome> {
        self.completed.as_ref().map(|(_, outcome)| outcome)
    }

    /// The list that was read, and whether the read had to return the newest state.
    pub fn list(&self) -> Option<(&[u64], bool)> {
        match self.outcome() {
            Some(Outcome::List(list)) => Some((list, self.operation != Operation::ReadLocal)),
            _ => None,
        }
    }
}
