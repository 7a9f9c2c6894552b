//! Writes of hashes.
//!
//! * `HSET key field value ...`, `HMSET key field value ...`: sets fields; HSET returns how many
//!   are new.
//! * `HSETNX key field value`: sets a field unless it exists, and returns whether the field was
//!   set.
//! * `HINCRBY key field increment`: adds to an integer field and returns the sum.
//! * `HINCRBYFLOAT key field increment`: adds to a floating-point field and returns the sum.

use serde::{Deserialize, Serialize};

use crate::command::framework::canonical_integer;
use crate::command::strings::number::{NOT_A_FLOAT, OVERFLOW, plus, real};
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Hash, Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    key: Key,
    pairs: Vec<(Element, Element)>,
}

impl Pairs {
    fn parse(args: &mut Args<'_>) -> Result<Pairs, CommandError> {
        let key = args.key()?;
        if args.is_empty() || !args.left().is_multiple_of(2) {
            return Err(args.wrong_arity());
        }
        let element = |word: &bytes::Bytes| Element::from(&word[..]);
        let pairs = args.rest().chunks_exact(2).map(|pair| (element(&pair[0]), element(&pair[1]))).collect();
        Ok(Pairs { key, pairs })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<i64, CommandError> {
        keyspace.edit_or_begin(self.key, |hash: &mut Hash| {
            hash.room_for(self.pairs.iter().map(|(field, value)| field.cost() + value.cost()).sum())?;
            let mut new = 0;
            self.pairs.into_iter().for_each(|(field, value)| new += i64::from(hash.insert(field, value)));
            Ok(Edited::Changed(new))
        })
    }
}

macro_rules! set_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $reply:expr, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Pairs);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::Hash, $word, -4, $since, $complexity, $summary, "key field value [field value ...]").used(Usage::UPDATED);
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Write for $name {
            const EVENT: &'static str = "HSET";

            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Pairs::parse(args).map($name)
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                let to_reply: fn(i64) -> Reply = $reply;
                self.0.apply(keyspace).map(to_reply)
            }
        }
    )* };
}

set_commands! {
    Hset, "HSET", "2.0.0", "O(1) for each field, O(N) in total, N: fields", Reply::Integer, "Writes fields of a hash and counts those that are new.";
    Hmset, "HMSET", "2.0.0", "O(N), N: fields", |_| Reply::OK, "Writes fields of a hash.";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Hsetnx {
    key: Key,
    field: Element,
    value: Element,
}

impl Command for Hsetnx {
    const SPEC: Spec = Spec::of_key(
        Group::Hash,
        "HSETNX",
        4,
        "2.0.0",
        "O(1)",
        "Writes a field of a hash unless the field exists.",
        "key field value",
    )
    .used(Usage::INSERTED_INTO);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Hsetnx {
    const EVENT: &'static str = "HSET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hsetnx, CommandError> {
        Ok(Hsetnx { key: args.key()?, field: args.element()?, value: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let set = keyspace.edit_or_begin(self.key, |hash: &mut Hash| {
            if hash.contains(self.field.as_bytes()) {
                return Ok(Edited::Unchanged(0));
            }
            hash.room_for(self.field.cost() + self.value.cost())?;
            hash.insert(self.field, self.value);
            Ok(Edited::Changed(1))
        })?;
        Ok(Reply::Integer(set))
    }
}

const NOT_WHOLE: CommandError = CommandError::fixed("ERR hash value is not an integer");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Hincrby {
    key: Key,
    field: Element,
    by: i64,
}

impl Command for Hincrby {
    const SPEC: Spec = Spec::of_key(
        Group::Hash,
        "HINCRBY",
        4,
        "2.0.0",
        "O(1)",
        "Adds to an integer field of a hash; a missing field counts as 0.",
        "key field increment",
    );
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Hincrby {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hincrby, CommandError> {
        Ok(Hincrby { key: args.key()?, field: args.element()?, by: args.integer()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let after = keyspace.edit_or_begin(self.key, |hash: &mut Hash| {
            let before = match hash.get(self.field.as_bytes()) {
                Some(value) => canonical_integer(value.as_bytes()).ok_or(NOT_WHOLE)?,
                None => 0,
            };
            let after = before.checked_add(self.by).ok_or(OVERFLOW)?;
            let value = Element::from(itoa::Buffer::new().format(after).as_bytes());
            hash.room_for(self.field.cost() + value.cost())?;
            hash.insert(self.field, value);
            Ok(Edited::Changed(after))
        })?;
        Ok(Reply::Integer(after))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Hincrbyfloat {
    key: Key,
    field: Element,
    by: f64,
}

impl Command for Hincrbyfloat {
    const SPEC: Spec = Spec::of_key(
        Group::Hash,
        "HINCRBYFLOAT",
        4,
        "2.6.0",
        "O(1)",
        "Adds to a decimal field of a hash; a missing field counts as 0.",
        "key field increment",
    );
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Hincrbyfloat {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hincrbyfloat, CommandError> {
        let (key, field, word) = (args.key()?, args.element()?, args.word()?);
        let by = real(word).ok_or(NOT_A_FLOAT)?;
        if !by.is_finite() {
            return Err(CommandError::fixed("ERR value is NaN or Infinity"));
        }
        Ok(Hincrbyfloat { key, field, by })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let after = keyspace.edit_or_begin(self.key, |hash: &mut Hash| {
            let before = hash.get(self.field.as_bytes()).map_or(&b"0"[..], Element::as_bytes);
            let text = plus(before, self.by, CommandError::fixed("ERR hash value is not a float"))?;
            let value = Element::from(text.as_bytes());
            hash.room_for(self.field.cost() + value.cost())?;
            hash.insert(self.field, value);
            Ok(Edited::Changed(text))
        })?;
        Ok(Reply::bulk(after))
    }
}
