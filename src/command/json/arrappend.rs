//! `JSON.ARRAPPEND key path json ...`: adds values to the end of each array at a path; the new lengths.

use serde::{Deserialize, Serialize};

use super::errors::NOT_AN_ARRAY;
use super::target::{Elements, SizeLimit, Target, edit_key, is_array};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::BadJson;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrappend {
    key: Key,
    path: Target,
    elements: Elements,
    limit: SizeLimit,
}

impl Command for Arrappend {
    const SPEC: Spec = Spec {
        name: "JSON.ARRAPPEND",
        aliases: &[],
        arity: -4,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "Appends values to the arrays at a path.",
        syntax: "key path json ...",
    };
}

impl Write for Arrappend {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Arrappend, CommandError> {
        let (key, path) = (args.key()?, args.word()?);
        let elements = Elements::parse(args.rest(), context).map_err(BadJson::bare)?;
        Ok(Arrappend { key, path: Target::parse(path)?, elements, limit: SizeLimit::of(context) })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let limits = self.limit.limits();
        let lengths = edit_key(keyspace, &self.key, &self.path, &limits, is_array, |tail| {
            tail.append(self.elements.encoded())?;
            Ok(tail.value().count() as i64)
        })?;
        lengths.reply(NOT_AN_ARRAY, Reply::Integer, Reply::Integer)
    }
}
