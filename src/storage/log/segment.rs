//! A segment: one file of fixed length with a header, filled with zeros before its first use.
//! Purged segments are kept as spares and used again.
//!
//! ```text
//! 0  magic     "JVLOGSEG"
//! 8  version   u32
//! 12 group     u32
//! 16 sequence  u64   the number in the file's name
//! 24 salt      u32   random; seeds the checksums of this segment's records
//! 28 reused    u32   1 if the file was another segment before, so that old records follow the end
//! 32 zero      [u8; 28]
//! 60 crc32c    u32   over bytes 0..60
//! ```
//!
//! Invariants:
//! * A file with a segment's name has a complete header and all its blocks: it gets the name only
//!   after these are durable. Behind the header it has zeros; if it was reused, up to the end of
//!   the first block.
//! * A reused file has another salt than all segments that it was before. The checksum of a record
//!   at its offset is a one-to-one function of the salt, so no old record is valid, with certainty.
//! * A segment never shrinks while it holds records, and grows only before it has the first one.
//! * Nobody reads a file that is reused as the segment that it was before.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{u32_at, u64_at};
use crate::env::{BLOCK_BYTES, Blocks, Disk, DiskFile, Open, random_u64};
use crate::error::Fatal;
use crate::storage::{corrupt, disk_error};

pub(crate) const HEADER_BYTES: u64 = 64;
const MAGIC: &[u8; 8] = b"JVLOGSEG";
const VERSION: u32 = 1;
/// The name of a segment while it is being prepared. A node that stops during the preparation
/// leaves this file behind, and the next start removes it.
const UNFINISHED: &str = "unfinished.tmp";
/// Maximum number of spares: as many segments as a purge usually frees, since a snapshot is taken
/// after 512 MiB by default and a segment has 64 MiB.
pub(crate) const SPARES_MAX: usize = 8;

pub(crate) type Header = [u8; HEADER_BYTES as usize];

/// An open segment; readers and the writer share it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub sequence: u64,
    pub header: Header,
    pub bytes: u64,
    pub path: PathBuf,
    /// For reading, and for writes outside the records.
    pub file: Arc<dyn DiskFile>,
    /// For writing records: in direct writes where the file system permits them.
    pub writes: Arc<dyn DiskFile>,
}

/// The names found in the directory.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The numbers of the segments, ascending.
    pub segments: Vec<u64>,
    /// The paths of purged segments that were kept.
    pub spares: Vec<PathBuf>,
}

/// The directory of the segments.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub disk: Arc<dyn Disk>,
    pub path: PathBuf,
    pub group: u32,
}

impl Directory {
    /// The names of the existing segments and spares. Removes the file that an interrupted
    /// preparation left behind.
    pub(crate) fn names(&self) -> Result<Names, Fatal> {
        let mut found = Names::default();
        for name in self.disk.list(&self.path).map_err(disk_error(&self.path, "listing"))? {
            let path = self.path.join(&name);
            if name == UNFINISHED {
                self.disk.remove(&path).map_err(disk_error(&path, "removing"))?;
            } else if let Some(sequence) = parse_name(&name, ".log") {
                found.segments.push(sequence);
            } else if parse_name(&name, ".spare").is_some() {
                found.spares.push(path);
            }
        }
        found.segments.sort_unstable();
        Ok(found)
    }

    pub(crate) fn path_of(&self, sequence: u64) -> PathBuf {
        self.path.join(format!("{sequence:020}.log"))
    }

    /// Opens a segment and checks its header.
    pub(crate) fn open(&self, sequence: u64) -> Result<Segment, Fatal> {
        let path = self.path_of(sequence);
        let file = self.disk.open(&path, Open::Write).map_err(disk_error(&path, "opening"))?;
        let bytes = file.len().map_err(disk_error(&path, "measuring"))?;
        if !(HEADER_BYTES..=u64::from(u32::MAX)).contains(&bytes) {
            return Err(corrupt(&path, 0, format!("a segment cannot have {bytes} bytes")));
        }
        let mut header = [0; HEADER_BYTES as usize];
        file.read_exact_at(&mut header, 0).map_err(disk_error(&path, "reading"))?;
        self.check(&header).map_err(|reason| corrupt(&path, 0, reason))?;
        let own = u64_at(&header, 16);
        if own != sequence {
            let reason = format!("this is segment {own}, not segment {sequence}");
            return Err(corrupt(&path, 0, reason));
        }
        let writes = self.disk.open_direct(&path).unwrap_or_else(|| file.clone());
        Ok(Segment { sequence, header, bytes, path, file, writes })
    }

    /// Opens the spares that can be reused and removes the others.
    pub(crate) fn open_spares(&self, paths: Vec<PathBuf>, bytes: u64) -> Result<Vec<Segment>, Fatal> {
        let mut spares = Vec::new();
        for path in paths {
            match self.open_spare(&path, bytes).map_err(disk_error(&path, "opening"))? {
                Some(spare) if spares.len() < SPARES_MAX => spares.push(spare),
                _ => self.remove(&path)?,
            }
        }
        Ok(spares)
    }

    /// `None` if the file has another length than new segments, or a header that was being
    /// overwritten when the node stopped, so that its last salt is unknown.
    fn open_spare(&self, path: &Path, bytes: u64) -> io::Result<Option<Segment>> {
        let file = self.disk.open(path, Open::Write)?;
        if file.len()? != bytes {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES as usize];
        file.read_exact_at(&mut header, 0)?;
        if self.check(&header).is_err() {
            return Ok(None);
        }
        let writes = self.disk.open_direct(path).unwrap_or_else(|| file.clone());
        let sequence = u64_at(&header, 16);
        Ok(Some(Segment { sequence, header, bytes, path: path.to_owned(), file, writes }))
    }

    fn check(&self, header: &Header) -> Result<(), String> {
        if &header[..8] != MAGIC {
            return Err("the file is not a segment of a log".to_owned());
        }
        // Checked before the checksum, because another version may have its checksum at another
        // place.
        let version = u32_at(header, 8);
        if version != VERSION && crc32c::crc32c(&header[..60]) == u32_at(header, 60) {
            return Err(format!("its format is version {version}, this program reads version {VERSION}"));
        }
        if crc32c::crc32c(&header[..60]) != u32_at(header, 60) {
            return Err("the checksum of the segment's header does not match".to_owned());
        }
        let group = u32_at(header, 12);
        if group != self.group {
            return Err(format!("this is a segment of group {group}, not of group {}", self.group));
        }
        Ok(())
    }

    /// Creates a segment filled with zeros, makes it durable and gives it its name. `first`
    /// receives the salt and returns the bytes that follow the header.
    pub(crate) fn create(
        &self,
        sequence: u64,
        bytes: u64,
        first: impl FnOnce(u32) -> Vec<u8>,
    ) -> io::Result<Segment> {
        assert!(bytes > HEADER_BYTES && bytes <= u64::from(u32::MAX), "a segment of {bytes} bytes");
        assert!(bytes.is_multiple_of(BLOCK_BYTES as u64), "a segment has whole blocks");
        let unfinished = self.path.join(UNFINISHED);
        let salt = random_u64() as u32;
        let written = (|| {
            let file = self.disk.open(&unfinished, Open::Create)?;
            let writes = self.disk.open_direct(&unfinished).unwrap_or_else(|| file.clone());
            writes.zero_fill(0, bytes)?;
            let header = self.header(sequence, salt, false);
            let mut block = Blocks::default();
            block.extend(&header);
            block.extend(&first(salt));
            block.pad_to(BLOCK_BYTES);
            writes.write_all_at(block.as_slice(), 0)?;
            file.sync_all()?;
            let path = self.path_of(sequence);
            self.disk.rename(&unfinished, &path)?;
            self.disk.sync_dir(&self.path)?;
            Ok(Segment { sequence, header, bytes, path, file, writes })
        })();
        if written.is_err() {
            // Frees the space. If the file cannot be removed now, the next attempt or the next
            // start removes it.
            let _ = self.disk.remove(&unfinished);
        }
        written
    }

    fn header(&self, sequence: u64, salt: u32, reused: bool) -> Header {
        let mut header = [0; HEADER_BYTES as usize];
        header[..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[12..16].copy_from_slice(&self.group.to_le_bytes());
        header[16..24].copy_from_slice(&sequence.to_le_bytes());
        header[24..28].copy_from_slice(&salt.to_le_bytes());
        header[28..32].copy_from_slice(&u32::from(reused).to_le_bytes());
        let crc = crc32c::crc32c(&header[..60]);
        header[60..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// Keeps the file of a purged segment as a spare, durably.
    pub(crate) fn retire(&self, mut segment: Segment) -> Result<Segment, Fatal> {
        let path = segment.path.with_extension("spare");
        self.disk.rename(&segment.path, &path).map_err(disk_error(&segment.path, "renaming"))?;
        self.disk.sync_dir(&self.path).map_err(disk_error(&self.path, "syncing"))?;
        segment.path = path;
        Ok(segment)
    }

    /// Makes a spare the segment `sequence`. It gets the name after its header is durable, like a
    /// new one. If this fails, the spare is removed.
    pub(crate) fn reuse(&self, spare: Segment, sequence: u64) -> io::Result<Segment> {
        let spare_path = spare.path.clone();
        let reused = self.try_reuse(spare, sequence);
        if reused.is_err() {
            // If it cannot be removed now, the next start reuses or removes it.
            let _ = self.disk.remove(&spare_path);
        }
        reused
    }

    fn try_reuse(&self, mut spare: Segment, sequence: u64) -> io::Result<Segment> {
        // The salts of the segments that the file was before are all lower, until the number wraps.
        spare.header = self.header(sequence, spare.salt().wrapping_add(1), true);
        let mut block = Blocks::default();
        block.extend(&spare.header);
        block.pad_to(BLOCK_BYTES);
        spare.writes.write_all_at(block.as_slice(), 0)?;
        spare.writes.sync_data()?;
        let path = self.path_of(sequence);
        self.disk.rename(&spare.path, &path)?;
        self.disk.sync_dir(&self.path)?;
        (spare.sequence, spare.path) = (sequence, path);
        Ok(spare)
    }

    /// Removes a segment, durably.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), Fatal> {
        self.disk.remove(path).map_err(disk_error(path, "removing"))?;
        self.disk.sync_dir(&self.path).map_err(disk_error(&self.path, "syncing"))
    }
}

impl Segment {
    /// Seeds the checksums of the records.
    pub(crate) fn salt(&self) -> u32 {
        u32_at(&self.header, 24)
    }

    /// Whether records of an older segment may follow the end of this one.
    pub(crate) fn is_reused(&self) -> bool {
        u32_at(&self.header, 28) != 0
    }

    /// Lengthens a segment that has no records yet.
    pub(crate) fn grow(&mut self, bytes: u64) -> io::Result<()> {
        assert!(bytes >= self.bytes && bytes <= u64::from(u32::MAX), "growing to {bytes} bytes");
        let grown = self.file.zero_fill(self.bytes, bytes).and_then(|()| self.file.sync_all());
        match grown {
            Ok(()) => self.bytes = bytes,
            // Frees the space. If that fails too, the file stays longer than the part that is used,
            // which does no harm.
            Err(_) => drop(self.file.set_len(self.bytes)),
        }
        grown
    }
}

fn parse_name(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{Op, SimDisk};

    fn directory(disk: &SimDisk, group: u32) -> Directory {
        Directory { disk: disk.shared(), path: PathBuf::from("/log"), group }
    }

    #[test]
    fn names_are_parsed_strictly() {
        assert_eq!(parse_name("00000000000000000012.log", ".log"), Some(12));
        for other in
            ["12.log", "0000000000000000001a.log", "00000000000000000012.tmp", "99999999999999999999.log"]
        {
            assert_eq!(parse_name(other, ".log"), None, "{other}");
        }
    }

    #[test]
    fn every_byte_of_the_header_is_checked() {
        let disk = SimDisk::new();
        let directory = directory(&disk, 4);
        let made = directory.create(3, 4096, |_| Vec::new()).unwrap();
        assert_eq!(directory.open(3).unwrap().header, made.header);
        let good = disk.contents(&made.path).unwrap();
        assert_eq!(good.len(), 4096);
        for (at, byte) in good.iter().enumerate().take(HEADER_BYTES as usize) {
            disk.overwrite(&made.path, at, &[byte ^ 0x10]);
            let error = directory.open(3).unwrap_err();
            assert!(matches!(error, Fatal::Corrupt { offset: 0, .. }), "byte {at}: {error}");
            disk.overwrite(&made.path, at, &[*byte]);
        }
    }

    #[test]
    fn a_segment_of_another_group_is_refused() {
        let disk = SimDisk::new();
        directory(&disk, 4).create(3, 4096, |_| Vec::new()).unwrap();
        let error = directory(&disk, 5).open(3).unwrap_err().to_string();
        assert!(error.contains("of group 4, not of group 5"), "{error}");
    }

    #[test]
    fn a_failed_preparation_leaves_nothing() {
        for op in [Op::Write, Op::Sync, Op::Rename] {
            let disk = SimDisk::new();
            disk.fail(op, 0, io::ErrorKind::StorageFull);
            assert!(directory(&disk, 0).create(1, 4096, |_| Vec::new()).is_err());
            assert_eq!((disk.used(), directory(&disk, 0).names().unwrap().segments), (0, vec![]), "{op:?}");
        }
    }
}
