//! What operators ask of the cluster, put to the group.

use super::shared::Shared;
use crate::error::Answer;
use crate::raft::{Change, ChangeRefused, Member};

/// Has the group make a change.
pub async fn change(shared: &Shared, change: Change) -> Result<(), Answer> {
    shared.group.change(change).await.map_err(|refused| match refused {
        ChangeRefused::NotLeader => Answer::fixed("CLUSTERDOWN no leader is known"),
        ChangeRefused::Impossible(reason) => Answer::new(format!("ERR {reason}")),
        ChangeRefused::Unknown(reason) => {
            Answer::new(format!("UNCERTAIN the change may or may not have been made: {reason}"))
        }
    })
}

/// Takes a node in; the name of the cluster that it is of now.
pub async fn add(shared: &Shared, id: u64, client: String, raft: String) -> Result<String, Answer> {
    for address in [&client, &raft] {
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            return Err(Answer::new(format!("ERR {address:?} is not host:port")));
        }
    }
    let member = Member { raft_address: raft, client_address: client };
    change(shared, Change::Add { id, member }).await?;
    Ok(shared.group.cluster().to_string())
}

/// Has this node start again as a new member of another cluster.
pub fn join(shared: &Shared, address: String) -> Result<(), Answer> {
    if !shared.group.is_alone() {
        return Err(Answer::fixed("ERR this node is a member of a cluster already"));
    }
    if !shared.keyspace.is_empty() {
        return Err(Answer::fixed("ERR this node has keys, which joining would lose: start an empty one"));
    }
    shared.joins.send_replace(Some(address));
    Ok(())
}
