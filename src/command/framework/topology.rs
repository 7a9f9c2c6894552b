//! The cluster in the terms of Redis Cluster: the leader is the only master, and all other members
//! are its replicas.

use super::slot::SLOTS;

/// The cluster, as far as this node knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The cluster's name.
    pub cluster: String,
    /// The id of this node.
    pub node_id: u64,
    pub leader: Option<u64>,
    /// The leader's term. Like Redis' epochs, it increases with every change of the leader.
    pub term: u64,
    /// The members in the order of their ids, learners included.
    pub members: Vec<Peer>,
}

/// A member of the cluster, with the address for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub id: u64,
    /// An address or a host name, without brackets. It is empty if unknown; clients then use the
    /// host to which they are connected.
    pub host: String,
    pub port: u16,
    pub raft_port: u16,
    pub voter: bool,
    /// The index of the last entry that the member is known to have.
    pub offset: u64,
}

impl Topology {
    pub fn is_leader(&self) -> bool {
        self.leader == Some(self.node_id)
    }

    pub fn master(&self) -> Option<&Peer> {
        self.members.iter().find(|peer| Some(peer.id) == self.leader)
    }

    /// This node's entry in `members`, if it is a member.
    pub fn own(&self) -> Option<&Peer> {
        self.members.iter().find(|peer| peer.id == self.node_id)
    }

    /// All members except the leader.
    pub fn replicas(&self) -> impl Iterator<Item = &Peer> {
        self.members.iter().filter(|peer| Some(peer.id) != self.leader)
    }

    pub fn peer_named(&self, name: &[u8]) -> Option<&Peer> {
        self.members.iter().find(|peer| self.name(peer.id).as_bytes().eq_ignore_ascii_case(name))
    }

    /// A node's id in Redis Cluster: 40 hex digits that depend only on the cluster's name and the
    /// node's id.
    ///
    /// The first 16 digits are a permutation of the ids, so that no two nodes of a cluster share a
    /// name.
    pub fn name(&self, id: u64) -> String {
        let cluster = self.cluster.as_bytes();
        let seed = u64::from(crc32c::crc32c(cluster)) << 32 | u64::from(crc32c::crc32c_append(1, cluster));
        let first = scrambled(id ^ seed);
        let second = scrambled(first ^ seed);
        format!("{first:016x}{second:016x}{:08x}", scrambled(second) as u32)
    }

    /// The range of slots that are served: all of them while a leader is known, otherwise none.
    pub fn slots(&self) -> Option<(u16, u16)> {
        self.master().map(|_| (0, SLOTS - 1))
    }
}

/// A permutation of the 64-bit numbers (splitmix64).
fn scrambled(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Peer {
    /// The address for clients, `host:port`, as in `MOVED` and `CLUSTER NODES`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether `host` is a host name and not an IP address.
    pub fn has_hostname(&self) -> bool {
        !self.host.is_empty() && self.host.parse::<core::net::IpAddr>().is_err()
    }
}

/// The host and the port of an address. For an unspecified host (all interfaces), the host is
/// empty.
pub fn host_and_port(address: &str) -> (String, u16) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let anywhere = host.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_unspecified());
    let host = if anywhere { String::new() } else { host.to_string() };
    (host, port.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn of(cluster: &str) -> Topology {
        Topology { cluster: cluster.to_string(), node_id: 1, leader: None, term: 0, members: Vec::new() }
    }

    #[test]
    fn names_are_forty_digits_and_unique() {
        let mut seen = HashSet::new();
        for cluster in ["", "a", "0123456789abcdef", "0123456789abcdee"] {
            for id in (1..200).chain([u64::MAX]) {
                let name = of(cluster).name(id);
                assert!(name.len() == 40 && name.bytes().all(|digit| digit.is_ascii_hexdigit()), "{name}");
                assert_eq!(name, of(cluster).name(id), "a name stays");
                assert!(
                    seen.insert(name[..8].to_string()),
                    "tools show only the first digits, which have to differ: {name}"
                );
            }
        }
        // Clients remember names: if a new version changed them, a node would look like another
        // one.
        assert_eq!(of("0123456789abcdef").name(1), "66fe172c8ca429e362bcc056d69c13fa1f2cb7e4");
    }

    #[test]
    fn an_address_splits_into_host_and_port() {
        for (address, host, port) in [
            ("127.0.0.1:6379", "127.0.0.1", 6379),
            ("node-1.example:7000", "node-1.example", 7000),
            ("[::1]:6379", "::1", 6379),
            ("0.0.0.0:6379", "", 6379),
            ("[::]:6379", "", 6379),
        ] {
            assert_eq!(host_and_port(address), (host.to_string(), port));
        }
    }
}
