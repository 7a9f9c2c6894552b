//! The subcommands of a row, read out of its syntax.
//!
//! A row with `HELP` among the choices of its syntax is a container, as Redis calls a command that does nothing without
//! a subcommand: `(GET pattern ... | RESETSTAT | HELP)`. In `[..]` the command does something alone, too.

use super::row::{Row, Spec};
use super::syntax;
use crate::resp::Reply;

/// One choice of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subcommand {
    /// In capitals.
    pub name: &'static str,
    /// The words after the name, in the notation of a row.
    pub syntax: &'static str,
}

impl Subcommand {
    /// How many words a request has, the container's name among them; negative: at least so many.
    pub fn arity(self) -> i32 {
        let arguments = syntax::arguments(self.syntax);
        let words = |argument: &syntax::Argument| match argument.optional {
            true => 0,
            false => argument.words(),
        };
        let needed = 2 + arguments.iter().map(words).sum::<i32>();
        let open = arguments.iter().any(syntax::Argument::is_open);
        if open { -needed } else { needed }
    }

    /// `config|get`.
    pub fn full_name(self, spec: &Spec) -> String {
        format!("{}|{}", spec.name, self.name).to_ascii_lowercase()
    }
}

/// The choices of a container; none of a row that is none.
pub fn of(row: &Row) -> Vec<Subcommand> {
    let all = choices(row.spec.syntax);
    match all.iter().any(|one| one.name == "HELP") {
        true => all,
        false => Vec::new(),
    }
}

fn choices(text: &'static str) -> Vec<Subcommand> {
    let whole = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let inner =
        whole.or_else(|| text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))).unwrap_or(text);
    let mut depth = 0i32;
    let parts = inner.split(move |mark| {
        depth += i32::from(matches!(mark, '(' | '[')) - i32::from(matches!(mark, ')' | ']'));
        mark == '|' && depth == 0
    });
    parts
        .map(|part| {
            let part = part.trim();
            let (name, syntax) = part.split_once(' ').unwrap_or((part, ""));
            Subcommand { name, syntax: syntax.trim() }
        })
        .collect()
}

/// The choice of a row that goes by this name, in any case.
pub fn named(row: &Row, name: &[u8]) -> Option<Subcommand> {
    of(row).into_iter().find(|one| one.name.as_bytes().eq_ignore_ascii_case(name))
}

/// What `.. HELP` answers of a container.
pub fn help(spec: &Spec) -> Reply {
    let first = format!("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", spec.name);
    let lines =
        choices(spec.syntax).into_iter().map(|one| format!("{} {}", one.name, one.syntax).trim().to_string());
    Reply::Array(std::iter::once(first).chain(lines).map(Reply::bulk).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    #[test]
    fn the_choices_of_a_syntax_are_its_subcommands() {
        let found = choices("(GET pattern ... | SET name value | X (a | b) [c] | HELP)");
        let shown: Vec<_> = found.iter().map(|one| (one.name, one.syntax, one.arity())).collect();
        let expected =
            [("GET", "pattern ...", -3), ("SET", "name value", 4), ("X", "(a | b) [c]", -3), ("HELP", "", 2)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn only_a_row_with_help_is_a_container() {
        let names = |name: &str| -> Vec<&str> {
            of(table::find(name.as_bytes()).unwrap()).iter().map(|one| one.name).collect()
        };
        assert_eq!(names("FLUSHALL"), [""; 0]);
        assert_eq!(names("SET"), [""; 0]);
        assert_eq!(names("SLOWLOG"), ["GET", "LEN", "RESET", "HELP"]);
        assert_eq!(names("JSON.DEBUG"), ["MEMORY", "DEPTH", "FIELDS", "HELP"]);
    }

    #[test]
    fn every_subcommand_is_a_word_in_capitals() {
        for row in table::ROWS {
            for one in of(row) {
                let well_formed = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
                assert!(
                    !one.name.is_empty() && one.name.bytes().all(well_formed),
                    "{}",
                    one.full_name(&row.spec)
                );
            }
        }
    }
}
