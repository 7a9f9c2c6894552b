//! Reads config files in the syntax of redis.conf: each line has a name and values, which may be
//! quoted. `include` reads another file, and comments have lines of their own.
//!
//! This module does not use the node's disk ([`crate::env::Disk`]). Config files belong to the
//! operator: they are on this machine even if the data is on a simulated disk, are read before a
//! node exists, and keep their permissions.
#![allow(clippy::disallowed_methods, reason = "config files belong to the operator and not to the node")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::setting::{find, unknown};
use super::source::Assignment;
use crate::error::Fatal;
use crate::resp::split_words;

/// Maximum nesting of includes. The limit stops the reading of a file that includes itself.
const INCLUDE_DEPTH_MAX: usize = 16;

/// A line of a config file: a setting or an include.
pub struct Directive {
    pub name: String,
    pub words: Vec<String>,
}

/// Parses a line; `None` for a comment or a blank line.
pub fn parse_line(line: &str) -> Result<Option<Directive>, String> {
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

/// Reads the assignments in a file and in the files that it includes, in the order of the lines.
pub fn read(path: &Path) -> Result<Vec<Assignment>, Fatal> {
    parse(path, &text(path)?)
}

/// Reads the text of a file.
pub fn text(path: &Path) -> Result<String, Fatal> {
    fs::read_to_string(path).map_err(|error| Fatal::Config(format!("{}: {error}", path.display())))
}

/// Like [`read`], with `text` as the content of the file at `path`.
pub fn parse(path: &Path, text: &str) -> Result<Vec<Assignment>, Fatal> {
    let mut all = Vec::new();
    collect(path, text, 0, &mut all)?;
    Ok(all)
}

fn collect(path: &Path, text: &str, depth: usize, all: &mut Vec<Assignment>) -> Result<(), Fatal> {
    for (number, line) in text.lines().enumerate() {
        let origin = format!("{}: line {}", path.display(), number + 1);
        let wrong = |reason: &str| Fatal::Config(format!("{origin}: {reason}"));
        let Some(Directive { name, words }) = parse_line(line).map_err(|reason| wrong(&reason))? else {
            continue;
        };
        if name == "include" {
            let [included] = &words[..] else { return Err(wrong("include: wrong number of arguments")) };
            if depth == INCLUDE_DEPTH_MAX {
                return Err(wrong("include: nested too deeply, or a file includes itself"));
            }
            let included = Path::new(included);
            let inner = self::text(included).map_err(|error| wrong(&format!("include: {error}")))?;
            collect(included, &inner, depth + 1, all)?;
            continue;
        }
        let setting = find(&name).ok_or_else(|| wrong(&unknown(&name)))?;
        all.push(Assignment { setting, words, origin: format!("{origin}: {}", setting.name) });
    }
    Ok(())
}

/// Replaces the text of a file atomically: after a crash, it has either the old or the new text.
/// Keeps the file's permissions.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    // If the path is a symbolic link, the file to which it points is replaced.
    let path = path.canonicalize()?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".rewrite");
    let temporary = path.with_file_name(name);
    let written = write_temporary(&path, &temporary, text);
    if written.is_err() {
        // A failure is ignored, because the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_temporary(path: &Path, temporary: &Path, text: &str) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    // The file is readable only by its owner until it gets the original's permissions, because it
    // may contain a password. One that a crash left behind may have others.
    let _ = fs::remove_file(temporary);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(temporary)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}
