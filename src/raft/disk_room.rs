//! Checks whether the disk has room for the leader's entries.
//!
//! Once consensus has accepted entries, it handles nothing else until they are on disk. Entries for
//! which the log has no room are therefore refused before they reach consensus. The leader retries
//! them, and commits them without this node if the other members are a majority.
//!
//! Invariant: the disk is reported full exactly while the last entries that arrived were refused.

use tokio::sync::watch;

use crate::storage::log::{Log, NoSpace, Room};

pub struct DiskRoom(watch::Sender<Option<NoSpace>>);

impl Default for DiskRoom {
    fn default() -> DiskRoom {
        DiskRoom(watch::channel(None).0)
    }
}

impl DiskRoom {
    /// Reserves room in the log for entries sent by the leader.
    pub fn take(&self, log: &Log, payloads: impl Iterator<Item = usize>) -> Result<Room, NoSpace> {
        let room = log.reserve_each(payloads);
        let full = room.as_ref().err();
        let changes = self.0.send_if_modified(|known| {
            let changes = known.is_some() != full.is_some();
            *known = full.cloned();
            changes
        });
        match full {
            Some(reason) if changes => {
                tracing::warn!(%reason, "the disk has no room for the leader's entries");
            }
            None if changes => tracing::info!("the disk has room again for the leader's entries"),
            _ => {}
        }
        room
    }

    /// Waits until the disk has no room, and returns the reason.
    pub async fn until_full(&self) -> NoSpace {
        let mut known = self.0.subscribe();
        // `self` holds the sender, so the channel does not end.
        let full = known.wait_for(Option::is_some).await.ok().and_then(|full| full.clone());
        match full {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }
}
