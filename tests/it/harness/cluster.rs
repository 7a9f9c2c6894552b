//! The nodes of a scenario. A node has a directory and addresses as soon as a test refers to it, so
//! that other nodes can be configured with these addresses before the node runs.
//!
//! Invariant: no two nodes have the same address. Each test process has its own IP address in
//! 127.0.0.0/8, so neither another test nor an outgoing connection can use a port while its node is
//! down.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::Mutex;

use tempfile::TempDir;

use super::client::text_of;
use super::wait::until;
use super::{Client, Dice, TestNode};

pub struct Cluster {
    nodes: BTreeMap<u64, Place>,
    home: TempDir,
}

struct Place {
    node: TestNode,
    client: String,
    raft: String,
}

impl Cluster {
    pub fn new() -> Cluster {
        Cluster { nodes: BTreeMap::new(), home: tempfile::tempdir().unwrap() }
    }

    fn place(&mut self, id: u64) -> &mut Place {
        self.nodes.entry(id).or_insert_with(|| {
            let (client, raft) = (free_address(), free_address());
            let mut node = TestNode::in_dir(&self.home.path().join(id.to_string()));
            node.set(&["--address", &client, "--raft-address", &raft, "--node-id", &id.to_string()]);
            Place { node, client, raft }
        })
    }

    /// A cluster of three running initial members with these flags.
    pub fn of_three(flags: &[&str]) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.found(3, flags);
        cluster.start_all(3);
        cluster
    }

    /// The node with this number, which may not have been started.
    pub fn node(&mut self, id: u64) -> &mut TestNode {
        &mut self.place(id).node
    }

    /// The node with this number in another directory; it is not started.
    pub fn moved_to(&mut self, id: u64, dir: &std::path::Path) -> TestNode {
        self.node(id).moved_to(dir)
    }

    /// Configures the nodes 1 to `count` as the initial members of a cluster; none is started.
    pub fn found(&mut self, count: u64, flags: &[&str]) {
        let said = |id| {
            let place = self.place(id);
            format!("{id}={}@{}", place.client, place.raft)
        };
        let peers = (1..=count).map(said).collect::<Vec<_>>().join(",");
        for id in 1..=count {
            self.node(id).set(flags);
            self.node(id).set(&["--peers", &peers]);
        }
    }

    /// Starts the nodes 1 to `count`, in random order.
    pub fn start_all(&mut self, count: u64) {
        let mut waiting: Vec<u64> = (1..=count).collect();
        let mut dice = Dice::new();
        while !waiting.is_empty() {
            let next = waiting.swap_remove(dice.below(waiting.len() as u64) as usize);
            self.node(next).start();
        }
    }

    pub fn running(&self) -> Vec<u64> {
        self.nodes.iter().filter(|(_, place)| place.node.is_running()).map(|(id, _)| *id).collect()
    }

    /// A connection to a running node. Connecting may take a moment, because a node that joins a
    /// cluster restarts itself.
    pub fn client(&self, id: u64) -> Client {
        assert!(self.nodes[&id].node.is_running(), "node {id} is running");
        until(&format!("node {id} to accept connections"), || Client::try_connect(self.address(id)).ok())
    }

    pub fn address(&self, id: u64) -> &str {
        &self.nodes[&id].client
    }

    /// A field of INFO; `None` also while a node restarts itself to join a cluster.
    fn info(&self, id: u64, field: &str) -> Option<String> {
        let mut client = Client::try_connect(self.address(id)).ok()?;
        client.send(&["INFO", "everything"]).ok()?;
        let text = text_of(&client.receive().ok()?)?;
        text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(str::to_owned)
    }

    fn number(&self, id: u64, field: &str) -> Option<u64> {
        self.info(id, field)?.parse().ok()
    }

    /// The running nodes, except those that were removed.
    pub fn members(&self) -> Vec<u64> {
        let removed = |id: &u64| until("INFO", || self.info(*id, "removed")) != "0";
        self.running().into_iter().filter(|id| !removed(id)).collect()
    }

    /// Waits until all running members agree on a leader, and returns its number.
    pub fn leader(&self) -> u64 {
        let members = self.members();
        until("a leader that all agree on", || {
            let said: Option<BTreeSet<u64>> =
                members.iter().map(|id| self.number(*id, "leader_id")).collect();
            let said = said.filter(|said| said.len() == 1)?;
            let leader = *said.first()?;
            (members.contains(&leader) && self.number(leader, "is_leader")? == 1).then_some(leader)
        })
    }

    /// Makes a node the leader.
    pub fn lead(&self, id: u64) {
        until("leadership to be handed over", || {
            let leader = self.leader();
            if leader != id {
                // The request may be refused while the node's log is behind; the loop repeats it
                // until the node leads.
                self.client(leader).ask(&format!("RAFT.TRANSFER_LEADER {id}"));
            }
            (leader == id).then_some(())
        });
    }

    /// Waits until every running member has applied every entry that the leader has committed.
    pub fn wait_until_caught_up(&self) {
        let leader = self.leader();
        let committed = until("a committed entry", || self.number(leader, "commit_index"));
        for id in self.members() {
            until(&format!("node {id} to catch up"), || {
                let caught_up = self.number(id, "last_applied")? >= committed;
                (caught_up && self.info(id, "loading")? == "0").then_some(())
            });
        }
    }

    /// The client addresses of the running members.
    pub fn addresses(&self) -> Vec<String> {
        self.members().into_iter().map(|id| self.address(id).to_owned()).collect()
    }

    /// Checks that all running members have the same state once they have applied the same entries.
    /// No client may write at the same time.
    pub fn assert_digests_agree(&self) {
        let members = self.members();
        let applied =
            || members.iter().map(|id| self.number(*id, "last_applied")).collect::<Option<BTreeSet<u64>>>();
        let digests = until("all nodes to have applied the same entries", || {
            let before = applied().filter(|applied| applied.len() == 1)?;
            let digest = |id: &u64| self.client(*id).text("DEBUG DIGEST");
            let digests: BTreeSet<String> = members.iter().map(digest).collect();
            // Compared only if no entry was applied meanwhile: the cluster may add entries of its
            // own.
            (applied()? == before && digests.iter().all(|digest| digest.len() == 40)).then_some(digests)
        });
        assert_eq!(digests.len(), 1, "nodes {members:?} have the same state: {digests:?}");
    }

    /// Removes a member by a request to another one.
    pub fn remove(&self, id: u64) {
        until(&format!("node {id} to be removed"), || {
            let others: Vec<u64> = self.members().into_iter().filter(|other| *other != id).collect();
            let leader = others.iter().find_map(|other| self.number(*other, "leader_id"))?;
            let through = if leader == id { *others.first()? } else { leader };
            // The request may be refused during another change; the loop repeats it until the
            // member is removed.
            self.client(through).ask(&format!("RAFT.NODE REMOVE {id}"));
            let knows = |other: &u64| {
                self.info(*other, "cluster_size").is_none()
                    || self.info(*other, &format!("node{id}")).is_some()
            };
            (!others.iter().any(knows)).then_some(())
        });
    }

    /// Waits until the leader reports `id` as a voter.
    pub fn wait_for_voter(&self, id: u64) {
        let leader = self.leader();
        until(&format!("node {id} to become a voter"), || {
            let known = self.info(leader, &format!("node{id}"))?;
            (known.contains("role=follower") || known.contains("role=leader")).then_some(())
        });
    }

    /// Replaces `{1}` in a line by the client address of node 1, and `{1.raft}` by its address for
    /// other nodes.
    pub fn with_addresses(&self, line: &str) -> String {
        self.nodes.iter().fold(line.to_owned(), |line, (id, place)| {
            line.replace(&format!("{{{id}}}"), &place.client).replace(&format!("{{{id}.raft}}"), &place.raft)
        })
    }

    /// Masks text that differs between runs: addresses, directories, and names of clusters.
    pub fn masked(&self, text: &str) -> String {
        let masked = self.nodes.iter().fold(text.to_owned(), |text, (id, place)| {
            let text = text.replace(&place.client, &format!("{{{id}}}"));
            let text = text.replace(&place.raft, &format!("{{{id}.raft}}"));
            text.replace(&place.node.dir().display().to_string(), "DIR")
        });
        let is_cluster = |word: &&str| word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        masked
            .split('"')
            .map(|word| if is_cluster(&word) { "CLUSTER" } else { word })
            .collect::<Vec<_>>()
            .join("\"")
    }
}

/// An unused address, which is never returned twice.
pub fn free_address() -> String {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    // The second byte is at least 128, because other programs use lower addresses.
    let ip = std::net::Ipv4Addr::new(127, high | 0x80, middle, low);
    loop {
        let port = TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return format!("{ip}:{port}");
        }
    }
}
