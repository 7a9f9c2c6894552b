//! `BITFIELD key ..`, `BITFIELD_RO key ..`: read and write integers of 1 to 64 bits at any bit
//! offset of a string.
//!
//! Bit 0 is the most significant bit of the first byte. Bits beyond the end of the string read as
//! zero. A command with SET or INCRBY first extends the string with zero bytes up to the last bit
//! that these operations address.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{TEXT_BYTES_MAX, bytes_of, with_text};
use crate::command::framework::canonical_integer;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Read, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Edited, Key, Value, View, Writer};
use crate::resp::Reply;

const BAD_ENCODING: CommandError = CommandError::fixed(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);
const BAD_OFFSET: CommandError = CommandError::fixed("ERR bit offset is not an integer or out of range");
const BAD_OVERFLOW: CommandError = CommandError::fixed("ERR Invalid OVERFLOW type specified");
const READS_ONLY: CommandError = CommandError::fixed("ERR BITFIELD_RO only supports the GET subcommand");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Bitfield {
    key: Key,
    operations: Vec<Operation>,
}

#[derive(Debug)]
pub struct BitfieldRo {
    key: Bytes,
    operations: Vec<Operation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Operation {
    field: Field,
    action: Action,
}

/// The position, width and sign of one integer in a string.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Field {
    signed: bool,
    /// 1 to 64; without a sign at most 63, so that every value is an `i64` in the reply.
    bits: u32,
    /// The offset of the first bit.
    offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Action {
    Get,
    Set(i64, Overflow),
    Increment(i64, Overflow),
}

/// The treatment of a value that does not fit into its bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

impl Command for Bitfield {
    const SPEC: Spec = Spec {
        name: "BITFIELD",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST.used(Usage::VARIABLE),
        group: Group::Bitmap,
        since: "3.2.0",
        complexity: "O(1) an operation",
        summary: "Reads and writes integers of chosen bit widths in a string.",
        syntax: "key [GET encoding offset | [OVERFLOW (WRAP | SAT | FAIL)] (SET encoding offset value | INCRBY encoding offset increment)] ...",
    };
}

impl Command for BitfieldRo {
    const SPEC: Spec = Spec {
        name: "BITFIELD_RO",
        keys: KeySpec::FIRST,
        since: "6.0.0",
        summary: "Reads integers of chosen bit widths in a string.",
        syntax: "key [GET encoding offset] ...",
        ..Bitfield::SPEC
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Bitfield {
    const EVENT: &'static str = "SETBIT";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Bitfield, CommandError> {
        Ok(Bitfield { key: args.key()?, operations: operations(args)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let key = self.key.as_bytes();
        let written = self.operations.iter().filter(|operation| !operation.reads());
        let Some(length) = written.map(|operation| operation.field.end()).max() else {
            let values = with_text(keyspace, key, |text| read_all(&self.operations, text))?;
            return Ok(values.unwrap_or_else(|| read_all(&self.operations, &[])));
        };
        let values = keyspace.edit_text(key, |text| {
            let grown = text.len() < length;
            if grown {
                *text = [text, &vec![0; length - text.len()][..]].concat().into();
            }
            let (values, changed) = run_all(&self.operations, text);
            if grown || changed { Edited::Changed(values) } else { Edited::Unchanged(values) }
        })?;
        Ok(Reply::Array(values.unwrap_or_else(|| {
            let mut text = vec![0; length];
            let (values, _) = run_all(&self.operations, &mut text);
            keyspace.replace(self.key, Value::Text(text.into()));
            values
        })))
    }
}

impl Read for BitfieldRo {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<BitfieldRo, CommandError> {
        let (key, operations) = (args.word()?.clone(), operations(args)?);
        match operations.iter().all(Operation::reads) {
            true => Ok(BitfieldRo { key, operations }),
            false => Err(READS_ONLY),
        }
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let values = keyspace
            .with(&self.key, |entry| bytes_of(entry).map(|text| read_all(&self.operations, text)))
            .transpose()?;
        Ok(values.unwrap_or_else(|| read_all(&self.operations, &[])))
    }
}

/// Parses all operations of a request. An OVERFLOW applies to the operations after it.
fn operations(args: &mut Args<'_>) -> Result<Vec<Operation>, CommandError> {
    let mut operations = Vec::new();
    let mut overflow = Overflow::Wrap;
    while !args.is_empty() {
        if args.left() >= 2 && args.keyword("OVERFLOW") {
            overflow = Overflow::parse(args)?;
        } else if args.left() >= 3 && args.keyword("GET") {
            operations.push(Operation { field: Field::parse(args)?, action: Action::Get });
        } else if args.left() >= 4 && args.keyword("SET") {
            let field = Field::parse(args)?.written()?;
            operations.push(Operation { field, action: Action::Set(args.integer()?, overflow) });
        } else if args.left() >= 4 && args.keyword("INCRBY") {
            let field = Field::parse(args)?.written()?;
            operations.push(Operation { field, action: Action::Increment(args.integer()?, overflow) });
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(operations)
}

fn read_all(operations: &[Operation], text: &[u8]) -> Reply {
    Reply::Array(operations.iter().map(|one| Reply::Integer(one.field.get(text))).collect())
}

/// Runs all operations in order. Returns their values, and whether any bit was changed.
fn run_all(operations: &[Operation], text: &mut [u8]) -> (Vec<Reply>, bool) {
    let mut changed = false;
    let values = operations.iter().map(|operation| {
        let before = operation.field.get(text);
        let Some((after, value)) = operation.outcome(before) else { return Reply::Null };
        if after != before {
            operation.field.put(text, after);
            changed = true;
        }
        Reply::Integer(value)
    });
    (values.collect(), changed)
}

impl Operation {
    fn reads(&self) -> bool {
        self.action == Action::Get
    }

    /// Returns the new value of the field, and the value for the reply; `None` if the new value
    /// would overflow and OVERFLOW FAIL applies.
    fn outcome(&self, before: i64) -> Option<(i64, i64)> {
        match self.action {
            Action::Get => Some((before, before)),
            Action::Set(value, overflow) => {
                // As in Redis, a negative value for an unsigned field counts as one that is too
                // large.
                let wanted = if self.field.signed { i128::from(value) } else { i128::from(value as u64) };
                self.field.fit(wanted, overflow).map(|after| (after, before))
            }
            Action::Increment(by, overflow) => {
                let after = self.field.fit(i128::from(before) + i128::from(by), overflow)?;
                Some((after, after))
            }
        }
    }
}

impl Overflow {
    fn parse(args: &mut Args<'_>) -> Result<Overflow, CommandError> {
        let choices = [("WRAP", Overflow::Wrap), ("SAT", Overflow::Saturate), ("FAIL", Overflow::Fail)];
        let chosen = choices.into_iter().find(|(word, _)| args.keyword(word));
        chosen.map(|(_, overflow)| overflow).ok_or(BAD_OVERFLOW)
    }
}

impl Field {
    fn parse(args: &mut Args<'_>) -> Result<Field, CommandError> {
        let (signed, width) = match args.word()?.split_first() {
            Some((b'i', width)) => (true, width),
            Some((b'u', width)) => (false, width),
            _ => return Err(BAD_ENCODING),
        };
        let widths = 1..=if signed { 64 } else { 63 };
        let bits = canonical_integer(width).filter(|bits| widths.contains(bits)).ok_or(BAD_ENCODING)?;
        let word = args.word()?;
        let offset = match word.strip_prefix(b"#") {
            Some(count) => canonical_integer(count).and_then(|count| count.checked_mul(bits)),
            None => canonical_integer(word),
        };
        let in_range = |offset: &u64| (offset >> 3) < TEXT_BYTES_MAX as u64;
        let offset = offset.and_then(|offset| u64::try_from(offset).ok()).filter(in_range);
        Ok(Field { signed, bits: bits as u32, offset: offset.ok_or(BAD_OFFSET)? })
    }

    /// Checks that the field ends within the maximum length of a string. Redis lets the last field
    /// exceed that by some bytes.
    fn written(self) -> Result<Field, CommandError> {
        if self.end() <= TEXT_BYTES_MAX { Ok(self) } else { Err(BAD_OFFSET) }
    }

    /// The length in bytes of the shortest string that contains the field.
    fn end(self) -> usize {
        (self.offset + u64::from(self.bits)).div_ceil(8) as usize
    }

    /// The bytes of `text` that contain the field, as the most significant bytes of a number, and
    /// their position in `text`.
    fn window(self, text: &[u8]) -> (u128, usize) {
        let begin = ((self.offset / 8) as usize).min(text.len());
        let mut window = [0; 16];
        let held = &text[begin..self.end().min(text.len())];
        window[..held.len()].copy_from_slice(held);
        (u128::from_be_bytes(window), begin)
    }

    fn get(self, text: &[u8]) -> i64 {
        let aligned = self.window(text).0 << (self.offset % 8);
        match self.signed {
            // An arithmetic shift extends the sign.
            true => (aligned as i128 >> (128 - self.bits)) as i64,
            false => (aligned >> (128 - self.bits)) as i64,
        }
    }

    /// Writes the value into the field; `text` is long enough to contain it.
    fn put(self, text: &mut [u8], value: i64) {
        let (window, begin) = self.window(text);
        let place = |bits: u128| (bits << (128 - self.bits)) >> (self.offset % 8);
        let window = window & !place(u128::MAX) | place(value as u128);
        let held = &mut text[begin..self.end()];
        held.copy_from_slice(&window.to_be_bytes()[..held.len()]);
    }

    /// The value that is stored for `wanted`; `None` if `wanted` does not fit and OVERFLOW FAIL
    /// applies.
    fn fit(self, wanted: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = match self.signed {
            true => (-1i128 << (self.bits - 1), (1i128 << (self.bits - 1)) - 1),
            false => (0, (1i128 << self.bits) - 1),
        };
        let fitted = match overflow {
            _ if (min..=max).contains(&wanted) => wanted,
            Overflow::Fail => return None,
            Overflow::Saturate => wanted.clamp(min, max),
            Overflow::Wrap => (wanted - min).rem_euclid(max - min + 1) + min,
        };
        Some(fitted as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits_of(text: &[u8]) -> Vec<bool> {
        text.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
    }

    proptest! {
        #[test]
        fn a_field_is_its_own_bits_and_no_others(
            text in proptest::collection::vec(any::<u8>(), 16),
            bits in 1u32..=63,
            offset in 0u64..64,
            signed: bool,
            value: i64,
        ) {
            let field = Field { signed, bits, offset };
            let fitted = field.fit(i128::from(value), Overflow::Wrap).expect("wrapping always fits");
            let mut changed = text.clone();
            field.put(&mut changed, fitted);
            prop_assert_eq!(field.get(&changed), fitted);
            let low = |value: i64| value as u64 & ((1 << bits) - 1);
            prop_assert_eq!(low(fitted), low(value));
            let written = offset as usize..offset as usize + bits as usize;
            for (position, (before, after)) in bits_of(&text).into_iter().zip(bits_of(&changed)).enumerate() {
                match written.contains(&position) {
                    true => prop_assert_eq!(after, value >> (written.end - 1 - position) & 1 == 1),
                    false => prop_assert_eq!(after, before),
                }
            }
        }
    }

    #[test]
    fn bits_beyond_the_end_are_zero() {
        let field = |bits, offset| Field { signed: false, bits, offset };
        assert_eq!(field(16, 4).get(&[0xff]), 0xf000);
        assert_eq!(field(63, 1 << 31).get(&[0xff]), 0);
        assert_eq!(Field { signed: true, ..field(64, 0) }.get(&[0x80]), i64::MIN);
    }
}
