//! The initial members of a cluster, as one setting:
//! `1=host:port@raft-port,2=host:port@raft-host:raft-port`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Maximum number of members in a list. Clusters are far smaller, because a larger majority makes
/// every write slower.
const PEERS_MAX: usize = 64;

/// The addresses at which other nodes and clients reach a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// `host:port` for clients.
    pub client: String,
    /// `host:port` for other nodes.
    pub raft: String,
}

impl Advertised {
    pub fn raft_port(&self) -> u16 {
        port(&self.raft).expect("the address was checked when it was parsed")
    }
}

/// The port of an advertised address: `host:port`, where the host is not empty and the port is not
/// 0.
pub fn port(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    (!host.is_empty() && port > 0).then_some(port)
}

impl FromStr for Advertised {
    type Err = String;

    fn from_str(text: &str) -> Result<Advertised, String> {
        let wrong = || format!("{text:?} is not host:port@raft-port");
        let (client, raft) = text.split_once('@').ok_or_else(wrong)?;
        let (host, _) = client.rsplit_once(':').ok_or_else(wrong)?;
        let raft = if raft.contains(':') { raft.to_string() } else { format!("{host}:{raft}") };
        port(client).and(port(&raft)).ok_or_else(wrong)?;
        Ok(Advertised { client: client.to_string(), raft })
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.client, self.raft)
    }
}

/// The initial members by id; empty if the setting is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers(BTreeMap<u64, Advertised>);

impl Peers {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, id: u64) -> Option<&Advertised> {
        self.0.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u64, &Advertised)> {
        self.0.iter().map(|(id, advertised)| (*id, advertised))
    }

    /// A name for the cluster of these members. Equal lists have equal names, regardless of their
    /// order.
    pub fn cluster(&self) -> String {
        let list = self.to_string();
        let (first, second) =
            (crc32c::crc32c(list.as_bytes()), crc32c::crc32c(format!("2 {list}").as_bytes()));
        format!("{first:08x}{second:08x}")
    }
}

impl FromStr for Peers {
    type Err = String;

    fn from_str(text: &str) -> Result<Peers, String> {
        let mut peers = BTreeMap::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (id, advertised) =
                item.split_once('=').ok_or_else(|| format!("{item:?} is not id=host:port@raft-port"))?;
            let id: u64 = id.parse().map_err(|_| format!("{id:?} is not the id of a node"))?;
            if id == 0 {
                return Err("ids of nodes start at 1".to_string());
            }
            let advertised: Advertised = advertised.parse()?;
            let taken =
                |known: &Advertised| known.client == advertised.client || known.raft == advertised.raft;
            if peers.values().any(taken) {
                return Err(format!("{advertised} is listed twice"));
            }
            if peers.insert(id, advertised).is_some() {
                return Err(format!("node {id} is listed twice"));
            }
        }
        match peers.len() > PEERS_MAX {
            true => Err(format!("there are more than {PEERS_MAX} members")),
            false => Ok(Peers(peers)),
        }
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, (id, advertised)) in self.0.iter().enumerate() {
            let comma = if nth > 0 { "," } else { "" };
            write!(out, "{comma}{id}={advertised}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_parsed_and_displayed() {
        let peers: Peers = "2=b:7002@raft-b:17002, 1=127.0.0.1:7001@17001".parse().unwrap();
        assert_eq!(peers.to_string(), "1=127.0.0.1:7001@127.0.0.1:17001,2=b:7002@raft-b:17002");
        assert_eq!(peers.get(1).unwrap().raft_port(), 17001);
        assert_eq!(peers.to_string().parse::<Peers>().unwrap(), peers);
        assert!("".parse::<Peers>().unwrap().is_empty());
    }

    #[test]
    fn the_order_of_a_list_does_not_change_its_cluster() {
        let cluster = |text: &str| text.parse::<Peers>().unwrap().cluster();
        assert_eq!(cluster("1=a:1@2,2=b:1@2"), cluster("2=b:1@2,1=a:1@2"));
        assert_ne!(cluster("1=a:1@2,2=b:1@2"), cluster("1=a:1@2,2=b:1@3"));
    }

    #[test]
    fn an_invalid_list_is_an_error() {
        for text in
            ["a:1@2", "1=a", "1=a:1", "1=a:x@2", "1=a:1@", "0=a:1@2", "1=a:1@2,1=b:1@2", "1=a:1@2,2=a:1@3"]
        {
            assert!(text.parse::<Peers>().is_err(), "{text}");
        }
    }
}
