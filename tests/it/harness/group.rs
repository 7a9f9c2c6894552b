//! Several nodes that are one cluster.

use super::wait::until;
use super::{Client, TestNode};

/// Three nodes: the first founded the cluster, the others joined it.
pub struct TestGroup {
    pub nodes: Vec<TestNode>,
}

impl TestGroup {
    /// Three nodes with these flags that all vote and all know who leads.
    pub fn started(flags: &[&str]) -> TestGroup {
        let mut group = TestGroup { nodes: Vec::new() };
        for id in 1..=3 {
            let mut node = TestNode::new().with(&["--node-id", &id.to_string()]).with(flags);
            if let Some(first) = group.nodes.first() {
                node = node.with(&["--join", first.address()]);
            }
            node.start();
            group.nodes.push(node);
        }
        for node in &group.nodes {
            let mut client = node.client();
            until("every node to vote", || {
                let raft = client.text("INFO raft");
                let roles = ["role=leader", "role=follower"].map(|role| raft.matches(role).count());
                (roles == [1, 2]).then_some(())
            });
        }
        group
    }

    /// The position of the node that leads; all that run have to agree.
    pub fn leader(&self) -> usize {
        let running: Vec<&TestNode> = self.nodes.iter().filter(|node| node.is_running()).collect();
        let mut clients: Vec<Client> = running.iter().map(|node| node.client()).collect();
        let leader = until("a leader that all know", || {
            let mut told: Vec<i64> =
                clients.iter_mut().map(|client| client.info_number("leader_id")).collect();
            told.dedup();
            let [leader] = told[..] else { return None };
            let position = usize::try_from(leader - 1).ok()?;
            self.nodes[position].is_running().then_some(position)
        });
        assert!(leader < self.nodes.len(), "a member leads");
        leader
    }

    /// The positions of those that do not lead.
    pub fn followers(&self) -> Vec<usize> {
        let leader = self.leader();
        (0..self.nodes.len()).filter(|at| *at != leader && self.nodes[*at].is_running()).collect()
    }
}
