//! The subcommands of a row, each with what `COMMAND` says of it.
//!
//! What a subcommand does not say itself is as for its row: its route, and the flags that are no
//! words alone.

use super::key_spec::KeySpec;
use super::row::{Row, Spec};
use super::syntax;
use super::{Command, Flags};
use crate::resp::Reply;

/// One choice of a row that is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subcommand {
    /// In capitals.
    pub name: &'static str,
    /// The words after the name, in the notation of a row.
    pub syntax: &'static str,
    pub since: &'static str,
    pub complexity: &'static str,
    /// Whether it is for operators, if that is not as for its row.
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
    ) -> Subcommand {
        Subcommand { name, syntax, since, complexity, admin: None, also: &[], without: &[] }
    }

    /// `HELP`, which everybody may ask for at any time.
    pub const fn help(since: &'static str) -> Subcommand {
        let without = &["noscript", "readonly", "pubsub"];
        let also = &["loading", "stale"];
        Subcommand { admin: Some(false), also, without, ..Subcommand::new("HELP", "", since, "O(1)") }
    }

    /// For operators alone.
    pub const fn admin(self) -> Subcommand {
        Subcommand { admin: Some(true), ..self }
    }

    pub const fn not_admin(self) -> Subcommand {
        Subcommand { admin: Some(false), ..self }
    }

    /// Words that `COMMAND INFO` says of it and not of its row.
    pub const fn also(self, also: &'static [&'static str]) -> Subcommand {
        Subcommand { also, ..self }
    }

    /// Words that follow from its row, and that Redis does not say of it.
    pub const fn without(self, without: &'static [&'static str]) -> Subcommand {
        Subcommand { without, ..self }
    }

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

    /// The row as it were if this were all of it.
    pub fn alone(self, row: &Row) -> Row {
        let has_key =
            syntax::arguments(self.syntax).iter().any(|argument| argument.kind == syntax::Kind::Key);
        let keys = if has_key { row.spec.keys } else { KeySpec::NONE };
        let Subcommand { syntax, since, complexity, also, .. } = self;
        let spec = Spec { syntax, since, complexity, keys, arity: self.arity(), ..row.spec };
        let without = if self.without.is_empty() { row.flags.without } else { self.without };
        let admin = self.admin.or(row.flags.admin);
        let flags = Flags { admin, also, without, ..row.flags };
        Row { spec, flags, subcommands: &[], ..*row }
    }
}

/// The subcommand of a row that goes by this name, in any case.
pub fn named(row: &Row, name: &[u8]) -> Option<Subcommand> {
    row.subcommands.iter().copied().find(|one| one.name.as_bytes().eq_ignore_ascii_case(name))
}

/// What `.. HELP` answers of a container.
pub fn help<C: Command>() -> Reply {
    let first = format!("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", C::SPEC.name);
    let lines = C::SUBCOMMANDS.iter().map(|one| format!("{} {}", one.name, one.syntax).trim().to_string());
    Reply::Array(std::iter::once(first).chain(lines).map(Reply::bulk).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    #[test]
    fn the_arity_of_a_subcommand_follows_from_its_syntax() {
        let arity = |syntax| Subcommand::new("X", syntax, "1.0.0", "O(1)").arity();
        assert_eq!(["pattern ...", "name value", "(a | b) [c]", ""].map(arity), [-3, 4, -3, 2]);
    }

    #[test]
    fn only_a_row_that_is_divided_has_subcommands() {
        let names = |name: &str| -> Vec<&str> {
            table::find(name.as_bytes()).unwrap().subcommands.iter().map(|one| one.name).collect()
        };
        assert_eq!(names("FLUSHALL"), [""; 0]);
        assert_eq!(names("SET"), [""; 0]);
        assert_eq!(names("SLOWLOG"), ["GET", "LEN", "RESET", "HELP"]);
        assert_eq!(names("JSON.DEBUG"), ["MEMORY", "DEPTH", "FIELDS", "HELP"]);
    }

    #[test]
    fn every_subcommand_is_a_word_in_capitals() {
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
