//! `JSON.SET key path json [NX | XX] ..`: puts a value at every match of a path, or creates the
//! member that it names.
//!
//! The options that RedisJSON lacks are in [`super::set_options`]. A deadline that the key has is
//! kept.

use serde::{Deserialize, Serialize};

use super::create::{create_member, create_path};
use super::set_options::Options;
use super::target::{SizeLimit, Target, document, locations, outermost};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::edit::replace;
use crate::json::path::{Path, Steps};
use crate::json::{BadJson, Builder, Document, Kind};
use crate::keyspace::{Edited, Key, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Set {
    key: Key,
    path: Target,
    value: Document,
    condition: Condition,
    limit: SizeLimit,
    options: Option<Box<Options>>,
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
        since: "1.0.0",
        complexity: "O(M+N) with M the size of the document and N that of the value",
        summary: "Puts a value at a path.",
        syntax: "key path json [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
                 PXAT unix-time-milliseconds | KEEPTTL] [IFEQ json | IFVER version] [MKPATH] [FORMAT format] \
                 [FPHA type]",
    };
}

impl Write for Set {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Set, CommandError> {
        let key = args.key()?;
        let path = args.word()?;
        let text = args.word()?;
        let (mut condition, mut options) = (Condition::Always, Options::default());
        while !args.is_empty() {
            if args.keyword("NX") && condition == Condition::Always {
                condition = Condition::Missing;
            } else if args.keyword("XX") && condition == Condition::Always {
                condition = Condition::Present;
            } else if args.keyword("FORMAT") {
                args.word()?;
            } else if args.keyword("FPHA") {
                let word = args.word()?.to_ascii_uppercase();
                if !matches!(&word[..], b"FP16" | b"BF16" | b"FP32" | b"FP64") {
                    return Err(super::errors::BAD_FPHA);
                }
            } else if !options.take(args, context)? {
                return Err(CommandError::SYNTAX);
            }
        }
        let value = document(text, context).map_err(BadJson::bare)?;
        let options = options.boxed();
        Ok(Set { key, path: Target::parse(path)?, value, condition, limit: SizeLimit::of(context), options })
    }

    fn apply(mut self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        match self.options.take() {
            Some(options) => self.apply_with(&options, keyspace),
            None => Ok(if self.put(false, keyspace)? { Reply::OK } else { Reply::Null }),
        }
    }
}

impl Set {
    fn apply_with(self, options: &Options, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let (key, path) = (self.key.clone(), self.path.path()?);
        let old = if options.answer_old { Some(options.old(key.as_bytes(), &path, keyspace)?) } else { None };
        let met = options.are_met(key.as_bytes(), &path, keyspace)?;
        let done = met && self.put(options.make_path, keyspace)?;
        if let (true, Some(moment)) = (done, options.deadline) {
            keyspace.set_deadline(key.as_bytes(), Some(moment.deadline(keyspace.context())));
        }
        Ok(old.unwrap_or(if done { Reply::OK } else { Reply::Null }))
    }

    /// Whether the value was put.
    fn put(self, make_path: bool, keyspace: &mut Writer<'_>) -> Result<bool, CommandError> {
        if self.path.is_root() {
            self.put_at_root(keyspace)
        } else {
            self.put_below_root(make_path, keyspace)
        }
    }

    fn put_at_root(self, keyspace: &mut Writer<'_>) -> Result<bool, CommandError> {
        let before = keyspace.with(self.key.as_bytes(), |entry| match entry.value {
            Value::Json(_) => Ok(entry.expires_ms),
            _ => Err(CommandError::WRONG_JSON_KIND),
        });
        let before = before.transpose()?;
        let allowed = self.condition.allows(before.is_some());
        if allowed {
            keyspace.put(self.key, Value::Json(self.value), before.flatten());
        }
        Ok(allowed)
    }

    fn put_below_root(self, make_path: bool, keyspace: &mut Writer<'_>) -> Result<bool, CommandError> {
        let (path, steps) = (self.path.path()?, keyspace.steps());
        let edit = |document: &mut Document| self.edit(&path, make_path, document, steps);
        match keyspace.edit_document(self.key.as_bytes(), edit)? {
            Some(done) => Ok(done),
            None if self.condition == Condition::Present => Ok(false),
            None if make_path => {
                let mut document = empty_object();
                let made = self.edit(&path, true, &mut document, steps)?;
                let made = matches!(made, Edited::Changed(true));
                if made {
                    keyspace.replace(self.key, Value::Json(document));
                }
                Ok(made)
            }
            None => Err(CommandError::NOT_AT_ROOT),
        }
    }

    /// Whether the value was put.
    fn edit(
        &self,
        path: &Path,
        make_path: bool,
        document: &mut Document,
        steps: Steps<'_>,
    ) -> Result<Edited<bool>, CommandError> {
        let found = locations(path, document, steps)?;
        if found.is_empty() && self.condition != Condition::Present {
            let create = if make_path { create_path } else { create_member };
            return create(document, path, self.value.root(), (&self.limit.limits(), steps));
        }
        if self.condition == Condition::Missing && !path.is_static() {
            return Err(super::errors::NOT_STATIC);
        }
        if found.is_empty() || !self.condition.allows(true) {
            return Ok(Edited::Unchanged(false));
        }
        let offsets = outermost(document, &found);
        steps.spend_on_edit(document)?;
        *document = replace(document, &offsets, self.value.encoded(), &self.limit.limits())?;
        Ok(Edited::Changed(true))
    }
}

fn empty_object() -> Document {
    let mut out = Builder::new();
    let open = out.open(Kind::Object, 0);
    out.close(open);
    Document::from_trusted(&out.into_bytes())
}
