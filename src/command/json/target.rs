//! The target of a command in a document: the path in the form of the log, and its matches.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::command::{Args, Context};
use crate::error::CommandError;
use crate::json::path::{Path, Steps};
use crate::json::{
    Action, Builder, Document, Kind, Location, ParseLimits, Tail, Value, last_by_steps, parse, parse_into,
    rewrite,
};
use crate::keyspace::{Edited, Key, Writer};
use crate::resp::Reply;

/// A path in the canonical form of a write: the text of the client, or an empty text for `$`, which
/// then needs no parsing.
///
/// Other paths are parsed before the write is proposed, so that the log contains no invalid path,
/// and again when the write is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target(Box<str>);

impl Target {
    pub fn root() -> Target {
        Target("".into())
    }

    pub fn parse(word: &[u8]) -> Result<Target, CommandError> {
        match word {
            b"$" => Ok(Target::root()),
            b"." => Ok(Target(".".into())),
            _ => Ok(Target(Path::parse(word)?.text().into())),
        }
    }

    /// The next word as a path; if there is none, the legacy root, which is the default of most
    /// commands.
    pub fn or_legacy_root(args: &mut Args<'_>) -> Result<Target, CommandError> {
        args.word_if_any().map_or(Ok(Target(".".into())), |word| Target::parse(word))
    }

    /// Whether the path is `$` or `.`, which is decided without parsing.
    pub fn is_root(&self) -> bool {
        matches!(&*self.0, "" | ".")
    }

    pub fn path(&self) -> Result<Path, CommandError> {
        if self.0.is_empty() { Ok(Path::root()) } else { Path::parse(self.0.as_bytes()) }
    }
}

/// The maximum size of an edited document. It is part of the logged command, because nodes may have
/// different settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeLimit(u32);

impl SizeLimit {
    pub fn of(context: &Context) -> SizeLimit {
        SizeLimit(u32::try_from(context.document_bytes_max).unwrap_or(u32::MAX))
    }

    pub fn limits(self) -> ParseLimits {
        ParseLimits { document_bytes_max: self.0 as usize }
    }
}

/// Parses a document argument. The caller decides whether the error begins with `ERR`, because
/// commands differ in that.
pub fn document(word: &[u8], context: &Context) -> Result<Document, parse::BadJson> {
    parse(word, &ParseLimits { document_bytes_max: context.document_bytes_max })
}

/// The next word as a path; if there is none, the legacy root, which is the default of most
/// commands.
pub fn path_or_legacy_root(args: &mut Args<'_>) -> Result<Path, CommandError> {
    Path::parse(args.word_if_any().map_or(b".", |word| &word[..]))
}

/// Parses an integer in the syntax of the JSON commands, which is less strict than Redis' syntax.
pub fn integer(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

pub fn is_array(value: Value<'_>) -> bool {
    value.kind() == Kind::Array
}

/// Encoded values that become elements of an array, without a container around them.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elements(Vec<u8>);

impl Elements {
    pub fn parse(words: &[Bytes], context: &Context) -> Result<Elements, parse::BadJson> {
        let limits = ParseLimits { document_bytes_max: context.document_bytes_max };
        let mut out = Builder::new();
        words.iter().try_for_each(|word| parse_into(&mut out, word, &limits))?;
        Ok(Elements(out.into_bytes()))
    }

    pub fn encoded(&self) -> &[u8] {
        &self.0
    }
}

/// All matches of `path` in `document`.
pub fn locations(path: &Path, document: &Document, steps: Steps<'_>) -> Result<Vec<Location>, CommandError> {
    steps.evaluate(document, |fuel| path.locations(document, fuel))
}

/// Edits the matches that `fits` selects, and returns the results of `edit` in the order of the
/// matches.
///
/// A location that matched twice is edited twice. A location inside another one is edited first.
fn edit_matches<T>(
    document: &mut Document,
    path: &Path,
    (limits, steps): (&ParseLimits, Steps<'_>),
    fits: impl Fn(Value<'_>) -> bool,
    mut edit: impl FnMut(&mut Tail<'_>) -> Result<T, CommandError>,
) -> Result<Edited<Results<T>>, CommandError> {
    let matches = locations(path, document, steps)?;
    let mut each: Vec<Option<T>> = Vec::with_capacity(matches.len());
    each.resize_with(matches.len(), || None);
    let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(matches.len());
    for (nth, location) in matches.iter().enumerate() {
        if fits(location.value(document)) {
            chosen.push((location.at, nth));
        }
    }
    let legacy = path.is_legacy();
    if chosen.is_empty() {
        return Ok(Edited::Unchanged(Results { legacy, each, last_by_steps: None }));
    }
    chosen.sort_unstable();
    let turns: Vec<&[(usize, usize)]> = chosen.chunk_by(|one, next| one.0 == next.0).collect();
    let offsets: Vec<usize> = turns.iter().map(|turn| turn[0].0).collect();
    let last = legacy.then(|| last_by_steps(document, &offsets));
    let mut changed = false;
    steps.spend_on_edit(document)?;
    let edited = rewrite(document, &offsets, limits, |turn, tail| {
        for &(_, nth) in turns[turn] {
            each[nth] = Some(edit(tail)?);
        }
        changed |= tail.is_changed();
        Ok(Action::Keep)
    })?;
    let last_by_steps = chosen.iter().rfind(|one| Some(one.0) == last).map(|one| one.1);
    let results = Results { legacy, each, last_by_steps };
    if !changed {
        return Ok(Edited::Unchanged(results));
    }
    *document = edited.expect("an edit without deletions keeps the root");
    Ok(Edited::Changed(results))
}

/// The results of an edit, in the order of the matches; `None` for a match of another type.
pub struct Results<T> {
    legacy: bool,
    each: Vec<Option<T>>,
    /// For a legacy path, the edited match whose path from the root sorts last; see
    /// [`last_by_steps`].
    last_by_steps: Option<usize>,
}

/// Edits the matches that `fits` selects in the document under `key`.
pub fn edit_key<T>(
    keyspace: &mut Writer<'_>,
    key: &Key,
    target: &Target,
    limits: &ParseLimits,
    fits: impl Fn(Value<'_>) -> bool,
    edit: impl FnMut(&mut Tail<'_>) -> Result<T, CommandError>,
) -> Result<Results<T>, CommandError> {
    let path = target.path()?;
    let steps = keyspace.steps();
    let results = keyspace.edit_document(key.as_bytes(), |document| {
        edit_matches(document, &path, (limits, steps), fits, edit)
    })?;
    results.ok_or(CommandError::NO_KEY)
}

impl<T> Results<T> {
    /// The reply of commands that RedisJSON executes in the order of the steps: all results for a
    /// `$` path; for a legacy path, the result of the match whose path from the root sorts last, or
    /// the error `none` if no match was edited.
    pub fn reply_by_steps(
        self,
        none: CommandError,
        each: impl Fn(T) -> Reply,
    ) -> Result<Reply, CommandError> {
        if self.legacy {
            let last = self.last_by_steps.and_then(|nth| self.each.into_iter().nth(nth)).flatten();
            return last.map(each).ok_or(none);
        }
        Ok(Reply::Array(self.each.into_iter().map(|result| result.map_or(Reply::Null, &each)).collect()))
    }

    /// The reply with all results for a `$` path; for a legacy path, the last result, converted by
    /// `alone`, or the error `none` if no match was edited.
    pub fn reply(
        self,
        none: CommandError,
        each: impl Fn(T) -> Reply,
        alone: impl Fn(T) -> Reply,
    ) -> Result<Reply, CommandError> {
        if self.legacy {
            return self.each.into_iter().flatten().next_back().map(alone).ok_or(none);
        }
        Ok(Reply::Array(self.each.into_iter().map(|result| result.map_or(Reply::Null, &each)).collect()))
    }
}

/// The offsets of the matches, ascending and without repetitions, except those inside another
/// match.
pub fn outermost(document: &Document, locations: &[Location]) -> Vec<usize> {
    let mut offsets: Vec<usize> = locations.iter().map(|location| location.at).collect();
    offsets.sort_unstable();
    let mut end = 0;
    offsets.retain(|&at| {
        let outer = at >= end;
        if outer {
            end = Value::at(document.encoded(), at).end();
        }
        outer
    });
    offsets
}
