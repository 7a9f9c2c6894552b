//! Reads entries back from their segments, in large pieces.

use std::sync::Arc;

use super::index::Position;
use super::record::{self, Flaw, Kind};
use super::segment::Segment;
use super::types::Entry;
use crate::error::Fatal;
use crate::storage::{corrupt, disk_error};

/// Maximum size of one read from a segment, unless a single record is larger.
const PIECE_BYTES_MAX: u64 = 1 << 20;
/// Minimum size of one read. It usually includes the next few small entries at no extra cost.
const PIECE_BYTES_MIN: u64 = 4 << 10;

/// Reads the entries at known positions until their payloads exceed `bytes_left`; if `at_least_one`
/// is true, the first is read regardless of its size. Returns whether all entries were read.
pub(crate) fn read(
    positions: &[(u64, Position, Arc<Segment>)],
    bytes_left: &mut usize,
    at_least_one: bool,
    into: &mut Vec<Entry>,
) -> Result<bool, Fatal> {
    let mut piece = Piece { segment: None, start: 0, bytes: Vec::new() };
    for (at, (index, position, segment)) in positions.iter().enumerate() {
        let ahead = ahead(&positions[at..], *bytes_left);
        let entry = piece.entry(segment, u64::from(position.offset), *index, ahead)?;
        let must = at_least_one && at == 0;
        if entry.payload.len() > *bytes_left && !must {
            return Ok(false);
        }
        *bytes_left = bytes_left.saturating_sub(entry.payload.len());
        into.push(entry);
    }
    Ok(true)
}

/// The number of bytes to read at once from the first of these positions: up to the end of the last
/// one in the same segment, within the limits.
fn ahead(positions: &[(u64, Position, Arc<Segment>)], bytes_left: usize) -> u64 {
    let first = positions[0].1;
    let in_reach = |offset: u32| u64::from(offset - first.offset) < PIECE_BYTES_MAX;
    let last =
        positions.iter().take_while(|(_, at, _)| at.segment == first.segment && in_reach(at.offset)).last();
    let span = last.map_or(0, |(_, at, _)| u64::from(at.offset - first.offset));
    span.min(bytes_left as u64) + PIECE_BYTES_MIN
}

/// A part of a segment in memory.
struct Piece {
    segment: Option<u64>,
    start: u64,
    bytes: Vec<u8>,
}

impl Piece {
    fn entry(&mut self, segment: &Segment, offset: u64, index: u64, ahead: u64) -> Result<Entry, Fatal> {
        if self.segment != Some(segment.sequence) || !(self.start..self.end()).contains(&offset) {
            self.load(segment, offset, ahead)?;
        }
        let mut parsed = self.decode(segment, offset);
        if let Err(Flaw::Short { need }) = parsed {
            self.load(segment, offset, need.max(ahead))?;
            parsed = self.decode(segment, offset);
            if let Err(Flaw::Short { need }) = parsed {
                self.load(segment, offset, need)?;
                parsed = self.decode(segment, offset);
            }
        }
        let record = parsed.map_err(|flaw| corrupt(&segment.path, offset, flaw.to_string()))?;
        if record.kind != Kind::Entry || record.index != index {
            return Err(corrupt(
                &segment.path,
                offset,
                format!("entry {index} is no longer at its position in the segment"),
            ));
        }
        Ok(Entry { index, term: record.term, payload: record.payload_bytes() })
    }

    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    fn decode(&self, segment: &Segment, offset: u64) -> Result<record::Record<'_>, Flaw> {
        record::decode(&self.bytes[(offset - self.start) as usize..], segment.salt(), offset)
    }

    fn load(&mut self, segment: &Segment, offset: u64, bytes: u64) -> Result<(), Fatal> {
        assert!(offset < segment.bytes, "an entry is beyond the end of its segment");
        let bytes = bytes.min(segment.bytes - offset);
        (self.segment, self.start) = (Some(segment.sequence), offset);
        self.bytes.resize(bytes as usize, 0);
        segment.file.read_exact_at(&mut self.bytes, offset).map_err(disk_error(&segment.path, "reading"))
    }
}
