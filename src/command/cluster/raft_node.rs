//! `RAFT.NODE ADD id client-address raft-address` and `RAFT.NODE REMOVE id`: who belongs to the cluster.

use super::{node_id, text};
use crate::command::{Args, Command, Group, KeySpec, Node, Operate, Running, Spec};
use crate::error::Answer;
use crate::resp::Reply;

pub enum RaftNode {
    Add { id: u64, client: String, raft: String },
    Remove { id: u64 },
}

impl Command for RaftNode {
    const SPEC: Spec = Spec {
        name: "RAFT.NODE",
        aliases: &[],
        arity: -3,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "0.1.0",
        complexity: "O(1)",
        summary: "Takes a node into the cluster, as a learner that becomes a voter, or removes one.",
        syntax: "ADD id client-address raft-address | REMOVE id",
    };
}

impl Operate for RaftNode {
    fn parse(args: &mut Args<'_>) -> Result<RaftNode, Answer> {
        let command = if args.keyword("ADD") {
            let id = node_id(args.word()?)?;
            RaftNode::Add { id, client: text(args.word()?)?, raft: text(args.word()?)? }
        } else if args.keyword("REMOVE") {
            RaftNode::Remove { id: node_id(args.word()?)? }
        } else {
            return Err(Answer::SYNTAX);
        };
        args.finish()?;
        Ok(command)
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move {
            match self {
                RaftNode::Add { id, client, raft } => node.add_node(id, client, raft).await.map(Reply::bulk),
                RaftNode::Remove { id } => node.remove_node(id).await.map(|()| Reply::OK),
            }
        })
    }
}
