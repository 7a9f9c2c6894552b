//! Commands on the ends of lists: push, pop and move.
//!
//! * `LPUSH key element ...`, `RPUSH`, `LPUSHX`, `RPUSHX`: adds elements at an end of a list and
//!   returns the new length.
//! * `LPOP key [count]`, `RPOP key [count]`: removes elements at an end of a list and returns them.
//! * `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`, `RPOPLPUSH source destination`: moves an
//!   element from an end of a list to an end of another or the same list, and returns the element,
//!   or null.

use serde::{Deserialize, Serialize};

use super::End;
use crate::command::framework::bulks::{bulk, bulks};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, List, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    key: Key,
    elements: Vec<Element>,
}

impl Push {
    fn parse(args: &mut Args<'_>) -> Result<Push, CommandError> {
        Ok(Push { key: args.key()?, elements: args.elements()? })
    }

    fn apply(self, end: End, begins: bool, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let elements = self.elements;
        let push = |list: &mut List| {
            list.room_for(elements.iter().map(Element::cost).sum())?;
            elements.into_iter().for_each(|element| end.push(list, element));
            Ok::<_, CommandError>(Edited::Changed(list.len()))
        };
        let len = match begins {
            true => keyspace.edit_or_begin(self.key, push)?,
            false => keyspace.edit_collection(self.key.as_bytes(), push)?.unwrap_or(0),
        };
        Ok(Reply::Integer(len as i64))
    }
}

macro_rules! push_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $event:literal, $end:expr, $begins:literal, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Push);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::List, $word, -3, $since, $complexity, $summary, "key element ...").used(Usage::INSERTED_INTO);
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Write for $name {
            const EVENT: &'static str = $event;

            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Push::parse(args).map($name)
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                self.0.apply($end, $begins, keyspace)
            }
        }
    )* };
}

push_commands! {
    Lpush, "LPUSH", "1.0.0", "O(1) for each element, O(N) in total, N: elements added", "LPUSH", End::Left, true, "Adds elements at the front of a list, which is created if missing.";
    Rpush, "RPUSH", "1.0.0", "O(1) for each element, O(N) in total, N: elements added", "RPUSH", End::Right, true, "Adds elements at the end of a list, which is created if missing.";
    Lpushx, "LPUSHX", "2.2.0", "O(1) for each element, O(N) in total, N: elements added", "LPUSH", End::Left, false, "Adds elements at the front of a list if there is one.";
    Rpushx, "RPUSHX", "2.2.0", "O(1) for each element, O(N) in total, N: elements added", "RPUSH", End::Right, false, "Adds elements at the end of a list if there is one.";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Pop {
    key: Key,
    /// The number of elements. Without a count, the reply is a single element and not an array.
    count: Option<usize>,
}

impl Pop {
    fn parse(args: &mut Args<'_>) -> Result<Pop, CommandError> {
        let key = args.key()?;
        if args.left() > 1 {
            return Err(args.wrong_arity());
        }
        Ok(Pop { key, count: args.count_if_any()? })
    }

    fn apply(self, end: End, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let popped = keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            let Some(count) = self.count else { return Ok(Edited::Changed(bulk(end.pop(list).as_ref()))) };
            let count = count.min(list.len());
            // The reply is built before anything is removed: if it exceeds the budget, the list
            // must stay as it is.
            let replies = match end {
                End::Left => bulks(list.range(0..count))?,
                End::Right => bulks(list.range(list.len() - count..list.len()).rev())?,
            };
            (0..count).for_each(|_| drop(end.pop(list)));
            assert_eq!(replies.len(), count, "each removed element has a reply");
            let reply = Reply::Array(replies);
            Ok(if count == 0 { Edited::Unchanged(reply) } else { Edited::Changed(reply) })
        })?;
        Ok(popped.unwrap_or(if self.count.is_some() { Reply::NullArray } else { Reply::Null }))
    }
}

macro_rules! pop_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $end:expr, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Pop);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::List, $word, -2, $since, $complexity, $summary, "key [count]").used(Usage::READ_AND_DELETED_FROM);
            const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
        }

        impl Write for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Pop::parse(args).map($name)
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                self.0.apply($end, keyspace)
            }
        }
    )* };
}

pop_commands! {
    Lpop, "LPOP", "1.0.0", "O(N), N: elements taken", End::Left, "Removes elements at the front of a list and returns them.";
    Rpop, "RPOP", "1.0.0", "O(N), N: elements taken", End::Right, "Removes elements at the end of a list and returns them.";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Lmove {
    source: Key,
    destination: Key,
    from: End,
    to: End,
}

impl Lmove {
    fn end(args: &mut Args<'_>) -> Result<End, CommandError> {
        if args.keyword("LEFT") {
            return Ok(End::Left);
        }
        if args.keyword("RIGHT") { Ok(End::Right) } else { Err(CommandError::SYNTAX) }
    }
}

impl Command for Lmove {
    const SPEC: Spec = Spec {
        keys: KeySpec::both(Usage::READ_AND_DELETED_FROM, Usage::INSERTED_INTO),
        ..Spec::of_key(
            Group::List,
            "LMOVE",
            5,
            "6.2.0",
            "O(1)",
            "Moves an element from one end of a list to one end of another.",
            "source destination (LEFT | RIGHT) (LEFT | RIGHT)",
        )
    };
}

impl Write for Lmove {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lmove, CommandError> {
        let (source, destination) = (args.key()?, args.key()?);
        Ok(Lmove { source, destination, from: Lmove::end(args)?, to: Lmove::end(args)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let (source, from, to) = (self.source.as_bytes(), self.from, self.to);
        keyspace.set_event(to.push_event());
        if self.source == self.destination {
            let turned = keyspace.edit_collection(source, |list: &mut List| {
                let element = from.pop(list).expect("a list in the keyspace has elements");
                let reply = bulk(Some(&element));
                to.push(list, element);
                Ok(Edited::Changed(reply))
            })?;
            if turned.is_some() {
                keyspace.announce(source, from.pop_event());
            }
            return Ok(turned.unwrap_or(Reply::Null));
        }
        let moved = keyspace.with_collection(source, |list: &List| match from {
            End::Left => list.get(0).cloned(),
            End::Right => list.get(list.len() - 1).cloned(),
        })?;
        let Some(moved) = moved.flatten() else { return Ok(Reply::Null) };
        let reply = bulk(Some(&moved));
        keyspace.edit_or_begin(self.destination, |list: &mut List| {
            list.room_for(Element::cost(&moved))?;
            to.push(list, moved);
            Ok(Edited::Changed(()))
        })?;
        keyspace.set_event(from.pop_event());
        keyspace.edit_collection(source, |list: &mut List| Ok(Edited::Changed(from.pop(list))))?;
        Ok(reply)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Rpoplpush {
    source: Key,
    destination: Key,
}

impl Command for Rpoplpush {
    const SPEC: Spec = Spec {
        keys: KeySpec::both(Usage::READ_AND_DELETED_FROM, Usage::INSERTED_INTO),
        ..Spec::of_key(
            Group::List,
            "RPOPLPUSH",
            3,
            "1.2.0",
            "O(1)",
            "Moves an element from the end of a list to the front of another.",
            "source destination",
        )
    };
}

impl Write for Rpoplpush {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Rpoplpush, CommandError> {
        Ok(Rpoplpush { source: args.key()?, destination: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let Rpoplpush { source, destination } = self;
        Lmove { source, destination, from: End::Right, to: End::Left }.apply(keyspace)
    }
}
