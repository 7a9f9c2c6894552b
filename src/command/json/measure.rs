//! Reads of one property of each match: a length, keys, an index.
//!
//! * `JSON.ARRLEN key [path]`: returns the length of each array.
//! * `JSON.OBJLEN key [path]`: returns the number of members of each object.
//! * `JSON.STRLEN key [path]`: returns the length of each string, in bytes of UTF-8.
//! * `JSON.ARRINDEX key path json [start [stop]]`: returns the first index of a value in each
//!   array, or -1.
//!
//!   JSON.ARRINDEX treats an integer and a float of the same value as different, at any depth.
//! * `JSON.OBJKEYS key [path]`: returns the keys of each object, in their order.

use std::marker::PhantomData;

use bytes::Bytes;

use super::reply::{
    BAD_INTEGER, EXPECTED_ARRAY, EXPECTED_OBJECT, EXPECTED_STRING, NOT_AN_ARRAY, NOT_AN_OBJECT,
};
use super::target::{document, integer, locations, path_or_legacy_root};
use crate::command::{Args, Budget, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::path::Path;
use crate::json::{BadJson, Document, Kind, Value, same};
use crate::keyspace::View;
use crate::resp::Reply;

/// The replies if there is no value of the right type. `None` stands for null.
pub struct Otherwise {
    /// The key does not exist, and the path begins with `$`.
    pub no_key: CommandError,
    /// The key does not exist, and the path is a legacy path.
    pub no_key_legacy: Option<CommandError>,
    /// A legacy path has no match.
    pub no_match: Option<CommandError>,
    /// The first match of a legacy path has the wrong type.
    pub wrong_type: CommandError,
}

/// The results of `say` for all matches of a `$` path, with null for a value of the wrong type; for
/// a legacy path, the result for the first match.
pub fn measure(
    keyspace: &View<'_>,
    key: &Bytes,
    path: &Path,
    otherwise: Otherwise,
    say: impl Fn(Value<'_>) -> Option<Reply>,
) -> Result<Reply, CommandError> {
    let null_or = |error: Option<CommandError>| error.map_or(Ok(Reply::Null), Err);
    let Some(document) = keyspace.document(key)? else {
        return if path.is_legacy() { null_or(otherwise.no_key_legacy) } else { Err(otherwise.no_key) };
    };
    let found = locations(path, &document, keyspace.steps())?;
    let mut replies = found.iter().map(|location| say(location.value(&document)));
    if !path.is_legacy() {
        let mut budget = Budget::default();
        let spend = |reply: Option<Reply>| {
            let reply = reply.unwrap_or(Reply::Null);
            budget.spend_on_reply(&reply)?;
            Ok(reply)
        };
        return replies.map(spend).collect::<Result<_, _>>().map(Reply::Array);
    }
    match replies.next() {
        None => null_or(otherwise.no_match),
        Some(reply) => reply.ok_or(otherwise.wrong_type),
    }
}

/// A property that a command measures of each match of a path.
pub trait Property {
    const SPEC: Spec;
    const OTHERWISE: Otherwise;
    /// The property; `None` if the value has the wrong type.
    fn of(value: Value<'_>) -> Option<Reply>;
}

/// `NAME key [path]`: the property of each match.
pub struct Measure<P> {
    key: Bytes,
    path: Path,
    property: PhantomData<P>,
}

impl<P: Property> Command for Measure<P> {
    const SPEC: Spec = P::SPEC;
}

impl<P: Property> Read for Measure<P> {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Measure<P>, CommandError> {
        Ok(Measure { key: args.word()?.clone(), path: path_or_legacy_root(args)?, property: PhantomData })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        measure(keyspace, &self.key, &self.path, P::OTHERWISE, P::of)
    }
}

const fn spec(name: &'static str, summary: &'static str) -> Spec {
    Spec {
        name,
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N), N: size of the document",
        summary,
        syntax: "key [path]",
    }
}

pub struct Arrlen;

impl Property for Arrlen {
    const SPEC: Spec = spec("JSON.ARRLEN", "Counts the elements of each array at the path.");
    const OTHERWISE: Otherwise = Otherwise {
        no_key: CommandError::NO_KEY,
        no_key_legacy: None,
        no_match: Some(CommandError::NO_PATH),
        wrong_type: NOT_AN_ARRAY,
    };

    fn of(value: Value<'_>) -> Option<Reply> {
        (value.kind() == Kind::Array).then(|| Reply::Integer(value.count() as i64))
    }
}

pub struct Objlen;

impl Property for Objlen {
    const SPEC: Spec = spec("JSON.OBJLEN", "Counts the members of each object at the path.");
    const OTHERWISE: Otherwise =
        Otherwise { no_key: NOT_AN_OBJECT, no_key_legacy: None, no_match: None, wrong_type: EXPECTED_OBJECT };

    fn of(value: Value<'_>) -> Option<Reply> {
        (value.kind() == Kind::Object).then(|| Reply::Integer(value.count() as i64))
    }
}

pub struct Strlen;

impl Property for Strlen {
    const SPEC: Spec = spec("JSON.STRLEN", "Counts the bytes of each string at the path.");
    const OTHERWISE: Otherwise = Otherwise {
        no_key: CommandError::NO_KEY,
        no_key_legacy: None,
        no_match: Some(CommandError::NO_PATH),
        wrong_type: EXPECTED_STRING,
    };

    fn of(value: Value<'_>) -> Option<Reply> {
        value.as_text().map(|text| Reply::Integer(text.len() as i64))
    }
}

pub struct Objkeys;

impl Property for Objkeys {
    const SPEC: Spec = spec("JSON.OBJKEYS", "Lists the member names of each object at the path.");
    const OTHERWISE: Otherwise = Otherwise {
        no_key: CommandError::NO_KEY,
        no_key_legacy: None,
        no_match: None,
        wrong_type: NOT_AN_OBJECT,
    };

    fn of(value: Value<'_>) -> Option<Reply> {
        let keys = || value.members().map(|member| Reply::bulk(member.key.to_vec())).collect();
        (value.kind() == Kind::Object).then(|| Reply::Array(keys()))
    }
}

pub struct Arrindex {
    key: Bytes,
    path: Path,
    wanted: Document,
    start: i64,
    /// The index before which the search ends; 0 stands for the end of the array. Negative indexes
    /// count from the end, for `start` too.
    stop: i64,
}

impl Command for Arrindex {
    const SPEC: Spec = Spec {
        name: "JSON.ARRINDEX",
        aliases: &[],
        arity: -4,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N), N: size of the document",
        summary: "Finds the first index of a value in each array at the path.",
        syntax: "key path json [start [stop]]",
    };
}

impl Read for Arrindex {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Arrindex, CommandError> {
        let key = args.word()?.clone();
        let path = Path::parse(args.word()?)?;
        let wanted = document(args.word()?, context).map_err(BadJson::prefixed)?;
        let mut bound = || args.word_if_any().map_or(Ok(0), |word| integer(word).ok_or(BAD_INTEGER));
        let (start, stop) = (bound()?, bound()?);
        if args.is_empty() {
            Ok(Arrindex { key, path, wanted, start, stop })
        } else {
            Err(args.wrong_arity())
        }
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let otherwise = Otherwise {
            no_key: CommandError::NO_PATH,
            no_key_legacy: Some(CommandError::NO_PATH),
            no_match: Some(CommandError::NO_PATH),
            wrong_type: EXPECTED_ARRAY,
        };
        measure(keyspace, &self.key, &self.path, otherwise, |value| {
            (value.kind() == Kind::Array).then(|| Reply::Integer(self.position(value)))
        })
    }
}

impl Arrindex {
    fn position(&self, array: Value<'_>) -> i64 {
        let len = array.count() as i64;
        let from_end = |at: i64| if at < 0 { (len + at).max(0) } else { at.min(len) };
        let start = from_end(self.start);
        let stop = if self.stop == 0 { len } else { from_end(self.stop) };
        let mut elements = array.elements().enumerate().skip(start as usize);
        let found = elements.find(|(at, element)| *at as i64 >= stop || same(*element, self.wanted.root()));
        found.filter(|(at, _)| (*at as i64) < stop).map_or(-1, |(at, _)| at as i64)
    }
}
