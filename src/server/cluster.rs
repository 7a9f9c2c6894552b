//! What operators ask of the cluster, put to the group.

use super::join;
use super::shared::Shared;
use crate::error::{Answer, Unavailable};
use crate::raft::{Change, ChangeRefused, Member};

const HAS_KEYS: Answer =
    Answer::fixed("ERR this node has keys, which joining would lose: start an empty one");

/// Has the group make a change.
pub async fn change(shared: &Shared, change: Change) -> Result<(), Answer> {
    if shared.group.status().removed {
        return Err(Answer::new(Unavailable::Removed.to_string()));
    }
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
    check_address(&client)?;
    check_address(&raft)?;
    let member = Member { raft_address: raft, client_address: client };
    change(shared, Change::Add { id, member }).await?;
    Ok(shared.group.cluster().to_string())
}

fn check_address(address: &str) -> Result<(), Answer> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    match parts {
        Some((host, port)) if !host.is_empty() && port > 0 => Ok(()),
        _ => Err(Answer::new(format!("ERR {address:?} is not host:port"))),
    }
}

/// Has this node start again as a new member of another cluster. What it had is given up, so it has to be nothing: a write
/// that is acknowledged before this is seen here, and none is acknowledged after it.
pub async fn join(shared: &Shared, address: String) -> Result<(), Answer> {
    check_address(&address)?;
    if !shared.group.is_alone() {
        return Err(Answer::fixed("ERR this node is a member of a cluster already"));
    }
    if !shared.keyspace.is_empty() {
        return Err(HAS_KEYS);
    }
    let password = shared.config.read().join_password().map(str::to_owned);
    if join::run_id_of(&address, password.as_deref()).await? == shared.run_id {
        return Err(Answer::new(format!("ERR {address} is this node itself")));
    }
    if !shared.group.close_to_writes().await {
        return Err(Answer::fixed("ERR writes that are under way did not end"));
    }
    if !shared.keyspace.is_empty() {
        shared.group.open_to_writes();
        return Err(HAS_KEYS);
    }
    shared.joins.send_replace(Some(address));
    Ok(())
}
