//! The sources of settings: file, environment, command line, in rising precedence.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Config;
use super::setting::{Form, Setting, find, unknown};
use super::settings::SETTINGS;
use crate::error::Fatal;

/// The beginning of the output of `--help`.
const HEAD: &str = "\
JsonVault: a replicated JSON store that speaks the Redis protocol.

Usage: server [FILE] [--name value ..] ..

FILE, or --config FILE, or JSONVAULT_CONFIG, is a file of settings in the syntax of redis.conf. Each setting below is a
flag, a key of the file, and a variable: --node-id, node-id, JSONVAULT_NODE_ID. A flag takes precedence over the
environment, the environment over the file. CONFIG SET changes those with a * while the server runs.

";

/// One assignment of a setting in a file, the environment or a flag.
#[derive(Clone)]
pub struct Assignment {
    pub setting: &'static Setting,
    pub words: Vec<String>,
    /// The place of the assignment, for errors: a line of a file, a variable, or a flag.
    pub origin: String,
}

impl Assignment {
    fn error(&self, reason: &str) -> Fatal {
        Fatal::Config(format!("{}: {reason}", self.origin))
    }
}

/// The parsed command line.
#[derive(Default)]
pub struct Flags {
    pub file: Option<PathBuf>,
    pub assignments: Vec<Assignment>,
    pub help: bool,
    pub version: bool,
}

/// Parses the arguments in the form of `redis-server`: an optional file, then flags with their
/// values. `--flag=value` also works, and allows values that begin with `--`.
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
                None => return Err(Fatal::Config(format!("{word:?}: a second config file"))),
            },
        }
    }
    for (name, words) in groups {
        if name.eq_ignore_ascii_case("config") {
            match (&words[..], &flags.file) {
                ([path], None) => flags.file = Some(path.into()),
                ([_], Some(_)) => {
                    return Err(Fatal::Config("--config: a second config file".into()));
                }
                _ => return Err(Fatal::Config("--config: wrong number of arguments".into())),
            }
            continue;
        }
        let setting = find(&name).ok_or_else(|| Fatal::Config(format!("--{name}: {}", unknown(&name))))?;
        flags.assignments.push(Assignment { setting, words, origin: format!("--{name}") });
    }
    Ok(flags)
}

/// The output of `--help`.
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

/// The settings of the environment.
pub fn variables(variable: &impl Fn(&str) -> Option<String>) -> Vec<Assignment> {
    let given = |setting: &'static Setting| {
        let origin = setting.variable();
        Some(Assignment { setting, words: vec![variable(&origin)?], origin })
    };
    SETTINGS.iter().filter_map(given).collect()
}

/// Combines the assignments, which are given in ascending precedence. The last assignment of a
/// setting wins, and earlier ones may even be invalid. If the form of the setting is
/// [`Form::Adding`], all its assignments apply.
pub fn resolve(all: &[Assignment]) -> Result<Config, Fatal> {
    let mut config = Config::default();
    for (at, given) in all.iter().enumerate() {
        let later = |later: &Assignment| later.setting.name == given.setting.name;
        if given.setting.form == Form::Adding || !all[at + 1..].iter().any(later) {
            given.setting.apply(&mut config, &given.words).map_err(|reason| given.error(&reason))?;
        }
    }
    Ok(config)
}
