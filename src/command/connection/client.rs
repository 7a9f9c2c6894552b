//! `CLIENT subcommand ..`: shows and changes connections of this node. The files `list`, `kill` and
//! `tracking` have some of the subcommands.

mod kill;
mod list;
pub(in crate::command) mod tracking;

use crate::command::framework::subcommands;
use bytes::Bytes;

use crate::command::{
    Args, Command, Effects, Flags, Group, KeySpec, Manage, Node, Outcome, ReadConsistency, ReplyMode,
    Session, Spec, Subcommand,
};
use crate::error::CommandError;
use crate::resp::Reply;

pub use list::line_of;

/// Maximum length of a connection's name, which is part of each line of CLIENT LIST and of every
/// entry of the slow log.
pub(in crate::command) const NAME_BYTES_MAX: usize = 256;
const NO_LEVEL: CommandError = CommandError::fixed("ERR the level must be linearizable, lease or local");

pub struct Client;

impl Command for Client {
    const SPEC: Spec = Spec {
        name: "CLIENT",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "2.4.0",
        complexity: "That of the subcommand",
        summary: "Shows and changes this connection, and others.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { while_paused: true, ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new("ID", "", "5.0.0", "O(1)", "Reports the id of this connection."),
        Subcommand::new("INFO", "", "6.2.0", "O(1)", "Describes this connection in the form of CLIENT LIST."),
        Subcommand::new(
            "LIST",
            "[TYPE type] [ID id [id ...]]",
            "2.4.0",
            "O(N), N: connections",
            "Describes each connection of this node on one line.",
        )
        .admin(),
        Subcommand::new("GETNAME", "", "2.6.9", "O(1)", "Reports the name of this connection."),
        Subcommand::new("SETNAME", "name", "2.6.9", "O(1)", "Gives this connection a name."),
        Subcommand::new(
            "SETINFO",
            "attribute value",
            "7.2.0",
            "O(1)",
            "Records the name or version of the client library.",
        ),
        Subcommand::new(
            "KILL",
            "filter [filter ...]",
            "2.4.0",
            "O(N), N: connections",
            "Closes the connections that match the filters.",
        )
        .admin(),
        Subcommand::new(
            "PAUSE",
            "milliseconds [WRITE | ALL]",
            "3.0.0",
            "O(1)",
            "Holds back commands, or only writes, for some time.",
        )
        .admin(),
        Subcommand::new(
            "UNPAUSE",
            "",
            "6.2.0",
            "O(N), N: paused clients",
            "Ends a pause, so that the commands held back run.",
        )
        .admin(),
        Subcommand::new(
            "UNBLOCK",
            "id [TIMEOUT | ERROR]",
            "5.0.0",
            "O(log N), N: connections",
            "Returns 0, because no command waits for another client.",
        )
        .admin(),
        Subcommand::new(
            "REPLY",
            "mode",
            "3.2.0",
            "O(1)",
            "Turns replies on, off, or off for the next command only.",
        ),
        Subcommand::new(
            "TRACKING",
            "mode [option ...]",
            "6.0.0",
            "O(1)",
            "Turns on or off the messages about changed keys, for client-side caching.",
        ),
        Subcommand::new(
            "TRACKINGINFO",
            "",
            "6.2.0",
            "O(1)",
            "Shows how CLIENT TRACKING is set up on this connection.",
        ),
        Subcommand::new(
            "CACHING",
            "mode",
            "6.0.0",
            "O(1)",
            "Sets whether CLIENT TRACKING covers the keys of the next command.",
        ),
        Subcommand::new(
            "GETREDIR",
            "",
            "6.0.0",
            "O(1)",
            "Reports which client receives the messages of CLIENT TRACKING.",
        ),
        Subcommand::new(
            "NO-EVICT",
            "mode",
            "7.0.0",
            "O(1)",
            "Sets a flag in CLIENT LIST without further effect: no client is evicted.",
        )
        .admin(),
        Subcommand::new(
            "NO-TOUCH",
            "mode",
            "7.2.0",
            "O(1)",
            "Sets a flag in CLIENT LIST without further effect: keys have no time of last use.",
        ),
        Subcommand::new(
            "READ-CONSISTENCY",
            "level",
            "0.1.0",
            "O(1)",
            "Sets the consistency of this connection's reads.",
        ),
        Subcommand::help("5.0.0"),
    ];
}

impl Manage for Client {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Outcome, CommandError> {
        let word = args.word()?;
        match &word.to_ascii_uppercase()[..] {
            b"KILL" if !args.is_empty() => kill::run(args, session, node),
            b"REPLY" if args.left() == 1 => reply(args, session),
            b"CACHING" if args.left() == 1 => tracking::caching(args, session),
            _ => Client::plain(word, args, session, node).map(Outcome::from),
        }
    }
}

impl Client {
    /// Runs the subcommands that return no [`Effects`].
    fn plain(
        word: &Bytes,
        args: &mut Args<'_>,
        session: &mut Session,
        node: &dyn Node,
    ) -> Result<Reply, CommandError> {
        match &word.to_ascii_uppercase()[..] {
            b"ID" if args.is_empty() => Ok(Reply::Integer(session.id as i64)),
            b"GETNAME" if args.is_empty() && session.name.is_empty() => Ok(Reply::Null),
            b"GETNAME" if args.is_empty() => Ok(Reply::bulk(session.name.clone())),
            b"SETNAME" if args.left() == 1 => {
                session.name = check_name(args.word()?)?;
                Ok(Reply::OK)
            }
            b"SETINFO" if args.left() == 2 => set_info(args, session),
            b"INFO" if args.is_empty() => Ok(Reply::Verbatim((list::own(session, node) + "\n").into())),
            b"LIST" => list::all(args, session, node),
            b"PAUSE" if (1..=2).contains(&args.left()) => pause(args, node),
            b"UNPAUSE" if args.is_empty() => {
                node.client_registry().unpause();
                Ok(Reply::OK)
            }
            b"UNBLOCK" if (1..=2).contains(&args.left()) => unblock(args),
            b"TRACKING" if !args.is_empty() => tracking::set(args, session, node),
            b"TRACKINGINFO" if args.is_empty() => Ok(tracking::info(session, node)),
            b"GETREDIR" if args.is_empty() => Ok(tracking::redirect(session)),
            b"READ-CONSISTENCY" if args.left() == 1 => {
                let level = ReadConsistency::named(args.word()?);
                session.read_consistency = Some(level.ok_or(NO_LEVEL)?);
                Ok(Reply::OK)
            }
            // Stored only for CLIENT LIST: no client is evicted, and keys have no time of last use.
            b"NO-EVICT" if args.left() == 1 => switch(args, &mut session.no_evict),
            b"NO-TOUCH" if args.left() == 1 => switch(args, &mut session.no_touch),
            b"HELP" if args.is_empty() => Ok(subcommands::help::<Self>()),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

fn pause(args: &mut Args<'_>, node: &dyn Node) -> Result<Reply, CommandError> {
    let time = args.word()?;
    let writes_only = args.keyword("WRITE");
    if !writes_only && !args.is_empty() && !args.keyword("ALL") {
        return Err(CommandError::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL"));
    }
    let millis = number(time, "ERR timeout is not an integer or out of range")?;
    let millis = u64::try_from(millis).map_err(|_| CommandError::fixed("ERR timeout is negative"))?;
    if node.now_ms().checked_add(millis).is_none_or(|end| i64::try_from(end).is_err()) {
        return Err(CommandError::fixed("ERR timeout is out of range"));
    }
    node.client_registry().pause(millis, writes_only);
    Ok(Reply::OK)
}

/// Parses an integer, with `wrong` as the error.
fn number(word: &[u8], wrong: &'static str) -> Result<i64, CommandError> {
    let number = std::str::from_utf8(word).ok().and_then(|text| text.parse().ok());
    number.ok_or(CommandError::fixed(wrong))
}

/// Parses `ON` or `OFF` and sets `property`.
fn switch(args: &mut Args<'_>, property: &mut bool) -> Result<Reply, CommandError> {
    *property = match &args.word()?.to_ascii_uppercase()[..] {
        b"ON" => true,
        b"OFF" => false,
        _ => return Err(CommandError::SYNTAX),
    };
    Ok(Reply::OK)
}

/// `CLIENT UNBLOCK`: checks the arguments and returns 0, because no command waits for another
/// client.
fn unblock(args: &mut Args<'_>) -> Result<Reply, CommandError> {
    args.integer()?;
    match args.is_empty() || args.keyword("TIMEOUT") || args.keyword("ERROR") {
        true => Ok(Reply::Integer(0)),
        false => Err(CommandError::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
    }
}

fn reply(args: &mut Args<'_>, session: &mut Session) -> Result<Outcome, CommandError> {
    session.replies = match &args.word()?.to_ascii_uppercase()[..] {
        b"ON" => ReplyMode::On,
        b"OFF" => ReplyMode::Off,
        b"SKIP" => ReplyMode::SkipNext,
        _ => return Err(CommandError::SYNTAX),
    };
    // Of the three modes, only ON sends this reply.
    let reply = if session.replies == ReplyMode::On { Reply::OK } else { Reply::Several(Vec::new()) };
    Ok(Outcome::new(reply, Effects { chose_replies: true, ..Effects::default() }))
}

/// Checks the name of a connection, or of its client library. A name has at most [`NAME_BYTES_MAX`]
/// bytes of printable ASCII without spaces. Each connection is therefore one line of CLIENT LIST,
/// and spaces separate the fields of the line.
pub fn check_name(name: &[u8]) -> Result<String, CommandError> {
    match std::str::from_utf8(name) {
        Ok(name) if name.len() > NAME_BYTES_MAX => {
            Err(CommandError::new(format!("ERR Client names have at most {NAME_BYTES_MAX} bytes.")))
        }
        Ok(name) if name.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) => Ok(name.to_string()),
        _ => Err(CommandError::fixed(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        )),
    }
}

fn set_info(args: &mut Args<'_>, session: &mut Session) -> Result<Reply, CommandError> {
    let attribute = args.word()?.to_ascii_lowercase();
    let value = args.word()?;
    let field = match &attribute[..] {
        b"lib-name" => &mut session.library_name,
        b"lib-ver" => &mut session.library_version,
        _ => {
            let name = String::from_utf8_lossy(&attribute);
            return Err(CommandError::new(format!("ERR Unrecognized option '{name}'")));
        }
    };
    let clean = check_name(value).map_err(|_| {
        let name = String::from_utf8_lossy(&attribute);
        CommandError::new(format!("ERR {name} cannot contain spaces, newlines or special characters."))
    })?;
    *field = clean;
    Ok(Reply::OK)
}
