//! The interface through which commands of the routes `Control`, `Manage` and `Operate` use the
//! node.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{ClientRegistry, Inspect, Refusal, Session, Topology};
use crate::acl::{DEFAULT_USER, User};
use crate::error::{CommandError, Unavailable};
use crate::resp::Reply;

/// The reply of a command that waits for the node.
pub type Running<'a> = BoxFuture<'a, Result<Reply, CommandError>>;

/// The number of bytes of [`Node::secret`].
pub const SECRET_BYTES: usize = 512;

const NO_CLUSTER: CommandError = CommandError::fixed("ERR this node is not part of a cluster");

/// The consistency of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ReadConsistency {
    /// The newest acknowledged state: the leader first confirms its leadership with a majority.
    #[default]
    Linearizable,
    /// The leader's state while its lease lasts. This saves the round of messages, and relies on
    /// the nodes' clocks running at similar rates.
    Lease,
    /// The state that this node has applied.
    Local,
}

impl ReadConsistency {
    /// The consistency with this name, ignoring case.
    pub fn named(word: &[u8]) -> Option<ReadConsistency> {
        clap::ValueEnum::from_str(std::str::from_utf8(word).ok()?, true).ok()
    }
}

/// The data of a connection for `CLIENT LIST`.
#[derive(Clone, Debug)]
pub struct ClientLine {
    pub session: Session,
    /// The name of the connection's last command, in lower case.
    pub last_command: String,
    /// The time at which that command arrived.
    pub active_ms: u64,
    pub buffers: Buffers,
}

/// The memory of a connection, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffers {
    /// Bytes that have been received and have no reply yet, and the free space in the input buffer.
    pub input: u64,
    pub input_room: u64,
    /// The arguments of the running command.
    pub arguments: u64,
    /// The commands queued between MULTI and EXEC.
    pub queued: u64,
    /// The capacity of the reply buffer, and the largest number of bytes that it has held.
    pub output_room: u64,
    pub output_peak: u64,
    /// The replies that the client has not read.
    pub output: u64,
    /// The size of the messages in the outbox, and their number.
    pub message_bytes: u64,
    pub messages: u64,
    /// Whether a write to the socket is pending.
    pub writes: bool,
}

impl Buffers {
    /// The total of all buffers.
    pub fn total(&self) -> u64 {
        self.input + self.input_room + self.arguments + self.queued + self.output_room + self.message_bytes
    }
}

/// The node, as far as commands use it. The server implements this trait.
pub trait Node: Inspect {
    /// The text of `INFO` for the sections with these lower-case names; without names, for the
    /// default sections.
    fn info(&self, sections: &[String]) -> String;
    /// The names and values of the settings that match one of the patterns, for `CONFIG GET`.
    fn config(&self, patterns: &[&[u8]]) -> Vec<(String, String)>;
    /// Changes settings at run time: all of them, or none.
    fn set_config(&self, pairs: &[(String, String)]) -> Result<(), SettingRefused>;
    /// Writes the settings to the file that the node was started with.
    fn rewrite_config(&self) -> Result<(), String> {
        Err("The server is running without a config file".to_string())
    }
    /// The user with this name, as this node knows it. While no rule has changed `default`, the
    /// setting `requirepass` is its password.
    fn user(&self, name: &[u8]) -> Option<User> {
        (name == DEFAULT_USER).then(User::all_powerful)
    }
    /// The names of all users in order.
    fn user_names(&self) -> Vec<Vec<u8>> {
        vec![DEFAULT_USER.to_vec()]
    }
    /// Proposes a change of users: the internal command with this code, and its words.
    fn change_users(&self, _code: u16, _words: Vec<Bytes>) -> Running<'_> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Waits until this node's state has every acknowledged write.
    fn barrier(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        Box::pin(async { Ok(()) })
    }
    /// Records a request that was refused for the user's rights, or for a wrong password.
    fn note_refusal(&self, _session: &Session, _refusal: Refusal<'_>) {}
    /// Random bytes that nobody can guess.
    ///
    /// # Errors
    /// The reason why the operating system gives none.
    fn secret(&self) -> Result<[u8; SECRET_BYTES], String>;
    fn reset_stats(&self);
    /// Starts a snapshot in the background; returns `false` if one is in progress.
    fn begin_snapshot(&self) -> bool;
    /// All connections, as `CLIENT LIST` shows them.
    fn clients(&self) -> Vec<ClientLine>;
    /// The connection with this id.
    fn client(&self, id: u64) -> Option<ClientLine> {
        self.clients().into_iter().find(|line| line.session.id == id)
    }
    /// The connections of this node, including the caller's own.
    fn client_registry(&self) -> &dyn ClientRegistry;
    fn node_id(&self) -> u64;
    /// Whether this node is the leader.
    fn is_leader(&self) -> bool;
    /// Whether the commands of Redis Cluster are enabled.
    fn cluster_enabled(&self) -> bool;
    /// The cluster, as far as this node knows it.
    fn topology(&self) -> Topology;
    /// Calls `take` with every key, until `take` returns false.
    fn for_each_key(&self, take: &mut dyn FnMut(&[u8]) -> bool);
    /// The number of keys.
    fn keys(&self) -> usize;
    /// This node's wall clock, in Unix milliseconds.
    fn now_ms(&self) -> u64;
    /// The cluster's time as this node knows it, in Unix milliseconds. It decides which keys have
    /// expired.
    fn group_time_ms(&self) -> u64;
    /// The memory of a key with its value in bytes; null if the key does not exist. If
    /// `consistency` is `None`, the setting `read-consistency` applies.
    fn memory_usage(&self, key: Bytes, consistency: Option<ReadConsistency>) -> Running<'_>;
    /// A digest of the whole keyspace, as 40 hex digits. If `consistency` is `None`, the setting
    /// `read-consistency` applies.
    fn digest(&self, consistency: Option<ReadConsistency>) -> Running<'_>;
    /// Returns after `time`.
    fn sleep(&self, _time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// Adds a node to the cluster and returns the cluster's name. If no incarnation is given, the
    /// node itself is asked for it.
    fn add_node(
        &self,
        _id: u64,
        _client: String,
        _raft: String,
        _incarnation: Option<u64>,
    ) -> BoxFuture<'_, Result<String, CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Removes a node from the cluster. With `force`, it is removed even if fewer than a majority
    /// of the remaining members answer.
    fn remove_node(&self, _id: u64, _force: bool) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Transfers leadership to the given node or, for `None`, to the voter with the longest log.
    fn transfer_leader(&self, _to: Option<u64>) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Raises the cluster version as far as all members support.
    fn finalize_upgrade(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// The cluster version, and the versions that each member supports.
    fn versions(&self) -> Running<'_> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Makes this node the only member of its cluster, with its present state.
    fn forget_others(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
    /// Leaves this node's own empty cluster, and joins the cluster of the node at a client address.
    fn join_cluster(&self, _address: String) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Err(NO_CLUSTER) })
    }
}

/// The reason why `CONFIG SET` changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingRefused {
    /// No setting has this name; `nearest` is the most similar one.
    Unknown {
        name: String,
        nearest: Option<&'static str>,
    },
    Failed {
        name: &'static str,
        reason: String,
    },
}
