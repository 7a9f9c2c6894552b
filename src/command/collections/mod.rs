//! Commands that lists, sets, hashes and sorted sets share, each written once as a generic.
//!
//! A family provides the metadata of its commands and the access to its elements by implementing
//! [`Family`], and [`Keyed`] or [`Indexed`] where the type allows it. A row of the table is then,
//! for example, `Len<Hash>`.
//!
//! Invariant: the log does not contain the type parameter, because each command has a code of its
//! own.

pub mod random;
pub mod scan;

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::command::{Args, Budget, Command, Context, Flags, Read, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, View, Writer};
use crate::resp::Reply;
use scan::Page;

/// A type of collection that has its own family of commands.
pub trait Family: Collection + PartialEq {
    /// The metadata of [`Len`].
    const LEN: Spec;
}

/// A type whose elements are found by their bytes.
pub trait Keyed: Family {
    /// The metadata of [`Get`].
    const GET: Spec;
    /// The metadata of [`GetEach`].
    const GET_EACH: Spec;
    /// The metadata of [`Remove`].
    const REMOVE: Spec;
    /// The metadata of [`scan::Scan`].
    const SCAN: Spec;
    /// Whether elements have values, so that a client may request or omit them.
    const HAS_VALUES: bool;

    /// The reply for an element, which may not exist.
    fn lookup(&self, element: &[u8]) -> Reply;
    /// Removes an element. Returns whether it existed.
    fn remove_element(&mut self, element: &[u8]) -> bool;
    /// The elements that one call of a scan returns, and the cursor for the next call.
    fn page(&self, page: &Page) -> Result<(Vec<Reply>, u64), CommandError>;
}

/// A type whose elements are also found by their position.
pub trait Indexed: Keyed {
    /// The metadata of [`random::Random`].
    const RANDOM: Spec;

    /// The element at a position; with its value, if the type has values.
    fn at(&self, position: usize) -> Option<(&Element, Option<&Element>)>;
}

/// `LEN key`: the number of elements; 0 if the key does not exist.
pub struct Len<C> {
    key: Key,
    kind: PhantomData<C>,
}

impl<C: Family> Command for Len<C> {
    const SPEC: Spec = C::LEN;
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl<C: Family> Read for Len<C> {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Len<C>, CommandError> {
        Ok(Len { key: args.key()?, kind: PhantomData })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let len = keyspace.with_collection(self.key.as_bytes(), C::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}

/// `GET key element`: the result of [`Keyed::lookup`] for one element.
pub struct Get<C> {
    key: Key,
    element: Element,
    kind: PhantomData<C>,
}

impl<C: Keyed> Command for Get<C> {
    const SPEC: Spec = C::GET;
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl<C: Keyed> Read for Get<C> {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Get<C>, CommandError> {
        Ok(Get { key: args.key()?, element: args.element()?, kind: PhantomData })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let lookup = |collection: &C| collection.lookup(self.element.as_bytes());
        let reply = keyspace.with_collection(self.key.as_bytes(), lookup)?;
        Ok(reply.unwrap_or_else(|| lookup(&C::default())))
    }
}

/// `GETEACH key element ...`: the results of [`Keyed::lookup`] for several elements.
pub struct GetEach<C> {
    key: Key,
    elements: Vec<Element>,
    kind: PhantomData<C>,
}

impl<C: Keyed> Command for GetEach<C> {
    const SPEC: Spec = C::GET_EACH;
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl<C: Keyed> Read for GetEach<C> {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<GetEach<C>, CommandError> {
        Ok(GetEach { key: args.key()?, elements: args.elements()?, kind: PhantomData })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let lookup = |collection: &C| {
            let mut budget = Budget::default();
            let one = |element: &Element| {
                let reply = collection.lookup(element.as_bytes());
                budget.spend_on_reply(&reply)?;
                Ok(reply)
            };
            self.elements.iter().map(one).collect::<Result<Vec<Reply>, CommandError>>()
        };
        let replies = keyspace.with_collection(self.key.as_bytes(), lookup)?;
        replies.unwrap_or_else(|| lookup(&C::default())).map(Reply::Array)
    }
}

/// `REM key element ...`: removes elements and returns their number.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Remove<C> {
    key: Key,
    elements: Vec<Element>,
    kind: PhantomData<C>,
}

impl<C: Keyed> Command for Remove<C> {
    const SPEC: Spec = C::REMOVE;
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl<C: Keyed> Write for Remove<C> {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Remove<C>, CommandError> {
        Ok(Remove { key: args.key()?, elements: args.elements()?, kind: PhantomData })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let removed = keyspace.edit_collection(self.key.as_bytes(), |collection: &mut C| {
            let removed =
                self.elements.iter().filter(|element| collection.remove_element(element.as_bytes())).count();
            Ok(if removed == 0 { Edited::Unchanged(0) } else { Edited::Changed(removed as i64) })
        })?;
        Ok(Reply::Integer(removed.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{Hash, Set};

    #[test]
    fn the_type_of_a_collection_takes_no_byte_of_the_log() {
        let (key, elements) = (Key::from(&b"k"[..]), vec![Element::from(&b"one"[..])]);
        let plain = postcard::to_stdvec(&(&key, &elements)).unwrap();
        let of_sets = Remove::<Set> { key: key.clone(), elements: elements.clone(), kind: PhantomData };
        let of_hashes = Remove::<Hash> { key, elements, kind: PhantomData };
        assert_eq!(postcard::to_stdvec(&of_sets).unwrap(), plain);
        assert_eq!(postcard::to_stdvec(&of_hashes).unwrap(), plain);
    }
}
