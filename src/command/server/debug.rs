//! `DEBUG DIGEST`: a digest of the whole keyspace. `DEBUG SLEEP seconds`, `DEBUG ERROR text`: used
//! by test suites of clients. Redis' other subcommands expose its internals; their error says that
//! they are not supported.

use std::time::Duration;

use crate::command::{
    Args, Command, Flags, Group, KeySpec, Node, Operate, ReadConsistency, Running, Session, Spec,
};
use crate::error::CommandError;
use crate::resp::Reply;

/// Redis' other subcommands. Their error says that they are not supported, and not that they are
/// unknown.
const NOT_HERE: &[&str] = &[
    "AOF-FLUSH-SLEEP",
    "ASSERT",
    "CHANGE-REPL-ID",
    "CLIENT-ENFORCE-REPLY-LIST",
    "CLIENT-EVICTION",
    "CONFIG-REWRITE-FORCE-ALL",
    "DICT-RESIZING",
    "DICT-STATS",
    "DIGEST-VALUE",
    "DRAIN",
    "HASH-SEED",
    "HTSTATS",
    "HTSTATS-KEY",
    "JMAP",
    "LEAK",
    "LISTPACK",
    "LISTPACK-ENTRIES",
    "LOADAOF",
    "LOG",
    "MALLCTL",
    "MALLCTL-STR",
    "OBJECT",
    "OOM",
    "PANIC",
    "PAUSE-CRON",
    "POPULATE",
    "PROTOCOL",
    "QUICKLIST",
    "QUICKLIST-PACKED-THRESHOLD",
    "RELOAD",
    "REPLICATE",
    "REPLYBUFFER",
    "RESTART",
    "CRASH-AND-RECOVER",
    "SDSLEN",
    "SEGFAULT",
    "SET-ACTIVE-EXPIRE",
    "SET-DISABLE-DENY-SCRIPTS",
    "SKIP-CHECKSUM-VALIDATION",
    "STREAMS-ID-DUPLICATES",
    "STRINGMATCH-LEN",
    "STRUCTSIZE",
    "ZIPLIST",
];

const HELP: &[&str] = &[
    "DEBUG <subcommand> [argument ...], with one of these subcommands:",
    "DIGEST",
    "    A digest of all keys, values, deadlines and versions.",
    "ERROR <text>",
    "    An error reply with this text.",
    "SLEEP <seconds>",
    "    A reply after this time; other connections are served meanwhile.",
    "HELP",
    "    This list.",
];

pub enum Debug {
    Digest(Option<ReadConsistency>),
    Error(String),
    Sleep(Duration),
    Help,
}

impl Command for Debug {
    const SPEC: Spec = Spec {
        name: "DEBUG",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "That of the subcommand",
        summary: "Computes a digest of all keys; for tests, delays a reply or returns an error.",
        syntax: "(DIGEST | ERROR text | SLEEP seconds | HELP)",
    };
    /// SLEEP blocks its connection, but Redis does not report the flag.
    const FLAGS: Flags = Flags { blocking: true, without: &["blocking"], ..Flags::DEFAULT };
}

impl Operate for Debug {
    fn parse(args: &mut Args<'_>) -> Result<Debug, CommandError> {
        let word = args.word()?;
        let name = word.to_ascii_uppercase();
        match (&name[..], args.left()) {
            (b"DIGEST", 0) => Ok(Debug::Digest(None)),
            (b"ERROR", 1) => {
                // The text of an error reply must be a single line.
                let text = String::from_utf8_lossy(args.word()?);
                Ok(Debug::Error(text.replace(['\r', '\n'], " ")))
            }
            (b"SLEEP", 1) => Ok(Debug::Sleep(seconds(args.word()?)?)),
            (b"HELP", 0) => Ok(Debug::Help),
            _ if NOT_HERE.iter().any(|other| other.as_bytes() == name) => {
                let name = String::from_utf8_lossy(&name).into_owned();
                Err(CommandError::new(format!("ERR DEBUG {name} is not supported")))
            }
            _ => Err(args.wrong_subcommand_or_arity(word)),
        }
    }

    fn for_session(self, session: &Session) -> Debug {
        match self {
            Debug::Digest(_) => Debug::Digest(session.read_consistency),
            other => other,
        }
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        match self {
            Debug::Digest(consistency) => node.digest(consistency),
            Debug::Error(text) => Box::pin(async { Err(CommandError::new(text)) }),
            Debug::Sleep(time) => Box::pin(async move {
                node.sleep(time).await;
                Ok(Reply::OK)
            }),
            Debug::Help => {
                let lines = HELP.iter().map(|line| Reply::Simple(line)).collect();
                Box::pin(async { Ok(Reply::Array(lines)) })
            }
        }
    }
}

/// Parses a number of seconds. As in Redis, a word that is not a number counts as 0.
fn seconds(word: &[u8]) -> Result<Duration, CommandError> {
    let seconds = std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    Duration::try_from_secs_f64(seconds.max(0.0))
        .map_err(|_| CommandError::fixed("ERR the time is out of range"))
}
