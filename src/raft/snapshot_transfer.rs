//! Sending and receiving snapshots: in chunks, each after the answer to the last, on a connection
//! of its own.
//!
//! Invariants:
//! * neither side has more than a chunk in memory;
//! * what was received of a snapshot is kept when the connection is lost, and the same snapshot
//!   goes on from there.

use std::io;
use std::time::Duration;

use bytes::Bytes;

use super::codec;
use super::replication::NetworkClient;
use super::snapshots::Snapshot;
use super::types::Vote;
use crate::peer::{Offer, Request, Response, StoredVote};
use crate::storage::{SnapshotDir, SnapshotFile, SnapshotReceiver};

/// Large enough that the disk and the network are busy, small enough to go between other work.
const CHUNK_BYTES: usize = 1 << 20;
/// A chunk is written and now and then synced.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(10);
/// At the end the whole is checked, and then loaded: a gigabyte takes some seconds.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);

impl NetworkClient {
    /// Sends a snapshot; the other side's vote once it has installed it.
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
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a chunk went elsewhere"));
            }
        }
        match self.exchange.call(&Request::SnapshotEnd { vote }, INSTALL_TIMEOUT).await? {
            Response::SnapshotInstalled(vote) => Ok(vote),
            other => Err(io::Error::other(format!("an answer of the wrong kind: {other:?}"))),
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
        other => Err(io::Error::other(format!("an answer of the wrong kind: {other:?}"))),
    }
}

/// A snapshot that is coming in, kept between connections.
#[derive(Default)]
pub struct IncomingSnapshot(Option<(Offer, SnapshotReceiver)>);

impl IncomingSnapshot {
    /// Where to go on: at the beginning, or where the same snapshot was left.
    pub fn offered(&mut self, snapshots: &SnapshotDir, offer: Offer) -> io::Result<u64> {
        if self.0.as_ref().is_none_or(|(known, _)| *known != offer) {
            // The unfinished one is removed before the next is begun.
            self.0 = None;
            let receiver = snapshots.receive().map_err(io::Error::other)?;
            self.0 = Some((offer, receiver));
        }
        Ok(self.0.as_ref().map_or(0, |(_, receiver)| receiver.received()))
    }

    /// Takes the next chunk; where the one after it begins.
    pub fn chunk(&mut self, offset: u64, bytes: &[u8]) -> io::Result<u64> {
        let (offer, receiver) = self.0.as_mut().ok_or_else(|| io::Error::other("no snapshot was offered"))?;
        if offset != receiver.received() || bytes.len() as u64 > offer.bytes - offset {
            return Err(io::Error::other("a chunk that does not follow"));
        }
        if let Err(fatal) = receiver.chunk(bytes) {
            self.0 = None;
            return Err(io::Error::other(fatal));
        }
        Ok(receiver.received())
    }

    /// Checks what was received as a whole.
    pub fn finish(&mut self) -> io::Result<Snapshot> {
        let (offer, receiver) = self.0.take().ok_or_else(|| io::Error::other("no snapshot was offered"))?;
        if receiver.received() != offer.bytes {
            return Err(io::Error::other("the snapshot is not whole"));
        }
        // Before the file gets its name: one that could not be installed must not be found by the
        // next start.
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
    fn a_snapshot_that_was_damaged_on_its_way_is_an_error_of_the_transfer() {
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
