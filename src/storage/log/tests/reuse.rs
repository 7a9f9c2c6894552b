//! Purged segments are used again, and what they held never comes back.

use std::io::ErrorKind;

use super::*;
use crate::random::Random;
use crate::storage::log::read;
use crate::storage::log::segment::SPARES_MAX;
use crate::storage::log::view::Source;
use crate::testkit::{Op, SECTOR_BYTES};

/// Segments of several blocks, so that old records remain behind the first one.
fn blocks() -> Options {
    Options { segment_bytes: 16 << 10, ..options() }
}

fn open_blocks(disk: &SimDisk) -> (Log, Recovered) {
    Log::open(disk.shared(), Path::new(DIR), blocks()).unwrap()
}

/// The path of the newest segment with records.
fn active(disk: &SimDisk) -> PathBuf {
    segments(disk).pop().unwrap().0
}

fn is_reused(bytes: &[u8]) -> bool {
    record::u32_at(bytes, 28) == 1
}

/// A log whose active segment is a reused one and full of old records behind its end; and its last
/// entry.
fn reused() -> (SimDisk, Log, u64) {
    let disk = SimDisk::new();
    let (log, _) = open_blocks(&disk);
    let mut last = 0;
    while last == 0 || !is_reused(&disk.contents(&active(&disk)).unwrap()) {
        fill(&log, last + 1..=last + 100, 1);
        last += 100;
        log.purge_up_to(last - 20, 1).unwrap();
    }
    let bytes = disk.contents(&active(&disk)).unwrap();
    let (start, size, _) = *records(&bytes).last().unwrap();
    let end = (start + size + 32).next_multiple_of(4096);
    assert!(bytes[start + size..end].iter().all(|byte| *byte == 0), "zeros follow the last record");
    assert!(bytes[end..].iter().any(|byte| *byte != 0), "old records follow them");
    (disk, log, last)
}

#[test]
fn purged_segments_are_used_again_and_need_no_more_room() {
    let (disk, log, mut last) = reused();
    let used = disk.used();
    // Without a free byte, no new file can be prepared.
    disk.set_capacity(Some(used));
    for _ in 0..40 {
        let entries = last + 1..=last + 50;
        entries.for_each(|index| append(&log, vec![entry(index, 2)]).unwrap());
        last += 50;
        log.purge_up_to(last - 20, 2).unwrap();
    }
    assert_eq!((disk.used(), log.stats().stalled), (used, false));
    let expected = read_all(&log);
    assert_eq!(expected.len(), 20);
    drop(log);
    let (log, recovered) = open_blocks(&disk);
    assert_eq!((recovered.last, recovered.cut), (Some((last, 2)), None), "a clean end is no cut");
    assert_eq!(read_all(&log), expected);
}

#[test]
fn at_most_some_segments_are_kept() {
    let disk = SimDisk::new();
    let (log, _) = open_blocks(&disk);
    let mut last = 0;
    while log.stats().segments < SPARES_MAX as u64 + 4 {
        fill(&log, last + 1..=last + 50, 1);
        last += 50;
    }
    until("a prepared segment", || log.inner.preparer.state().0);
    log.purge_up_to(last, 1).unwrap();
    assert_eq!((log.stats().segments, log.inner.preparer.spares()), (1, SPARES_MAX));
    let files = disk.shared().list(Path::new(DIR)).unwrap();
    assert_eq!(files.len(), SPARES_MAX + 2, "{files:?}");
    drop(log);
    // A spare whose header is unreadable, and one of another length.
    let mut spares =
        files.iter().filter(|name| name.ends_with(".spare")).map(|name| Path::new(DIR).join(name));
    disk.overwrite(&spares.next().unwrap(), 24, &[0xff]);
    disk.truncate(&spares.next().unwrap(), 4096);
    let (log, recovered) = open_blocks(&disk);
    assert_eq!(recovered.last, Some((last, 1)));
    let (prepared, _) = log.inner.preparer.state();
    assert!(log.inner.preparer.spares() + usize::from(!prepared) >= SPARES_MAX - 3);
    fill(&log, last + 1..=last + 2000, 2);
    drop(log);
    assert_eq!(open_blocks(&disk).1.last, Some((last + 2000, 2)));
}

#[test]
fn a_segment_that_is_being_read_is_not_used_again() {
    let disk = SimDisk::new();
    let (log, _) = open_blocks(&disk);
    fill(&log, 1..=1000, 1);
    let source = log.inner.view.lock().source(1, 20, usize::MAX);
    let Source::Disk(positions) = source else { panic!("the first entries are not in memory") };
    log.purge_up_to(990, 1).unwrap();
    fill(&log, 1001..=3000, 2);
    let (mut left, mut found) = (usize::MAX, Vec::new());
    assert!(read::read(&positions, &mut left, true, &mut found).unwrap());
    assert_eq!(found, (1..20).map(|index| entry(index, 1)).collect::<Vec<_>>());
}

/// A batch of entries of several blocks, in another term than all before.
fn batch(last: u64) -> Vec<Entry> {
    (last + 1..=last + 6).map(|index| entry_of(index, 9, 700)).collect()
}

/// The active segment before and after [`batch`], which is written into it; and its end before.
fn images(disk: &SimDisk, log: &Log, last: u64) -> (PathBuf, Vec<u8>, Vec<u8>, usize) {
    let path = active(disk);
    let before = disk.contents(&path).unwrap();
    append(log, batch(last)).unwrap();
    let after = disk.contents(&path).unwrap();
    assert_eq!(active(disk), path, "the batch fits");
    let (start, size, _) = *records(&before).last().unwrap();
    (path, before, after, start + size)
}

/// Opens a log whose last batch was torn. Of it, a beginning may be found, and nothing else beside
/// the `expected` entries. What is written afterwards is found as well.
fn assert_torn(disk: &SimDisk, expected: &[Entry], context: &str) {
    let last = expected.last().unwrap().index;
    let (log, recovered) = open_blocks(disk);
    let found = read_all(&log);
    let all = [expected, &batch(last)].concat();
    assert!(found.len() >= expected.len() && all.starts_with(&found), "{context}: {recovered:?}");
    drop(log);
    let (log, again) = open_blocks(disk);
    assert_eq!((again.cut, again.last), (None, recovered.last), "{context}: the cut is permanent");
    // The records have the sizes of the torn ones, so that those would fit behind them.
    let end = found.last().unwrap().index;
    append(&log, vec![entry_of(end + 1, 10, 700)]).unwrap();
    drop(log);
    let (log, recovered) = open_blocks(disk);
    assert_eq!((recovered.last, recovered.cut), (Some((end + 1, 10)), None), "{context}");
    assert_eq!(read_all(&log).len(), found.len() + 1, "{context}");
}

#[test]
fn a_batch_torn_at_any_byte_over_old_records_is_cut() {
    let (disk, log, last) = reused();
    let expected = read_all(&log);
    let (path, before, after, end) = images(&disk, &log, last);
    drop(log);
    let changed = (0..after.len()).filter(|at| before[*at] != after[*at]);
    for kept in (changed.clone().min().unwrap()..=changed.max().unwrap()).step_by(3) {
        let torn = [&after[..kept], &before[kept..]].concat();
        disk.overwrite(&path, 0, &torn);
        assert_torn(&disk, &expected, &format!("{kept} bytes kept, {end} before"));
    }
}

#[test]
fn a_batch_of_which_any_sectors_are_missing_is_cut() {
    let (disk, log, last) = reused();
    let expected = read_all(&log);
    let (path, before, after, _) = images(&disk, &log, last);
    drop(log);
    for seed in 0..400 {
        let mut random = Random::seeded(seed);
        let mut torn = before.clone();
        for from in (0..torn.len()).step_by(SECTOR_BYTES) {
            let end = from + if random.one_in(4) { random.below(512) as usize } else { SECTOR_BYTES };
            if random.one_in(2) {
                torn[from..end].copy_from_slice(&after[from..end]);
            }
        }
        disk.overwrite(&path, 0, &torn);
        assert_torn(&disk, &expected, &format!("seed {seed}"));
    }
}

#[test]
fn a_flipped_bit_in_a_reused_segment_stops_the_node_and_is_located() {
    let (disk, log, last) = reused();
    log.save_vote(b"vote").unwrap();
    fill(&log, last + 1..=last + 5, 2);
    log.close().unwrap();
    drop(log);
    let path = active(&disk);
    let good = disk.contents(&path).unwrap();
    assert!(is_reused(&good));
    let mut found = records(&good);
    assert_eq!(found.pop().unwrap().2, Kind::SyncMarker);
    for (start, size, kind) in found {
        for at in (start..start + size).step_by(5) {
            disk.overwrite(&path, at, &[good[at] ^ (1 << (at % 8))]);
            match Log::open(disk.shared(), Path::new(DIR), blocks()) {
                Err(Fatal::Corrupt { path: damaged, offset, .. }) => {
                    assert_eq!((&damaged, offset), (&path, start as u64), "byte {at} of {kind:?}");
                }
                other => panic!("byte {at} of {kind:?}: {:?}", other.map(|(_, recovered)| recovered)),
            }
            disk.overwrite(&path, at, &good[at..=at]);
        }
    }
}

#[test]
fn every_step_of_a_reuse_may_fail_and_is_retried() {
    for op in [Op::Write, Op::Sync, Op::Rename, Op::SyncDir] {
        let (disk, log, last) = reused();
        until("a prepared segment", || log.inner.preparer.state().0);
        assert!(log.inner.preparer.spares() > 0);
        let next =
            log.inner.view.lock().segments.last_key_value().map(|(sequence, _)| u64::from(sequence + 1));
        let expected = read_all(&log);
        // The active segment and the one before it, if there is one.
        let syncs_of_a_start = log.stats().segments.min(2);
        drop(log);
        // Removed, so that the next start has to prepare this segment.
        disk.shared().remove(&path_of(next.unwrap())).unwrap();
        disk.fail(op, if op == Op::Sync { syncs_of_a_start } else { 0 }, ErrorKind::StorageFull);
        let (log, recovered) = open_blocks(&disk);
        assert_eq!(recovered.last, Some((last, 1)), "{op:?}");
        until("a prepared segment", || log.inner.preparer.state().0);
        fill(&log, last + 1..=last + 1000, 2);
        assert!(!log.stats().poisoned);
        drop(log);
        let (log, recovered) = open_blocks(&disk);
        assert_eq!((recovered.last, recovered.cut), (Some((last + 1000, 2)), None), "{op:?}");
        assert!(read_all(&log).starts_with(&expected));
    }
}

#[test]
fn a_file_system_without_direct_writes_gets_the_same_bytes() {
    let write = |disk: &SimDisk| {
        let (log, _) = open_blocks(disk);
        fill(&log, 1..=200, 1);
        log.close().unwrap();
        let path = log.path().join("00000000000000000001.log");
        records(&disk.contents(&path).unwrap())
    };
    let (direct, buffered) = (SimDisk::new(), SimDisk::new());
    buffered.refuse_direct();
    assert_eq!(write(&direct), write(&buffered));
    assert_eq!(read_all(&open_blocks(&direct).0), read_all(&open_blocks(&buffered).0));
}

#[test]
fn a_segment_without_whole_blocks_is_completed() {
    // Earlier versions lengthened a segment to a multiple of eight, for a large entry.
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 1..=5, 1);
    drop(log);
    let file = disk.shared().open(&path_of(1), crate::env::Open::Write).unwrap();
    file.zero_fill(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MIN + 1000).unwrap();
    let (log, recovered) = open(&disk);
    assert_eq!((recovered.last, recovered.cut), (Some((5, 1)), None));
    fill(&log, 6..=400, 1);
    drop(log);
    assert_eq!(disk.contents(&path_of(1)).unwrap().len() as u64, 2 * SEGMENT_BYTES_MIN);
    assert_eq!(open(&disk).1.last, Some((400, 1)));
}

/// An entry whose record ends `left` bytes before the end of a block, if the log ends at `end`.
fn entry_up_to_a_block(index: u64, end: usize, left: usize) -> Entry {
    let size = (end + 32 + left + 1).next_multiple_of(4096) - left - end;
    entry_of(index, 9, size - 32)
}

fn end_of(bytes: &[u8]) -> usize {
    records(bytes).last().map(|(start, size, _)| start + size).unwrap()
}

#[test]
fn a_log_that_ends_with_a_block_has_a_clean_end() {
    for left in [0, 8, 16, 24, 32, 40] {
        let (disk, log, last) = reused();
        let path = active(&disk);
        let filling = entry_up_to_a_block(last + 1, end_of(&disk.contents(&path).unwrap()), left);
        append(&log, vec![filling]).unwrap();
        let bytes = disk.contents(&path).unwrap();
        let end = end_of(&bytes);
        assert_eq!((end + left) % 4096, 0);
        assert!(bytes[end..end + 32].iter().all(|byte| *byte == 0), "{left} bytes are left");
        drop(log);
        let (log, recovered) = open_blocks(&disk);
        assert_eq!((recovered.last, recovered.cut), (Some((last + 1, 9)), None), "{left} bytes are left");
        fill(&log, last + 2..=last + 9, 9);
    }
}

#[test]
fn intact_records_of_a_torn_batch_never_follow_those_of_a_later_torn_batch() {
    let (disk, log, last) = reused();
    let path = active(&disk);
    let before = disk.contents(&path).unwrap();
    let end = end_of(&before);
    let first = entry_up_to_a_block(last + 1, end, 0);
    let bytes = first.payload.len();
    let boundary = end + 32 + bytes;
    append(&log, vec![first, entry_of(last + 2, 9, 100), entry_of(last + 3, 9, 100)]).unwrap();
    let after = disk.contents(&path).unwrap();
    assert!(is_reused(&after) && boundary.is_multiple_of(4096) && end_of(&after) > boundary);
    drop(log);
    // Of the first batch, the block at the end of the log is missing.
    disk.overwrite(&path, 0, &[&before[..boundary], &after[boundary..]].concat());
    let (log, recovered) = open_blocks(&disk);
    assert_eq!(recovered.last, Some((last, 1)));
    assert_eq!(recovered.cut.map(|cut| cut.offset), Some(end as u64));
    let clean = disk.contents(&path).unwrap();
    // Of the second batch, only that block is there.
    let other = Entry { index: last + 1, term: 9, payload: Bytes::from(vec![1; bytes]) };
    append(&log, vec![other.clone(), entry_of(last + 2, 9, 200)]).unwrap();
    let after = disk.contents(&path).unwrap();
    drop(log);
    disk.overwrite(&path, 0, &[&after[..boundary], &clean[boundary..]].concat());
    let (log, recovered) = open_blocks(&disk);
    assert_eq!(recovered.last, Some((last + 1, 9)), "an entry of the first batch came back");
    assert_eq!(log.read(last + 1..last + 2, usize::MAX).unwrap(), [other]);
}
