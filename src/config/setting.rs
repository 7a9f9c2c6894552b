//! What is said of a setting, once for all the ways to say it: flag, variable, key of the file, `CONFIG GET`, `SET` and
//! `REWRITE`.

use super::Config;
use super::nearest::nearest;
use super::settings::SETTINGS;
use crate::resp::quote;

/// How a setting's values stand on a line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One word.
    One,
    /// Several words; a later line takes the place of an earlier.
    Several,
    /// Several words, and each line adds its own.
    Adding,
}

type Get = fn(&Config) -> String;
type Set = fn(&mut Config, &str) -> Result<(), String>;

/// A row of the table of settings.
pub struct Setting {
    pub name: &'static str,
    /// What it does, on one line, for `--help`.
    pub help: &'static str,
    pub form: Form,
    /// Whether `CONFIG SET` may change it.
    pub changeable: bool,
    /// Whether it says what other settings say, too: it is not written into a file that does not have it.
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

    /// `JSONVAULT_NODE_ID` for `node-id`.
    pub fn variable(&self) -> String {
        format!("JSONVAULT_{}", self.name.to_uppercase().replace('-', "_"))
    }

    /// Gives the setting the values of a line or a flag.
    pub fn apply(&self, config: &mut Config, words: &[String]) -> Result<(), String> {
        match (self.form, words) {
            (Form::One, [word]) => (self.set)(config, word),
            (Form::One, _) | (_, []) => Err("wrong number of arguments".to_string()),
            (Form::Several | Form::Adding, words) => (self.set)(config, &words.join(" ")),
        }
    }

    /// The line of a file that says what `config` has.
    pub fn line(&self, config: &Config) -> String {
        let value = (self.get)(config);
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'#');
        let quoted = value.is_empty() || (self.form == Form::One && !value.bytes().all(plain));
        let value = if quoted { quote(value.as_bytes()) } else { value };
        format!("{} {value}", self.name)
    }
}

/// The setting of that name, in any case.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
}

/// The name of the setting that was perhaps meant.
pub fn nearest_name(name: &str) -> Option<&'static str> {
    nearest(name, SETTINGS.iter().map(|setting| setting.name))
}

/// What is said of a name that no setting has.
pub fn unknown(name: &str) -> String {
    let meant = nearest_name(name).map_or_else(String::new, |near| format!("; the nearest is {near:?}"));
    format!("no setting is called {name:?}{meant}")
}
