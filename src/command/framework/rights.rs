//! The rights of a user, compiled for this version's table, and the check of a request.
//!
//! Invariants:
//! * a request is allowed only if one selector allows all of it: the command, each key and each
//!   channel;
//! * a command that a rule does not name is forbidden, unless the rules begin with all commands.

use bytes::Bytes;

use super::docs::key_flags;
use super::{glob, subcommands};
use crate::acl::{CommandRule, Commands, Permissions, Rule, RuleError, User};
use crate::command::{Row, called, table};

/// The categories that rules may name although no command here is in them.
pub const EMPTY_CATEGORIES: &[&str] = &["hyperloglog", "geo", "stream", "scripting"];

/// Why a request is refused, and what it was about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    Command,
    Key(Bytes),
    Channel(Bytes),
}

impl Denial {
    /// The reason in the words of `ACL LOG`.
    pub fn reason(&self) -> &'static str {
        match self {
            Denial::Command => "command",
            Denial::Key(_) => "key",
            Denial::Channel(_) => "channel",
        }
    }

    /// The text of the error without its code. The names of keys are repeated only for an operator,
    /// as in Redis.
    pub fn text(&self, user: &[u8], command: &str, names: bool) -> String {
        let user = String::from_utf8_lossy(user);
        let named = |name: &Bytes, what: &str| {
            let name = String::from_utf8_lossy(name);
            format!("User {user} has no permissions to access the '{name}' {what}")
        };
        match self {
            Denial::Command => format!("User {user} has no permissions to run the '{command}' command"),
            Denial::Key(name) if names => named(name, "key"),
            Denial::Channel(name) if names => named(name, "channel"),
            Denial::Key(_) => "No permissions to access a key".to_owned(),
            Denial::Channel(_) => "No permissions to access a channel".to_owned(),
        }
    }
}

/// The rights of one user.
#[derive(Clone, Debug)]
pub struct Rights {
    selectors: Vec<Selector>,
    /// Whether nothing has to be checked.
    everything: bool,
}

#[derive(Clone, Debug)]
struct Selector {
    /// One flag for each name of [`called::all`].
    commands: Vec<bool>,
    access: Permissions,
}

impl Rights {
    pub fn of(user: &User) -> Rights {
        let selectors = permissions(user).map(Selector::of).collect();
        Rights { selectors, everything: user.allows_everything() }
    }

    pub fn allow_everything(&self) -> bool {
        self.everything
    }

    /// Checks a request of the command at this position of the table.
    ///
    /// # Errors
    /// The denial of the selector that allows most of the request.
    pub fn check(&self, position: usize, words: &[Bytes]) -> Result<(), Denial> {
        if self.everything {
            return Ok(());
        }
        let mut nearest = Denial::Command;
        for selector in &self.selectors {
            match selector.check(position, words) {
                Ok(()) => return Ok(()),
                Err(denial) => nearest = nearest.max(denial),
            }
        }
        Err(nearest)
    }
}

impl Selector {
    fn of(access: &Permissions) -> Selector {
        let mut commands = vec![access.all_commands; called::all().len()];
        for rule in &access.commands {
            for (flag, called) in commands.iter_mut().zip(called::all()) {
                if names(rule, called) {
                    *flag = rule.allow;
                }
            }
        }
        Selector { commands, access: access.clone() }
    }

    fn check(&self, position: usize, words: &[Bytes]) -> Result<(), Denial> {
        if !self.commands[called::place(position, words)] {
            return Err(Denial::Command);
        }
        let row = &table::ROWS[position];
        let inner = words.get(1).and_then(|word| subcommands::named(row, word)).map(|one| one.alone(row));
        let keys = inner.map_or(row.spec.keys, |inner| inner.spec.keys);
        for at in keys.positions(words.len()).filter(|_| !self.access.all_keys) {
            if !self.allows_key(&words[at], key_flags(row, words, at)) {
                return Err(Denial::Key(words[at].clone()));
            }
        }
        let (channels, is_pattern) = channels(row, words);
        let denied = channels.iter().find(|name| !allows_channel(&self.access, name, is_pattern));
        denied.map_or(Ok(()), |name| Err(Denial::Channel(name.clone())))
    }

    fn allows_key(&self, key: &[u8], flags: &[&str]) -> bool {
        let reads = flags.contains(&"access");
        let writes = flags.iter().any(|flag| ["insert", "update", "delete"].contains(flag));
        self.access.keys.iter().any(|known| {
            (known.usage.read || !reads)
                && (known.usage.write || !writes)
                && glob::matches(&known.pattern, key) == Ok(true)
        })
    }
}

/// Whether a user may be subscribed to this name: a channel, or a pattern of channels.
pub fn may_listen(user: &User, name: &[u8], is_pattern: bool) -> bool {
    permissions(user).any(|access| allows_channel(access, name, is_pattern))
}

/// The permissions of the user itself, and those of each selector.
fn permissions(user: &User) -> impl Iterator<Item = &Permissions> {
    std::iter::once(&user.own).chain(&user.selectors)
}

/// A pattern is allowed only as it stands: whether another one covers it is undecided, as in Redis.
fn allows_channel(access: &Permissions, name: &[u8], is_pattern: bool) -> bool {
    let allows = |known: &Vec<u8>| match is_pattern {
        true => known == name,
        false => glob::matches(known, name) == Ok(true),
    };
    access.all_channels || access.channels.iter().any(allows)
}

/// The names of channels in a request, and whether they are patterns.
fn channels<'a>(row: &Row, words: &'a [Bytes]) -> (&'a [Bytes], bool) {
    match row.spec.name {
        "PUBLISH" | "SPUBLISH" => (words.get(1..2).unwrap_or_default(), false),
        "SUBSCRIBE" | "SSUBSCRIBE" => (&words[1..], false),
        "PSUBSCRIBE" => (&words[1..], true),
        _ => (&[], false),
    }
}

/// Whether a rule is about the command or subcommand that is called by this name.
fn names(rule: &CommandRule, called: &called::Called) -> bool {
    match &rule.what {
        Commands::All => true,
        Commands::Category(category) => called.categories.iter().any(|one| one[1..] == **category),
        Commands::Command(name) => {
            let rest = called.name.strip_prefix(&**name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
        }
        Commands::Subcommand(name, inner) => called.name == format!("{name}|{inner}"),
    }
}

/// Checks that this version knows the commands and categories of a rule.
///
/// # Errors
/// [`RuleError::Unknown`] if it does not.
pub fn check_names(rule: &Rule) -> Result<(), RuleError> {
    match rule {
        Rule::Selector(rules) => rules.iter().try_for_each(check_names),
        Rule::Command(CommandRule { what: Commands::Category(category), .. })
            if EMPTY_CATEGORIES.contains(&&**category) =>
        {
            Ok(())
        }
        Rule::Command(rule) => match called::all().iter().any(|called| names(rule, called)) {
            true => Ok(()),
            false => Err(RuleError::Unknown),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::merge_selectors;

    fn rights(rules: &str) -> Rights {
        let words: Vec<Vec<u8>> = rules.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let mut user = User::new();
        for word in merge_selectors(&words).expect("selectors end") {
            user.apply(&Rule::parse(&word).expect(rules)).expect(rules);
        }
        Rights::of(&user)
    }

    fn outcome(rules: &str, request: &str) -> &'static str {
        let words: Vec<Bytes> =
            request.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let position = table::position(&words[0]).expect(request);
        rights(rules).check(position, &words).map_or_else(|denial| denial.reason(), |()| "ok")
    }

    fn assert_outcomes(expected: &[(&str, &str, &str)]) {
        for (rules, request, wanted) in expected {
            assert_eq!(outcome(rules, request), *wanted, "{rules}: {request}");
        }
    }

    #[test]
    fn commands_are_allowed_by_name_subcommand_and_category() {
        assert_outcomes(&[
            ("~* +get", "GET a", "ok"),
            ("~* +get", "SET a b", "command"),
            ("~* +@read", "JSON.GET a", "ok"),
            ("~* +@json -json.set", "JSON.SET a $ 1", "command"),
            ("+@all -@dangerous", "KEYS *", "command"),
            ("+config|get", "CONFIG GET x", "ok"),
            ("+config|get", "CONFIG SET x y", "command"),
            ("+@all -config|set", "CONFIG SET x y", "command"),
            ("+@all -config +config|get", "CONFIG GET x", "ok"),
            ("~* +del", "UNLINK a", "command"),
            ("~* +unlink", "UNLINK a", "ok"),
        ]);
    }

    #[test]
    fn keys_are_allowed_by_pattern_and_use() {
        assert_outcomes(&[
            ("~a:* +@all", "GET a:1", "ok"),
            ("~a:* +@all", "GET b", "key"),
            ("%R~a:* +@all", "JSON.GET a:1", "ok"),
            ("%R~a:* +@all", "JSON.SET a:1 $ 1", "key"),
            ("%W~a:* +@all", "SET a:1 x", "ok"),
            ("%W~a:* +@all", "SET a:1 x GET", "key"),
            ("%W~get +@all", "SET get get", "ok"),
            ("%R~a +@all", "BITFIELD a GET u8 0", "ok"),
            ("%W~a +@all", "BITFIELD a GET u8 0", "key"),
            ("%W~a +@all", "BITFIELD a INCRBY u8 0 1", "key"),
            ("~a +@all", "BITFIELD a SET u8 0 1 GET u8 8", "ok"),
            ("%R~s %W~d +@all", "COPY s d", "ok"),
            ("%R~s %W~d +@all", "COPY d s", "key"),
            ("~a +@all", "JSON.MGET a b $", "key"),
            ("~a +@all", "JSON.MSET a $ 1 b $ 2", "key"),
            ("~a +@all", "WATCH a b", "key"),
            ("~a +@all", "MEMORY USAGE b", "key"),
            ("~a +@all", "OBJECT ENCODING b", "key"),
            ("~a +@all", "MEMORY DOCTOR", "ok"),
        ]);
    }

    #[test]
    fn channels_are_allowed_by_pattern_and_patterns_as_they_stand() {
        assert_outcomes(&[
            ("&a* +@all", "PUBLISH ab x", "ok"),
            ("&a* +@all", "PUBLISH b x", "channel"),
            ("&a* +@all", "SUBSCRIBE ab b", "channel"),
            ("&a* +@all", "PSUBSCRIBE a*", "ok"),
            ("&a* +@all", "PSUBSCRIBE ab*", "channel"),
            ("+@all", "PUBSUB CHANNELS", "ok"),
        ]);
    }

    #[test]
    fn one_selector_has_to_allow_all_of_a_request() {
        let rules = "~a +get (~b +set)";
        for (request, wanted) in [("GET a", "ok"), ("SET b x", "ok"), ("GET b", "key"), ("DEL a", "command")]
        {
            assert_eq!(outcome(rules, request), wanted, "{request}");
        }
    }

    #[test]
    fn unknown_names_are_refused_and_empty_categories_are_not() {
        let check = |word: &str| check_names(&Rule::parse(word.as_bytes()).expect(word));
        for word in ["+get", "+json.set", "-config|set", "+@read", "+@stream", "+@all", "(+get)", "~x"] {
            assert_eq!(check(word), Ok(()), "{word}");
        }
        for word in ["+nosuch", "+@nosuch", "-config|nosuch", "+set|x", "(+nosuch)"] {
            assert_eq!(check(word), Err(RuleError::Unknown), "{word}");
        }
    }
}
