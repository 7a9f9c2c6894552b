//! `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`, `RPOPLPUSH source destination`: takes an element from an end of a
//! list and puts it at an end of another, which may be the same; the element, null where there is none.

use serde::{Deserialize, Serialize};

use super::End;
use crate::command::framework::bulks::bulk;
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, List, Writer};
use crate::resp::Reply;

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
        keys: KeySpec::both(Usage::READ_AND_TAKEN_FROM, Usage::ADDED_TO),
        ..Spec::of_key(
            Group::List,
            "LMOVE",
            5,
            "6.2.0",
            "O(1)",
            "Takes an element from an end of a list and puts it at an end of another.",
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
        keyspace.call_it(to.push_event());
        if self.source == self.destination {
            let turned = keyspace.edit_collection(source, |list: &mut List| {
                let element = from.pop(list).expect("a list in the keyspace has elements");
                let reply = bulk(Some(&element));
                to.push(list, element);
                Ok(Edited::Changed(reply))
            })?;
            if turned.is_some() {
                keyspace.tell(source, from.pop_event());
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
        keyspace.call_it(from.pop_event());
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
        keys: KeySpec::both(Usage::READ_AND_TAKEN_FROM, Usage::ADDED_TO),
        ..Spec::of_key(
            Group::List,
            "RPOPLPUSH",
            3,
            "1.2.0",
            "O(1)",
            "Takes the last element of a list and puts it before the first of another.",
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
