//! The positions of the keys in a request, and how the command uses them.

use crate::keyspace::Scope;

/// How a command uses a key, as the key flags of `COMMAND INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage(pub &'static [&'static str]);

impl Usage {
    /// The command returns no data of the key, but only facts about it, such as existence, type or
    /// length.
    pub const INSPECTED: Usage = Usage(&["RO"]);
    pub const READ: Usage = Usage(&["RO", "access"]);
    pub const UPDATED: Usage = Usage(&["RW", "update"]);
    pub const READ_AND_UPDATED: Usage = Usage(&["RW", "access", "update"]);
    pub const INSERTED_INTO: Usage = Usage(&["RW", "insert"]);
    pub const DELETED_FROM: Usage = Usage(&["RW", "delete"]);
    pub const READ_AND_DELETED_FROM: Usage = Usage(&["RW", "access", "delete"]);
    pub const REPLACED: Usage = Usage(&["OW", "update"]);
    pub const CREATED: Usage = Usage(&["OW", "insert"]);
    pub const REMOVED: Usage = Usage(&["RM", "delete"]);
    /// The use depends on the request: for example, `SET .. GET` also reads.
    pub const VARIABLE: Usage = Usage(&["RW", "access", "update", "variable_flags"]);
    /// The word is the name of a channel and not a key.
    pub const CHANNEL: Usage = Usage(&["not_key"]);
}

/// The positions of the keys, as `COMMAND INFO` reports them; the command's name is word 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    pub first: i32,
    /// The last position. A negative number counts from the end; -1 is the last word.
    pub last: i32,
    pub step: i32,
    /// The use of the keys, if it does not follow from the route.
    usage: Option<Usage>,
    /// The use of the second of two keys, if it differs from that of the first.
    second: Option<Usage>,
}

impl KeySpec {
    pub const NONE: KeySpec = KeySpec::new(0, 0, 0);
    pub const FIRST: KeySpec = KeySpec::new(1, 1, 1);
    pub const ALL: KeySpec = KeySpec::new(1, -1, 1);
    pub const FIRST_TWO: KeySpec = KeySpec::new(1, 2, 1);

    pub const fn new(first: i32, last: i32, step: i32) -> KeySpec {
        KeySpec { first, last, step, usage: None, second: None }
    }

    pub const fn used(self, usage: Usage) -> KeySpec {
        KeySpec { usage: Some(usage), ..self }
    }

    /// Two keys with different uses.
    pub const fn both(first: Usage, second: Usage) -> KeySpec {
        KeySpec { usage: Some(first), second: Some(second), ..KeySpec::FIRST_TWO }
    }

    /// Whether the request has no keys. Its words may still be names of channels.
    pub fn has_no_keys(self) -> bool {
        self.first == 0 || self.usage == Some(Usage::CHANNEL)
    }

    /// The ranges of keys with equal use, each with that use; `usual` for a range that does not
    /// state one.
    pub fn ranges(self, usual: Usage) -> Vec<(KeySpec, Usage)> {
        let usage = self.usage.unwrap_or(usual);
        match self.second {
            _ if self.first == 0 => Vec::new(),
            None => vec![(self, usage)],
            Some(second) => {
                let one = |position| KeySpec { first: position, last: position, ..self };
                vec![(one(self.first), usage), (one(self.last), second)]
            }
        }
    }

    /// The positions of the keys in a request of `words` words, including the name.
    pub fn positions(self, words: usize) -> impl Iterator<Item = usize> {
        let words = words as i64;
        let last = if self.last < 0 { words + i64::from(self.last) } else { i64::from(self.last) };
        let (first, step) = (i64::from(self.first), i64::from(self.step.max(1)));
        let none = self.has_no_keys();
        (0..)
            .map(move |turn| first + turn * step)
            .take_while(move |&position| !none && position <= last && position < words)
            .map(|position| position as usize)
    }

    /// A command on several or all keys has to see them at one moment.
    pub fn scope(self) -> Scope {
        if self.first != 0 && self.first == self.last { Scope::OneKey } else { Scope::ManyKeys }
    }
}
