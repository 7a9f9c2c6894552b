//! The names under which calls are counted: every name of a command, and every subcommand.
//!
//! Invariant: the list begins with each row's own name, before any alias or subcommand, in the
//! order of the table, so a row's position is also that of its name.

use std::sync::LazyLock;

use bytes::Bytes;

use super::framework::row::Row;
use super::table::ROWS;

/// One name under which calls are counted.
#[derive(Clone, Debug)]
pub struct Called {
    /// The name in lower case; a subcommand has the form `config|get`.
    pub name: String,
    /// Whether the command is fast, as `Flags::fast` defines it.
    pub fast: bool,
    pub categories: Vec<&'static str>,
}

struct Calls {
    all: Vec<Called>,
    /// For each row of the table, the position of its first alias; its subcommands follow the
    /// aliases.
    others: Vec<usize>,
}

static CALLS: LazyLock<Calls> = LazyLock::new(|| {
    let called = |name: &str, row: &Row| Called {
        name: name.to_ascii_lowercase(),
        fast: row.is_fast(),
        categories: row.categories(),
    };
    let mut all: Vec<Called> = ROWS.iter().map(|row| called(row.spec.name, row)).collect();
    let mut others = Vec::with_capacity(ROWS.len());
    for row in ROWS {
        others.push(all.len());
        all.extend(row.names().skip(1).map(|(name, row)| called(name, &row)));
        if row.has_subcommands() {
            let inner = row.subcommands.iter();
            all.extend(inner.map(|one| called(&one.full_name(&row.spec), &one.alone(row))));
        }
    }
    Calls { all, others }
});

/// All names under which calls are counted.
pub fn all() -> &'static [Called] {
    &CALLS.all
}

/// The position in [`all`] of the name under which a request is counted. `position` is that of its
/// row in the table.
pub fn place(position: usize, words: &[Bytes]) -> usize {
    let row = &ROWS[position];
    let is = |word: Option<&Bytes>, name: &str| {
        word.is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    let aliases = row.spec.aliases;
    if let Some(at) = aliases.iter().position(|alias| is(words.first(), alias.name)) {
        return CALLS.others[position] + at;
    }
    if !row.has_subcommands() {
        return position;
    }
    let at = row.subcommands.iter().position(|one| is(words.get(1), one.name));
    at.map_or(position, |at| CALLS.others[position] + aliases.len() + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    #[test]
    fn a_request_is_counted_under_the_name_that_it_used() {
        let named = |words: &[&'static str]| {
            let words: Vec<Bytes> = words.iter().map(|word| Bytes::from_static(word.as_bytes())).collect();
            let position = table::position(&words[0]).unwrap();
            all()[place(position, &words)].name.as_str()
        };
        assert_eq!(named(&["get", "k"]), "get");
        assert_eq!(named(&["Config", "Get", "*"]), "config|get");
        assert_eq!(named(&["CONFIG", "NOSUCH"]), "config");
        assert_eq!(named(&["CONFIG"]), "config");
        assert_eq!(named(&["COMMAND"]), "command");
        assert_eq!(named(&["COMMAND", "docs"]), "command|docs");
        assert_eq!(named(&["JSON.DEBUG", "MEMORY", "k"]), "json.debug");
        assert_eq!(named(&["UNLINK", "k"]), "unlink");
        assert_eq!(named(&["DEL", "k"]), "del");
        let mut names: Vec<&str> = all().iter().map(|called| called.name.as_str()).collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|one, other| one < other), "no name occurs twice");
    }
}
