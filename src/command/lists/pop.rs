//! `LPOP key [count]`, `RPOP key [count]`: takes elements from an end of a list.

use serde::{Deserialize, Serialize};

use super::End;
use crate::command::framework::bulks::{bulk, bulks};
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Key, List, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Pop {
    key: Key,
    /// Without one, the answer is an element and no array.
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
            // What is answered may be too much, and then nothing is taken.
            let replies = match end {
                End::Left => bulks(list.range(0..count))?,
                End::Right => bulks(list.range(list.len() - count..list.len()).rev())?,
            };
            (0..count).for_each(|_| drop(end.pop(list)));
            assert_eq!(replies.len(), count, "what is taken is answered");
            let answer = Reply::Array(replies);
            Ok(if count == 0 { Edited::Unchanged(answer) } else { Edited::Changed(answer) })
        })?;
        Ok(popped.unwrap_or(if self.count.is_some() { Reply::NullArray } else { Reply::Null }))
    }
}

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $end:expr, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Pop);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::List, $word, -2, $since, $complexity, $summary, "key [count]").used(Usage::READ_AND_TAKEN_FROM);
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

commands! {
    Lpop, "LPOP", "1.0.0", "O(N) with N the elements that are popped", End::Left, "Takes the first elements of a list.";
    Rpop, "RPOP", "1.0.0", "O(N) with N the elements that are popped", End::Right, "Takes the last elements of a list.";
}
