//! Whether the disk has room for what the leader sends.
//!
//! What consensus has taken in it waits for, and answers nothing meanwhile. So entries for which
//! the log has no room are refused before: the leader asks again and again, and goes on with the
//! others if they are a majority.
//!
//! Invariant: this says that there is no room exactly while the last entries that came were
//! refused.

use tokio::sync::watch;

use crate::storage::log::{Log, NoSpace, Room};

pub struct DiskRoom(watch::Sender<Option<NoSpace>>);

impl Default for DiskRoom {
    fn default() -> DiskRoom {
        DiskRoom(watch::channel(None).0)
    }
}

impl DiskRoom {
    /// Asks the log for room for entries of the leader.
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
                tracing::warn!(%reason, "the disk has no room for what the others write");
            }
            None if changes => tracing::info!("the disk has room again for what the others write"),
            _ => {}
        }
        room
    }

    /// Returns why, when there is no room.
    pub async fn until_full(&self) -> NoSpace {
        let mut known = self.0.subscribe();
        // The sender is held here, so the channel does not end.
        let full = known.wait_for(Option::is_some).await.ok().and_then(|full| full.clone());
        match full {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }
}
