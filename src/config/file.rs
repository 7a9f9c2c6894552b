//! Files of settings, in the syntax of redis.conf: a name and its values on each line, quoted where
//! need be; `include`; comments on lines of their own.
//!
//! Files are read and written here and not on the node's disk ([`crate::env::Disk`]): they are the
//! operator's, on this machine even where the data lies on a simulated one, they are read before
//! there is a node, and their permissions have to stay what they are.
#![allow(clippy::disallowed_methods, reason = "the operator's files, not the node's: see above")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::setting::{find, unknown};
use super::source::Given;
use crate::error::Fatal;
use crate::resp::split_words;

/// How deep files may include others. Nobody nests so deep; a file that includes itself is found by
/// it.
const INCLUDE_DEPTH_MAX: usize = 16;

/// A line that says something.
pub struct Directive {
    pub name: String,
    pub words: Vec<String>,
}

/// Takes a line apart; `None` for a comment and a blank one.
pub fn directive(line: &str) -> Result<Option<Directive>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let words = split_words(line.as_bytes()).map_err(|_| "unbalanced quotes")?;
    let words: Result<Vec<String>, _> = words.into_iter().map(String::from_utf8).collect();
    let mut words = words.map_err(|_| "not UTF-8")?.into_iter();
    let Some(name) = words.next() else { return Ok(None) };
    Ok(Some(Directive { name: name.to_ascii_lowercase(), words: words.collect() }))
}

/// What a file and those that it includes say, in the order of the lines.
pub fn read(path: &Path) -> Result<Vec<Given>, Fatal> {
    given(path, &text(path)?)
}

/// The text of a file.
pub fn text(path: &Path) -> Result<String, Fatal> {
    fs::read_to_string(path).map_err(|error| Fatal::Config(format!("{}: {error}", path.display())))
}

/// As [`read`], of a text that is in the file or will be.
pub fn given(path: &Path, text: &str) -> Result<Vec<Given>, Fatal> {
    let mut all = Vec::new();
    walk(path, text, 0, &mut all)?;
    Ok(all)
}

fn walk(path: &Path, text: &str, depth: usize, all: &mut Vec<Given>) -> Result<(), Fatal> {
    for (number, line) in text.lines().enumerate() {
        let origin = format!("{}: line {}", path.display(), number + 1);
        let wrong = |reason: &str| Fatal::Config(format!("{origin}: {reason}"));
        let Some(Directive { name, words }) = directive(line).map_err(|reason| wrong(&reason))? else {
            continue;
        };
        if name == "include" {
            let [included] = &words[..] else { return Err(wrong("include: wrong number of arguments")) };
            if depth == INCLUDE_DEPTH_MAX {
                return Err(wrong("include: files include each other without an end"));
            }
            let included = Path::new(included);
            let inner = self::text(included).map_err(|error| wrong(&format!("include: {error}")))?;
            walk(included, &inner, depth + 1, all)?;
            continue;
        }
        let setting = find(&name).ok_or_else(|| wrong(&unknown(&name)))?;
        all.push(Given { setting, words, origin: format!("{origin}: {}", setting.name) });
    }
    Ok(())
}

/// Puts `text` in the place of a file: after a crash either is there whole. Permissions stay as
/// they are.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = path.canonicalize()?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".rewrite");
    let temporary = path.with_file_name(name);
    let written = write_anew(&path, &temporary, text);
    if written.is_err() {
        // What went wrong is told; that nothing is left of it is a courtesy.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_anew(path: &Path, temporary: &Path, text: &str) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    // For the owner alone until it has the permissions of the other: there may be a password in it.
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(temporary)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}
