//! The subcommands of a row, with their metadata for `COMMAND`.
//!
//! A subcommand inherits from its row the metadata that it does not state itself: the route and
//! most flags.

use super::key_spec::KeySpec;
use super::row::{Row, Spec};
use super::syntax;
use super::{Command, Flags};
use crate::resp::Reply;

const HELP: &str = "Lists the subcommands with their arguments.";

/// A subcommand of a command such as `CONFIG`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subcommand {
    /// The name in upper case.
    pub name: &'static str,
    /// The words after the name, in the notation of [`Spec::syntax`].
    pub syntax: &'static str,
    pub since: &'static str,
    pub complexity: &'static str,
    pub summary: &'static str,
    /// Whether the subcommand is administrative; `None` if that follows from its row.
    admin: Option<bool>,
    also: &'static [&'static str],
    without: &'static [&'static str],
}

impl Subcommand {
    pub const fn new(
        name: &'static str,
        syntax: &'static str,
        since: &'static str,
        complexity: &'static str,
        summary: &'static str,
    ) -> Subcommand {
        Subcommand { name, syntax, since, complexity, summary, admin: None, also: &[], without: &[] }
    }

    /// The subcommand `HELP`, which is not administrative even if the command is.
    pub const fn help(since: &'static str) -> Subcommand {
        let without = &["noscript", "readonly", "pubsub"];
        let also = &["loading", "stale"];
        Subcommand { admin: Some(false), also, without, ..Subcommand::new("HELP", "", since, "O(1)", HELP) }
    }

    /// Marks the subcommand as administrative.
    pub const fn admin(self) -> Subcommand {
        Subcommand { admin: Some(true), ..self }
    }

    pub const fn not_admin(self) -> Subcommand {
        Subcommand { admin: Some(false), ..self }
    }

    /// Adds flags that do not follow from the row. The row's own list `also` does not apply to
    /// subcommands.
    pub const fn also(self, also: &'static [&'static str]) -> Subcommand {
        Subcommand { also, ..self }
    }

    /// Removes flags that would follow from the row but are not reported by Redis. The list
    /// replaces that of the row.
    pub const fn without(self, without: &'static [&'static str]) -> Subcommand {
        Subcommand { without, ..self }
    }

    /// The number of words of a request, including the command's name. A negative arity is a
    /// minimum.
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

    /// The full name in the form `config|get`.
    pub fn full_name(self, spec: &Spec) -> String {
        format!("{}|{}", spec.name, self.name).to_ascii_lowercase()
    }

    /// The row that this subcommand would have if it were a command of its own.
    pub fn alone(self, row: &Row) -> Row {
        let has_key =
            syntax::arguments(self.syntax).iter().any(|argument| argument.kind == syntax::Kind::Key);
        let keys = if has_key { row.spec.keys } else { KeySpec::NONE };
        let Subcommand { syntax, since, complexity, summary, also, .. } = self;
        let spec = Spec { syntax, since, complexity, summary, keys, arity: self.arity(), ..row.spec };
        let without = if self.without.is_empty() { row.flags.without } else { self.without };
        let admin = self.admin.or(row.flags.admin);
        let flags = Flags { admin, also, without, ..row.flags };
        Row { spec, flags, subcommands: &[], ..*row }
    }
}

/// The subcommand of a row with this name, ignoring case.
pub fn named(row: &Row, name: &[u8]) -> Option<Subcommand> {
    row.subcommands.iter().copied().find(|one| one.name.as_bytes().eq_ignore_ascii_case(name))
}

/// The reply to the subcommand `HELP`.
pub fn help<C: Command>() -> Reply {
    let first = format!("{} <subcommand> [argument ...], with one of these subcommands:", C::SPEC.name);
    let lines = C::SUBCOMMANDS.iter().map(|one| format!("{} {}", one.name, one.syntax).trim().to_string());
    Reply::Array(std::iter::once(first).chain(lines).map(Reply::bulk).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    #[test]
    fn the_arity_of_a_subcommand_follows_from_its_syntax() {
        let arity = |syntax| Subcommand::new("X", syntax, "1.0.0", "O(1)", "").arity();
        assert_eq!(["pattern ...", "name value", "(a | b) [c]", ""].map(arity), [-3, 4, -3, 2]);
    }

    #[test]
    fn only_containers_have_subcommands() {
        let names = |name: &str| -> Vec<&str> {
            table::find(name.as_bytes()).unwrap().subcommands.iter().map(|one| one.name).collect()
        };
        assert_eq!(names("FLUSHALL"), [""; 0]);
        assert_eq!(names("SET"), [""; 0]);
        assert_eq!(names("SLOWLOG"), ["GET", "LEN", "RESET", "HELP"]);
        assert_eq!(names("JSON.DEBUG"), ["MEMORY", "DEPTH", "FIELDS", "HELP"]);
    }

    #[test]
    fn every_subcommand_is_a_word_in_upper_case() {
        for row in table::ROWS {
            for one in row.subcommands {
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
