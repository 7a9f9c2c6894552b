//! A disk on which the log's records are treated with a mistake. `src/storage/log/record.rs` and
//! `segment.rs` have the layouts.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use jsonvault::env::{Disk, DiskFile, DiskLock, Open};

use super::Mistake;

const HEADER_BYTES: usize = 32;
const SEGMENT_HEADER_BYTES: usize = 64;
const INDEX_AT: usize = 8;
const KIND_AT: usize = 28;
const VOTE: u8 = 3;
const TRUNCATE: u8 = 5;
/// Where the header of a segment has the salt of the checksums.
const SALT_AT: u64 = 24;

#[derive(Debug)]
pub struct MistakenDisk {
    inner: Arc<dyn Disk>,
    mistake: Mistake,
}

impl MistakenDisk {
    pub fn over(inner: Arc<dyn Disk>, mistake: Mistake) -> Arc<dyn Disk> {
        Arc::new(MistakenDisk { inner, mistake })
    }
}

impl Disk for MistakenDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let inner = self.inner.open(path, how)?;
        let is_segment = path
            .extension()
            .is_some_and(|extension| extension == "log" || extension == "tmp" || extension == "spare");
        match is_segment && path.starts_with("/data/group-0/log") {
            true => Ok(Arc::new(Segment::over(inner, self.mistake)?)),
            false => Ok(inner),
        }
    }

    /// Every write goes through the handle that makes the mistake.
    fn open_direct(&self, _path: &Path) -> Option<Arc<dyn DiskFile>> {
        None
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.inner.lock(path)
    }
}

#[derive(Debug)]
struct Segment {
    inner: Arc<dyn DiskFile>,
    mistake: Mistake,
    skips_sync: AtomicBool,
    records: Mutex<Records>,
}

/// The records written so far. The log writes its last block again with the next records.
#[derive(Debug)]
struct Records {
    /// The offset after the last one.
    end: u64,
    /// Those that a mistake has changed, with their offsets.
    changed: Vec<(u64, Vec<u8>)>,
}

impl Segment {
    fn over(inner: Arc<dyn DiskFile>, mistake: Mistake) -> io::Result<Segment> {
        let mut bytes = vec![0; inner.len()? as usize];
        inner.read_exact_at(&mut bytes, 0)?;
        let records = Segment::records(bytes.get(SEGMENT_HEADER_BYTES..).unwrap_or_default());
        let end = records.last().map_or(0, |(at, size, _)| at + size) + SEGMENT_HEADER_BYTES;
        let records = Mutex::new(Records { end: end as u64, changed: Vec::new() });
        Ok(Segment { inner, mistake, skips_sync: AtomicBool::new(false), records })
    }

    /// The records at the start of `bytes`: offset, size and kind.
    fn records(bytes: &[u8]) -> Vec<(usize, usize, u8)> {
        let mut records = Vec::new();
        let mut at = 0;
        while let Some(header) = bytes.get(at..at + HEADER_BYTES)
            && header[KIND_AT] != 0
        {
            records.push((at, size(header), header[KIND_AT]));
            at += size(header);
        }
        records
    }

    /// Lets a truncation begin one entry later.
    fn leave_one(&self, record: &mut [u8], offset: u64) -> io::Result<()> {
        let mut salt = [0; 4];
        self.inner.read_exact_at(&mut salt, SALT_AT)?;
        let index = u64::from_le_bytes(*record[INDEX_AT..].first_chunk().expect("a header has an index")) + 1;
        record[INDEX_AT..INDEX_AT + 8].copy_from_slice(&index.to_le_bytes());
        let seed = u32::from_le_bytes(salt) ^ (offset as u32).wrapping_mul(0x9E37_79B1);
        let checksum =
            |bytes: &[u8]| crc32c::crc32c_append(crc32c::crc32c_append(seed, &bytes[..4]), &bytes[8..]);
        let check = checksum(&record[..29]).to_le_bytes();
        record[29..32].copy_from_slice(&check[..3]);
        let crc = checksum(record).to_le_bytes();
        record[4..8].copy_from_slice(&crc);
        Ok(())
    }
}

/// The size of a record with this header, padding included.
fn size(header: &[u8]) -> usize {
    let payload = u32::from_le_bytes(*header.first_chunk().expect("a header has a length")) as usize;
    (HEADER_BYTES + payload).next_multiple_of(8)
}

/// Whether the first block of a segment has no records.
fn is_empty(bytes: &[u8]) -> bool {
    Segment::records(&bytes[SEGMENT_HEADER_BYTES..]).is_empty()
}

impl DiskFile for Segment {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut records = self.records.lock();
        if offset == 0 && bytes.len() >= SEGMENT_HEADER_BYTES && is_empty(bytes) {
            *records = Records { end: SEGMENT_HEADER_BYTES as u64, changed: Vec::new() };
        }
        if bytes.iter().all(|byte| *byte == 0) {
            // A torn tail is cut.
            records.end = records.end.min(offset).max(SEGMENT_HEADER_BYTES as u64);
        }
        let from = records.end.saturating_sub(offset).min(bytes.len() as u64) as usize;
        let begins = offset + from as u64 == records.end;
        let new = if begins { Segment::records(&bytes[from..]) } else { Vec::new() };
        let has_vote = new.iter().any(|(.., kind)| *kind == VOTE);
        self.skips_sync.store(has_vote && self.mistake == Mistake::VoteNotSynced, Ordering::Relaxed);
        for (at, size, kind) in new {
            let (at, start) = (from + at, offset + (from + at) as u64);
            records.end = start + size as u64;
            if kind == TRUNCATE && self.mistake == Mistake::TruncatedTooLittle {
                let mut record = bytes[at..at + size].to_vec();
                self.leave_one(&mut record, start)?;
                records.changed.push((start, record));
            }
        }
        let mut written = bytes.to_vec();
        for (start, record) in &records.changed {
            for (position, byte) in (*start..).zip(record) {
                if let Some(at) = position.checked_sub(offset)
                    && let Some(place) = written.get_mut(at as usize)
                {
                    *place = *byte;
                }
            }
        }
        self.inner.write_all_at(&written, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.skips_sync.load(Ordering::Relaxed) {
            true => Ok(()),
            false => self.inner.sync_data(),
        }
    }

    fn sync_all(&self) -> io::Result<()> {
        self.inner.sync_all()
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.inner.set_len(bytes)
    }
}
