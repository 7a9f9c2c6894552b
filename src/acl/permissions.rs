//! What a user, or one of its selectors, may do: commands, keys, channels.
//!
//! Invariants:
//! * a rule that a later one overrides is gone: no two command rules name the same thing;
//! * no pattern is kept beside `all_keys` or `all_channels`.

use serde::{Deserialize, Serialize};

use super::rule::{PatternUse, Rule, RuleError};

/// The commands that a rule names, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Commands {
    All,
    /// A category without its `@`.
    Category(String),
    /// A command with all its subcommands.
    Command(String),
    Subcommand(String, String),
}

/// A rule that allows or forbids commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRule {
    pub allow: bool,
    pub what: Commands,
}

/// A pattern of keys, and the use that it allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPattern {
    pub usage: PatternUse,
    pub pattern: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// Whether the rules begin with all commands, or with none.
    pub all_commands: bool,
    /// The rules after that, in order; the last one that names a command decides.
    pub commands: Vec<CommandRule>,
    pub all_keys: bool,
    pub keys: Vec<KeyPattern>,
    pub all_channels: bool,
    pub channels: Vec<Vec<u8>>,
}

impl Commands {
    /// Reads what follows the sign: `get`, `config|get`, `@read`.
    pub(super) fn parse(name: &[u8]) -> Result<Commands, RuleError> {
        let text = std::str::from_utf8(name).map_err(|_| RuleError::Unknown)?.to_ascii_lowercase();
        if text.bytes().any(|byte| byte.is_ascii_whitespace() || byte == 0) {
            return Err(RuleError::Unknown);
        }
        if let Some(category) = text.strip_prefix('@') {
            return Ok(if category == "all" { Commands::All } else { Commands::Category(category.into()) });
        }
        let mut parts = text.splitn(3, '|');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(command), Some(inner), None) => Ok(Commands::Subcommand(command.into(), inner.into())),
            (_, _, Some(_)) => Err(RuleError::FirstArgument),
            _ => Ok(Commands::Command(text)),
        }
    }

    /// Whether a later rule about `self` leaves nothing of an earlier one about `earlier`.
    fn overrides(&self, earlier: &Commands) -> bool {
        match (self, earlier) {
            (Commands::Command(name), Commands::Subcommand(of, _)) => name == of,
            _ => self == earlier,
        }
    }

    fn describe(&self) -> String {
        match self {
            Commands::All => "@all".to_owned(),
            Commands::Category(category) => format!("@{category}"),
            Commands::Command(name) => name.clone(),
            Commands::Subcommand(name, inner) => format!("{name}|{inner}"),
        }
    }
}

impl Permissions {
    /// Everything, as the user `default` has it at first.
    pub fn everything() -> Permissions {
        Permissions { all_commands: true, all_keys: true, all_channels: true, ..Permissions::default() }
    }

    pub fn allows_everything(&self) -> bool {
        *self == Permissions::everything()
    }

    /// Applies a rule about commands, keys or channels.
    ///
    /// # Errors
    /// The reason for a refusal; nothing has changed then.
    pub fn apply(&mut self, rule: &Rule) -> Result<(), RuleError> {
        match rule {
            Rule::Command(rule) => self.apply_command(rule),
            Rule::AllKeys => (self.all_keys, self.keys) = (true, Vec::new()),
            Rule::ResetKeys => (self.all_keys, self.keys) = (false, Vec::new()),
            Rule::Key(..) if self.all_keys => return Err(RuleError::AfterAllKeys),
            Rule::Key(usage, pattern) => self.add_key(*usage, pattern),
            Rule::AllChannels => (self.all_channels, self.channels) = (true, Vec::new()),
            Rule::ResetChannels => (self.all_channels, self.channels) = (false, Vec::new()),
            Rule::Channel(_) if self.all_channels => return Err(RuleError::AfterAllChannels),
            Rule::Channel(pattern) => {
                if !self.channels.contains(pattern) {
                    self.channels.push(pattern.clone());
                }
            }
            _ => return Err(RuleError::Syntax),
        }
        debug_assert!(!self.all_keys || self.keys.is_empty(), "no pattern is kept beside all keys");
        debug_assert!(!self.all_channels || self.channels.is_empty(), "the same for channels");
        Ok(())
    }

    fn apply_command(&mut self, rule: &CommandRule) {
        if rule.what == Commands::All {
            (self.all_commands, self.commands) = (rule.allow, Vec::new());
            return;
        }
        self.commands.retain(|earlier| !rule.what.overrides(&earlier.what));
        self.commands.push(rule.clone());
    }

    fn add_key(&mut self, usage: PatternUse, pattern: &[u8]) {
        match self.keys.iter_mut().find(|known| known.pattern == pattern) {
            Some(known) => {
                known.usage.read |= usage.read;
                known.usage.write |= usage.write;
            }
            None => self.keys.push(KeyPattern { usage, pattern: pattern.to_vec() }),
        }
    }

    /// The rules about commands, as `ACL GETUSER` shows them.
    pub fn describe_commands(&self) -> String {
        let mut text = String::from(if self.all_commands { "+@all" } else { "-@all" });
        for rule in &self.commands {
            text.push_str(if rule.allow { " +" } else { " -" });
            text.push_str(&rule.what.describe());
        }
        text
    }

    /// The rules about keys, as `ACL GETUSER` shows them.
    pub fn describe_keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let words = self.keys.iter().map(|key| [key.usage.prefix(), &key.pattern].concat());
        words.collect::<Vec<_>>().join(&b' ')
    }

    /// The rules about channels, as `ACL GETUSER` shows them.
    pub fn describe_channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        self.channels.iter().map(|pattern| [b"&", &pattern[..]].concat()).collect::<Vec<_>>().join(&b' ')
    }

    /// All rules, as `ACL LIST` shows them.
    pub fn describe(&self) -> Vec<u8> {
        let reset: &[u8] = if self.all_channels { b"" } else { b"resetchannels" };
        let (keys, channels) = (self.describe_keys(), self.describe_channels());
        let commands = self.describe_commands();
        let parts = [&keys[..], reset, &channels[..], commands.as_bytes()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b' ')
    }
}
