//! This node's identity towards other nodes, and the handshake that begins each connection.
//!
//! Invariants:
//! * a node that learns of its removal counts as removed until it applies a newer membership that
//!   lists it again;
//! * a connection is refused if it is meant for another incarnation of this node, or comes from an
//!   incarnation that a newer membership has replaced;
//! * the members kept here are those of the last applied membership, because one that may still be
//!   truncated must not remove a member;
//! * the cluster version kept here never falls, and a connection to or from a program that does not
//!   support it is refused.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::frame;
use super::log_throttle::LogThrottle;
use super::wire::{Hello, Member, Terms, Welcome};
use crate::env::{Connection, Net, random_u64};
use crate::storage::Identity;
use crate::version::{self, Versions};

/// Connecting takes one round trip, the handshake another. A node that takes longer than this
/// counts as down.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Does not contain the cluster's name: this text is sent to a peer that failed the check, which
/// could pose as a member if it learned the name.
const OTHER_CLUSTER: &str = "the connection is for another cluster or group";

/// This node, on its network.
pub struct Endpoint {
    pub identity: Identity,
    /// A random number that distinguishes this process from another one on a copy of its directory.
    pub process: u64,
    pub group: u32,
    /// The versions that this process supports.
    pub supported: Versions,
    /// The cluster version; 0 while this node is in no cluster.
    cluster_version: AtomicU32,
    net: Arc<dyn Net>,
    members: Mutex<Members>,
    removed: watch::Sender<bool>,
    refusals: LogThrottle,
}

#[derive(Default)]
struct Members {
    index: Option<u64>,
    nodes: BTreeMap<u64, Member>,
}

impl Members {
    fn incarnation(&self, id: u64) -> Option<u64> {
        self.nodes.get(&id).map(|member| member.incarnation)
    }

    fn has(&self, identity: &Identity) -> bool {
        self.incarnation(identity.node) == Some(identity.incarnation)
    }
}

/// Why a node cannot be in one cluster with this one.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Incompatible(String);

impl Incompatible {
    /// The reason, if this is why a connection failed.
    pub fn reason(error: &io::Error) -> Option<&str> {
        error.get_ref()?.downcast_ref().map(|Incompatible(reason)| reason.as_str())
    }
}

/// The node at the other end of an outgoing connection.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub id: u64,
    pub address: &'a str,
    /// The expected incarnation; `None` only for a request that asks for the node's identity.
    pub incarnation: Option<u64>,
}

impl<'a> Target<'a> {
    pub fn member(id: u64, member: &'a Member) -> Target<'a> {
        Target { id, address: &member.raft_address, incarnation: Some(member.incarnation) }
    }
}

impl Endpoint {
    pub fn new(identity: Identity, group: u32, net: Arc<dyn Net>) -> Endpoint {
        Endpoint {
            identity,
            process: random_u64(),
            group,
            supported: Versions::PROGRAM,
            cluster_version: AtomicU32::new(0),
            net,
            members: Mutex::default(),
            removed: watch::channel(false).0,
            refusals: LogThrottle::default(),
        }
    }

    /// Sets the versions that this process supports.
    pub fn supporting(self, supported: Versions) -> Endpoint {
        Endpoint { supported, ..self }
    }

    /// The cluster version, as far as this node has applied it.
    pub fn cluster_version(&self) -> u32 {
        self.cluster_version.load(Ordering::Acquire).max(version::FIRST)
    }

    /// The cluster version that this node states in a handshake; `None` if it is in no cluster.
    pub fn stated_version(&self) -> Option<u32> {
        Some(self.cluster_version.load(Ordering::Acquire)).filter(|known| *known > 0)
    }

    /// Records a cluster version that this node has applied.
    pub fn applied_version(&self, version: u32) {
        self.cluster_version.fetch_max(version, Ordering::AcqRel);
    }

    fn terms(&self) -> Terms {
        Terms { supported: self.supported, cluster: self.stated_version() }
    }

    pub fn node_id(&self) -> u64 {
        self.identity.node
    }

    /// Records the members in the membership entry at `index`, after the entry was applied.
    pub fn applied_members(&self, index: Option<u64>, nodes: BTreeMap<u64, Member>) {
        let members = Members { index, nodes };
        let is_member = members.has(&self.identity);
        let before = std::mem::replace(&mut *self.members.lock(), members);
        if before.has(&self.identity) && !is_member {
            self.set_removed();
        }
        // The node was added again. If the applied membership is in fact an old one, the next
        // member to which this node connects reports the removal again.
        if is_member && before.index < index && self.removed.send_replace(false) {
            tracing::info!(node = self.node_id(), "this node is a member of its cluster again");
        }
    }

    /// The applied members and the index of their entry, which is `None` before the first
    /// membership.
    pub fn members(&self) -> (Option<u64>, BTreeMap<u64, Member>) {
        let members = self.members.lock();
        (members.index, members.nodes.clone())
    }

    /// Whether a node is among the members that were applied.
    pub fn has_member(&self, node: Caller) -> bool {
        self.members.lock().incarnation(node.id) == Some(node.incarnation)
    }

    /// Whether this node was removed from its cluster.
    pub fn is_removed(&self) -> bool {
        *self.removed.borrow()
    }

    /// Returns when this node was removed.
    pub async fn until_removed(&self) {
        // `self` holds the sender, so the channel does not close.
        let _ = self.removed.subscribe().wait_for(|removed| *removed).await;
    }

    pub fn set_removed(&self) {
        if !self.removed.send_replace(true) {
            tracing::warn!(node = self.node_id(), "this node was removed from its cluster");
        }
    }

    /// Connects to a node, which then checks the identity of both sides.
    ///
    /// # Errors
    /// Errors of the network; `TimedOut`; `PermissionDenied` with the other node's reason if it
    /// refuses the connection, or with [`Incompatible`].
    pub async fn connect(&self, to: Target<'_>) -> io::Result<Box<dyn Connection>> {
        self.connect_to(to).await.map(|(stream, _)| stream)
    }

    /// Asks a node for the versions that it supports.
    ///
    /// # Errors
    /// Those of [`Endpoint::connect`].
    pub async fn ask_versions(&self, of: Target<'_>) -> io::Result<Versions> {
        self.connect_to(of).await.map(|(_, supported)| supported)
    }

    async fn connect_to(&self, to: Target<'_>) -> io::Result<(Box<dyn Connection>, Versions)> {
        let connecting = async {
            let mut stream = self.net.connect(to.address).await?;
            let supported = self.shake_hands(&mut stream, to).await?;
            Ok((stream, supported))
        };
        timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Verifies the identity of both sides on a new connection, as the side that connected. Returns
    /// the versions that the other side supports.
    pub(super) async fn shake_hands(
        &self,
        stream: &mut (impl Connection + ?Sized),
        to: Target<'_>,
    ) -> io::Result<Versions> {
        let denied = |reason: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        let own = self.terms();
        frame::write_handshake(stream, &self.hello(to, &own), &own).await?;
        let (welcome, theirs): (Welcome, Option<Terms>) = frame::read_handshake(stream).await?;
        let theirs = theirs.unwrap_or(Terms::UNSTATED);
        // Judged here too: a node of the first release refuses with a reason that names no cluster
        // version.
        if let Some(reason) = own.refusal(self.node_id(), to.id, &theirs) {
            self.log_refusal(to, &reason);
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, Incompatible(reason)));
        }
        match welcome {
            Welcome::Ready => Ok(theirs.supported),
            Welcome::Refused(reason) => {
                self.log_refusal(to, &reason);
                denied(&reason)
            }
            Welcome::Removed => {
                self.set_removed();
                denied("this node was removed")
            }
            Welcome::Replaced => {
                if !self.is_removed() {
                    tracing::error!(
                        node = self.node_id(),
                        "another incarnation has replaced this node: this data directory is an older copy; \
                         start it with an empty directory, and it is readmitted"
                    );
                }
                self.set_removed();
                denied("another incarnation has replaced this node")
            }
        }
    }

    fn log_refusal(&self, to: Target<'_>, reason: &str) {
        if let Some(since) = self.refusals.admit() {
            let cluster = &self.identity.cluster;
            tracing::warn!(
                node = to.id,
                to.address,
                reason,
                cluster,
                since,
                "a connection between this node and another is refused"
            );
        }
    }

    fn hello(&self, to: Target<'_>, terms: &Terms) -> Hello {
        let members = self.members.lock();
        // A node that is being added has not applied the membership that lists it yet. Earlier
        // memberships do not list it either, which must not be taken for a removal.
        let is_member = members.has(&self.identity);
        Hello {
            version: terms.number(),
            cluster: self.identity.cluster.clone(),
            group: self.group,
            from: self.identity.node,
            incarnation: self.identity.incarnation,
            to: to.id,
            to_incarnation: to.incarnation,
            members_index: members.index.filter(|_| is_member),
        }
    }

    /// Answers the handshake of an accepted connection. Returns the caller, or `None` if that node,
    /// or its incarnation, is no longer a member.
    ///
    /// # Errors
    /// Errors of the network; `TimedOut`; `InvalidData` if the bytes are not a handshake;
    /// `PermissionDenied` with the reason for a refusal.
    pub async fn welcome(&self, stream: &mut Box<dyn Connection>) -> io::Result<Option<Caller>> {
        let greeting = async {
            let (hello, theirs): (Hello, Option<Terms>) = frame::read_handshake(stream).await?;
            let theirs = theirs.unwrap_or_else(|| Terms::of_number(hello.version));
            let welcome = self.judge(&hello, &theirs);
            frame::write_handshake(stream, &welcome, &self.terms()).await?;
            match welcome {
                Welcome::Ready => Ok(Some(Caller { id: hello.from, incarnation: hello.incarnation })),
                Welcome::Removed | Welcome::Replaced => Ok(None),
                Welcome::Refused(reason) => {
                    let Hello { from, cluster, group, .. } = &hello;
                    let reason = format!("node {from} of cluster {cluster:?}, group {group}: {reason}");
                    Err(io::Error::new(io::ErrorKind::PermissionDenied, reason))
                }
            }
        };
        timeout(CONNECT_TIMEOUT, greeting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    fn judge(&self, hello: &Hello, theirs: &Terms) -> Welcome {
        if let Some(reason) = self.terms().refusal(self.node_id(), hello.from, theirs) {
            return Welcome::Refused(reason);
        }
        let own = &self.identity;
        // A node that is joining is not in a cluster yet. It reports its identity to members of any
        // cluster.
        let asks_who = hello.to_incarnation.is_none() && hello.members_index.is_some();
        let is_joining = own.cluster.is_empty() && asks_who;
        if (hello.cluster != own.cluster && !is_joining) || hello.group != self.group {
            return Welcome::Refused(OTHER_CLUSTER.to_string());
        }
        if hello.to != own.node {
            return Welcome::Refused(format!(
                "the connection is for node {}, but this is node {}",
                hello.to, own.node
            ));
        }
        // Checked before the incarnation: a removed node has to learn of its removal even if it
        // expects another incarnation of this node.
        let welcome = self.judge_member(hello);
        // A vote or an append for another incarnation relies on data that only that incarnation
        // had.
        if welcome == Welcome::Ready && hello.to_incarnation.is_some_and(|meant| meant != own.incarnation) {
            return Welcome::Refused(format!(
                "the connection is for an earlier incarnation of node {}, whose data is lost",
                own.node
            ));
        }
        welcome
    }

    /// Judges the sender by the membership that this node has applied. A sender that knows a
    /// membership at least as new is accepted as a member, and so is one without a membership,
    /// because it may be a node that is being added.
    fn judge_member(&self, hello: &Hello) -> Welcome {
        let members = self.members.lock();
        let Some(index) = hello.members_index else { return Welcome::Ready };
        match members.incarnation(hello.from) {
            Some(known) if known == hello.incarnation => Welcome::Ready,
            _ if Some(index) >= members.index => Welcome::Ready,
            Some(_) => Welcome::Replaced,
            None => Welcome::Removed,
        }
    }
}

/// The node at the other end of an accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub id: u64,
    pub incarnation: u64,
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
