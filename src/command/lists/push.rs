//! `LPUSH key element ...`, `RPUSH`, `LPUSHX`, `RPUSHX`: puts elements at an end of a list; its new length.

use serde::{Deserialize, Serialize};

use super::End;
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
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

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $event:literal, $end:expr, $begins:literal, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Push);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::List, $word, -3, $since, $complexity, $summary, "key element ...").used(Usage::ADDED_TO);
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

commands! {
    Lpush, "LPUSH", "1.0.0", "O(1) for an element, O(N) for N of them", "LPUSH", End::Left, true, "Puts elements before the first of a list.";
    Rpush, "RPUSH", "1.0.0", "O(1) for an element, O(N) for N of them", "RPUSH", End::Right, true, "Puts elements behind the last of a list.";
    Lpushx, "LPUSHX", "2.2.0", "O(1) for an element, O(N) for N of them", "LPUSH", End::Left, false, "Puts elements before the first of a list that exists.";
    Rpushx, "RPUSHX", "2.2.0", "O(1) for an element, O(N) for N of them", "RPUSH", End::Right, false, "Puts elements behind the last of a list that exists.";
}
