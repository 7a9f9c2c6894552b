//! `JSON.TOGGLE key path`: turns each boolean at a path around.

use serde::{Deserialize, Serialize};

use super::errors::NOT_A_BOOL;
use super::target::{Target, edit_key};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::{Builder, ParseLimits};
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

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
        complexity: "O(N) with N the size of the document",
        summary: "Turns the booleans at a path around.",
        syntax: "key path",
    };
}

impl Write for Toggle {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Toggle, CommandError> {
        Ok(Toggle { key: args.key()?, path: Target::parse(args.word()?)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        // A boolean takes as much room as the other one.
        let limits = ParseLimits { document_bytes_max: usize::MAX };
        let is_bool = |value: crate::json::Value<'_>| value.as_bool().is_some();
        let toggled = edit_key(keyspace, &self.key, &self.path, &limits, is_bool, |tail| {
            let truth = tail.value().as_bool() == Some(false);
            let mut encoded = Builder::new();
            encoded.bool(truth);
            tail.replace(&encoded.into_bytes())?;
            Ok(truth)
        })?;
        toggled.reply(
            NOT_A_BOOL,
            |truth| Reply::Integer(i64::from(truth)),
            |truth| Reply::word(if truth { "true" } else { "false" }),
        )
    }
}
