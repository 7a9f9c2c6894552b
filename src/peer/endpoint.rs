//! This node's identity towards other nodes, and the handshake that begins each connection.
//!
//! Invariants:
//! * a node that learns of its removal counts as removed until it applies a newer membership that
//!   lists it again;
//! * a connection is refused if it is meant for another incarnation of this node, or comes from an
//!   incarnation that a newer membership has replaced;
//! * the members kept here are those of the last applied membership, because one that may still be
//!   truncated must not remove a member.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::frame;
use super::log_throttle::LogThrottle;
use super::wire::{Hello, Member, PROTOCOL_VERSION, Welcome};
use crate::env::{Connection, Net, random_u64};
use crate::storage::Identity;

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
            net,
            members: Mutex::default(),
            removed: watch::channel(false).0,
            refusals: LogThrottle::default(),
        }
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
    /// refuses the connection.
    pub async fn connect(&self, to: Target<'_>) -> io::Result<Box<dyn Connection>> {
        let connecting = async {
            let mut stream = self.net.connect(to.address).await?;
            self.shake_hands(&mut stream, to).await?;
            Ok(stream)
        };
        timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Makes the handshake on a new connection, as the side that connected.
    pub(super) async fn shake_hands(
        &self,
        stream: &mut (impl Connection + ?Sized),
        to: Target<'_>,
    ) -> io::Result<()> {
        let denied = |reason: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        frame::write(stream, 0, &self.hello(to)).await?;
        let (_, welcome) = frame::read_at_most::<Welcome>(stream, frame::HANDSHAKE_BYTES_MAX).await?;
        match welcome {
            Welcome::Ready => Ok(()),
            Welcome::Refused(reason) => {
                if let Some(since) = self.refusals.admit() {
                    let cluster = &self.identity.cluster;
                    tracing::warn!(
                        node = to.id,
                        to.address,
                        reason,
                        cluster,
                        since,
                        "a node refuses connections from this node"
                    );
                }
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

    fn hello(&self, to: Target<'_>) -> Hello {
        let members = self.members.lock();
        // A node that is being added has not applied the membership that lists it yet. Earlier
        // memberships do not list it either, which must not be taken for a removal.
        let is_member = members.has(&self.identity);
        Hello {
            version: PROTOCOL_VERSION,
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
            let (_, hello) = frame::read_at_most::<Hello>(stream, frame::HANDSHAKE_BYTES_MAX).await?;
            let welcome = self.judge(&hello);
            frame::write(stream, 0, &welcome).await?;
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

    fn judge(&self, hello: &Hello) -> Welcome {
        if hello.version != PROTOCOL_VERSION {
            let reason = format!(
                "the other node has protocol version {}, this node has {PROTOCOL_VERSION}",
                hello.version
            );
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
mod tests {
    use super::*;
    use crate::env::RealNet;

    fn endpoint() -> Endpoint {
        let identity = Identity { node: 1, cluster: "blue".to_string(), incarnation: 10 };
        Endpoint::new(identity, 0, RealNet::shared())
    }

    fn hello() -> Hello {
        Hello {
            version: PROTOCOL_VERSION,
            cluster: "blue".to_string(),
            group: 0,
            from: 2,
            incarnation: 20,
            to: 1,
            to_incarnation: Some(10),
            members_index: None,
        }
    }

    /// A membership in which each incarnation is ten times the node's id.
    fn members(index: u64, ids: &[u64]) -> Members {
        let member = |id: &u64| (*id, Member { incarnation: 10 * id, ..Member::default() });
        Members { index: Some(index), nodes: ids.iter().map(member).collect() }
    }

    #[test]
    fn a_node_that_joins_tells_members_of_any_cluster_who_it_is_and_nobody_else() {
        let identity = Identity { node: 1, cluster: String::new(), incarnation: 10 };
        let joining = Endpoint::new(identity, 0, RealNet::shared());
        let member = Hello { to_incarnation: None, members_index: Some(7), ..hello() };
        assert_eq!(joining.judge(&member), Welcome::Ready);
        for other in [hello(), Hello { members_index: None, ..member.clone() }, Hello { to: 2, ..member }] {
            assert!(matches!(joining.judge(&other), Welcome::Refused(_)), "{other:?}");
        }
    }

    #[test]
    fn a_refusal_does_not_name_the_cluster() {
        let strangers = [
            Hello { cluster: "red".to_string(), ..hello() },
            Hello { group: 1, ..hello() },
            Hello { version: 1, ..hello() },
            Hello { to: 3, ..hello() },
            Hello { to_incarnation: Some(11), ..hello() },
        ];
        for stranger in strangers {
            let Welcome::Refused(reason) = endpoint().judge(&stranger) else { panic!("{stranger:?}") };
            assert!(!reason.contains("blue"), "{reason}");
        }
    }

    #[test]
    fn who_is_of_another_kind_is_refused() {
        let refused = |hello: Hello| matches!(endpoint().judge(&hello), Welcome::Refused(_));
        assert_eq!(endpoint().judge(&hello()), Welcome::Ready);
        assert!(refused(Hello { version: PROTOCOL_VERSION + 1, ..hello() }));
        assert!(refused(Hello { cluster: "red".to_string(), ..hello() }));
        assert!(refused(Hello { group: 1, ..hello() }));
        assert!(refused(Hello { to: 3, ..hello() }));
        assert!(refused(Hello { to_incarnation: Some(11), ..hello() }));
        assert_eq!(endpoint().judge(&Hello { to_incarnation: None, ..hello() }), Welcome::Ready);
    }

    #[test]
    fn a_hello_names_only_a_membership_that_lists_its_sender() {
        let endpoint = endpoint();
        let to = Target { id: 2, address: "", incarnation: None };
        *endpoint.members.lock() = members(7, &[2, 3]);
        assert_eq!(endpoint.hello(to).members_index, None);
        *endpoint.members.lock() = members(9, &[1, 2, 3]);
        assert_eq!(endpoint.hello(to).members_index, Some(9));
        endpoint.members.lock().nodes.insert(1, Member { incarnation: 11, ..Member::default() });
        assert_eq!(endpoint.hello(to).members_index, None, "another incarnation is the member");
    }

    #[test]
    fn a_node_that_is_added_again_is_no_longer_removed() {
        let endpoint = endpoint();
        let applied = |index: u64, ids: &[u64]| {
            let Members { index, nodes } = members(index, ids);
            endpoint.applied_members(index, nodes);
        };
        applied(1, &[1, 2]);
        assert!(!endpoint.is_removed());
        applied(2, &[2]);
        assert!(endpoint.is_removed());
        applied(2, &[2]);
        assert!(endpoint.is_removed());
        applied(3, &[1, 2]);
        assert!(!endpoint.is_removed());
    }

    #[test]
    fn a_node_that_newer_members_leave_out_learns_of_it() {
        let endpoint = endpoint();
        *endpoint.members.lock() = members(7, &[1, 3]);
        assert_eq!(endpoint.judge(&Hello { members_index: Some(6), ..hello() }), Welcome::Removed);
        assert_eq!(endpoint.judge(&Hello { members_index: Some(8), ..hello() }), Welcome::Ready);
        assert_eq!(endpoint.judge(&hello()), Welcome::Ready, "a node that is being added is welcome");
        let third = Hello { from: 3, incarnation: 30, members_index: Some(6), ..hello() };
        assert_eq!(endpoint.judge(&third), Welcome::Ready);
    }

    #[test]
    fn an_older_copy_of_a_node_learns_that_it_was_replaced() {
        let endpoint = endpoint();
        *endpoint.members.lock() = members(7, &[1, 2, 3]);
        let older = Hello { incarnation: 19, members_index: Some(6), ..hello() };
        assert_eq!(endpoint.judge(&older), Welcome::Replaced);
        assert_eq!(
            endpoint.judge(&Hello { members_index: Some(8), ..older.clone() }),
            Welcome::Ready,
            "a sender that knows newer members is welcome"
        );
        assert_eq!(
            endpoint.judge(&Hello { members_index: None, ..older }),
            Welcome::Ready,
            "a node that asks to be added is welcome"
        );
    }
}
