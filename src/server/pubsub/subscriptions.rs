//! The names that one client listens to.
//!
//! Invariant: together they are at most [`NAMES_PER_CLIENT_MAX`].

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::command::{Channel, Counts};
use crate::error::CommandError;

/// A client may listen to so many names: each is a few hundred bytes in two tables.
pub const NAMES_PER_CLIENT_MAX: usize = 100_000;

/// No key has a longer name in practice, and so many of a client's names are bounded by it.
pub const NAME_BYTES_MAX: usize = 64 << 10;

/// The kinds of names, as places in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(usize);

impl Kind {
    pub const COUNT: usize = 3;
    pub const ALL: [Kind; Kind::COUNT] = [Kind(0), Kind(1), Kind(2)];

    pub fn at(self) -> usize {
        self.0
    }
}

impl From<Channel> for Kind {
    fn from(channel: Channel) -> Kind {
        match channel {
            Channel::Plain => Kind(0),
            Channel::Pattern => Kind(1),
            Channel::Shard => Kind(2),
        }
    }
}

/// The names that one client listens to.
#[derive(Debug, Default)]
pub struct Subscriptions([BTreeSet<Bytes>; Kind::COUNT]);

impl Subscriptions {
    pub fn names(&self, kind: Kind) -> &BTreeSet<Bytes> {
        &self.0[kind.0]
    }

    pub fn names_mut(&mut self, kind: Kind) -> &mut BTreeSet<Bytes> {
        &mut self.0[kind.0]
    }

    pub fn counts(&self) -> Counts {
        let [channels, patterns, shards] = &self.0;
        Counts { channels: channels.len(), patterns: patterns.len(), shards: shards.len() }
    }

    /// Whether these may be taken in, too.
    pub fn have_room_for(&self, names: &[Bytes]) -> Result<(), CommandError> {
        let long = names.iter().any(|name| name.len() > NAME_BYTES_MAX);
        match long || self.counts().total() + names.len() > NAMES_PER_CLIENT_MAX {
            false => Ok(()),
            true => Err(CommandError::new(format!(
                "ERR a client listens to at most {NAMES_PER_CLIENT_MAX} names of {NAME_BYTES_MAX} bytes each"
            ))),
        }
    }
}
