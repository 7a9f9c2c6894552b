//! Reads the log when it is opened: scans it once, and decides what a bad record means.
//!
//! Batches are written one after the other, each only after the previous one was synced, and every
//! record has in `synced` the offset up to which the segment was durable. Let `end` be the offset
//! at which the valid records of a segment end.
//! * If there is a valid record further on with `synced` beyond `end`, or a valid record in a later
//!   segment, the bad record had been durable. It is **damaged**, and the node stops.
//! * Otherwise `end` lies in the last batch, in which a torn write cannot be distinguished from
//!   damage. The rest is **cut** off: a batch with a torn write was never reported durable.
//!
//! In a segment that was reused, the bytes behind `end` are those of an older one. Its records have
//! another salt, so they are no valid ones. Behind each batch there are zeros, in which a clean
//! log ends. The rest to be cut goes up to the last header of a record with the segment's own salt.
//!
//! A file that is shorter than when it was created is lengthened again, and its end is judged by
//! the same rule.
//!
//! A sync marker is written 0.2 s after the last write and on closing; once it follows the last
//! batch, damage to that batch is recognized.
//!
//! Invariants:
//! * After a cut, no header of the cut batch is left after `end`, so that a later scan cannot find
//!   its remains. In a segment that was not reused, only zeros are left.
//! * Everything found is synced before anything is written after it, because it counts as durable
//!   from then on.

use std::path::PathBuf;
use std::sync::Arc;

use super::record::{self, ALIGNMENT, Flaw, Kind, Record};
use super::replay::Replay;
use super::segment::{self, Directory, Names, Segment};
use super::types::Head;
use super::types::{Cut, Options, Recovered};
use super::view::View;
use super::writer::{BLANK_BYTES, CONTROL_KEPT_BYTES};
use crate::env::BLOCK_BYTES;
use crate::error::Fatal;
use crate::storage::{corrupt, disk_error};

/// A log that has been read, before its threads start.
pub(crate) struct Found {
    pub view: View,
    pub head: Head,
    pub recovered: Recovered,
    /// The active segment, and the offset at which the next record is written.
    pub segment: Arc<Segment>,
    pub end: u64,
    /// The bytes before `end` that are in the same block.
    pub block: Vec<u8>,
    /// The segment after the active one, if one was prepared.
    pub next: Option<Segment>,
    /// The paths of the purged segments that were kept.
    pub spares: Vec<PathBuf>,
}

/// The end of the valid records of a segment.
struct Walk {
    end: u64,
    sealed: bool,
    flaw: Flaw,
}

pub(crate) fn recover(directory: &Directory, options: &Options) -> Result<Found, Fatal> {
    let Names { segments: mut sequences, spares } = directory.names()?;
    if sequences.is_empty() {
        create_first(directory, options)?;
        sequences.push(1);
    }
    if let Some(pair) = sequences.windows(2).find(|pair| pair[0] + 1 != pair[1]) {
        let reason = format!("segment {} is missing, but later ones exist", pair[0] + 1);
        return Err(Fatal::Directory { path: directory.path.clone(), reason });
    }
    let mut replay = Replay::new(View::new(options.cache_bytes_max), sequences[0]);
    let mut bytes = Vec::new();
    let mut before: Option<Arc<Segment>> = None;
    let mut rest = sequences.into_iter();
    for sequence in rest.by_ref() {
        let segment = Arc::new(directory.open(sequence)?);
        read_whole(&segment, &mut bytes)?;
        let walk = walk(&segment, &bytes, &mut replay)?;
        if walk.sealed {
            before = Some(segment);
            continue;
        }
        let later: Vec<u64> = rest.collect();
        let cut = judge_tail(&segment, &bytes, &walk)?;
        let block = bytes[block_of(walk.end) as usize..walk.end as usize].to_vec();
        let next = judge_later(directory, options, &segment, &walk, &later, &mut bytes)?;
        make_durable(before.as_deref(), &segment, cut.as_ref())?;
        let segment = make_whole(segment, walk.end, options)?;
        replay.check(&directory.path)?;
        let Replay { view, head, .. } = replay;
        let recovered = Recovered {
            vote: head.vote.clone(),
            committed: head.committed.clone(),
            first: view.first(),
            last: view.last,
            purged: view.purged,
            cut,
        };
        return Ok(Found { view, head, recovered, segment, end: walk.end, block, next, spares });
    }
    let path = before.map_or_else(|| directory.path.clone(), |last| last.path.clone());
    Err(Fatal::Directory { path, reason: "the segment after this one is missing".to_owned() })
}

/// Creates the first segment together with its head, so that a log whose oldest segment has no head
/// is known to be damaged.
fn create_first(directory: &Directory, options: &Options) -> Result<(), Fatal> {
    let made = directory.create(1, options.segment_bytes, |salt| {
        let (mut bytes, payload) = (Vec::new(), Head::default().encode());
        let synced = segment::HEADER_BYTES as u32;
        let head = Record { kind: Kind::Head, index: 0, term: 0, synced, payload: &payload };
        record::encode(&mut bytes, salt, segment::HEADER_BYTES, head);
        bytes
    });
    made.map(drop).map_err(disk_error(&directory.path, "creating the log"))
}

/// The start of the block with this offset.
fn block_of(offset: u64) -> u64 {
    offset - offset % BLOCK_BYTES as u64
}

/// Reads a whole segment at once, usually 64 MiB, so that the search for records after a bad one
/// needs no second read.
fn read_whole(segment: &Segment, bytes: &mut Vec<u8>) -> Result<(), Fatal> {
    bytes.resize(segment.bytes as usize, 0);
    segment.file.read_exact_at(bytes, 0).map_err(disk_error(&segment.path, "reading"))
}

fn walk(segment: &Arc<Segment>, bytes: &[u8], replay: &mut Replay) -> Result<Walk, Fatal> {
    let mut end = segment::HEADER_BYTES;
    replay.enter(segment);
    loop {
        match record::decode(&bytes[end as usize..], segment.salt(), end) {
            Ok(record) => {
                replay.apply(end, &record).map_err(|reason| corrupt(&segment.path, end, reason))?;
                end += record.size();
                if record.kind == Kind::Seal {
                    return Ok(Walk { end, sealed: true, flaw: Flaw::Blank });
                }
            }
            Err(flaw) => {
                if end == segment::HEADER_BYTES && replay.oldest == segment.sequence {
                    return Err(corrupt(&segment.path, end, format!("the log's first record: {flaw}")));
                }
                return Ok(Walk { end, sealed: false, flaw });
            }
        }
    }
}

/// Decides whether the valid records of the last segment end at a torn write, which is returned, or
/// at damage, which is an error.
fn judge_tail(segment: &Segment, bytes: &[u8], walk: &Walk) -> Result<Option<Cut>, Fatal> {
    let mut remains_end = None;
    for (offset, found) in headers_from(bytes, segment.salt(), walk.end) {
        if let Some(record) = found
            && u64::from(record.synced) > walk.end
        {
            let reason =
                format!("{}; it was durable before the record at byte {offset} was written", walk.flaw);
            return Err(corrupt(&segment.path, walk.end, reason));
        }
        remains_end = Some(offset + record::HEADER_BYTES as u64);
    }
    let used = if segment.is_reused() {
        // Without zeros at the end, a batch has been torn there, even if no header of it is left.
        let torn = (walk.flaw != Flaw::Blank).then_some((walk.end + BLANK_BYTES).min(segment.bytes));
        remains_end.max(torn).map(|end| end - walk.end)
    } else {
        bytes[walk.end as usize..].iter().rposition(|byte| *byte != 0).map(|last| last as u64 + 1)
    };
    Ok(used.map(|bytes| Cut { path: segment.path.clone(), offset: walk.end, bytes }))
}

/// Checks that the segments after the active one have no records, and keeps the first of them as
/// the prepared one.
fn judge_later(
    directory: &Directory,
    options: &Options,
    segment: &Segment,
    walk: &Walk,
    later: &[u64],
    bytes: &mut Vec<u8>,
) -> Result<Option<Segment>, Fatal> {
    let mut next = None;
    for sequence in later.iter().rev() {
        let prepared = directory.open(*sequence)?;
        read_whole(&prepared, bytes)?;
        if headers_from(bytes, prepared.salt(), segment::HEADER_BYTES).any(|(_, record)| record.is_some()) {
            let reason =
                format!("{}; but segment {sequence}, begun after it was durable, has records", walk.flaw);
            return Err(corrupt(&segment.path, walk.end, reason));
        }
        let blank = bytes[segment::HEADER_BYTES as usize..].iter().all(|byte| *byte == 0);
        let whole =
            prepared.bytes >= options.segment_bytes && prepared.bytes.is_multiple_of(BLOCK_BYTES as u64);
        if *sequence == segment.sequence + 1 && (blank || prepared.is_reused()) && whole {
            next = Some(prepared);
        } else {
            directory.remove(&prepared.path)?;
        }
    }
    Ok(next)
}

/// The valid headers of records that begin at or after `from`, at any alignment of eight bytes,
/// each with its record if that is valid too.
fn headers_from(bytes: &[u8], salt: u32, from: u64) -> impl Iterator<Item = (u64, Option<Record<'_>>)> {
    assert_eq!(from % ALIGNMENT, 0, "records are aligned");
    let last = (bytes.len() as u64).saturating_sub(record::HEADER_BYTES as u64);
    (from..=last).step_by(ALIGNMENT as usize).filter_map(move |offset| {
        let rest = &bytes[offset as usize..];
        // Most of the bytes are zeros or payload; looking at the kind first skips them cheaply.
        if rest[record::KIND_AT] == 0 {
            return None;
        }
        match record::decode(rest, salt, offset) {
            Ok(record) => Some((offset, Some(record))),
            Err(Flaw::Short { .. } | Flaw::Checksum) => Some((offset, None)),
            Err(Flaw::Header | Flaw::Blank) => None,
        }
    })
}

/// Removes the torn tail and syncs the rest, which may have come from the page cache without being
/// on the disk.
fn make_durable(before: Option<&Segment>, segment: &Segment, cut: Option<&Cut>) -> Result<(), Fatal> {
    if let Some(Cut { path, offset, bytes }) = cut {
        tracing::warn!(path = %path.display(), offset, bytes, "cut a torn write off the end of the log");
        segment
            .file
            .zero_fill(*offset, offset + bytes)
            .map_err(disk_error(path, "clearing the torn tail"))?;
    }
    // The previous segment is synced too. Its seal is normally synced before the next segment is
    // used, but if the process was killed in between, the seal may be only in the page cache.
    for segment in before.into_iter().chain([segment]) {
        segment.file.sync_data().map_err(disk_error(&segment.path, "syncing"))?;
    }
    Ok(())
}

/// Restores the length with which a segment was created. A crash does not shorten a segment, so
/// something else truncated the file. Earlier versions made segments for large entries that do not
/// end with a whole block.
fn make_whole(segment: Arc<Segment>, end: u64, options: &Options) -> Result<Arc<Segment>, Fatal> {
    let block = BLOCK_BYTES as u64;
    let enough = end + CONTROL_KEPT_BYTES <= segment.bytes;
    let whole = segment.bytes >= options.segment_bytes && enough;
    if whole && segment.bytes.is_multiple_of(block) {
        return Ok(segment);
    }
    let bytes = options.segment_bytes.max(end + CONTROL_KEPT_BYTES).max(segment.bytes);
    let bytes = bytes.next_multiple_of(block);
    let path = &segment.path;
    if !whole {
        tracing::warn!(path = %path.display(), found = segment.bytes, bytes, "restored a truncated log segment");
    }
    segment.file.zero_fill(segment.bytes, bytes).map_err(disk_error(path, "lengthening"))?;
    segment.file.sync_all().map_err(disk_error(path, "syncing"))?;
    let Segment { sequence, header, ref path, ref file, ref writes, .. } = *segment;
    let (path, file, writes) = (path.clone(), file.clone(), writes.clone());
    Ok(Arc::new(Segment { sequence, header, bytes, path, file, writes }))
}
