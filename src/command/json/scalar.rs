//! Writes of strings and booleans.
//!
//! * `JSON.STRAPPEND key [path] json`: appends to each string at a path and returns the new
//!   lengths.
//! * `JSON.TOGGLE key path`: negates each boolean at a path and returns the new values.

use serde::{Deserialize, Serialize};

use super::reply::{EXPECTED_STRING, NOT_A_BOOL, NOT_A_STRING};
use super::target::{SizeLimit, Target, document, edit_key};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::{BadJson, Builder, ParseLimits};
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Strappend {
    key: Key,
    path: Target,
    /// The text, or the error for an invalid one. The error is returned only if there is a string
    /// to which the text would be appended, because RedisJSON looks up the path first.
    text: Result<Box<str>, Box<str>>,
    limit: SizeLimit,
}

impl Command for Strappend {
    const SPEC: Spec = Spec {
        name: "JSON.STRAPPEND",
        aliases: &[],
        arity: -3,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N), N: size of the document",
        summary: "Appends text to each string at the path.",
        syntax: "key [path] json",
    };
}

impl Write for Strappend {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Strappend, CommandError> {
        let key = args.key()?;
        let path = if args.left() > 1 { args.word()? } else { &b"."[..] };
        let word = args.word()?;
        if std::str::from_utf8(word).is_err() {
            return Err(CommandError::NOT_UTF8);
        }
        let text = text(word, context).map_err(|error| error.line().into());
        Ok(Strappend { key, path: Target::parse(path)?, text, limit: SizeLimit::of(context) })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let is_text = |value: crate::json::Value<'_>| value.as_text().is_some();
        let limits = self.limit.limits();
        let lengths = edit_key(keyspace, &self.key, &self.path, &limits, is_text, |tail| {
            let more = self.text.as_deref().map_err(|line| CommandError::new(line.to_owned()))?;
            let text = [tail.value().payload(), more.as_bytes()].concat();
            let mut encoded = Builder::with_capacity(text.len() + 5);
            encoded.text(&text);
            tail.replace(&encoded.into_bytes())?;
            Ok(text.len() as i64)
        })?;
        lengths.reply(NOT_A_STRING, Reply::Integer, Reply::Integer)
    }
}

fn text(word: &[u8], context: &Context) -> Result<Box<str>, CommandError> {
    let value = document(word, context).map_err(BadJson::prefixed)?;
    let text = value.root().as_text().ok_or(EXPECTED_STRING)?;
    Ok(String::from_utf8_lossy(text).into())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Toggle {
    key: Key,
    path: Target,
}

impl Command for Toggle {
    const SPEC: Spec = Spec {
        name: "JSON.TOGGLE",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "2.0.0",
        complexity: "O(N), N: size of the document",
        summary: "Negates each boolean at the path.",
        syntax: "key path",
    };
}

impl Write for Toggle {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Toggle, CommandError> {
        Ok(Toggle { key: args.key()?, path: Target::parse(args.word()?)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        // The size limit is lifted, because both booleans have the same size.
        let limits = ParseLimits { document_bytes_max: usize::MAX };
        let is_bool = |value: crate::json::Value<'_>| value.as_bool().is_some();
        let toggled = edit_key(keyspace, &self.key, &self.path, &limits, is_bool, |tail| {
            let toggled = tail.value().as_bool() == Some(false);
            let mut encoded = Builder::new();
            encoded.bool(toggled);
            tail.replace(&encoded.into_bytes())?;
            Ok(toggled)
        })?;
        toggled.reply(
            NOT_A_BOOL,
            |truth| Reply::Integer(i64::from(truth)),
            |truth| Reply::word(if truth { "true" } else { "false" }),
        )
    }
}
