//! Who this node is to others, and the handshake that begins each connection.
//!
//! Invariants:
//! * a node that learns that it was removed knows it until it applies a newer membership that has it again;
//! * the members kept here are those of an entry that was applied: a membership that may still be undone removes nobody.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::frame;
use super::wire::{Hello, PROTOCOL_VERSION, Welcome};
use crate::env::{Connection, Net};
use crate::raft::types::StoredMembership;

/// Connecting takes a round trip, a handshake another. Longer than this and the node is as good as gone.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// This node, on its network.
pub struct Endpoint {
    pub node_id: u64,
    pub cluster: String,
    pub group: u32,
    net: Arc<dyn Net>,
    members: Mutex<Members>,
    removed: watch::Sender<bool>,
}

#[derive(Default)]
struct Members {
    index: Option<u64>,
    ids: BTreeSet<u64>,
}

impl Endpoint {
    pub fn new(node_id: u64, cluster: String, group: u32, net: Arc<dyn Net>) -> Endpoint {
        let (removed, _) = watch::channel(false);
        Endpoint { node_id, cluster, group, net, members: Mutex::default(), removed }
    }

    /// Takes note of the members that were applied.
    pub fn applied_members(&self, membership: &StoredMembership) {
        let index = membership.log_id().as_ref().map(|id| id.index());
        let ids: BTreeSet<u64> = membership.nodes().map(|(id, _)| *id).collect();
        let is_member = ids.contains(&self.node_id);
        let before = std::mem::replace(&mut *self.members.lock(), Members { index, ids });
        if before.ids.contains(&self.node_id) && !is_member {
            self.set_removed();
        }
        // It was added again. (Or this is an old one, and the next member that is asked says again that it was removed.)
        if is_member && before.index < index && self.removed.send_replace(false) {
            tracing::info!(node = self.node_id, "this node is a member of its cluster again");
        }
    }

    /// Whether the group goes on without this node.
    pub fn is_removed(&self) -> bool {
        *self.removed.borrow()
    }

    /// Returns when this node was removed.
    pub async fn until_removed(&self) {
        // The sender is held here, so the channel does not end.
        let _ = self.removed.subscribe().wait_for(|removed| *removed).await;
    }

    pub fn set_removed(&self) {
        if !self.removed.send_replace(true) {
            tracing::warn!(node = self.node_id, "this node was removed from its cluster");
        }
    }

    /// Connects to a member and agrees with it on who is who.
    ///
    /// # Errors
    /// The network's own; `TimedOut`; `PermissionDenied` with the other side's reason when it refuses.
    pub async fn connect(&self, to: u64, address: &str) -> io::Result<Box<dyn Connection>> {
        let connecting = async {
            let mut stream = self.net.connect(address).await?;
            frame::write(&mut stream, 0, &self.hello(to)).await?;
            let (_, welcome) =
                frame::read_at_most::<Welcome>(&mut stream, frame::HANDSHAKE_BYTES_MAX).await?;
            match welcome {
                Welcome::Ready => Ok(stream),
                Welcome::Refused(reason) => {
                    tracing::warn!(node = to, address, reason, "a node refuses this one");
                    Err(io::Error::new(io::ErrorKind::PermissionDenied, reason))
                }
                Welcome::Removed => {
                    self.set_removed();
                    Err(io::Error::new(io::ErrorKind::PermissionDenied, "this node was removed"))
                }
            }
        };
        timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    fn hello(&self, to: u64) -> Hello {
        let members = self.members.lock();
        // A node that is being added has not come to the membership it is in: the older ones leave it out, and that
        // does not mean that it was removed.
        let is_member = members.ids.contains(&self.node_id);
        Hello {
            version: PROTOCOL_VERSION,
            cluster: self.cluster.clone(),
            group: self.group,
            from: self.node_id,
            to,
            members_index: members.index.filter(|_| is_member),
        }
    }

    /// Answers the handshake of a connection that was accepted: who it is from; `None` if that node was removed.
    ///
    /// # Errors
    /// The network's own; `TimedOut`; `InvalidData` for bytes that are no handshake; `PermissionDenied` with the reason
    /// for one that is refused.
    pub async fn welcome(&self, stream: &mut Box<dyn Connection>) -> io::Result<Option<u64>> {
        let greeting = async {
            let (_, hello) = frame::read_at_most::<Hello>(stream, frame::HANDSHAKE_BYTES_MAX).await?;
            let welcome = self.judge(&hello);
            frame::write(stream, 0, &welcome).await?;
            match welcome {
                Welcome::Ready => Ok(Some(hello.from)),
                Welcome::Removed => Ok(None),
                Welcome::Refused(reason) => {
                    let reason = format!("node {}: {reason}", hello.from);
                    Err(io::Error::new(io::ErrorKind::PermissionDenied, reason))
                }
            }
        };
        timeout(CONNECT_TIMEOUT, greeting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    fn judge(&self, hello: &Hello) -> Welcome {
        if hello.version != PROTOCOL_VERSION {
            let reason = format!("protocol version {}, and this node has {PROTOCOL_VERSION}", hello.version);
            return Welcome::Refused(reason);
        }
        if hello.cluster != self.cluster || hello.group != self.group {
            return Welcome::Refused(format!(
                "cluster {:?}, group {}, and this node is of {:?}, group {}",
                hello.cluster, hello.group, self.cluster, self.group
            ));
        }
        if hello.to != self.node_id {
            return Welcome::Refused(format!(
                "node {} was meant, and this is node {}",
                hello.to, self.node_id
            ));
        }
        let members = self.members.lock();
        // It was a member, and is none in what came later. A node's number is never given to another.
        if hello.members_index.is_some()
            && hello.members_index < members.index
            && !members.ids.contains(&hello.from)
        {
            return Welcome::Removed;
        }
        Welcome::Ready
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::env::RealNet;
    use crate::raft::convert;
    use crate::raft::types::Member;

    fn endpoint() -> Endpoint {
        Endpoint::new(1, "blue".to_string(), 0, RealNet::shared())
    }

    fn hello() -> Hello {
        Hello {
            version: PROTOCOL_VERSION,
            cluster: "blue".to_string(),
            group: 0,
            from: 2,
            to: 1,
            members_index: None,
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
    }

    #[test]
    fn a_node_tells_of_members_among_which_it_is() {
        let endpoint = endpoint();
        *endpoint.members.lock() = Members { index: Some(7), ids: BTreeSet::from([2, 3]) };
        assert_eq!(endpoint.hello(2).members_index, None);
        *endpoint.members.lock() = Members { index: Some(9), ids: BTreeSet::from([1, 2, 3]) };
        assert_eq!(endpoint.hello(2).members_index, Some(9));
    }

    #[test]
    fn a_node_that_is_added_again_is_removed_no_more() {
        let endpoint = endpoint();
        let members = |index: u64, ids: &[u64]| {
            let nodes: BTreeMap<u64, Member> = ids.iter().map(|id| (*id, Member::default())).collect();
            let voters = vec![ids.iter().copied().collect()];
            let membership = openraft::Membership::new(voters, nodes).expect("every voter is a node");
            StoredMembership::new(Some(convert::place((index, 1))), membership)
        };
        endpoint.applied_members(&members(1, &[1, 2]));
        assert!(!endpoint.is_removed());
        endpoint.applied_members(&members(2, &[2]));
        assert!(endpoint.is_removed());
        endpoint.applied_members(&members(2, &[2]));
        assert!(endpoint.is_removed());
        endpoint.applied_members(&members(3, &[1, 2]));
        assert!(!endpoint.is_removed());
    }

    #[test]
    fn a_node_that_newer_members_leave_out_is_told_so() {
        let endpoint = endpoint();
        *endpoint.members.lock() = Members { index: Some(7), ids: BTreeSet::from([1, 3]) };
        assert_eq!(endpoint.judge(&Hello { members_index: Some(6), ..hello() }), Welcome::Removed);
        assert_eq!(endpoint.judge(&Hello { members_index: Some(8), ..hello() }), Welcome::Ready);
        assert_eq!(endpoint.judge(&hello()), Welcome::Ready, "a node that is being added");
        assert_eq!(endpoint.judge(&Hello { from: 3, members_index: Some(6), ..hello() }), Welcome::Ready);
    }
}
