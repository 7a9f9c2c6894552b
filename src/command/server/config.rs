//! `CONFIG GET pattern ..`, `CONFIG SET name value ..`, `CONFIG REWRITE`, `CONFIG RESETSTAT`.

use crate::command::framework::subcommands;
use crate::command::{
    Args, Command, Control, Flags, Group, KeySpec, Node, Session, SettingRefused, Spec, Subcommand,
};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Config;

impl Command for Config {
    const SPEC: Spec = Spec {
        name: "CONFIG",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "2.0.0",
        complexity: "That of the subcommand",
        summary: "Shows and changes settings.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { skip_monitor: true, ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new(
            "GET",
            "pattern ...",
            "2.0.0",
            "O(N), N: patterns",
            "Shows the settings whose names match a pattern.",
        ),
        Subcommand::new(
            "SET",
            "name value ...",
            "2.0.0",
            "O(N), N: settings",
            "Changes settings while the node runs.",
        ),
        Subcommand::new(
            "REWRITE",
            "",
            "2.8.0",
            "O(1)",
            "Writes the current settings into the configuration file.",
        ),
        Subcommand::new("RESETSTAT", "", "2.0.0", "O(1)", "Resets the counters of INFO to 0."),
        Subcommand::help("5.0.0"),
    ];
}

impl Control for Config {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let word = args.word()?;
        match (&word.to_ascii_uppercase()[..], args.left()) {
            (b"GET", 0) => Err(CommandError::wrong_arity("config|get")),
            (b"GET", _) => {
                let patterns: Vec<&[u8]> = args.rest().iter().map(|pattern| &pattern[..]).collect();
                let pairs = node.config(&patterns).into_iter();
                Ok(Reply::Map(pairs.map(|(name, value)| (Reply::bulk(name), Reply::bulk(value))).collect()))
            }
            (b"SET", 0 | 1) => Err(CommandError::wrong_arity("config|set")),
            (b"SET", words) if words % 2 == 1 => Err(CommandError::SYNTAX),
            (b"SET", _) => set(args, node),
            (b"REWRITE", 0) => {
                node.rewrite_config().map_err(|reason| CommandError::new(format!("ERR {reason}")))?;
                Ok(Reply::OK)
            }
            (b"RESETSTAT", 0) => {
                node.reset_stats();
                Ok(Reply::OK)
            }
            (b"HELP", 0) => Ok(subcommands::help::<Self>()),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

fn set(args: &mut Args<'_>, node: &dyn Node) -> Result<Reply, CommandError> {
    let mut pairs = Vec::new();
    while !args.is_empty() {
        let name = String::from_utf8_lossy(args.word()?).into_owned();
        let value =
            std::str::from_utf8(args.word()?).map_err(|_| refused(&name, "argument must be UTF-8"))?;
        pairs.push((name, value.to_string()));
    }
    node.set_config(&pairs).map_err(|why| match why {
        SettingRefused::Unknown { name, nearest } => {
            let meant = nearest.map_or_else(String::new, |near| format!(" (the nearest is '{near}')"));
            CommandError::new(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{name}'{meant}"
            ))
        }
        SettingRefused::Failed { name, reason } => refused(name, &reason),
    })?;
    Ok(Reply::OK)
}

fn refused(name: &str, reason: &str) -> CommandError {
    CommandError::new(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"))
}
