//! One record: 32 bytes of header, the payload, zeros up to a multiple of eight bytes.
//!
//! ```text
//! 0  length  u32   bytes of payload
//! 4  crc32c  u32   over bytes 0..4 and 8.. including the padding; seeded, see below
//! 8  index   u64
//! 16 term    u64
//! 24 synced  u32   the offset up to which this segment was durable when the
//!                  record was written
//! 28 kind    u8
//! 29 check   u24   the low bits of the crc32c over bytes 0..4 and 8..29, with the same seed
//! ```
//! Numbers are little-endian.
//!
//! * The checksum is seeded with the segment's random salt and the record's offset. A copy of a
//!   record at another place, such as a reused disk block or a client's document, is therefore not
//!   valid.
//! * Records begin at multiples of eight, so a search for them has few candidates. The `check` of
//!   the header rejects most bytes that look like a header, without the checksum of a long payload.
//! * `synced` is at most the record's own offset.

use bytes::Bytes;

use super::types::PAYLOAD_BYTES_MAX;

pub(crate) const HEADER_BYTES: usize = 32;
pub(crate) const ALIGNMENT: u64 = 8;
/// Offset of the kind in the header; the kind is never 0.
pub(crate) const KIND_AT: usize = 28;

/// The kind of a record. `index` and `term` of a record are those of the entry that it concerns, or
/// 0 if it concerns none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The first record of each segment: a summary of all earlier segments except their entries.
    Head = 1,
    Entry = 2,
    Vote = 3,
    Committed = 4,
    /// All entries from `index` on are removed.
    Truncate = 5,
    /// Entries up to `index`, which has the term `term`, are no longer needed. The next entry may
    /// be `index + 1` even if the log ended before `index`.
    Purge = 6,
    /// The last record of a segment that has a successor.
    Seal = 7,
    /// A record without content of its own; only its `synced` matters.
    SyncMarker = 8,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Kind> {
        Some(match byte {
            1 => Kind::Head,
            2 => Kind::Entry,
            3 => Kind::Vote,
            4 => Kind::Committed,
            5 => Kind::Truncate,
            6 => Kind::Purge,
            7 => Kind::Seal,
            8 => Kind::SyncMarker,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub kind: Kind,
    pub index: u64,
    pub term: u64,
    pub synced: u32,
    pub payload: &'a [u8],
}

impl Record<'_> {
    pub(crate) fn size(&self) -> u64 {
        size_of(self.payload.len())
    }

    pub(crate) fn payload_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.payload)
    }
}

/// The reason why bytes are not a valid record. These texts appear in the server's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    #[error("the file ends within a record")]
    Short { need: u64 },
    #[error("there is no record")]
    Blank,
    #[error("the header of a record is damaged")]
    Header,
    #[error("the checksum of a record does not match")]
    Checksum,
}

/// The size that a record with a payload of this length takes in a segment.
pub(crate) const fn size_of(payload: usize) -> u64 {
    ((HEADER_BYTES + payload) as u64).next_multiple_of(ALIGNMENT)
}

/// Appends the encoded record, for this offset of a segment with this salt.
pub(crate) fn encode(buffer: &mut Vec<u8>, salt: u32, offset: u64, record: Record<'_>) {
    assert!(record.payload.len() <= PAYLOAD_BYTES_MAX, "the payload is within the limit");
    assert_eq!(offset % ALIGNMENT, 0, "a record begins at a multiple of eight");
    assert!(u64::from(record.synced) <= offset, "a record cannot be durable before it is written");
    let start = buffer.len();
    let length = (record.payload.len() as u32).to_le_bytes();
    buffer.reserve(record.size() as usize);
    buffer.extend_from_slice(&length);
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&record.index.to_le_bytes());
    buffer.extend_from_slice(&record.term.to_le_bytes());
    buffer.extend_from_slice(&record.synced.to_le_bytes());
    buffer.push(record.kind as u8);
    let check = checksum(salt, offset, &buffer[start..]).to_le_bytes();
    buffer.extend_from_slice(&check[..3]);
    buffer.extend_from_slice(record.payload);
    buffer.resize(start + record.size() as usize, 0);
    let crc = checksum(salt, offset, &buffer[start..]);
    buffer[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// Decodes the record at the start of `bytes`, which were read from `offset` of a segment with this
/// salt.
pub(crate) fn decode(bytes: &[u8], salt: u32, offset: u64) -> Result<Record<'_>, Flaw> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Err(if bytes.iter().all(|byte| *byte == 0) {
            Flaw::Blank
        } else {
            Flaw::Short { need: HEADER_BYTES as u64 }
        });
    };
    let Some(kind) = Kind::from_byte(header[KIND_AT]) else {
        return Err(if header.iter().all(|byte| *byte == 0) { Flaw::Blank } else { Flaw::Header });
    };
    let length = u32_at(header, 0) as usize;
    let synced = u32_at(header, 24);
    if checksum(salt, offset, &header[..29]).to_le_bytes()[..3] != header[29..] {
        return Err(Flaw::Header);
    }
    if length > PAYLOAD_BYTES_MAX || u64::from(synced) > offset {
        return Err(Flaw::Header);
    }
    let size = size_of(length);
    let Some(whole) = bytes.get(..size as usize) else {
        return Err(Flaw::Short { need: size });
    };
    if checksum(salt, offset, whole) != u32_at(header, 4) {
        return Err(Flaw::Checksum);
    }
    let payload = &whole[HEADER_BYTES..HEADER_BYTES + length];
    Ok(Record { kind, index: u64_at(header, 8), term: u64_at(header, 16), synced, payload })
}

/// The checksum of `record` without bytes 4..8, which hold the checksum itself.
fn checksum(salt: u32, offset: u64, record: &[u8]) -> u32 {
    // An offset within a segment has at most 32 bits. Without the multiplication, the seeds of
    // adjacent records would differ mostly in a few low bits.
    let seed = salt ^ (offset as u32).wrapping_mul(0x9E37_79B1);
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &record[..4]), &record[8..])
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("the caller checked the length"))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("the caller checked the length"))
}

const _: () =
    assert!((HEADER_BYTES as u64).is_multiple_of(ALIGNMENT), "an empty record must keep the alignment");

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<u8>, Record<'static>) {
        let record =
            Record { kind: Kind::Entry, index: 7, term: 3, synced: 64, payload: b"payload of 21 bytes.." };
        let mut bytes = Vec::new();
        encode(&mut bytes, 99, 128, record);
        (bytes, record)
    }

    #[test]
    fn a_record_reads_back_and_ends_at_a_multiple_of_eight() {
        let (bytes, record) = sample();
        assert_eq!(bytes.len(), 56);
        assert_eq!(decode(&bytes, 99, 128), Ok(record));
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let (bytes, _) = sample();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bad, 99, 128).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_record_at_another_offset_is_invalid() {
        let (bytes, _) = sample();
        assert_eq!(decode(&bytes, 98, 128), Err(Flaw::Header));
        assert_eq!(decode(&bytes, 99, 136), Err(Flaw::Header));
    }

    #[test]
    fn short_and_blank_are_distinguished() {
        let (bytes, _) = sample();
        assert_eq!(decode(&bytes[..50], 99, 128), Err(Flaw::Short { need: 56 }));
        assert_eq!(decode(&bytes[..20], 99, 128), Err(Flaw::Short { need: 32 }));
        assert_eq!(decode(&[0; 20], 99, 128), Err(Flaw::Blank));
        assert_eq!(decode(&[0; 64], 99, 128), Err(Flaw::Blank));
    }
}
