//! A row of the table of settings: it describes the setting as a flag, an environment variable, a
//! key of the config file, and for `CONFIG GET`, `SET` and `REWRITE`.

use super::Config;
use super::settings::SETTINGS;
use crate::resp::quote;

/// How the values of a setting are given on a line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One word.
    One,
    /// Several words; a later line replaces an earlier one.
    Several,
    /// Several words; each line adds to the values of earlier ones.
    Adding,
}

type Get = fn(&Config) -> String;
type Set = fn(&mut Config, &str) -> Result<(), String>;

/// A row of the table of settings.
pub struct Setting {
    pub name: &'static str,
    /// A short description for `--help`.
    pub help: &'static str,
    pub form: Form,
    /// Whether `CONFIG SET` may change it.
    pub changeable: bool,
    /// Whether the setting only sets other settings. CONFIG REWRITE does not add it to a file.
    pub shorthand: bool,
    pub get: Get,
    pub set: Set,
}

impl Setting {
    pub const fn one(name: &'static str, help: &'static str, get: Get, set: Set) -> Setting {
        Setting { name, help, form: Form::One, changeable: false, shorthand: false, get, set }
    }

    pub const fn formed(self, form: Form) -> Setting {
        Setting { form, ..self }
    }

    pub const fn changeable(self) -> Setting {
        Setting { changeable: true, ..self }
    }

    pub const fn shorthand(self) -> Setting {
        Setting { shorthand: true, ..self }
    }

    /// The environment variable, for example `JSONVAULT_NODE_ID` for `node-id`.
    pub fn variable(&self) -> String {
        format!("JSONVAULT_{}", self.name.to_uppercase().replace('-', "_"))
    }

    /// Sets the values of a line or a flag in `config`.
    pub fn apply(&self, config: &mut Config, words: &[String]) -> Result<(), String> {
        match (self.form, words) {
            (Form::One, [word]) => (self.set)(config, word),
            (Form::One, _) | (_, []) => Err("wrong number of arguments".to_string()),
            (Form::Several | Form::Adding, words) => (self.set)(config, &words.join(" ")),
        }
    }

    /// The line for the config file with the value in `config`.
    pub fn line(&self, config: &Config) -> String {
        let value = (self.get)(config);
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'#');
        let quoted = value.is_empty() || (self.form == Form::One && !value.bytes().all(plain));
        let value = if quoted { quote(value.as_bytes()) } else { value };
        format!("{} {value}", self.name)
    }
}

/// Finds a setting by its name, case-insensitively.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
}

/// A name is suggested if at most two of its letters, or a third of them, are wrong. With more
/// differences, another word was probably meant.
const WRONG_LETTERS_DIVISOR: usize = 3;
const WRONG_LETTERS_MIN: usize = 2;

/// Names are truncated to this length before they are compared, because the work is the product of
/// both lengths. No setting has a longer name.
const LETTERS_MAX: usize = 64;

/// The setting that an unknown name probably means.
pub fn nearest_name(name: &str) -> Option<&'static str> {
    nearest(name, SETTINGS.iter().map(|setting| setting.name))
}

/// The known name that differs least from `name`, if the difference is small. Inserted, missing,
/// wrong and transposed letters count as differences.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name: String = name.chars().take(LETTERS_MAX).collect::<String>().to_ascii_lowercase();
    let most = (name.len() / WRONG_LETTERS_DIVISOR).max(WRONG_LETTERS_MIN);
    known
        .map(|known| (strsim::osa_distance(&name, known), known))
        .filter(|(wrong, known)| *wrong <= most && *wrong < known.len())
        .min_by_key(|(wrong, _)| *wrong)
        .map(|(_, known)| known)
}

/// The error for an unknown name.
pub fn unknown(name: &str) -> String {
    let suggestion = nearest_name(name).map_or_else(String::new, |near| format!("; the nearest is {near:?}"));
    format!("unknown setting {name:?}{suggestion}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_letters_are_counted() {
        for (from, to, wrong) in [
            ("", "", 0),
            ("", "abc", 3),
            ("port", "port", 0),
            ("prot", "port", 1),
            ("max-clients", "maxclients", 1),
            ("maxclient", "maxclients", 1),
            ("abcd", "badc", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(strsim::osa_distance(from, to), wrong, "{from} {to}");
            assert_eq!(strsim::osa_distance(to, from), wrong, "{to} {from}");
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_if_it_is_near() {
        let known = ["port", "bind", "maxclients", "timeout", "dir"];
        let near = |name: &str| nearest(name, known.into_iter());
        assert_eq!(near("max-clients"), Some("maxclients"));
        assert_eq!(near("TIMEOUTS"), Some("timeout"));
        assert_eq!(near("prot"), Some("port"));
        assert_eq!(near("daemonize"), None);
        assert_eq!(near(""), None);
        assert_eq!(near(&"x".repeat(100_000)), None);
    }
}
