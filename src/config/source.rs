//! Where settings come from: the file, the environment, the command line, each over those before
//! it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::setting::{Form, Setting, find, unknown};
use super::settings::SETTINGS;
use super::{Config, file};
use crate::error::Fatal;

/// The beginning of what `--help` prints.
const HEAD: &str = "\
JsonVault: JSON documents behind the Redis protocol, replicated by Raft.

Usage: server [FILE] [--name value ..] ..

FILE, or --config FILE, or JSONVAULT_CONFIG, is a file of settings in the syntax of redis.conf. Each setting below is a
flag, a key of the file, and a variable: --node-id, node-id, JSONVAULT_NODE_ID. A flag wins over the environment, the
environment over the file. CONFIG SET changes those with a * while the server runs.

";

/// What was said of one setting in one place.
#[derive(Clone)]
pub struct Given {
    pub setting: &'static Setting,
    pub words: Vec<String>,
    /// For errors: the line of a file, a variable, a flag.
    pub origin: String,
}

impl Given {
    fn wrong(&self, reason: &str) -> Fatal {
        Fatal::Config(format!("{}: {reason}", self.origin))
    }
}

/// The command line, taken apart.
#[derive(Default)]
pub struct Flags {
    pub file: Option<PathBuf>,
    pub given: Vec<Given>,
    pub help: bool,
    pub version: bool,
}

/// Reads the words behind the program's name: a file first, perhaps, and then flags with their
/// values, as `redis-server` takes them. `--flag=value` works, too, and is the way for a value that
/// begins with `--`.
pub fn flags(arguments: impl Iterator<Item = OsString>) -> Result<Flags, Fatal> {
    let mut flags = Flags::default();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for word in arguments {
        let word = word.into_string().map_err(|word| Fatal::Config(format!("{word:?} is not UTF-8")))?;
        match (word.strip_prefix("--"), word.as_str()) {
            (_, "--help" | "-h") => flags.help = true,
            (_, "--version" | "-v" | "-V") => flags.version = true,
            (Some(name), _) => match name.split_once('=') {
                Some((name, value)) => groups.push((name.to_string(), vec![value.to_string()])),
                None => groups.push((name.to_string(), Vec::new())),
            },
            (None, _) => match groups.last_mut() {
                Some((_, values)) => values.push(word),
                None if flags.file.is_none() => flags.file = Some(word.into()),
                None => return Err(Fatal::Config(format!("{word:?}: one file of settings is enough"))),
            },
        }
    }
    for (name, words) in groups {
        if name.eq_ignore_ascii_case("config") {
            match (&words[..], &flags.file) {
                ([path], None) => flags.file = Some(path.into()),
                ([_], Some(_)) => {
                    return Err(Fatal::Config("--config: one file of settings is enough".into()));
                }
                _ => return Err(Fatal::Config("--config: wrong number of arguments".into())),
            }
            continue;
        }
        let setting = find(&name).ok_or_else(|| Fatal::Config(format!("--{name}: {}", unknown(&name))))?;
        flags.given.push(Given { setting, words, origin: format!("--{name}") });
    }
    Ok(flags)
}

/// What `--help` prints.
pub fn help() -> String {
    let defaults = Config::default();
    let mut out = HEAD.to_string();
    for setting in SETTINGS {
        let default = (setting.get)(&defaults);
        let default = if default.is_empty() { default } else { format!(" [{default}]") };
        let mark = if setting.changeable { " *" } else { "" };
        out.push_str(&format!("  --{}{mark}\n        {}{default}\n", setting.name, setting.help));
    }
    out.push_str("  --help, --version\n");
    out
}

/// What the environment says of settings.
pub fn variables(variable: &impl Fn(&str) -> Option<String>) -> Vec<Given> {
    let given = |setting: &'static Setting| {
        let origin = setting.variable();
        Some(Given { setting, words: vec![variable(&origin)?], origin })
    };
    SETTINGS.iter().filter_map(given).collect()
}

/// What a file says, and those that it includes.
pub fn of_file(path: &std::path::Path) -> Result<Vec<Given>, Fatal> {
    file::read(path)
}

/// The settings that come of what was said, in order: the last word on a setting counts, wherever
/// it was said, and earlier ones need not even be right.
pub fn settle(all: &[Given]) -> Result<Config, Fatal> {
    let mut config = Config::default();
    for (at, given) in all.iter().enumerate() {
        let later = |later: &Given| later.setting.name == given.setting.name;
        if given.setting.form == Form::Adding || !all[at + 1..].iter().any(later) {
            given.setting.apply(&mut config, &given.words).map_err(|reason| given.wrong(&reason))?;
        }
    }
    Ok(config)
}
