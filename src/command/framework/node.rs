//! What a command of the `Control` route may ask of the node.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{ClientRegistry, Inspect, Session, Topology};
use crate::error::CommandError;
use crate::resp::Reply;

/// The answer of a command that waits for the node.
pub type Running<'a> = BoxFuture<'a, Result<Reply, CommandError>>;

const NO_CLUSTER: CommandError = CommandError::fixed("ERR this node has no part in a cluster");

/// The one user that there is.
pub const DEFAULT_USER: &[u8] = b"default";

/// How fresh a read has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ReadConsistency {
    /// The newest acknowledged state: leadership is confirmed with a majority first.
    #[default]
    Linearizable,
    /// The leader's state while its lease lasts: no round of messages, but trust in the clocks'
    /// speed.
    Lease,
    /// Whatever this node has applied.
    Local,
}

impl ReadConsistency {
    /// The level of that name, in any case.
    pub fn named(word: &[u8]) -> Option<ReadConsistency> {
        clap::ValueEnum::from_str(std::str::from_utf8(word).ok()?, true).ok()
    }
}

/// A connection as `CLIENT LIST` shows it.
#[derive(Clone, Debug)]
pub struct ClientLine {
    pub session: Session,
    /// The name of its last command, lower case.
    pub last_command: String,
    /// When that came, unix milliseconds.
    pub active_ms: u64,
    pub buffers: Buffers,
}

/// What a connection holds, in bytes unless it says something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffers {
    /// What it sent that has not been answered, and what more there is room for.
    pub input: u64,
    pub input_room: u64,
    /// The words of the command that runs.
    pub arguments: u64,
    /// The commands that are queued between MULTI and EXEC.
    pub queued: u64,
    /// The buffer of its replies, and the most that was in it.
    pub output_room: u64,
    pub output_peak: u64,
    /// The replies that it has not taken.
    pub output: u64,
    /// The messages that wait for it, and how many they are.
    pub message_bytes: u64,
    pub messages: u64,
    /// Whether it is waited for to take its replies.
    pub writes: bool,
}

impl Buffers {
    /// All that is held for it.
    pub fn total(&self) -> u64 {
        self.input + self.input_room + self.arguments + self.queued + self.output_room + self.message_bytes
    }
}

/// The node as commands see it. Implemented by the server.
pub trait Node: Inspect {
    /// The text of `INFO` for these sections, lower case; none: the default ones.
    fn info(&self, sections: &[String]) -> String;
    /// Names and values of the settings whose name matches one of the patterns, as `CONFIG GET`
    /// answers.
    fn config(&self, patterns: &[&[u8]]) -> Vec<(String, String)>;
    /// Changes settings that may be changed while running: all of them, or none.
    fn set_config(&self, pairs: &[(String, String)]) -> Result<(), SettingRefused>;
    /// Writes the settings into the file that the node was started with.
    fn rewrite_config(&self) -> Result<(), String> {
        Err("The server is running without a config file".to_string())
    }
    /// Whether these are the name and the password of a user; one without a password may give any.
    fn authenticate(&self, user: &[u8], _password: &[u8]) -> bool {
        user == DEFAULT_USER
    }
    /// The digest of the password that clients need, 64 hex digits; `None`: they need none.
    fn password_digest(&self) -> Option<String> {
        None
    }
    fn reset_stats(&self);
    /// Begins a snapshot in the background; `false` while one is under way.
    fn begin_snapshot(&self) -> bool;
    /// One line for each connection, as `CLIENT LIST` shows it.
    fn clients(&self) -> Vec<ClientLine>;
    /// The connection of this id.
    fn client(&self, id: u64) -> Option<ClientLine> {
        self.clients().into_iter().find(|line| line.session.id == id)
    }
    /// The other connections.
    fn client_registry(&self) -> &dyn ClientRegistry;
    fn node_id(&self) -> u64;
    /// Whether this node leads its group.
    fn is_leader(&self) -> bool;
    /// Whether the commands of Redis Cluster are answered.
    fn cluster_enabled(&self) -> bool;
    /// The group as this node knows it.
    fn topology(&self) -> Topology;
    /// Calls `take` with every key until it has enough and answers false.
    fn for_each_key(&self, take: &mut dyn FnMut(&[u8]) -> bool);
    /// How many keys there are.
    fn keys(&self) -> usize;
    /// The node's time of day: unix time in milliseconds.
    fn now_ms(&self) -> u64;
    /// The group's time, by which deadlines are judged, as this node knows it: unix time in
    /// milliseconds.
    fn group_time_ms(&self) -> u64;
    /// What a key with its value takes in memory, in bytes, or null; as fresh as was asked, or as
    /// the setting says.
    fn memory_usage(&self, key: Bytes, consistency: Option<ReadConsistency>) -> Running<'_>;
    /// One number for all that the keyspace holds, 40 hex digits.
    fn digest(&self, consistency: Option<ReadConsistency>) -> Running<'_>;
    /// Returns when so much time has passed.
    fn sleep(&self, _time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// Takes a node into the cluster; the cluster's name. Without an incarnation the node is asked
    /// for it.
    fn add_node(
        &self,
        _id: u64,
        _client: String,
        _raft: String,
        _incarnation: Option<u64>,
    ) -> BoxFuture<'_, Result<String, CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Takes a node out of the cluster; forced, also when those that are left and answer are no
    /// majority.
    fn remove_node(&self, _id: u64, _force: bool) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Has another node lead: the one that is named, or the one that has the most of the log.
    fn transfer_leader(&self, _to: Option<u64>) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Gives the other members up for lost, and goes on with what this node has.
    fn forget_others(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Gives up this node's own empty cluster and joins that of the node at a client address.
    fn join_cluster(&self, _address: String) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
}

/// Why `CONFIG SET` changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingRefused {
    /// There is no setting of that name; perhaps another was meant.
    Unknown {
        name: String,
        nearest: Option<&'static str>,
    },
    Failed {
        name: &'static str,
        reason: String,
    },
}
