//! A segment: one file of fixed length with a header, filled with zeros before its first use.
//!
//! ```text
//! 0  magic     "JVLOGSEG"
//! 8  version   u32
//! 12 group     u32
//! 16 sequence  u64   the number in the file's name
//! 24 salt      u32   random; seeds the checksums of this segment's records
//! 28 zero      [u8; 32]
//! 60 crc32c    u32   over bytes 0..60
//! ```
//!
//! Invariants:
//! * A file with a segment's name has a complete header and all its zeros: it gets the name only
//!   after these are durable.
//! * A segment never shrinks while it holds records, and grows only before it has the first one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{ALIGNMENT, u32_at, u64_at};
use crate::env::{Disk, DiskFile, Open, random_u64};
use crate::error::Fatal;
use crate::storage::{corrupt, disk_error};

pub(crate) const HEADER_BYTES: u64 = 64;
const MAGIC: &[u8; 8] = b"JVLOGSEG";
const VERSION: u32 = 1;
/// The name of a segment while it is being prepared. A node that stops during the preparation
/// leaves this file behind, and the next start removes it.
const UNFINISHED: &str = "unfinished.tmp";

/// An open segment; readers and the writer share it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub sequence: u64,
    pub salt: u32,
    pub bytes: u64,
    pub path: PathBuf,
    pub file: Arc<dyn DiskFile>,
}

/// The directory of the segments.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub disk: Arc<dyn Disk>,
    pub path: PathBuf,
    pub group: u32,
}

impl Directory {
    /// The numbers of the existing segments, ascending. Removes the file that an interrupted
    /// preparation left behind.
    pub(crate) fn sequences(&self) -> Result<Vec<u64>, Fatal> {
        let mut found = Vec::new();
        for name in self.disk.list(&self.path).map_err(disk_error(&self.path, "listing"))? {
            if name == UNFINISHED {
                let path = self.path.join(name);
                self.disk.remove(&path).map_err(disk_error(&path, "removing"))?;
            } else if let Some(sequence) = parse_name(&name) {
                found.push(sequence);
            }
        }
        found.sort_unstable();
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
        let salt = self.check(&header, sequence).map_err(|reason| corrupt(&path, 0, reason))?;
        Ok(Segment { sequence, salt, bytes, path, file })
    }

    fn check(&self, header: &[u8; HEADER_BYTES as usize], sequence: u64) -> Result<u32, String> {
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
        let (group, own) = (u32_at(header, 12), u64_at(header, 16));
        if group != self.group || own != sequence {
            return Err(format!(
                "this is segment {own} of group {group}, not segment {sequence} of group {}",
                self.group
            ));
        }
        Ok(u32_at(header, 24))
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
        assert_eq!(bytes % ALIGNMENT, 0, "a segment ends where a record could begin");
        let unfinished = self.path.join(UNFINISHED);
        let salt = random_u64() as u32;
        let written = (|| {
            let file = self.disk.open(&unfinished, Open::Create)?;
            file.zero_fill(0, bytes)?;
            let mut head = self.header(sequence, salt);
            head.extend_from_slice(&first(salt));
            file.write_all_at(&head, 0)?;
            file.sync_all()?;
            let path = self.path_of(sequence);
            self.disk.rename(&unfinished, &path)?;
            self.disk.sync_dir(&self.path)?;
            Ok(Segment { sequence, salt, bytes, path, file })
        })();
        if written.is_err() {
            // Frees the space. If the file cannot be removed now, the next attempt or the next
            // start removes it.
            let _ = self.disk.remove(&unfinished);
        }
        written
    }

    fn header(&self, sequence: u64, salt: u32) -> Vec<u8> {
        let mut header = Vec::with_capacity(HEADER_BYTES as usize);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&self.group.to_le_bytes());
        header.extend_from_slice(&sequence.to_le_bytes());
        header.extend_from_slice(&salt.to_le_bytes());
        header.resize(60, 0);
        let crc = crc32c::crc32c(&header);
        header.extend_from_slice(&crc.to_le_bytes());
        assert_eq!(header.len() as u64, HEADER_BYTES, "the header has its fixed length");
        header
    }

    /// Removes a segment, durably.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), Fatal> {
        self.disk.remove(path).map_err(disk_error(path, "removing"))?;
        self.disk.sync_dir(&self.path).map_err(disk_error(&self.path, "syncing"))
    }
}

impl Segment {
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

fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
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
        assert_eq!(parse_name("00000000000000000012.log"), Some(12));
        for other in
            ["12.log", "0000000000000000001a.log", "00000000000000000012.tmp", "99999999999999999999.log"]
        {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }

    #[test]
    fn every_byte_of_the_header_is_checked() {
        let disk = SimDisk::new();
        let directory = directory(&disk, 4);
        let made = directory.create(3, 4096, |_| Vec::new()).unwrap();
        assert_eq!(directory.open(3).unwrap().salt, made.salt);
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
        assert!(error.contains("of group 4, not segment 3 of group 5"), "{error}");
    }

    #[test]
    fn a_failed_preparation_leaves_nothing() {
        for op in [Op::Write, Op::Sync, Op::Rename] {
            let disk = SimDisk::new();
            disk.fail(op, 0, io::ErrorKind::StorageFull);
            assert!(directory(&disk, 0).create(1, 4096, |_| Vec::new()).is_err());
            assert_eq!((disk.used(), directory(&disk, 0).sequences().unwrap()), (0, vec![]), "{op:?}");
        }
    }
}
