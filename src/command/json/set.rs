//! `JSON.SET key path json [NX | XX] ..`: sets every match of a path to a value, or creates the
//! member that the path names. An existing key keeps its deadline unless an option sets another
//! one.
//!
//! [`Options`] are additions to RedisJSON: a deadline in the same step, compare-and-set, the
//! previous value as the reply, and the creation of missing parents.

use serde::{Deserialize, Serialize};

use super::create::{create_member, create_path};
use super::reply::{BAD_FPHA, NOT_STATIC, render};
use super::target::{SizeLimit, Target, document, locations, outermost};
use crate::command::framework::expiry::{Moment, deadline_if_any};
use crate::command::{Args, Budget, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::edit::replace;
use crate::json::path::{Path, Steps};
use crate::json::{BadJson, Builder, Document, Kind, Location, Style, equal};
use crate::keyspace::{Edited, Key, Value, ValueRef, Writer};
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

/// The condition on the present value at the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    Always,
    /// `NX`: the path matches nothing.
    Missing,
    /// `XX`: the path has a match.
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
        complexity: "O(M+N), M: size of the document, N: size of the value",
        summary: "Writes a value at the path of a new or existing document.",
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
                    return Err(BAD_FPHA);
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
        let old = if options.return_old { Some(options.old(key.as_bytes(), &path, keyspace)?) } else { None };
        let met = options.are_met(key.as_bytes(), &path, keyspace)?;
        let done = met && self.put(options.make_path, keyspace)?;
        if let (true, Some(moment)) = (done, options.deadline) {
            keyspace.set_deadline(key.as_bytes(), Some(moment.deadline(keyspace.context())));
        }
        Ok(old.unwrap_or(if done { Reply::OK } else { Reply::Null }))
    }

    /// Sets the value. Returns whether it was set.
    fn put(self, make_path: bool, keyspace: &mut Writer<'_>) -> Result<bool, CommandError> {
        if self.path.is_root() {
            self.put_at_root(keyspace)
        } else {
            self.put_below_root(make_path, keyspace)
        }
    }

    fn put_at_root(self, keyspace: &mut Writer<'_>) -> Result<bool, CommandError> {
        let refused = keyspace.put_if(&self.key, Value::Json(self.value), |before| {
            if before.is_some_and(|entry| !matches!(entry.value, ValueRef::Json(_))) {
                return Err(Err(CommandError::WRONG_JSON_KIND));
            }
            let deadline = before.and_then(|entry| entry.expires_ms);
            if self.condition.allows(before.is_some()) { Ok(deadline) } else { Err(Ok(false)) }
        });
        refused.err().unwrap_or(Ok(true))
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

    /// Sets the value in a document. Returns whether it was set.
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
            return Err(NOT_STATIC);
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

/// The options that are additions to RedisJSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Options {
    /// `EX`, `PX`, `EXAT` or `PXAT`.
    deadline: Option<Moment>,
    /// `KEEPTTL`. It has no effect, because the deadline is kept by default; accepted for clients
    /// that know the option from SET.
    keep_deadline: bool,
    expected: Option<Expected>,
    /// `GET`: the reply is the previous value at the path, even if the write is not done.
    return_old: bool,
    /// `MKPATH`: missing objects along the path are created.
    make_path: bool,
}

/// The condition of a compare-and-set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Expected {
    /// `IFEQ`: the path matches, and every match equals this value.
    Value(Document),
    /// `IFVER`: the key has this version; 0 means that the key does not exist.
    Version(u64),
}

impl Options {
    /// Parses the next option, if it is one of these additions. Returns whether it was one. A
    /// second deadline or a second compare-and-set condition does not count as one, so the caller
    /// refuses it like an unknown word.
    fn take(&mut self, args: &mut Args<'_>, context: &Context) -> Result<bool, CommandError> {
        let timed = self.keep_deadline || self.deadline.is_some();
        if args.keyword("GET") {
            self.return_old = true;
        } else if args.keyword("MKPATH") {
            self.make_path = true;
        } else if self.expected.is_none() && args.keyword("IFEQ") {
            let value = document(args.word()?, context).map_err(BadJson::bare)?;
            self.expected = Some(Expected::Value(value));
        } else if self.expected.is_none() && args.keyword("IFVER") {
            let version = u64::try_from(args.integer()?).map_err(|_| CommandError::NOT_AN_INTEGER)?;
            self.expected = Some(Expected::Version(version));
        } else if timed {
            return Ok(false);
        } else if args.keyword("KEEPTTL") {
            self.keep_deadline = true;
        } else {
            self.deadline = deadline_if_any(args, context)?;
            return Ok(self.deadline.is_some());
        }
        Ok(true)
    }

    /// Boxes the options; `None` if none was given.
    fn boxed(self) -> Option<Box<Options>> {
        (self != Options::default()).then(|| Box::new(self))
    }

    /// Whether the condition of the compare-and-set holds; true if there is none.
    fn are_met(&self, key: &[u8], path: &Path, keyspace: &Writer<'_>) -> Result<bool, CommandError> {
        match &self.expected {
            None => Ok(true),
            Some(Expected::Version(wanted)) => {
                Ok(keyspace.with(key, |entry| entry.version).unwrap_or(0) == *wanted)
            }
            Some(Expected::Value(wanted)) => {
                let Some(document) = keyspace.document(key)? else { return Ok(false) };
                let found = locations(path, &document, keyspace.steps())?;
                let is_equal = |location: &Location| equal(location.value(&document), wanted.root());
                Ok(!found.is_empty() && found.iter().all(is_equal))
            }
        }
    }

    /// The previous value at the path, in the form of JSON.GET; null if the key does not exist, or
    /// for a legacy path without a match.
    fn old(&self, key: &[u8], path: &Path, keyspace: &Writer<'_>) -> Result<Reply, CommandError> {
        let Some(document) = keyspace.document(key)? else { return Ok(Reply::Null) };
        let mut out = Vec::new();
        match render(path, &document, &Style::default(), (&mut Budget::default(), keyspace.steps()), &mut out)
        {
            Err(error) if error == CommandError::NO_PATH => Ok(Reply::Null),
            outcome => outcome.map(|()| Reply::bulk(out)),
        }
    }
}
