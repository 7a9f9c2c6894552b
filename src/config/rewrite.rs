//! `CONFIG REWRITE`: writes the current settings into the file that the node was started with.
//!
//! Invariants:
//! * lines that agree with the settings are kept unchanged, and so are comments, blank lines and
//!   the order of lines;
//! * the new file parses to the settings that were written.

use std::path::Path;

use parking_lot::Mutex;

use super::setting::{Setting, find};
use super::settings::SETTINGS;
use super::{Config, file, source};
use crate::error::Fatal;

const HEADING: &str = "# Written by CONFIG REWRITE";

/// Held during a rewrite, because concurrent ones would use the same temporary file.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Rewrites the file of `config`.
///
/// # Errors
/// The reason, for the client. The file is then unchanged, unless it was replaced and only the sync
/// of its directory failed.
pub fn rewrite(config: &Config) -> Result<(), String> {
    let path = config.config.as_deref().ok_or("The server is running without a config file")?;
    let _alone = ONE_AT_A_TIME.lock();
    let new = file::text(path).and_then(|text| rewritten(path, &text, &config.as_configured()));
    let new = new.map_err(|error| format!("Rewriting config file: {error}"))?;
    file::replace(path, &new).map_err(|error| format!("Rewriting config file: {error}"))
}

/// The new text of the file at `path`: its present content `text`, updated to the settings of
/// `config`.
fn rewritten(path: &Path, text: &str, config: &Config) -> Result<String, Fatal> {
    let parsed = |text: &str| source::resolve(&file::parse(path, text)?);
    let mut new = with_changed_lines(text, &parsed(text)?, config);
    let mut written_out = parsed(&new)?;
    // Missing settings are added one by one: the default of a setting may follow from another one,
    // for example the port for other nodes from the client port, so a line can make a further line
    // unnecessary.
    let missing = |written_out: &Config| {
        SETTINGS.iter().find(|setting| !setting.shorthand && differs(setting, written_out, config))
    };
    for _ in SETTINGS {
        let Some(setting) = missing(&written_out) else { break };
        if !new.lines().any(|line| line == HEADING) {
            new.push_str(&format!("\n{HEADING}\n"));
        }
        new.push_str(&format!("{}\n", setting.line(config)));
        written_out = parsed(&new)?;
    }
    let lost = SETTINGS.iter().find(|setting| differs(setting, &written_out, config));
    assert!(
        lost.is_none(),
        "{} parses to the value that was written",
        lost.map_or("", |setting| setting.name)
    );
    Ok(new)
}

fn differs(setting: &Setting, one: &Config, other: &Config) -> bool {
    (setting.get)(one) != (setting.get)(other)
}

/// Updates the lines that disagree with `config`. If a changed setting has several lines, the first
/// is updated and the further ones are removed.
fn with_changed_lines(text: &str, so_far: &Config, config: &Config) -> String {
    let (mut new, mut written) = (String::new(), Vec::new());
    for line in text.lines() {
        let directive = file::parse_line(line).ok().flatten();
        let setting = directive.and_then(|directive| find(&directive.name));
        match setting.filter(|setting| differs(setting, so_far, config)) {
            None => new.push_str(&format!("{line}\n")),
            Some(setting) if !written.contains(&setting.name) => {
                written.push(setting.name);
                new.push_str(&format!("{}\n", setting.line(config)));
            }
            Some(_) => {}
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, pairs: &[(&str, &str)]) -> String {
        let path = Path::new("test.conf");
        let mut config = source::resolve(&file::parse(path, text).unwrap()).unwrap();
        for (name, value) in pairs {
            (find(name).unwrap().set)(&mut config, value).unwrap();
        }
        rewritten(path, text, &config).unwrap()
    }

    #[test]
    fn unchanged_lines_stay_as_they_are() {
        let text = "# mine\n\nmaxclients   7\n  dir \"a b\" \n# end\nclient-query-buffer-limit 512mb\nproto-max-bulk-len 1mb\nbind * -::*\n";
        assert_eq!(changed(text, &[]), text);
    }

    #[test]
    fn changed_lines_are_replaced_and_new_ones_come_last() {
        let text = "# mine\nmaxclients 7\nMaxClients 8\ntimeout 3\n# end";
        let new = changed(text, &[("maxclients", "9"), ("requirepass", "a \"b\" é")]);
        let expected = "# mine\nmaxclients 9\ntimeout 3\n# end\n\n# Written by CONFIG REWRITE\n\
                        requirepass \"a \\\"b\\\" \\xc3\\xa9\"\n";
        assert_eq!(new, expected);
        let again = changed(&new, &[("timeout", "0"), ("slowlog-max-len", "5")]);
        assert_eq!(again, expected.replace("timeout 3", "timeout 0") + "slowlog-max-len 5\n");
    }

    #[test]
    fn a_setting_that_is_reset_is_written_out() {
        assert_eq!(changed("requirepass x\n", &[("requirepass", "")]), "requirepass \"\"\n");
        let text = "client-output-buffer-limit normal 0 0 0\nclient-output-buffer-limit pubsub 1 1 1\n";
        let new = changed(text, &[("client-output-buffer-limit", "pubsub 2 2 2")]);
        let replica = "slave 268435456 67108864 60";
        assert_eq!(new, format!("client-output-buffer-limit normal 0 0 0 {replica} pubsub 2 2 2\n"));
    }

    #[test]
    fn the_shorthand_and_its_parts_agree() {
        assert_eq!(changed("address a:1\n", &[("port", "2")]), "address a:2\n");
        assert_eq!(
            changed("address a:1\n", &[("bind", "b c")]),
            "address b:1\n\n# Written by CONFIG REWRITE\nbind b c\n"
        );
        assert_eq!(changed("", &[("address", "a:1")]), "\n# Written by CONFIG REWRITE\nbind a\nport 1\n");
    }
}
