//! Reads a snapshot file block by block.

use std::path::PathBuf;
use std::sync::Arc;

use super::directory::{SnapshotDir, SnapshotFile};
use super::format::{
    BLOCK_HEADER_BYTES, Digest, FORMATS, HEADER_BYTES, TRAILER_BYTES, block_crc, parse_header, split_version,
    u32_at,
};
use super::{BLOCK_BYTES_MAX, META_BYTES_MAX};
use crate::env::{DiskFile, Open};
use crate::error::Fatal;
use crate::storage::log::LogPosition;
use crate::storage::{corrupt, disk_error};

/// Bytes read from the file at a time.
const READ_BYTES: usize = 1 << 20;

/// A snapshot that is being read; see [`SnapshotDir::open`].
#[derive(Debug)]
pub struct SnapshotReader {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    bytes: u64,
    position: LogPosition,
    meta: Vec<u8>,
    cluster_version: u32,
    /// The bytes of the file from `start` on; the ones before `at` have been consumed.
    buffer: Vec<u8>,
    start: u64,
    at: usize,
    digest: Digest,
    complete: bool,
}

impl SnapshotReader {
    pub(super) fn open(
        dir: &SnapshotDir,
        path: PathBuf,
        expected: Option<LogPosition>,
    ) -> Result<SnapshotReader, Fatal> {
        let file = dir.disk.open(&path, Open::Read).map_err(disk_error(&path, "opening"))?;
        let bytes = file.len().map_err(disk_error(&path, "measuring"))?;
        let mut reader = SnapshotReader {
            path,
            file,
            bytes,
            position: (0, 0),
            meta: Vec::new(),
            cluster_version: 0,
            buffer: Vec::new(),
            start: 0,
            at: 0,
            digest: Digest::default(),
            complete: false,
        };
        reader.read_header(dir.group, expected)?;
        Ok(reader)
    }

    fn read_header(&mut self, group: u32, expected: Option<LogPosition>) -> Result<(), Fatal> {
        let raw: [u8; HEADER_BYTES] =
            *self.peek(HEADER_BYTES)?.first_chunk().expect("peek returns as many bytes as requested");
        let header = parse_header(&raw).map_err(|reason| corrupt(&self.path, 0, reason))?;
        if header.meta_bytes > META_BYTES_MAX {
            return Err(corrupt(&self.path, 32, format!("{} bytes of metadata", header.meta_bytes)));
        }
        let whole = self.peek(HEADER_BYTES + header.meta_bytes)?;
        let mut meta = whole[HEADER_BYTES..].to_vec();
        if crc32c::crc32c_append(crc32c::crc32c(&raw[..36]), &meta) != header.crc {
            return Err(corrupt(&self.path, 0, "the checksum of the header does not match"));
        }
        if !FORMATS.contains(&header.format) {
            // The checksum is right, so this is no damage: the file must not be set aside.
            let (format, [first, last]) = (header.format, FORMATS);
            let reason = format!(
                "its format is version {format}, this program reads versions {first} to {last}: start a newer release"
            );
            return Err(Fatal::Directory { path: self.path.clone(), reason });
        }
        if header.group != group || expected.is_some_and(|position| position != header.position) {
            let (index, term) = header.position;
            let reason =
                format!("this is a snapshot of group {} at entry {index} of term {term}", header.group);
            return Err(corrupt(&self.path, 0, reason));
        }
        self.at += HEADER_BYTES + meta.len();
        self.cluster_version =
            split_version(header.format, &mut meta).map_err(|reason| corrupt(&self.path, 0, reason))?;
        (self.position, self.meta) = (header.position, meta);
        Ok(())
    }

    /// The index and the term of the last entry that the state contains.
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// The metadata passed to [`SnapshotDir::begin`].
    pub fn meta(&self) -> &[u8] {
        &self.meta
    }

    /// The cluster version of the state.
    pub fn cluster_version(&self) -> u32 {
        self.cluster_version
    }

    /// The length of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next block; `None` once all blocks have been read and the digest over all of them
    /// matched.
    ///
    /// # Errors
    /// [`Fatal::Corrupt`] with the offset of the block or trailer that is damaged; [`Fatal::Disk`].
    pub fn next_block(&mut self) -> Result<Option<&[u8]>, Fatal> {
        if self.complete {
            return Ok(None);
        }
        let offset = self.start + self.at as u64;
        let header = self.peek(BLOCK_HEADER_BYTES)?;
        let (length, crc) = (u32_at(header, 0), u32_at(header, 4));
        if length == 0 {
            return self.end(offset).map(|()| None);
        }
        if length as usize > BLOCK_BYTES_MAX {
            return Err(corrupt(&self.path, offset, format!("a block of {length} bytes")));
        }
        let size = BLOCK_HEADER_BYTES + length as usize;
        let block = self.peek(size)?;
        if block_crc(length, &block[BLOCK_HEADER_BYTES..]) != crc {
            return Err(corrupt(&self.path, offset, "the checksum of a block does not match"));
        }
        self.digest.add(length, crc);
        self.at += size;
        Ok(Some(&self.buffer[self.at - length as usize..self.at]))
    }

    fn end(&mut self, offset: u64) -> Result<(), Fatal> {
        let expected = self.digest.trailer();
        let found = self.peek(TRAILER_BYTES)?;
        if found != expected.as_slice() {
            return Err(corrupt(&self.path, offset, "the digest of the whole file does not match"));
        }
        if offset + TRAILER_BYTES as u64 != self.bytes {
            return Err(corrupt(&self.path, offset, "the file continues after its trailer"));
        }
        self.complete = true;
        Ok(())
    }

    /// The next `count` bytes of the file, which are not consumed.
    fn peek(&mut self, count: usize) -> Result<&[u8], Fatal> {
        if self.buffer.len() - self.at < count {
            let offset = self.start + self.at as u64;
            if self.bytes - offset < count as u64 {
                return Err(corrupt(&self.path, offset, "the file ends too early"));
            }
            self.buffer.drain(..self.at);
            (self.start, self.at) = (offset, 0);
            let have = self.buffer.len();
            let want = (count.max(READ_BYTES) as u64).min(self.bytes - offset) as usize;
            self.buffer.resize(want, 0);
            let into = &mut self.buffer[have..];
            self.file.read_exact_at(into, offset + have as u64).map_err(disk_error(&self.path, "reading"))?;
        }
        Ok(&self.buffer[self.at..self.at + count])
    }

    /// Reads and checks the rest of the file.
    ///
    /// # Errors
    /// Those of [`SnapshotReader::next_block`].
    pub fn verify(mut self) -> Result<SnapshotFile, Fatal> {
        while self.next_block()?.is_some() {}
        assert!(self.complete, "a reader ends with the trailer or an error");
        Ok(SnapshotFile { path: self.path, position: self.position, bytes: self.bytes })
    }
}
