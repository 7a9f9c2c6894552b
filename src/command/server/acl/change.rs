//! The changes of users in the log: `ACL.SETUSER name rule ..` and `ACL.DELUSER name ..`, which
//! only nodes propose, for `ACL SETUSER` and `ACL DELUSER`.
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

/// Maximum number of rules in one request, and of users: the users are in the memory of every node
/// and are copied by each change.
pub const RULES_MAX: usize = 10_000;
pub const USERS_MAX: usize = 10_000;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct SetUser {
    name: Vec<u8>,
    rules: Vec<Rule>,
}

impl Command for SetUser {
    const SPEC: Spec = Spec {
        name: "ACL.SETUSER",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "0.2.0",
        complexity: "O(N), N: rules",
        summary: "Creates or changes a user.",
        syntax: "username [rule ...]",
    };
}

/// The text of a refusal. The modifier is shown as Redis shows it, but for passwords.
fn refused(word: &[u8], reason: RuleError) -> CommandError {
    let shown = if matches!(word.first(), Some(b'>' | b'<')) { &word[..1] } else { word };
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
        return Err(CommandError::new(format!("ERR a user can have at most {RULES_MAX} rules")));
    }
    let parsed = merged.iter().map(|word| {
        let rule = Rule::parse(word).and_then(|rule| check_names(&rule).map(|()| rule));
        rule.map_err(|reason| refused(word, reason))
    });
    parsed.collect()
}

impl Write for SetUser {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<SetUser, CommandError> {
        let name = args.word()?.to_vec();
        if name.is_empty() || name.iter().any(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            return Err(CommandError::fixed("ERR Usernames can't contain spaces or null characters"));
        }
        let words: Vec<Vec<u8>> = args.rest().iter().map(|word| word.to_vec()).collect();
        Ok(SetUser { name, rules: parse_rules(&words)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        keyspace.change_users(|users| {
            if users.len() >= USERS_MAX && users.get(&self.name).is_none() {
                return Err(CommandError::new(format!("ERR there are {USERS_MAX} users already")));
            }
            users.set(&self.name, &self.rules).map_err(|(at, reason)| {
                let rule = self.rules[at].describe();
                refused(&rule, reason)
            })
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
        since: "0.2.0",
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
