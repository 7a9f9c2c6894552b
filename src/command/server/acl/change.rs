//! The changes of users in the log: `ACL.SETUSER name digests rule ..` and `ACL.DELUSER name ..`,
//! which only nodes propose, for `ACL SETUSER` and `ACL DELUSER`.
//!
//! The log holds parsed rules: digests instead of passwords, and only names of commands that the
//! proposing node knows.

use serde::{Deserialize, Serialize};

use crate::acl::{DEFAULT_USER, Rule, RuleError, merge_selectors};
use crate::command::framework::rights::check_names;
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::Writer;
use crate::resp::Reply;

/// Maximum number of rules in one request and of one user, and of users: the users are in the
/// memory of every node and are copied by each change.
pub const RULES_MAX: usize = 10_000;
pub const USERS_MAX: usize = 10_000;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct SetUser {
    name: Vec<u8>,
    /// The passwords that `default` begins with if this is its first change: that of the proposing
    /// node's `requirepass`. Only the apply knows whether it is the first.
    first: Vec<Rule>,
    rules: Vec<Rule>,
}

impl Command for SetUser {
    const SPEC: Spec = Spec {
        name: "ACL.SETUSER",
        aliases: &[],
        arity: -3,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "0.1.0",
        complexity: "O(N), N: rules",
        summary: "Creates or changes a user.",
        syntax: "username digests [rule ...]",
    };
}

/// The text of a refusal. The modifier is shown as Redis shows it, but for passwords.
fn refused(word: &[u8], reason: RuleError) -> CommandError {
    // Nothing of a password is shown, nor of what may be one inside a malformed selector.
    let secret = word.iter().position(|byte| matches!(byte, b'>' | b'<')).map_or(word.len(), |at| at + 1);
    let shown = &word[..secret];
    let shown = String::from_utf8_lossy(shown);
    CommandError::new(format!("ERR Error in ACL SETUSER modifier '{shown}': {reason}"))
}

/// Reads the words of a user's rules.
///
/// # Errors
/// The error for the client, in Redis' words.
pub fn parse_rules(words: &[Vec<u8>]) -> Result<Vec<Rule>, CommandError> {
    let merged = merge_selectors(words).map_err(|word| {
        let word = String::from_utf8_lossy(&word).into_owned();
        CommandError::new(format!("ERR Unmatched parenthesis in acl selector starting at '{word}'."))
    })?;
    if merged.len() > RULES_MAX {
        return Err(too_many());
    }
    let parsed = merged.iter().map(|word| {
        let rule = Rule::parse(word).and_then(|rule| check_names(&rule).map(|()| rule));
        rule.map_err(|reason| refused(word, reason))
    });
    let rules: Vec<Rule> = parsed.collect::<Result<_, _>>()?;
    match rules.iter().map(Rule::count).sum::<usize>() <= RULES_MAX {
        true => Ok(rules),
        false => Err(too_many()),
    }
}

fn too_many() -> CommandError {
    CommandError::new(format!("ERR a user can have at most {RULES_MAX} rules"))
}

impl Write for SetUser {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<SetUser, CommandError> {
        let name = args.word()?.to_vec();
        if name.is_empty() || name.iter().any(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            return Err(CommandError::fixed("ERR Usernames can't contain spaces or null characters"));
        }
        let digests = args.word()?.split(|&byte| byte == b',').filter(|digest| !digest.is_empty());
        let first: Vec<Vec<u8>> = digests.map(|digest| [b"#", digest].concat()).collect();
        let words: Vec<Vec<u8>> = args.rest().iter().map(|word| word.to_vec()).collect();
        Ok(SetUser { name, first: parse_rules(&first)?, rules: parse_rules(&words)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        keyspace.change_users(|users| {
            if users.len() >= USERS_MAX && users.get(&self.name).is_none() {
                return Err(CommandError::new(format!("ERR there are {USERS_MAX} users already")));
            }
            if self.name == DEFAULT_USER && users.get(DEFAULT_USER).is_none() {
                users.set(DEFAULT_USER, &self.first).map_err(|(_, reason)| refused(b"#", reason))?;
            }
            users.set(&self.name, &self.rules).map_err(|(at, reason)| {
                let rule = self.rules[at].describe();
                refused(&rule, reason)
            })?;
            match users.get(&self.name).is_none_or(|user| user.rules() <= RULES_MAX) {
                true => Ok(()),
                false => Err(too_many()),
            }
        })?;
        Ok(Reply::OK)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct DelUser {
    names: Vec<Vec<u8>>,
}

impl Command for DelUser {
    const SPEC: Spec = Spec {
        name: "ACL.DELUSER",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "0.1.0",
        complexity: "O(N), N: names",
        summary: "Removes users.",
        syntax: "username ...",
    };
}

impl Write for DelUser {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<DelUser, CommandError> {
        let names: Vec<Vec<u8>> = args.rest().iter().map(|word| word.to_vec()).collect();
        if names.iter().any(|name| name == DEFAULT_USER) {
            return Err(CommandError::fixed("ERR The 'default' user cannot be removed"));
        }
        Ok(DelUser { names })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let removed = keyspace.change_users(|users| {
            Ok::<_, CommandError>(self.names.iter().filter(|name| users.remove(name)).count())
        })?;
        Ok(Reply::Integer(removed as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::digest_of;
    use crate::keyspace::{ApplyContext, Keyspace, Scope};

    /// A node that missed the first change proposes another one with its own `requirepass`.
    #[test]
    fn only_the_first_change_of_default_takes_a_password_over() {
        let keyspace = Keyspace::new();
        let password = |text: &str| Rule::AddPassword(digest_of(text.as_bytes()));
        let apply = |rules: Vec<Rule>| {
            let change = SetUser { name: DEFAULT_USER.to_vec(), first: vec![password("old")], rules };
            let context = ApplyContext { index: 1, now_ms: 1 };
            assert_eq!(change.apply(&mut keyspace.writer(Scope::ManyKeys, context)), Ok(Reply::OK));
            let users = keyspace.users().current();
            users.get(DEFAULT_USER).expect("the user was changed").clone()
        };
        assert!(apply(Vec::new()).admits(b"old"));
        assert!(apply(vec![Rule::ResetPass, password("new")]).admits(b"new"));
        assert!(!apply(Vec::new()).admits(b"old"), "the password was taken away");
    }
}
