//! The bytes of one file of the simulated disk, as they are read now and as they are after a power
//! cut.

use super::SECTOR_BYTES;
use crate::random::Random;

#[derive(Clone, Debug, Default)]
pub struct Content {
    pub now: Vec<u8>,
    pub durable: Vec<u8>,
    /// Unsynced writes, oldest first: offset and bytes.
    pub dirty: Vec<(usize, Vec<u8>)>,
    /// How many of these writes were reported durable by a disk that lies.
    pub promised: usize,
    pub lies: bool,
}

impl Content {
    /// Makes the oldest `count` unsynced writes durable.
    pub fn flush(&mut self, count: usize) {
        for (offset, bytes) in self.dirty.drain(..count.min(self.dirty.len())) {
            Content::put(&mut self.durable, offset, &bytes);
        }
    }

    pub fn sync(&mut self) {
        self.flush(if self.lies { self.promised } else { self.dirty.len() });
        self.promised = self.dirty.len();
    }

    pub fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
        let end = offset + new.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset..end].copy_from_slice(new);
    }

    pub fn lose_power(&mut self, random: &mut Random) {
        for (offset, bytes) in std::mem::take(&mut self.dirty) {
            let (mut at, end) = (offset, offset + bytes.len());
            while at < end {
                let sector_end = ((at / SECTOR_BYTES + 1) * SECTOR_BYTES).min(end);
                let whole = &bytes[at - offset..sector_end - offset];
                match random.below(8) {
                    0..4 => Content::put(&mut self.durable, at, whole),
                    // A real sector is written as a whole. Here even a part of a sector may be
                    // lost, which the log's format has to tolerate.
                    4 => Content::put(
                        &mut self.durable,
                        at,
                        &whole[..random.below(whole.len() as u64) as usize],
                    ),
                    _ => {}
                }
                at = sector_end;
            }
        }
        self.promised = 0;
        self.now = self.durable.clone();
    }
}
