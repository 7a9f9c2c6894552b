//! The binary layout of the parts of a snapshot file.

use crate::storage::log::LogPosition;
use crate::version;

pub(super) const HEADER_BYTES: usize = 40;
pub(super) const BLOCK_HEADER_BYTES: usize = 8;
pub(super) const TRAILER_BYTES: usize = 32;
/// The format of a snapshot of the first cluster version, and that of a later one.
pub(super) const FORMATS: [u32; 2] = [2, 3];
/// Length of the cluster version at the end of the metadata of format 3.
pub(super) const VERSION_BYTES: usize = 4;
const MAGIC: &[u8; 8] = b"JVSNAPSH";

/// The running digest over all blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub blocks: u64,
    pub bytes: u64,
    hash: u64,
}

impl Digest {
    /// Adds the next block. Multiplication by an odd number and rotation are both reversible, so
    /// another length or checksum of one block always changes the digest.
    pub(super) fn add(&mut self, length: u32, crc: u32) {
        let word = u64::from(length) << 32 | u64::from(crc);
        self.hash = (self.hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
        self.blocks += 1;
        self.bytes += u64::from(length);
    }

    pub(super) fn trailer(&self) -> [u8; TRAILER_BYTES] {
        let mut trailer = [0; TRAILER_BYTES];
        trailer[8..16].copy_from_slice(&self.blocks.to_le_bytes());
        trailer[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        trailer[24..32].copy_from_slice(&self.hash.to_le_bytes());
        let crc = crc32c::crc32c(&trailer[8..]);
        trailer[4..8].copy_from_slice(&crc.to_le_bytes());
        trailer
    }
}

/// The header and the metadata of a snapshot at this cluster version.
pub(super) fn header(group: u32, (index, term): LogPosition, meta: &[u8], cluster_version: u32) -> Vec<u8> {
    let is_first = cluster_version == version::FIRST;
    let cluster_version = cluster_version.to_le_bytes();
    let meta = [meta, if is_first { &[] } else { &cluster_version }].concat();
    let mut header = Vec::with_capacity(HEADER_BYTES + meta.len());
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&FORMATS[usize::from(!is_first)].to_le_bytes());
    header.extend_from_slice(&group.to_le_bytes());
    header.extend_from_slice(&index.to_le_bytes());
    header.extend_from_slice(&term.to_le_bytes());
    header.extend_from_slice(&(meta.len() as u32).to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header), &meta);
    header.extend_from_slice(&crc.to_le_bytes());
    assert_eq!(header.len(), HEADER_BYTES, "the header has its fixed length");
    header.extend_from_slice(&meta);
    header
}

/// Removes the cluster version from the end of the metadata of a file in this format, and returns
/// it.
pub(super) fn split_version(format: u32, meta: &mut Vec<u8>) -> Result<u32, String> {
    if format == FORMATS[0] {
        return Ok(version::FIRST);
    }
    let at = meta.len().checked_sub(VERSION_BYTES).ok_or("the metadata has no cluster version")?;
    let cluster_version = u32_at(meta, at);
    meta.truncate(at);
    Ok(cluster_version)
}

/// The fields of a header whose checksum has not been checked yet.
pub(super) struct Header {
    pub format: u32,
    pub group: u32,
    pub position: LogPosition,
    pub meta_bytes: usize,
    pub crc: u32,
}

pub(super) fn parse_header(header: &[u8; HEADER_BYTES]) -> Result<Header, String> {
    if &header[..8] != MAGIC {
        return Err("not a snapshot".to_owned());
    }
    Ok(Header {
        format: u32_at(header, 8),
        group: u32_at(header, 12),
        position: (u64_at(header, 16), u64_at(header, 24)),
        meta_bytes: u32_at(header, 32) as usize,
        crc: u32_at(header, 36),
    })
}

pub(super) fn block_crc(length: u32, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), payload)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("the caller checked the length"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("the caller checked the length"))
}
