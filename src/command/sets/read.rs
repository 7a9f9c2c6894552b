//! Reads of whole sets, and the set operations.
//!
//! * `SMEMBERS key`: returns all members of a set.
//! * `SINTER key ...`, `SUNION key ...`, `SDIFF key ...`: returns the members that are in all sets,
//!   in any set, or only in the first set.

use crate::command::framework::bulks::bulks;
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Element, Key, Scope, Set, Value, View};
use crate::resp::Reply;

pub struct Smembers {
    key: Key,
}

impl Command for Smembers {
    const SPEC: Spec = Spec::of_key(
        Group::Set,
        "SMEMBERS",
        2,
        "1.0.0",
        "O(N), N: members",
        "Lists the members of a set.",
        "key",
    );
}

impl Read for Smembers {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Smembers, CommandError> {
        Ok(Smembers { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let members = keyspace.with_collection(self.key.as_bytes(), |set: &Set| bulks(set.iter()))?;
        members.unwrap_or(Ok(Vec::new())).map(Reply::Set)
    }
}

/// The sets under several keys; a missing key is an empty set.
fn sets(keys: &[Key], keyspace: &View<'_>) -> Result<Vec<Value>, CommandError> {
    let one = |key: &Key| match keyspace.value(key.as_bytes()) {
        None => Ok(Set::default().into_value()),
        Some(value) if Set::of(value.borrowed()).is_some() => Ok(value),
        Some(_) => Err(CommandError::WRONG_KIND),
    };
    keys.iter().map(one).collect()
}

type Members<'a> = Vec<&'a Element>;

fn intersection<'a>(sets: &[&'a Set]) -> Members<'a> {
    // The search starts from the smallest set, which limits the number of lookups.
    let Some((nth, smallest)) = sets.iter().enumerate().min_by_key(|(_, set)| set.len()) else {
        return Vec::new();
    };
    let others = || sets.iter().enumerate().filter(|(other, _)| *other != nth);
    smallest.iter().filter(|member| others().all(|(_, set)| set.contains(member.as_bytes()))).collect()
}

fn union<'a>(sets: &[&'a Set]) -> Members<'a> {
    let earlier =
        |nth: usize, member: &Element| sets[..nth].iter().any(|set| set.contains(member.as_bytes()));
    let new = |(nth, set): (usize, &&'a Set)| {
        let set: &'a Set = set;
        set.iter().filter(|member| !earlier(nth, member)).collect::<Vec<_>>()
    };
    sets.iter().enumerate().flat_map(new).collect()
}

fn difference<'a>(sets: &[&'a Set]) -> Members<'a> {
    let Some((first, others)) = sets.split_first() else { return Vec::new() };
    first.iter().filter(|member| !others.iter().any(|set| set.contains(member.as_bytes()))).collect()
}

macro_rules! combine_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $combine:expr, $summary:literal;)*) => { $(
        pub struct $name {
            keys: Vec<Key>,
        }

        impl Command for $name {
            const SPEC: Spec = Spec { keys: KeySpec::ALL, ..Spec::of_key(Group::Set, $word, -2, $since, $complexity, $summary, "key ...") };
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Ok($name { keys: args.rest().iter().map(|word| Key::from(&word[..])).collect() })
            }

            fn scope(&self) -> Scope {
                Scope::of(self.keys.len())
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                let values = sets(&self.keys, keyspace)?;
                let sets: Vec<&Set> = values.iter().filter_map(|value| Set::of(value.borrowed())).collect();
                let combine: for<'a> fn(&[&'a Set]) -> Members<'a> = $combine;
                bulks(combine(&sets).into_iter()).map(Reply::Set)
            }
        }
    )* };
}

combine_commands! {
    Sinter, "SINTER", "1.0.0", "O(N*M) at worst, N: members of the smallest set, M: sets", intersection, "Lists the members that are in all sets.";
    Sunion, "SUNION", "1.0.0", "O(N), N: members of all sets", union, "Lists the members that are in any of the sets.";
    Sdiff, "SDIFF", "1.0.0", "O(N), N: members of all sets", difference, "Lists the members that are only in the first set.";
}
