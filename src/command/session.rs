//! What a connection remembers between its requests.

use super::ReadConsistency;
use crate::resp::Protocol;

/// The state of one connection that commands may see and change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Unique on this node since its start.
    pub id: u64,
    pub protocol: Protocol,
    /// What `CLIENT SETNAME` gave.
    pub name: String,
    pub library_name: String,
    pub library_version: String,
    /// The client's address, as `host:port`.
    pub address: String,
    /// The address it connected to.
    pub local_address: String,
    /// Unix milliseconds.
    pub connected_ms: u64,
    /// How fresh its reads are, if not as the node's setting says.
    pub read_consistency: Option<ReadConsistency>,
    /// Set by `QUIT`: the connection ends after this reply.
    pub closing: bool,
    /// Set by `SHUTDOWN`: there is no reply either.
    pub unanswered: bool,
    /// The name of the last command, lower case.
    pub last_command: &'static str,
}

impl Session {
    /// Puts the session back to what a new connection has, as `RESET` does.
    pub fn reset(&mut self) {
        self.protocol = Protocol::Resp2;
        self.name.clear();
        self.read_consistency = None;
    }
}
