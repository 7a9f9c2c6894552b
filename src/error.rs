//! The three kinds of error; there is no conversion between them.
//!
//! * [`CommandError`]: the error of a command. It is deterministic and comparable, so it can be
//!   part of the result that every replica computes; commands can return no other error.
//! * [`Unavailable`]: the node could not answer. Except after [`Unavailable::Uncertain`], nothing
//!   was changed, so a client may retry.
//! * [`Fatal`]: this node has to stop. The error is logged once, and the process exits with a
//!   non-zero code.
//!
//! Invariant: `CommandError` has no conversion from an I/O error: if a reply depended on a
//! replica's disk, the replicas would diverge.

use std::borrow::Cow;
use std::path::PathBuf;

/// An error reply in Redis' format, without the leading `-`: a code in capitals, if it has one, and
/// a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{0}")]
pub struct CommandError(Cow<'static, str>);

impl CommandError {
    /// An error with a constant text.
    pub const fn fixed(line: &'static str) -> CommandError {
        CommandError(Cow::Borrowed(line))
    }

    /// An error with a computed text. Line breaks in it become spaces, because a line break would
    /// end the reply.
    pub fn new(line: impl Into<String>) -> CommandError {
        let line: String = line.into();
        CommandError(Cow::Owned(if line.contains(['\r', '\n']) {
            line.replace(['\r', '\n'], " ")
        } else {
            line
        }))
    }

    pub fn line(&self) -> &str {
        &self.0
    }

    pub fn wrong_arity(command: &str) -> CommandError {
        CommandError::new(format!(
            "ERR wrong number of arguments for '{}' command",
            command.to_ascii_lowercase()
        ))
    }

    /// The error for an unknown subcommand.
    pub fn unknown_subcommand(command: &str, word: &[u8]) -> CommandError {
        let word = String::from_utf8_lossy(&word[..word.len().min(128)]);
        CommandError::new(format!("ERR unknown subcommand '{word}'. Try {command} HELP."))
    }

    pub const SYNTAX: CommandError = CommandError::fixed("ERR syntax error");
    pub const OUT_OF_RANGE: CommandError = CommandError::fixed(
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
    pub const NOT_AN_INTEGER: CommandError =
        CommandError::fixed("ERR value is not an integer or out of range");
    pub const WRONG_KIND: CommandError =
        CommandError::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    pub const WRONG_JSON_KIND: CommandError = CommandError::fixed("Existing key has wrong Redis type");
    pub const NO_PATH: CommandError = CommandError::fixed("ERR Path does not exist");
    pub const NOT_AT_ROOT: CommandError = CommandError::fixed("ERR new objects must be created at the root");
    pub const NO_KEY: CommandError =
        CommandError::fixed("ERR could not perform this operation on a key that doesn't exist");
    /// RedisJSON's error for a text or a path that is not UTF-8. It has no error code.
    pub const NOT_UTF8: CommandError = CommandError::fixed("Couldn't parse as UTF-8 string");
    pub const OUT_OF_FUEL: CommandError = CommandError::fixed("ERR the path visits too much of the document");
    /// The error when the paths of a request, or of all commands of a log entry, together take too
    /// many steps.
    pub const OUT_OF_STEPS: CommandError =
        CommandError::fixed("ERR the paths take too many steps over all documents");
}

/// The reason why the node could not answer a request. Every text begins with a code that clients
/// match on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum Unavailable {
    #[error("LOADING the node is loading its data")]
    Loading,
    #[error("CLUSTERDOWN no leader is known; nothing was changed")]
    NoLeader,
    #[error("CLUSTERDOWN the leader did not reach a majority in time; nothing was changed")]
    NoQuorum,
    #[error("TRYAGAIN too many writes are waiting; nothing was changed")]
    Overloaded,
    #[error("TRYAGAIN the node is shutting down; nothing was changed")]
    ShuttingDown,
    #[error("MISCONF the disk refuses writes; nothing was changed: {0}")]
    DiskFull(String),
    #[error("CLUSTERDOWN this node was removed from its cluster; nothing was changed")]
    Removed,
    #[error("UNCERTAIN the write may or may not have been applied")]
    Uncertain,
    #[error("ERR the leader cannot read the write that this node forwarded; nothing was changed")]
    Unreadable,
    /// Sent only to nodes that forwarded a command of a later cluster version, so they know it.
    #[error("TRYAGAIN the cluster's upgrade is not finalized on the leader yet; nothing was changed")]
    NotFinalized,
}

/// The reason why this node has to stop. If an operator has to look at a file, an address or a
/// setting, the text names it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fatal {
    #[error("{}: damaged at byte {offset}: {reason}", path.display())]
    Corrupt { path: PathBuf, offset: u64, reason: String },
    #[error("{}: {action} failed: {reason}", path.display())]
    Disk { path: PathBuf, action: &'static str, reason: String },
    #[error("{}: {reason}", path.display())]
    Directory { path: PathBuf, reason: String },
    #[error(
        "another process answers as node {node} at {address}, the address known to the members: this one uses a copy \
         of its data directory; remove the copy"
    )]
    Copy { node: u64, address: String },
    #[error("{address}: {reason}")]
    Listen { address: String, reason: String },
    #[error("consensus stopped: {0}")]
    Consensus(String),
    #[error("{0}")]
    Config(String),
}
