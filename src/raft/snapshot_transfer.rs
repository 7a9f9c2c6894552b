//! Sends and receives snapshots: in chunks on a separate connection, each chunk sent after the
//! reply to the previous one.
//!
//! Invariants:
//! * neither side holds more than one chunk in memory;
//! * the received part of a snapshot survives the loss of the connection, and the transfer of the
//!   same snapshot resumes there.

use std::io;
use std::time::Duration;

use bytes::Bytes;

use super::codec;
use super::replication::NetworkClient;
use super::snapshots::Snapshot;
use super::types::Vote;
use crate::peer::{Offer, Request, Response, StoredVote};
use crate::storage::{SnapshotDir, SnapshotFile, SnapshotReceiver};

/// Large enough to keep disk and network busy, small enough not to delay other work.
const CHUNK_BYTES: usize = 1 << 20;
/// The receiver writes each chunk to disk, and syncs the disk after some of them.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(10);
/// After the last chunk the receiver checks the whole snapshot and loads it: a gigabyte takes some
/// seconds.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);

impl NetworkClient {
    /// Sends a snapshot. Returns the other node's vote once it has installed the snapshot.
    pub(super) async fn send_snapshot(&mut self, vote: &Vote, snapshot: &Snapshot) -> io::Result<StoredVote> {
        let vote = codec::store_vote(vote);
        let file = snapshot.snapshot.clone();
        let meta = Bytes::from(codec::encode_meta(&snapshot.meta));
        let offer = Offer { position: file.position, bytes: file.bytes, meta };
        let mut offset =
            expect_offset(self.exchange.call(&Request::SnapshotOffer(offer), CHUNK_TIMEOUT).await?)?;
        while offset < file.bytes {
            let bytes = self.read_chunk(&file, offset).await?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let expected = offset + bytes.len() as u64;
            let chunk = Request::SnapshotChunk { offset, bytes: bytes.into() };
            offset = expect_offset(self.exchange.call(&chunk, CHUNK_TIMEOUT).await?)?;
            if offset != expected {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the receiver is at an unexpected offset",
                ));
            }
        }
        match self.exchange.call(&Request::SnapshotEnd { vote }, INSTALL_TIMEOUT).await? {
            Response::SnapshotInstalled(vote) => Ok(vote),
            other => Err(io::Error::other(format!("unexpected reply: {other:?}"))),
        }
    }

    async fn read_chunk(&self, file: &SnapshotFile, offset: u64) -> io::Result<Vec<u8>> {
        let (snapshots, file) = (self.snapshots.clone(), file.clone());
        let read = move || snapshots.read_chunk(&file, offset, CHUNK_BYTES).map_err(io::Error::other);
        self.background.run(read).await?
    }
}

fn expect_offset(response: Response) -> io::Result<u64> {
    match response {
        Response::SnapshotAt(offset) => Ok(offset),
        other => Err(io::Error::other(format!("unexpected reply: {other:?}"))),
    }
}

/// The snapshot that is being received, kept between connections.
#[derive(Default)]
pub struct IncomingSnapshot(Option<(Offer, SnapshotReceiver)>);

impl IncomingSnapshot {
    /// Begins or resumes a transfer. Returns the offset at which the sender continues: where an
    /// earlier transfer of the same snapshot stopped, otherwise zero.
    pub fn offered(&mut self, snapshots: &SnapshotDir, offer: Offer) -> io::Result<u64> {
        if self.0.as_ref().is_none_or(|(known, _)| *known != offer) {
            // Removes an unfinished transfer of another snapshot.
            self.0 = None;
            let receiver = snapshots.receive().map_err(io::Error::other)?;
            self.0 = Some((offer, receiver));
        }
        Ok(self.0.as_ref().map_or(0, |(_, receiver)| receiver.received()))
    }

    /// Accepts the next chunk, and returns the offset of the one after it.
    pub fn chunk(&mut self, offset: u64, bytes: &[u8]) -> io::Result<u64> {
        let (offer, receiver) =
            self.0.as_mut().ok_or_else(|| io::Error::other("a chunk of a snapshot that was not offered"))?;
        if offset != receiver.received() || bytes.len() as u64 > offer.bytes - offset {
            return Err(io::Error::other("a chunk that does not follow the previous one"));
        }
        if let Err(fatal) = receiver.chunk(bytes) {
            self.0 = None;
            return Err(io::Error::other(fatal));
        }
        Ok(receiver.received())
    }

    /// Checks the complete snapshot and gives its file the final name.
    pub fn finish(&mut self) -> io::Result<Snapshot> {
        let (offer, receiver) =
            self.0.take().ok_or_else(|| io::Error::other("the end of a snapshot that was not offered"))?;
        if receiver.received() != offer.bytes {
            return Err(io::Error::other("the snapshot is not complete"));
        }
        // Decoded before the file gets its final name: otherwise the next start would find a
        // snapshot that cannot be installed.
        let meta = codec::decode_meta(&offer.meta).map_err(io::Error::other)?;
        let snapshot = receiver.finish().map_err(io::Error::other)?;
        Ok(Snapshot { meta, snapshot })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::raft::types::SnapshotMeta;
    use crate::testkit::SimDisk;

    #[test]
    fn a_snapshot_damaged_in_transit_is_an_error_of_the_transfer() {
        let disk = SimDisk::new();
        let from = SnapshotDir::open_dir(disk.shared(), Path::new("/from"), 0).unwrap();
        let meta = codec::encode_meta(&SnapshotMeta::default());
        let mut writer = from.begin((7, 1), &meta).unwrap();
        writer.block(&[1; 1000]).unwrap();
        let file = writer.finish().unwrap();
        let whole = from.read_chunk(&file, 0, usize::MAX).unwrap();
        let to = SnapshotDir::open_dir(disk.shared(), Path::new("/to"), 0).unwrap();
        let carry = |bytes: &[u8], meta: &[u8]| {
            let offer = Offer {
                position: file.position,
                bytes: bytes.len() as u64,
                meta: Bytes::copy_from_slice(meta),
            };
            let mut incoming = IncomingSnapshot::default();
            assert_eq!(incoming.offered(&to, offer).unwrap(), 0);
            incoming.chunk(0, bytes).unwrap();
            incoming.finish()
        };
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        assert!(carry(&damaged, &meta).is_err());
        assert!(carry(&whole, b"no meta data").is_err());
        assert_eq!(to.list().unwrap(), []);
        assert_eq!(carry(&whole, &meta).unwrap().snapshot.position, (7, 1));
    }
}
