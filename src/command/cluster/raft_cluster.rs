//! `RAFT.CLUSTER JOIN host:port`: this node, which has no data yet, joins the cluster of another.

use super::text;
use crate::command::{Args, Command, Group, KeySpec, Node, Operate, Running, Spec};
use crate::error::Answer;
use crate::resp::Reply;

pub struct RaftCluster {
    address: String,
}

impl Command for RaftCluster {
    const SPEC: Spec = Spec {
        name: "RAFT.CLUSTER",
        aliases: &[],
        arity: 3,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "0.1.0",
        complexity: "O(1)",
        summary: "Joins the cluster of the node at a client address; this node must have no keys.",
        syntax: "JOIN host:port",
    };
}

impl Operate for RaftCluster {
    fn parse(args: &mut Args<'_>) -> Result<RaftCluster, Answer> {
        if !args.keyword("JOIN") {
            return Err(Answer::SYNTAX);
        }
        Ok(RaftCluster { address: text(args.word()?)? })
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move { node.join_cluster(self.address).await.map(|()| Reply::OK) })
    }
}
