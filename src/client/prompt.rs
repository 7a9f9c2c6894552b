//! The prompt: each line is a command, quoted as in redis-cli. Tab completes names, and a hint
//! shows the syntax.
//!
//! Commands that never end (SUBSCRIBE, MONITOR) are not supported, because their messages would be
//! taken for replies.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::{Config, Context, Editor, Helper, Validator};

use super::args::Args;
use super::command_docs::{self, CommandDoc};
use super::connection::{Connection, ConnectionError};
use super::print::{Style, print};
use super::{Exit, Failure};
use crate::resp::{Value, split_words};

/// Maximum number of lines in the history file.
const HISTORY_LINES_MAX: usize = 1000;

/// Runs commands until the end of the input. On a terminal, the exit code is 0; otherwise it is
/// that of the worst reply.
pub(super) fn run(connection: &mut Connection, args: &Args) -> Result<Exit, Failure> {
    let terminal = std::io::stdin().is_terminal();
    let style = if std::io::stdout().is_terminal() { Style::Terminal } else { Style::Plain };
    let config = Config::builder().max_history_size(HISTORY_LINES_MAX).map_err(unreadable)?.build();
    let mut editor: Editor<Hints, DefaultHistory> = Editor::with_config(config).map_err(unreadable)?;
    let docs =
        if terminal { command_docs::read(&connection.call(&["COMMAND", "DOCS"])?) } else { Vec::new() };
    editor.set_helper(Some(Hints { docs }));
    let history = history_file().filter(|_| terminal);
    if let Some(path) = &history {
        // An error is ignored, because the file does not exist before the first run.
        let _ = editor.load_history(path);
    }
    let mut worst = Exit::Ok;
    loop {
        let line = match editor.readline(&format!("{}> ", args.server())) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(unreadable(error)),
        };
        if terminal && may_enter_history(&line) {
            let _ = editor.add_history_entry(line.as_str());
        }
        let docs = editor.helper().map_or(&[][..], |hints| &hints.docs);
        match run_line(connection, &line, docs, style) {
            Ok(Some(exit)) => worst = worst.max(exit),
            Ok(None) => break,
            Err(Failure::Connection(error)) if terminal => *connection = reconnect(args, &error)?,
            Err(other) => return Err(other),
        }
    }
    if let Some(path) = &history
        && let Err(error) = editor.save_history(path)
    {
        eprintln!("{}: {error}", path.display());
    }
    Ok(if terminal { Exit::Ok } else { worst })
}

fn unreadable(error: ReadlineError) -> Failure {
    Failure::File(format!("the input can't be read: {error}"))
}

fn reconnect(args: &Args, error: &ConnectionError) -> Result<Connection, Failure> {
    eprintln!("{error}; connecting again");
    Ok(Connection::open(&args.target())?)
}

/// Runs a line; returns `None` if it ends the prompt.
fn run_line(
    connection: &mut Connection,
    line: &str,
    docs: &[CommandDoc],
    style: Style,
) -> Result<Option<Exit>, Failure> {
    let words = match split_words(line.as_bytes()) {
        Ok(words) => words,
        Err(error) => {
            eprintln!("{error}");
            return Ok(Some(Exit::Usage));
        }
    };
    let Some(name) = words.first() else { return Ok(Some(Exit::Ok)) };
    match name.to_ascii_lowercase().as_slice() {
        b"exit" | b"quit" => return Ok(None),
        b"help" => {
            help(docs, &words[1..])?;
            return Ok(Some(Exit::Ok));
        }
        _ => {}
    }
    let value = connection.call(&words)?;
    let mut text = Vec::new();
    if style == Style::Terminal || value != Value::Null {
        print(&value, style, &mut text);
    }
    std::io::stdout().lock().write_all(&text)?;
    Ok(Some(Exit::of_value(&value)))
}

fn help(docs: &[CommandDoc], words: &[Vec<u8>]) -> Result<(), Failure> {
    let wanted = String::from_utf8_lossy(&words.join(&b' ')).to_ascii_uppercase();
    let mut out = std::io::stdout().lock();
    for doc in docs.iter().filter(|doc| doc.name.starts_with(&wanted)) {
        writeln!(out, "{} {}\n    {}", doc.name, doc.syntax.join(" "), doc.summary)?;
    }
    if wanted.is_empty() {
        writeln!(out, "help COMMAND describes a command; exit or Ctrl-D ends the prompt")?;
    }
    Ok(())
}

/// The path of the history file: `$XDG_STATE_HOME/jsonvault_history` or `~/.jsonvault_history`.
fn history_file() -> Option<PathBuf> {
    let directory = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match directory("XDG_STATE_HOME") {
        Some(state) => Some(state.join("jsonvault_history")),
        None => directory("HOME").map(|home| home.join(".jsonvault_history")),
    }
}

/// Whether a line may go into the history file, which must not contain passwords.
fn may_enter_history(line: &str) -> bool {
    let name = line.split_ascii_whitespace().next().unwrap_or("").to_ascii_lowercase();
    !name.is_empty()
        && !matches!(name.as_str(), "auth" | "hello" | "acl")
        && !["requirepass", "masterauth"].iter().any(|word| line.to_ascii_lowercase().contains(word))
}

#[derive(Helper, Validator)]
struct Hints {
    docs: Vec<CommandDoc>,
}

impl Completer for Hints {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok((0, completions(&self.docs, &line[..pos])))
    }
}

/// The names that begin with `typed`, in the same case as `typed`.
fn completions(docs: &[CommandDoc], typed: &str) -> Vec<String> {
    let upper = typed.to_ascii_uppercase();
    let lower_case = typed.bytes().any(|byte| byte.is_ascii_lowercase());
    let found = docs.iter().filter(|doc| doc.name.starts_with(&upper));
    found.map(|doc| if lower_case { doc.name.to_ascii_lowercase() } else { doc.name.clone() }).collect()
}

impl Hinter for Hints {
    type Hint = String;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<String> {
        if pos == line.len() { hint(&self.docs, line) } else { None }
    }
}

/// The syntax of the arguments that are still missing in `line`.
fn hint(docs: &[CommandDoc], line: &str) -> Option<String> {
    let words = split_words(line.as_bytes()).ok()?;
    let name = |count: usize| String::from_utf8_lossy(&words[..count].join(&b' ')).to_ascii_uppercase();
    // A name of two words, such as `CLIENT LIST`, is tried before its first word.
    let counts = (1..=words.len().min(2)).rev();
    let (count, doc) = counts
        .filter_map(|count| {
            let name = name(count);
            docs.iter().find(|doc| doc.name == name).map(|doc| (count, doc))
        })
        .next()?;
    let rest = doc.syntax.get(words.len() - count..)?.join(" ");
    let gap = if line.ends_with(' ') { "" } else { " " };
    if rest.is_empty() { None } else { Some(format!("{gap}{rest}")) }
}

impl Highlighter for Hints {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docs() -> Vec<CommandDoc> {
        let doc = |name: &str, syntax: &[&str]| CommandDoc {
            name: name.to_owned(),
            summary: String::new(),
            syntax: syntax.iter().map(|text| (*text).to_owned()).collect(),
        };
        vec![doc("CLIENT", &[]), doc("CLIENT LIST", &["[ID id]"]), doc("JSON.SET", &["key", "path", "json"])]
    }

    #[test]
    fn names_complete_in_the_case_of_the_input() {
        assert_eq!(completions(&docs(), "js"), ["json.set"]);
        assert_eq!(completions(&docs(), "CLIENT L"), ["CLIENT LIST"]);
        assert!(completions(&docs(), "json.set k").is_empty());
    }

    #[test]
    fn the_hint_shows_the_missing_arguments() {
        let docs = docs();
        assert_eq!(hint(&docs, "json.set").as_deref(), Some(" key path json"));
        assert_eq!(hint(&docs, "json.set k ").as_deref(), Some("path json"));
        assert_eq!(hint(&docs, "json.set k $ 1 2"), None);
        assert_eq!(hint(&docs, "json.set 'k"), None);
        assert_eq!(hint(&docs, "client list ").as_deref(), Some("[ID id]"));
        assert_eq!(hint(&docs, ""), None);
    }

    #[test]
    fn passwords_stay_out_of_the_history() {
        assert!(may_enter_history("json.get k"));
        for line in [
            "",
            "AUTH x",
            " auth x",
            "HELLO 3 AUTH u p",
            "config set requirepass x",
            "config set MasterAuth x",
        ] {
            assert!(!may_enter_history(line), "{line}");
        }
    }
}
