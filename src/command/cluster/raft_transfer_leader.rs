//! `RAFT.TRANSFER_LEADER [id]`: another node leads from now on.

use super::node_id;
use crate::command::{Args, Command, Group, KeySpec, Node, Operate, Running, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct RaftTransferLeader {
    to: Option<u64>,
}

impl Command for RaftTransferLeader {
    const SPEC: Spec = Spec {
        name: "RAFT.TRANSFER_LEADER",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "0.1.0",
        complexity: "O(1)",
        summary: "Hands leadership to a node, or to the one that has the most of the log.",
        syntax: "[id]",
    };
}

impl Operate for RaftTransferLeader {
    fn parse(args: &mut Args<'_>) -> Result<RaftTransferLeader, CommandError> {
        let to = if args.is_empty() { None } else { Some(node_id(args.word()?)?) };
        args.finish()?;
        Ok(RaftTransferLeader { to })
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move { node.transfer_leader(self.to).await.map(|()| Reply::OK) })
    }
}
