//! `JSON.SET key path json [NX | XX]`: puts a value at every match of a path, or creates the member that it names.

use serde::{Deserialize, Serialize};

use super::create::create_member;
use super::target::{SizeLimit, Target, document, outermost, places};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::Answer;
use crate::json::edit::replace;
use crate::json::path::Path;
use crate::json::{BadJson, Document};
use crate::keyspace::{Edited, Key, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Set {
    key: Key,
    path: Target,
    value: Document,
    condition: Condition,
    limit: SizeLimit,
}

/// What has to be at the path for the write to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    Always,
    /// `NX`
    Missing,
    /// `XX`
    Present,
}

impl Condition {
    pub fn allows(self, present: bool) -> bool {
        match self {
            Condition::Always => true,
            Condition::Missing => !present,
            Condition::Present => present,
        }
    }
}

impl Command for Set {
    const SPEC: Spec = Spec {
        name: "JSON.SET",
        aliases: &[],
        arity: -4,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        summary: "Puts a value at a path.",
        syntax: "key path json [NX | XX] [FORMAT format] [FPHA type]",
    };
}

impl Write for Set {
    const CODE: u16 = 100;

    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Set, Answer> {
        let key = args.key()?;
        let path = args.word()?;
        let text = args.word()?;
        let mut condition = Condition::Always;
        while !args.is_empty() {
            if args.keyword("NX") && condition == Condition::Always {
                condition = Condition::Missing;
            } else if args.keyword("XX") && condition == Condition::Always {
                condition = Condition::Present;
            } else if args.keyword("FORMAT") || args.keyword("FPHA") {
                args.word()?;
            } else {
                return Err(Answer::SYNTAX);
            }
        }
        let value = document(text, context).map_err(BadJson::bare)?;
        Ok(Set { key, path: Target::parse(path)?, value, condition, limit: SizeLimit::of(context) })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, Answer> {
        if self.path.is_root() { self.at_root(keyspace) } else { self.below_root(keyspace) }
    }
}

impl Set {
    fn at_root(self, keyspace: &mut Writer<'_>) -> Result<Reply, Answer> {
        let present = match keyspace.with(self.key.as_bytes(), |entry| matches!(entry.value, Value::Json(_)))
        {
            Some(false) => return Err(Answer::WRONG_JSON_KIND),
            present => present.is_some(),
        };
        if !self.condition.allows(present) {
            return Ok(Reply::Null);
        }
        keyspace.put_keeping_deadline(self.key, Value::Json(self.value));
        Ok(Reply::OK)
    }

    fn below_root(self, keyspace: &mut Writer<'_>) -> Result<Reply, Answer> {
        let path = self.path.path()?;
        let done = keyspace.edit_document(self.key.as_bytes(), |document| self.edit(&path, document))?;
        match done {
            Some(true) => Ok(Reply::OK),
            Some(false) => Ok(Reply::Null),
            None if self.condition == Condition::Present => Ok(Reply::Null),
            None => Err(Answer::NOT_AT_ROOT),
        }
    }

    /// Whether the value was put.
    fn edit(&self, path: &Path, document: &mut Document) -> Result<Edited<bool>, Answer> {
        let found = places(path, document)?;
        if found.is_empty() && self.condition != Condition::Present {
            return create_member(document, path, self.value.root(), &self.limit.limits());
        }
        if self.condition == Condition::Missing && !path.is_static() {
            return Err(super::errors::NOT_STATIC);
        }
        if found.is_empty() || !self.condition.allows(true) {
            return Ok(Edited::Unchanged(false));
        }
        let offsets = outermost(document, &found);
        *document = replace(document, &offsets, self.value.encoded(), &self.limit.limits())?;
        Ok(Edited::Changed(true))
    }
}
