//! `RAFT.CLUSTER JOIN host:port`: this node, which has no data yet, joins the cluster of another.
//! `RAFT.CLUSTER FORGET-OTHERS`: this node goes on alone, with its data; the others are lost.

use super::text;
use crate::command::{Args, Command, Group, KeySpec, Node, Operate, Running, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub enum RaftCluster {
    Join { address: String },
    ForgetOthers,
}

impl Command for RaftCluster {
    const SPEC: Spec = Spec {
        name: "RAFT.CLUSTER",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "0.1.0",
        complexity: "O(1)",
        summary: "Joins the cluster of a node at a client address, without keys; or goes on alone when the others are lost.",
        syntax: "JOIN host:port | FORGET-OTHERS",
    };
}

impl Operate for RaftCluster {
    fn parse(args: &mut Args<'_>) -> Result<RaftCluster, CommandError> {
        let command = if args.keyword("JOIN") {
            RaftCluster::Join { address: text(args.word()?)? }
        } else if args.keyword("FORGET-OTHERS") {
            RaftCluster::ForgetOthers
        } else {
            return Err(CommandError::SYNTAX);
        };
        args.finish()?;
        Ok(command)
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move {
            let done = match self {
                RaftCluster::Join { address } => node.join_cluster(address).await,
                RaftCluster::ForgetOthers => node.forget_others().await,
            };
            done.map(|()| Reply::OK)
        })
    }
}
