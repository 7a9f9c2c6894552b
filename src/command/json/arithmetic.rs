//! `JSON.NUMINCRBY`, `JSON.NUMMULTBY`, `JSON.NUMPOWBY key path number`: arithmetic on the numbers
//! at a path. The reply has the results in the order of the matches; in RESP2, only the last result
//! for a legacy path.

use serde::{Deserialize, Serialize};

use super::reply::NOT_NUMERIC;
use super::reply::number;
use super::target::{Target, locations};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::path::{Path, Steps};
use crate::json::{
    Action, Arithmetic, Builder, Document, Kind, Location, Number, ParseLimits, Value, rewrite,
};
use crate::keyspace::{Edited, Key, Writer};
use crate::resp::{Protocol, Reply};

/// The operands of the three commands.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Operands {
    key: Key,
    path: Target,
    /// The encoded operand, or the text of the error for an invalid one. The error is returned only
    /// if the key exists, because RedisJSON looks up the key first.
    by: Result<Document, Box<str>>,
    protocol: Protocol,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident, $word:literal, $since:literal, $complexity:literal, $arithmetic:ident, $summary:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Operands);

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: 4,
                keys: KeySpec::FIRST,
                group: Group::Json,
                since: $since,
                complexity: $complexity,
                summary: $summary,
                syntax: "key path number",
            };
        }

        impl Write for $name {
            fn parse(args: &mut Args<'_>, context: &Context) -> Result<$name, CommandError> {
                Operands::parse(args, context).map($name)
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                self.0.apply(Arithmetic::$arithmetic, keyspace)
            }
        }
    )* };
}

commands! {
    NumIncrBy, "JSON.NUMINCRBY", "1.0.0", "O(N), N: size of the document", Add, "Adds a number to each number at the path.";
    NumMultBy, "JSON.NUMMULTBY", "1.0.0", "O(N), N: size of the document", Multiply, "Multiplies each number at the path by a factor.";
    NumPowBy, "JSON.NUMPOWBY", "1.0.0", "O(N), N: size of the document", Power, "Raises each number at the path to a power.";
}

impl Operands {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Operands, CommandError> {
        let (key, path, text) = (args.key()?, args.word()?, args.word()?);
        let by = Number::parse(text).map_err(|error| error.line().into());
        let by = by.map(|number| Document::from_trusted(&encoded(number)));
        Ok(Operands { key, path: Target::parse(path)?, by, protocol: context.protocol })
    }

    fn apply(self, arithmetic: Arithmetic, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let path = self.path.path()?;
        let steps = keyspace.steps();
        let results = keyspace.edit_document(self.key.as_bytes(), |document| {
            let by = self.by.as_ref().map_err(|line| CommandError::new(line.clone()))?;
            let by = Number::of(by.root()).ok_or(crate::json::BAD_OPERAND)?;
            let (results, fresh) = results(&path, document, arithmetic, by, steps)?;
            if fresh.is_empty() {
                return Ok(Edited::Unchanged(results));
            }
            put(document, &fresh, steps)?;
            Ok(Edited::Changed(results))
        })?;
        self.reply(path.is_legacy(), results.ok_or(CommandError::NO_KEY)?)
    }

    fn reply(&self, legacy: bool, results: Vec<Option<Number>>) -> Result<Reply, CommandError> {
        if self.protocol == Protocol::Resp3 {
            let one = |result: Option<Number>| result.map_or(Reply::Null, number);
            return Ok(Reply::Array(results.into_iter().map(one).collect()));
        }
        let mut out = Vec::new();
        if legacy {
            results.into_iter().flatten().next_back().ok_or(NOT_NUMERIC)?.print(&mut out);
            return Ok(Reply::bulk(out));
        }
        out.push(b'[');
        for (nth, result) in results.iter().enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            match result {
                Some(number) => number.print(&mut out),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b']');
        Ok(Reply::bulk(out))
    }
}

type Fresh = Vec<(usize, Number)>;

/// Computes the result of each match, and the new numbers by offset: ascending, and each location
/// once. If a location matched twice, the operation is applied to it twice.
fn results(
    path: &Path,
    document: &Document,
    arithmetic: Arithmetic,
    by: Number,
    steps: Steps<'_>,
) -> Result<(Vec<Option<Number>>, Fresh), CommandError> {
    let found = locations(path, document, steps)?;
    let mut fresh: Fresh = Vec::with_capacity(found.len());
    let mut results = Vec::with_capacity(found.len());
    for location in &found {
        let Some(before) = Number::of(location.value(document)) else {
            results.push(None);
            continue;
        };
        // Sorted by offset, and searched from the end: most paths match in the order of offsets, so
        // the location is usually the last one or comes after it. Unions and `..` may match out of
        // that order.
        let known = fresh.iter().rposition(|(at, _)| *at <= location.at);
        let after = match known.filter(|&nth| fresh[nth].0 == location.at) {
            Some(nth) => {
                fresh[nth].1 = compute(document, location, arithmetic, fresh[nth].1, by)?;
                fresh[nth].1
            }
            None => {
                let after = compute(document, location, arithmetic, before, by)?;
                fresh.insert(known.map_or(0, |nth| nth + 1), (location.at, after));
                after
            }
        };
        results.push(Some(after));
    }
    Ok((results, fresh))
}

fn compute(
    document: &Document,
    location: &Location,
    arithmetic: Arithmetic,
    number: Number,
    by: Number,
) -> Result<Number, CommandError> {
    let parent = location.parent.map(|parent| Value::at(document.encoded(), parent));
    match parent.filter(|parent| parent.kind() == Kind::Array) {
        Some(array) => arithmetic.apply_in(array, number, by),
        None => arithmetic.apply(number, by),
    }
}

fn encoded(number: Number) -> Vec<u8> {
    let mut out = Builder::with_capacity(9);
    number.push(&mut out);
    out.into_bytes()
}

/// Writes each number at its offset. A single number is replaced in place if the new one has the
/// same size.
fn put(document: &mut Document, fresh: &[(usize, Number)], steps: Steps<'_>) -> Result<(), CommandError> {
    if let [(at, number)] = fresh
        && document.try_replace_in_place(*at, &encoded(*number))
    {
        return Ok(());
    }
    steps.spend_on_edit(document)?;
    let offsets: Vec<usize> = fresh.iter().map(|(at, _)| *at).collect();
    // The size limit is lifted, because a number has at most nine bytes.
    let limits = ParseLimits { document_bytes_max: usize::MAX };
    let edited = rewrite(document, &offsets, &limits, |nth, tail| {
        tail.replace(&encoded(fresh[nth].1))?;
        Ok(Action::Keep)
    })?;
    *document = edited.expect("an edit without deletions keeps the root");
    Ok(())
}
