//! `SLOWLOG GET [count] | LEN | RESET | HELP`: slow requests.

use crate::command::framework::subcommands;
use crate::command::{
    Args, Command, Control, Flags, Group, KeySpec, Node, Session, SlowRequest, Spec, Subcommand,
};
use crate::error::CommandError;
use crate::resp::Reply;

/// The default of `count`, as in Redis.
const COUNT_DEFAULT: usize = 10;

const BAD_COUNT: CommandError = CommandError::fixed("ERR count should be greater than or equal to -1");

pub struct Slowlog;

impl Command for Slowlog {
    const SPEC: Spec = Spec {
        name: "SLOWLOG",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "2.2.12",
        complexity: "That of the subcommand",
        summary: "Shows and removes the records of slow requests.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["noscript"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new(
            "GET",
            "[count]",
            "2.2.12",
            "O(N), N: requests listed",
            "Lists the latest slow requests, newest first.",
        ),
        Subcommand::new("LEN", "", "2.2.12", "O(1)", "Counts the recorded slow requests."),
        Subcommand::new(
            "RESET",
            "",
            "2.2.12",
            "O(N), N: requests remembered",
            "Removes the records of all slow requests.",
        ),
        Subcommand::help("6.2.0"),
    ];
}

impl Control for Slowlog {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let word = args.word()?;
        match (&word.to_ascii_uppercase()[..], args.left()) {
            (b"GET", 0 | 1) => {
                let most = if args.is_empty() { COUNT_DEFAULT } else { count(args)? };
                Ok(Reply::Array(node.slow_requests(most).into_iter().map(entry).collect()))
            }
            (b"LEN", 0) => Ok(Reply::Integer(node.slow_requests_kept() as i64)),
            (b"RESET", 0) => {
                node.forget_slow_requests();
                Ok(Reply::OK)
            }
            (b"HELP", 0) => Ok(subcommands::help::<Self>()),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

/// Parses the maximum number of entries; -1 means all.
fn count(args: &mut Args<'_>) -> Result<usize, CommandError> {
    match args.integer().map_err(|_| BAD_COUNT)? {
        -1 => Ok(usize::MAX),
        count => usize::try_from(count).map_err(|_| BAD_COUNT),
    }
}

fn entry(slow: SlowRequest) -> Reply {
    Reply::Array(vec![
        Reply::Integer(slow.id as i64),
        Reply::Integer(slow.unix_seconds as i64),
        Reply::Integer(slow.micros as i64),
        Reply::Array(slow.words.into_iter().map(Reply::Bulk).collect()),
        Reply::bulk(slow.address),
        Reply::bulk(slow.name),
    ])
}
