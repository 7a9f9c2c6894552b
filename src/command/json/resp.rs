//! `JSON.RESP key [path]`: values as replies of their own: `{` or `[` first, then the members or elements.

use bytes::Bytes;

use super::expand::number;
use super::target::path_or_legacy_root;
use crate::command::{Args, Budget, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::path::{Path, Selection};
use crate::json::{Kind, Number, Value};
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Resp {
    key: Bytes,
    path: Path,
}

impl Command for Resp {
    const SPEC: Spec = Spec {
        name: "JSON.RESP",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "The values at a path in the server's protocol instead of as text.",
        syntax: "key [path]",
    };
}

impl Read for Resp {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Resp, CommandError> {
        Ok(Resp { key: args.word()?.clone(), path: path_or_legacy_root(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let Some(document) = keyspace.document(&self.key)? else { return Ok(Reply::Null) };
        let mut budget = Budget::default();
        let selection = budget.show(&self.path, &document)?;
        let mut one = |value: Value<'_>| {
            budget.spend_on_replies(value)?;
            Ok(told(value))
        };
        let replies: Result<Vec<Reply>, CommandError> = match selection {
            Selection::Locations(locations) => {
                locations.iter().map(|location| one(location.value(&document))).collect()
            }
            Selection::Values(values) => values.iter().map(|value| one(Value::at(value, 0))).collect(),
        };
        let mut replies = replies?;
        match self.path.is_legacy() {
            false => Ok(Reply::Array(replies)),
            true if replies.is_empty() => Err(CommandError::NO_PATH),
            true => Ok(replies.swap_remove(0)),
        }
    }
}

fn told(value: Value<'_>) -> Reply {
    match value.kind() {
        Kind::Null => Reply::Null,
        Kind::True => Reply::Simple("true"),
        Kind::False => Reply::Simple("false"),
        Kind::Int | Kind::Uint | Kind::Float => {
            number(Number::of(value).expect("a number's kind was matched"))
        }
        Kind::Text | Kind::TextEscaped => Reply::bulk(value.payload().to_vec()),
        Kind::Array => {
            Reply::Array(std::iter::once(Reply::Simple("[")).chain(value.elements().map(told)).collect())
        }
        Kind::Object => {
            let members = value.members();
            let words = members.flat_map(|member| [Reply::bulk(member.key.to_vec()), told(member.value)]);
            Reply::Array(std::iter::once(Reply::Simple("{")).chain(words).collect())
        }
    }
}
