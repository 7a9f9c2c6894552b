//! What JSON.SET can do beyond RedisJSON's: a deadline in the same step, compare-and-set, the old
//! value as the answer, and parents that are created.

use serde::{Deserialize, Serialize};

use super::render::render;
use super::target::{document, locations};
use crate::command::framework::expiry::{Moment, deadline_if_any};
use crate::command::{Args, Budget, Context};
use crate::error::CommandError;
use crate::json::path::Path;
use crate::json::{BadJson, Document, Style, equal};
use crate::keyspace::Writer;
use crate::resp::Reply;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// `EX` and its siblings.
    pub deadline: Option<Moment>,
    /// `KEEPTTL`: a deadline is kept anyway; the word is there for those who know it from SET.
    keep_deadline: bool,
    expected: Option<Expected>,
    /// `GET`: the answer is what was at the path before, written or not.
    pub answer_old: bool,
    /// `MKPATH`: objects on the way that are missing are created.
    pub make_path: bool,
}

/// What has to be there for the write to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Expected {
    /// `IFEQ`: the path matches, and every match equals this.
    Value(Document),
    /// `IFVER`: the key has this version; 0 means that there is no such key.
    Version(u64),
}

impl Options {
    /// Takes one option, if one of these comes next. A second deadline or expectation is left to
    /// the caller to refuse, as any word that means nothing.
    pub fn take(&mut self, args: &mut Args<'_>, context: &Context) -> Result<bool, CommandError> {
        let timed = self.keep_deadline || self.deadline.is_some();
        if args.keyword("GET") {
            self.answer_old = true;
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

    /// Nothing for the options of a plain JSON.SET.
    pub fn boxed(self) -> Option<Box<Options>> {
        (self != Options::default()).then(|| Box::new(self))
    }

    /// Whether what is expected is there.
    pub fn are_met(&self, key: &[u8], path: &Path, keyspace: &Writer<'_>) -> Result<bool, CommandError> {
        match &self.expected {
            None => Ok(true),
            Some(Expected::Version(wanted)) => {
                Ok(keyspace.with(key, |entry| entry.version).unwrap_or(0) == *wanted)
            }
            Some(Expected::Value(wanted)) => {
                let Some(document) = keyspace.document(key)? else { return Ok(false) };
                let found = locations(path, &document, keyspace.steps())?;
                let is_equal =
                    |location: &crate::json::Location| equal(location.value(&document), wanted.root());
                Ok(!found.is_empty() && found.iter().all(is_equal))
            }
        }
    }

    /// What is at the path, as JSON.GET answers it; null for a legacy path that matches nothing.
    pub fn old(&self, key: &[u8], path: &Path, keyspace: &Writer<'_>) -> Result<Reply, CommandError> {
        let Some(document) = keyspace.document(key)? else { return Ok(Reply::Null) };
        let mut out = Vec::new();
        match render(path, &document, &Style::default(), (&mut Budget::default(), keyspace.steps()), &mut out)
        {
            Err(answer) if answer == CommandError::NO_PATH => Ok(Reply::Null),
            outcome => outcome.map(|()| Reply::bulk(out)),
        }
    }
}
