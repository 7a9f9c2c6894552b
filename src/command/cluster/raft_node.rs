//! `RAFT.NODE ADD id client-address raft-address [incarnation]` and `RAFT.NODE REMOVE id [FORCE]`: who belongs to the
//! cluster.

use super::{node_id, text};
use crate::command::{Args, Command, Group, KeySpec, Node, Operate, Running, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub enum RaftNode {
    Add { id: u64, client: String, raft: String, incarnation: Option<u64> },
    Remove { id: u64, force: bool },
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
        syntax: "ADD id client-address raft-address [incarnation] | REMOVE id [FORCE]",
    };
}

impl Operate for RaftNode {
    fn parse(args: &mut Args<'_>) -> Result<RaftNode, CommandError> {
        let command = if args.keyword("ADD") {
            let id = node_id(args.word()?)?;
            let (client, raft) = (text(args.word()?)?, text(args.word()?)?);
            let incarnation = args.word_if_any().map(|word| incarnation(word)).transpose()?;
            RaftNode::Add { id, client, raft, incarnation }
        } else if args.keyword("REMOVE") {
            RaftNode::Remove { id: node_id(args.word()?)?, force: args.keyword("FORCE") }
        } else {
            return Err(CommandError::SYNTAX);
        };
        args.finish()?;
        Ok(command)
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move {
            match self {
                RaftNode::Add { id, client, raft, incarnation } => {
                    node.add_node(id, client, raft, incarnation).await.map(Reply::bulk)
                }
                RaftNode::Remove { id, force } => node.remove_node(id, force).await.map(|()| Reply::OK),
            }
        })
    }
}

/// The number of a data directory, in the notation of its node file.
fn incarnation(word: &[u8]) -> Result<u64, CommandError> {
    let text = std::str::from_utf8(word).ok();
    let number = text.and_then(|text| u64::from_str_radix(text, 16).ok());
    number.ok_or_else(|| CommandError::fixed("ERR an incarnation is a hexadecimal number of 64 bits"))
}
