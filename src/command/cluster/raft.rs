//! Administration of the cluster.
//!
//! * `RAFT.INFO`: returns the section `raft` of `INFO`.
//! * `RAFT.NODE ADD id client-address raft-address [incarnation]` and `RAFT.NODE REMOVE id
//!   [FORCE]`: adds or removes a member.
//! * `RAFT.CLUSTER JOIN host:port`: makes this node, which must be empty, join the cluster of
//!   another node. `RAFT.CLUSTER FORGET-OTHERS`: makes this node continue alone with its data after
//!   the other members were lost. `RAFT.CLUSTER VERSION`: the cluster version, and the versions
//!   that each member supports. `RAFT.CLUSTER FINALIZE`: raises the cluster version as far as all
//!   members support.
//! * `RAFT.TRANSFER_LEADER [id]`: transfers leadership to another node.

use super::{node_id, text};
use crate::command::{Args, Command, Control, Group, KeySpec, Node, Operate, Running, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct RaftInfo;

impl Command for RaftInfo {
    const SPEC: Spec = Spec {
        name: "RAFT.INFO",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "0.1.0",
        complexity: "O(1)",
        summary: "Shows the section raft of INFO: the cluster as this node knows it.",
        syntax: "",
    };
}

impl Control for RaftInfo {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        Ok(Reply::Verbatim(node.info(&["raft".to_string()]).into()))
    }
}

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
        summary: "Adds a node, first as a learner and later as a voter, or removes a node.",
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

/// Parses an incarnation, which is hexadecimal as in the file `node` of a data directory.
fn incarnation(word: &[u8]) -> Result<u64, CommandError> {
    let text = std::str::from_utf8(word).ok();
    let number = text.and_then(|text| u64::from_str_radix(text, 16).ok());
    number.ok_or_else(|| CommandError::fixed("ERR an incarnation must be a hexadecimal number of 64 bits"))
}

pub enum RaftCluster {
    Join { address: String },
    ForgetOthers,
    Version,
    Finalize,
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
        summary: "Joins a cluster, continues alone after the loss of all other members, or finalizes an upgrade.",
        syntax: "JOIN host:port | FORGET-OTHERS | VERSION | FINALIZE",
    };
}

impl Operate for RaftCluster {
    fn parse(args: &mut Args<'_>) -> Result<RaftCluster, CommandError> {
        let command = if args.keyword("JOIN") {
            RaftCluster::Join { address: text(args.word()?)? }
        } else if args.keyword("FORGET-OTHERS") {
            RaftCluster::ForgetOthers
        } else if args.keyword("VERSION") {
            RaftCluster::Version
        } else if args.keyword("FINALIZE") {
            RaftCluster::Finalize
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
                RaftCluster::Version => return node.versions().await,
                RaftCluster::Finalize => node.finalize_upgrade().await,
            };
            done.map(|()| Reply::OK)
        })
    }
}

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
        summary: "Hands leadership to a node, or to the voter with the longest log.",
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
