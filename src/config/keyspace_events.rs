//! The setting `notify-keyspace-events`: which classes of events are published, and on which
//! channels.
//!
//! Invariant: the displayed value parses to the same set.

use std::fmt;
use std::str::FromStr;

/// A set of event classes and kinds of channels. Nothing is published unless the set has at least
/// one of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceEvents(u16);

impl KeyspaceEvents {
    /// `__keyspace@0__:<key>` channels, whose messages are events.
    pub const KEYSPACE: KeyspaceEvents = KeyspaceEvents(1);
    /// `__keyevent@0__:<event>` channels, whose messages are keys.
    pub const KEYEVENT: KeyspaceEvents = KeyspaceEvents(1 << 1);
    /// DEL, EXPIRE, RENAME and other commands for all types.
    pub const GENERIC: KeyspaceEvents = KeyspaceEvents(1 << 2);
    pub const STRING: KeyspaceEvents = KeyspaceEvents(1 << 3);
    pub const LIST: KeyspaceEvents = KeyspaceEvents(1 << 4);
    pub const SET: KeyspaceEvents = KeyspaceEvents(1 << 5);
    pub const HASH: KeyspaceEvents = KeyspaceEvents(1 << 6);
    pub const SORTED_SET: KeyspaceEvents = KeyspaceEvents(1 << 7);
    /// The expiry of a key.
    pub const EXPIRED: KeyspaceEvents = KeyspaceEvents(1 << 8);
    /// The eviction of a key, which never happens here.
    pub const EVICTED: KeyspaceEvents = KeyspaceEvents(1 << 9);
    pub const STREAM: KeyspaceEvents = KeyspaceEvents(1 << 10);
    /// Changes of values of modules. Documents are in this class, because RedisJSON is a module.
    pub const MODULE: KeyspaceEvents = KeyspaceEvents(1 << 11);
    /// A read of a key that does not exist; not part of `A`.
    pub const MISSED: KeyspaceEvents = KeyspaceEvents(1 << 12);
    /// The creation of a key; not part of `A`.
    pub const NEW: KeyspaceEvents = KeyspaceEvents(1 << 13);
    /// The classes that `A` stands for.
    pub const ALL: KeyspaceEvents = KeyspaceEvents(0b1111_1111_1100);

    /// Every class of events.
    pub const EVERY: KeyspaceEvents = KeyspaceEvents(0b11_1111_1111_1100);

    pub const fn union(self, other: KeyspaceEvents) -> KeyspaceEvents {
        KeyspaceEvents(self.0 | other.0)
    }

    /// Whether this set contains all of `other`.
    pub const fn contains(self, other: KeyspaceEvents) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether an event of these classes is published on any channel.
    pub const fn publishes(self, class: KeyspaceEvents) -> bool {
        self.0 & class.0 != 0 && self.0 & (KeyspaceEvents::KEYSPACE.0 | KeyspaceEvents::KEYEVENT.0) != 0
    }
}

/// The letters of the classes and of the kinds of channels, in the order in which Redis shows them.
const LETTERS: &[(char, KeyspaceEvents)] = &[
    ('g', KeyspaceEvents::GENERIC),
    ('$', KeyspaceEvents::STRING),
    ('l', KeyspaceEvents::LIST),
    ('s', KeyspaceEvents::SET),
    ('h', KeyspaceEvents::HASH),
    ('z', KeyspaceEvents::SORTED_SET),
    ('x', KeyspaceEvents::EXPIRED),
    ('e', KeyspaceEvents::EVICTED),
    ('t', KeyspaceEvents::STREAM),
    ('d', KeyspaceEvents::MODULE),
    ('n', KeyspaceEvents::NEW),
    ('K', KeyspaceEvents::KEYSPACE),
    ('E', KeyspaceEvents::KEYEVENT),
    ('m', KeyspaceEvents::MISSED),
];

impl FromStr for KeyspaceEvents {
    type Err = String;

    fn from_str(text: &str) -> Result<KeyspaceEvents, String> {
        text.chars().try_fold(KeyspaceEvents::default(), |events, letter| {
            let class = match letter {
                'A' => Some(KeyspaceEvents::ALL),
                letter => LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, class)| *class),
            };
            let class = class.ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
            Ok(events.union(class))
        })
    }
}

impl fmt::Display for KeyspaceEvents {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.contains(KeyspaceEvents::ALL);
        if all {
            out.write_str("A")?;
        }
        for (letter, class) in LETTERS {
            if self.contains(*class) && !(all && KeyspaceEvents::ALL.contains(*class)) {
                write!(out, "{letter}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_shown_in_the_order_of_redis() {
        for (given, shown) in [
            ("", ""),
            ("KEA", "AKE"),
            ("KExm", "xKEm"),
            ("g$lshzxetdKE", "AKE"),
            ("nK", "nK"),
            ("KEe", "eKE"),
            ("KKgg", "gK"),
            // Redis 7.0 does not display the n, and so loses it in CONFIG REWRITE.
            ("AnKE", "AnKE"),
        ] {
            let events: KeyspaceEvents = given.parse().unwrap();
            assert_eq!(events.to_string(), shown, "{given}");
            assert_eq!(shown.parse(), Ok(events), "{given}");
        }
        assert!("KEy".parse::<KeyspaceEvents>().unwrap_err().starts_with("Invalid event class"));
    }

    #[test]
    fn nothing_is_published_without_a_channel_or_a_class() {
        let events = |text: &str| text.parse::<KeyspaceEvents>().unwrap();
        assert!(events("Kg").publishes(KeyspaceEvents::GENERIC));
        assert!(!events("Kg").publishes(KeyspaceEvents::STRING));
        assert!(!events("A").publishes(KeyspaceEvents::GENERIC));
        assert!(!events("KEA").publishes(KeyspaceEvents::NEW));
    }
}
