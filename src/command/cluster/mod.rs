//! Commands about the cluster.
//!
//! * `raft` has the commands that show and change the cluster, under the names of RedisRaft; `role`
//!   has Redis' commands ROLE and FAILOVER, which show the role of this node and transfer
//!   leadership.
//! * `redis_cluster` presents the cluster to clients of Redis Cluster, and `mode` has the commands
//!   with which these clients set the mode of their connection.
//!
//! These commands do not change the members themselves: they ask the node, which uses the Raft
//! group.

pub mod mode;
pub mod raft;
pub mod redis_cluster;
pub mod role;

use crate::error::CommandError;

const DISABLED: CommandError = CommandError::fixed("ERR This instance has cluster support disabled");

/// Parses the id of a node.
fn node_id(word: &[u8]) -> Result<u64, CommandError> {
    let id = std::str::from_utf8(word).ok().and_then(|text| text.parse().ok()).filter(|id| *id > 0);
    id.ok_or(CommandError::fixed("ERR a node id must be a positive integer"))
}

fn text(word: &[u8]) -> Result<String, CommandError> {
    String::from_utf8(word.to_vec()).map_err(|_| CommandError::fixed("ERR an address must be UTF-8 text"))
}
