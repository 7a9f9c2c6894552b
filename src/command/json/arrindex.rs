//! `JSON.ARRINDEX key path json [start [stop]]`: where a value stands first in each array, -1 where it does not.
//!
//! A whole number is not found where the real one of its size stands, at any depth.

use bytes::Bytes;

use super::errors::{BAD_INTEGER, EXPECTED_ARRAY};
use super::measure::{Otherwise, measure};
use super::target::{document, integer};
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::path::Path;
use crate::json::{BadJson, Document, Kind, Value, same};
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Arrindex {
    key: Bytes,
    path: Path,
    wanted: Document,
    start: i64,
    /// Exclusive; 0 is the end.
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
        complexity: "O(N) with N the size of the document",
        summary: "Where a value stands first in the arrays at a path.",
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
