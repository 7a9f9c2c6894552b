//! What clients asked and were told, in one order.
//!
//! Invariant: an operation took place between its `invoked` and its `completed`, and both are
//! places in one order.

/// What a client asks of one key, which holds a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Appends a number that no other operation appends.
    Append(u64),
    /// Reads the list, as linearizable as can be.
    Read,
    /// The same, on the word of a leader's lease.
    ReadLeased,
    /// Reads what the node has.
    ReadLocal,
    /// Puts a number that no other operation puts, for so many milliseconds.
    SetFor(u64, u64),
    /// Reads such a number, as linearizable as can be.
    ReadSet,
    /// The same, on the word of a leader's lease.
    ReadSetLeased,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Appended; the list had so many numbers then.
    Appended(usize),
    List(Vec<u64>),
    /// Put, with a deadline in unix milliseconds.
    Set(u64),
    /// The number that was there, and the time by which its deadline was judged.
    Found(Option<u64>, u64),
    /// Surely not done.
    Refused(String),
    /// Nobody knows, or the client did not wait for it.
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
    /// When it was invoked and when it completed, in milliseconds of the simulation, and how often
    /// nodes had been started by then.
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
    /// What follows happens at this moment.
    pub fn is_now(&mut self, moment: Moment) {
        self.moment = moment;
    }

    /// A number to append that was never used.
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

    /// The list that was read, and whether it had to be the newest.
    pub fn list(&self) -> Option<(&[u64], bool)> {
        match self.outcome() {
            Some(Outcome::List(list)) => Some((list, self.operation != Operation::ReadLocal)),
            _ => None,
        }
    }
}
