//! Reads of values.
//!
//! * `JSON.GET key [INDENT ..] [NEWLINE ..] [SPACE ..] [FORMAT ..] [path ...]`: returns the values
//!   at paths as JSON text.
//! * `JSON.MGET key ... path`: returns the values at a path of several documents.

use bytes::Bytes;

use super::reply::{Expansion, expand_all, format, named, needs_resp3};
use super::reply::{print_matches, render};
use crate::command::{Args, Budget, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::path::{Path, Steps};
use crate::json::{Document, Style, print};
use crate::keyspace::{Scope, View};
use crate::resp::Reply;

pub struct Get {
    key: Bytes,
    paths: Paths,
    layout: Layout,
    expansion: Option<Expansion>,
}

/// The paths of a request. The root is recognized without parsing.
enum Paths {
    LegacyRoot,
    Root,
    One(Path),
    /// The words that the client sent, which become keys of the reply, with the parsed paths. A
    /// path that cannot be parsed is left out.
    Several(Vec<(Bytes, Path)>),
}

#[derive(Default)]
struct Layout {
    indent: Bytes,
    newline: Bytes,
    space: Bytes,
}

impl Layout {
    fn style(&self) -> Style<'_> {
        Style { indent: &self.indent, newline: &self.newline, space: &self.space }
    }
}

impl Command for Get {
    const SPEC: Spec = Spec {
        name: "JSON.GET",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N), N: size of the document",
        summary: "Reads the values at one or more paths as JSON text.",
        syntax: "key [INDENT indent] [NEWLINE newline] [SPACE space] [NOESCAPE] [FORMAT format] [path ...]",
    };
}

impl Read for Get {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Get, CommandError> {
        let key = args.word()?.clone();
        let (mut layout, mut expansion) = (Layout::default(), None);
        let mut words: smallvec::SmallVec<[&Bytes; 4]> = smallvec::SmallVec::new();
        while !args.is_empty() {
            if args.keyword("INDENT") {
                layout.indent = args.word()?.clone();
            } else if args.keyword("NEWLINE") {
                layout.newline = args.word()?.clone();
            } else if args.keyword("SPACE") {
                layout.space = args.word()?.clone();
            } else if words.is_empty() && args.keyword("FORMAT") {
                expansion = format(args.word()?, context)?;
            } else if args.keyword("FORMAT") {
                // FORMAT after a path must name a known format. In RESP2 it has no effect.
                let named = named(args.word()?)?;
                expansion = if needs_resp3(context).is_ok() { named } else { expansion };
            } else if !args.keyword("NOESCAPE") {
                words.push(args.word()?);
            }
        }
        Ok(Get { key, paths: Paths::parse(&words)?, layout, expansion })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        match keyspace.document(&self.key)? {
            Some(document) => self.reply(&document, keyspace.steps()),
            None => Ok(Reply::Null),
        }
    }
}

impl Paths {
    fn parse(words: &[&Bytes]) -> Result<Paths, CommandError> {
        match words {
            [] => Ok(Paths::LegacyRoot),
            [word] if word[..] == b"."[..] => Ok(Paths::LegacyRoot),
            [word] if word[..] == b"$"[..] => Ok(Paths::Root),
            [word] => Path::parse(word).map(Paths::One),
            words => {
                let parsed = |&word: &&Bytes| Some((word.clone(), Path::parse(word).ok()?));
                Ok(Paths::Several(words.iter().filter_map(parsed).collect()))
            }
        }
    }
}

impl Get {
    /// A read of one path, for `QGET`.
    pub fn one(key: &Bytes, path: &Bytes) -> Result<Get, CommandError> {
        let paths = Paths::parse(&[path])?;
        Ok(Get { key: key.clone(), paths, layout: Layout::default(), expansion: None })
    }

    fn reply(&self, document: &Document, steps: Steps<'_>) -> Result<Reply, CommandError> {
        if let Some(expansion) = self.expansion {
            return self.expanded(document, expansion, steps);
        }
        let style = self.layout.style();
        let mut budget = Budget::default();
        let mut out = Vec::with_capacity(document.encoded().len().min(256) + 16);
        match &self.paths {
            Paths::LegacyRoot => {
                budget.spend_on_text(document.root(), &style, 0)?;
                print(document.root(), &style, &mut out);
            }
            Paths::Root => {
                budget.spend_on_text(document.root(), &style, 1)?;
                crate::json::print_list([document.root()], &style, 0, &mut out);
            }
            Paths::One(path) => render(path, document, &style, (&mut budget, steps), &mut out)?,
            Paths::Several(paths) => several(paths, document, &style, (&mut budget, steps), &mut out)?,
        }
        Ok(Reply::bulk(out))
    }

    /// Expands the matches: one array for each path, in the order of the request.
    fn expanded(
        &self,
        document: &Document,
        expansion: Expansion,
        steps: Steps<'_>,
    ) -> Result<Reply, CommandError> {
        let mut budget = Budget::default();
        let mut one = |path: &Path| expand_all(path, document, expansion, (&mut budget, steps));
        let replies = match &self.paths {
            Paths::LegacyRoot | Paths::Root => vec![one(&Path::root())?],
            Paths::One(path) => vec![one(path)?],
            Paths::Several(paths) => paths.iter().map(|(_, path)| one(path)).collect::<Result<_, _>>()?,
        };
        Ok(Reply::Array(replies))
    }
}

/// The paths without repetitions, because an object has each key only once.
fn distinct(paths: &[(Bytes, Path)]) -> impl Iterator<Item = &(Bytes, Path)> {
    let is_first = |nth: usize, word: &Bytes| paths[..nth].iter().all(|(before, _)| before != word);
    paths.iter().enumerate().filter(move |(nth, (word, _))| is_first(*nth, word)).map(|(_, pair)| pair)
}

/// An object with the values at each path: single values if all paths are legacy paths, otherwise
/// arrays. A projection always has an array.
fn several(
    paths: &[(Bytes, Path)],
    document: &Document,
    style: &Style<'_>,
    (budget, steps): (&mut Budget, Steps<'_>),
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    let legacy = paths.iter().all(|(_, path)| path.is_written_legacy());
    let mut mark = b'{';
    if paths.is_empty() {
        out.push(mark);
    }
    for (word, path) in distinct(paths) {
        out.push(mark);
        mark = b',';
        style.line(1, out);
        crate::json::print_text(word, out);
        out.push(b':');
        out.extend_from_slice(style.space);
        print_matches(path, document, style, (1, legacy && path.is_legacy()), (&mut *budget, steps), out)?;
    }
    style.line(0, out);
    out.push(b'}');
    Ok(())
}

pub struct Mget {
    keys: Vec<Bytes>,
    /// `None` for a path that cannot be parsed, which matches nothing.
    path: Option<Path>,
}

impl Command for Mget {
    const SPEC: Spec = Spec {
        name: "JSON.MGET",
        aliases: &[],
        arity: -3,
        keys: KeySpec::new(1, -2, 1),
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N*M), N: keys, M: size of a document",
        summary: "Reads the same path of several documents.",
        syntax: "key ... path",
    };
}

impl Read for Mget {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Mget, CommandError> {
        let (path, keys) = args.rest().split_last().ok_or_else(|| args.wrong_arity())?;
        Ok(Mget { keys: keys.to_vec(), path: Path::parse(path).ok() })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.keys.len())
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let (mut budget, steps) = (Budget::default(), keyspace.steps());
        // The documents are all read at the same moment. They are immutable, so the keyspace is
        // released before they are printed.
        let documents: Vec<_> = self.keys.iter().map(|key| keyspace.document(key)).collect();
        keyspace.release();
        let one = |document| {
            let (Some(path), Ok(Some(document))) = (&self.path, document) else {
                return Ok(Reply::Null);
            };
            let mut out = Vec::new();
            match render(path, &document, &Style::default(), (&mut budget, steps), &mut out) {
                Ok(()) => Ok(Reply::bulk(out)),
                // An error in one document makes its value null. If the reply becomes too large or
                // the evaluation takes too many steps, the whole command fails.
                Err(error) if error == Budget::SPENT || error == CommandError::OUT_OF_STEPS => Err(error),
                Err(_) => Ok(Reply::Null),
            }
        };
        documents.into_iter().map(one).collect::<Result<_, _>>().map(Reply::Array)
    }
}
