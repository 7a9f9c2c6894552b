//! Writes of lists by position or by value.
//!
//! * `LSET key index element`: replaces the element at an index.
//! * `LINSERT key BEFORE|AFTER pivot element`: inserts an element next to the first one that equals
//!   the pivot. Returns the new length, -1 if no element equals the pivot, or 0 if the key does not
//!   exist.
//! * `LREM key count element`: removes up to `count` elements that equal the given one, and returns
//!   their number. A positive count begins at the front, a negative one at the end, and 0 removes
//!   all.
//! * `LTRIM key start stop`: removes all elements outside a range.

use serde::{Deserialize, Serialize};

use crate::command::framework::range::{Indexes, position};
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, List, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Lset {
    key: Key,
    index: i64,
    element: Element,
}

impl Command for Lset {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LSET",
        4,
        "1.0.0",
        "O(N), N: elements up to the nearer end; O(1) at both ends",
        "Replaces the element at an index of a list.",
        "key index element",
    )
    .used(Usage::UPDATED);
}

impl Write for Lset {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lset, CommandError> {
        Ok(Lset { key: args.key()?, index: args.integer()?, element: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let set = keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            let index =
                position(self.index, list.len()).ok_or(CommandError::fixed("ERR index out of range"))?;
            list.room_for(self.element.cost())?;
            list.set(index, self.element);
            Ok(Edited::Changed(Reply::OK))
        })?;
        set.ok_or(CommandError::fixed("ERR no such key"))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Linsert {
    key: Key,
    after: bool,
    pivot: Element,
    element: Element,
}

impl Command for Linsert {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LINSERT",
        5,
        "2.2.0",
        "O(N), N: elements before the pivot; O(1) at the front",
        "Inserts an element next to the first one that equals the pivot.",
        "key (BEFORE | AFTER) pivot element",
    )
    .used(Usage::INSERTED_INTO);
}

impl Write for Linsert {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Linsert, CommandError> {
        let key = args.key()?;
        let after = args.keyword("AFTER");
        if !after && !args.keyword("BEFORE") {
            return Err(CommandError::SYNTAX);
        }
        Ok(Linsert { key, after, pivot: args.element()?, element: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let len = keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            let Some(index) = list.iter().position(|one| *one == self.pivot) else {
                return Ok(Edited::Unchanged(-1));
            };
            list.room_for(self.element.cost())?;
            list.insert(index + usize::from(self.after), self.element);
            Ok(Edited::Changed(list.len() as i64))
        })?;
        Ok(Reply::Integer(len.unwrap_or(0)))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Lrem {
    key: Key,
    count: i64,
    element: Element,
}

impl Command for Lrem {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LREM",
        4,
        "1.0.0",
        "O(N+M), N: elements of the list, M: elements removed",
        "Removes elements that equal a given one from a list.",
        "key count element",
    )
    .used(Usage::DELETED_FROM);
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Lrem {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lrem, CommandError> {
        Ok(Lrem { key: args.key()?, count: args.integer()?, element: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let removed = keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            let count = match self.count {
                0 => usize::MAX,
                count => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
            };
            match list.remove_equal(self.element.as_bytes(), count, self.count < 0) {
                0 => Ok(Edited::Unchanged(0)),
                removed => Ok(Edited::Changed(removed as i64)),
            }
        })?;
        Ok(Reply::Integer(removed.unwrap_or(0)))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Ltrim {
    key: Key,
    indexes: Indexes,
}

impl Command for Ltrim {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LTRIM",
        4,
        "1.0.0",
        "O(N), N: elements removed",
        "Keeps the elements between two indexes of a list.",
        "key start stop",
    )
    .used(Usage::DELETED_FROM);
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Ltrim {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Ltrim, CommandError> {
        Ok(Ltrim { key: args.key()?, indexes: Indexes::parse(args)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            // As in Redis, this counts as a change even if all elements are kept.
            list.keep(self.indexes.within(list.len()));
            Ok(Edited::Changed(()))
        })?;
        Ok(Reply::OK)
    }
}
