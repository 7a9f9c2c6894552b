//! A cursor over the arguments of a request.

use bytes::Bytes;

use super::subcommands;
use crate::command::table;
use crate::error::CommandError;
use crate::keyspace::{Element, Key};

/// The words of a request after the command's name, with the position of the next one.
pub struct Args<'a> {
    command: &'static str,
    words: &'a [Bytes],
    next: usize,
}

impl<'a> Args<'a> {
    pub fn new(command: &'static str, words: &'a [Bytes]) -> Args<'a> {
        Args { command, words, next: 0 }
    }

    /// The command's name, for error replies.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// The next word; if there is none, the error for a wrong number of arguments.
    pub fn word(&mut self) -> Result<&'a Bytes, CommandError> {
        let word = self.words.get(self.next).ok_or_else(|| self.wrong_arity())?;
        self.next += 1;
        Ok(word)
    }

    pub fn word_if_any(&mut self) -> Option<&'a Bytes> {
        let word = self.words.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    pub fn peek(&self) -> Option<&'a Bytes> {
        self.words.get(self.next)
    }

    pub fn key(&mut self) -> Result<Key, CommandError> {
        self.word().map(|word| Key::from(&word[..]))
    }

    pub fn element(&mut self) -> Result<Element, CommandError> {
        self.word().map(|word| Element::from(&word[..]))
    }

    /// All remaining words; if there are none, the error for a wrong number of arguments.
    pub fn elements(&mut self) -> Result<Vec<Element>, CommandError> {
        match self.is_empty() {
            true => Err(self.wrong_arity()),
            false => Ok(self.rest().iter().map(|word| Element::from(&word[..])).collect()),
        }
    }

    /// The next word as a non-negative count.
    pub fn count(&mut self) -> Result<usize, CommandError> {
        const NOT_A_COUNT: CommandError = CommandError::fixed("ERR value is out of range, must be positive");
        self.integer().ok().and_then(|count| usize::try_from(count).ok()).ok_or(NOT_A_COUNT)
    }

    /// The last word as a non-negative count; `None` if no word is left, and the syntax error if
    /// more than one is left.
    pub fn count_if_any(&mut self) -> Result<Option<usize>, CommandError> {
        match self.left() {
            0 => Ok(None),
            1 => self.count().map(Some),
            _ => Err(CommandError::SYNTAX),
        }
    }

    /// The next word as the count of a random choice; if it is negative, elements may repeat.
    /// `i64::MIN` is refused, as in Redis, because it cannot be negated.
    pub fn signed_count(&mut self) -> Result<i64, CommandError> {
        match self.integer()? {
            i64::MIN => Err(CommandError::OUT_OF_RANGE),
            count => Ok(count),
        }
    }

    /// Consumes the next word if it is `keyword`, ignoring case.
    pub fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|word| word.eq_ignore_ascii_case(keyword.as_bytes()));
        if found {
            self.next += 1;
        }
        found
    }

    /// The next word as an integer in Redis' canonical form.
    pub fn integer(&mut self) -> Result<i64, CommandError> {
        canonical_integer(self.word()?).ok_or(CommandError::NOT_AN_INTEGER)
    }

    /// All remaining words.
    pub fn rest(&mut self) -> &'a [Bytes] {
        let rest = &self.words[self.next.min(self.words.len())..];
        self.next = self.words.len();
        rest
    }

    pub fn left(&self) -> usize {
        self.words.len() - self.next.min(self.words.len())
    }

    pub fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// Checks that no words remain; otherwise returns the syntax error.
    pub fn finish(&self) -> Result<(), CommandError> {
        if self.is_empty() { Ok(()) } else { Err(CommandError::SYNTAX) }
    }

    /// The error for a subcommand that does not exist or has a wrong number of words.
    pub fn wrong_subcommand(&self, word: &[u8]) -> CommandError {
        let row = table::find(self.command.as_bytes());
        match row.and_then(|row| subcommands::named(row, word).map(|one| one.full_name(&row.spec))) {
            Some(name) => CommandError::wrong_arity(&name),
            None => CommandError::unknown_subcommand(self.command, word),
        }
    }

    /// Like [`Args::wrong_subcommand`], in the wording of those Redis commands that check the name
    /// and the arity together.
    pub fn wrong_subcommand_or_arity(&self, word: &[u8]) -> CommandError {
        let (word, command) = (String::from_utf8_lossy(&word[..word.len().min(128)]), self.command);
        CommandError::new(format!(
            "ERR unknown subcommand or wrong number of arguments for '{word}'. Try {command} HELP."
        ))
    }

    pub fn wrong_arity(&self) -> CommandError {
        CommandError::wrong_arity(self.command)
    }
}

/// Parses an integer in Redis' canonical form: without plus sign, spaces or leading zeros.
pub fn canonical_integer(text: &[u8]) -> Option<i64> {
    let whole: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (itoa::Buffer::new().format(whole).as_bytes() == text).then_some(whole)
}
