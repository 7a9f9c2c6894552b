//! Reads appended entries back, at once and after a restart.

use super::*;
use crate::env::RealDisk;

#[test]
fn entries_are_readable_at_once_and_after_a_restart() {
    let disk = SimDisk::new();
    let (log, recovered) = open(&disk);
    assert_eq!(recovered, Recovered::default());
    let expected: Vec<Entry> = (0..200).map(|index| entry(index, 1 + index / 50)).collect();
    log.set_inline(false);
    let outcomes: Vec<_> = expected.iter().map(|entry| begin(&log, vec![entry.clone()])).collect();
    assert_eq!(read_all(&log), expected, "entries are readable before they are written");
    outcomes.into_iter().for_each(|outcome| outcome.recv().unwrap().unwrap());
    assert_eq!(read_all(&log), expected, "from memory and from disk");
    assert!(log.stats().segments > 3 && log.stats().cached_bytes <= 600);
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!((recovered.first, recovered.last, recovered.cut), (Some(0), Some((199, 4)), None));
    assert_eq!(read_all(&log), expected);
    assert_eq!([0, 49, 50, 199].map(|index| log.term_of(index).unwrap()), [1, 1, 2, 4]);
    assert_eq!(log.term_of(200), None);
}

#[test]
fn the_size_of_the_log_after_an_entry_is_the_same_after_a_restart() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 0..=199, 1);
    let lengths =
        |log: &Log| [None, Some(50), Some(150), Some(199), Some(900)].map(|index| log.bytes_after(index));
    let before = lengths(&log);
    assert!(before[0] > before[1] && before[1] > before[2] && before[2] > before[3], "{before:?}");
    assert_eq!(before[3..], [0, 0]);
    drop(log);
    let (log, _) = open(&disk);
    assert_eq!(lengths(&log), before);
    log.purge_up_to(100, 1).unwrap();
    assert!(log.bytes_after(None) < before[1]);
}

#[test]
fn a_read_stops_at_its_limit_but_returns_something() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    append(&log, (1..=20).map(|index| entry_of(index, 1, 100)).collect()).unwrap();
    for from in [1, 18] {
        let count = |bytes_max| log.read(from..21, bytes_max).unwrap().len();
        assert_eq!((count(0), count(99), count(100), count(250)), (1, 1, 1, 2), "from {from}");
    }
    assert_eq!(log.read(1..21, 1400).unwrap().len(), 14, "across disk and memory");
    assert!(log.read(21..30, 1000).unwrap().is_empty() && log.read(0..1, 1000).unwrap().is_empty());
}

#[test]
fn a_truncation_lasts_and_later_entries_replace_the_truncated() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 1..=60, 1);
    log.truncate_after(Some(30)).unwrap();
    assert_eq!((log.last(), log.term_of(31)), (Some((30, 1)), None));
    fill(&log, 31..=40, 2);
    let expected = read_all(&log);
    assert_eq!(expected.len(), 40);
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!((recovered.last, read_all(&log)), (Some((40, 2)), expected));
    log.truncate_after(None).unwrap();
    assert_eq!((log.last(), log.stats().first), (None, None));
    fill(&log, 0..=3, 3);
    drop(log);
    assert_eq!(open(&disk).1.last, Some((3, 3)));
}

#[test]
fn a_purge_removes_the_segments_of_purged_entries() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 1..=200, 1);
    let before = log.stats().segments;
    log.save_vote(b"vote").unwrap();
    log.purge_up_to(150, 1).unwrap();
    assert!(log.stats().segments < before - 2, "{} of {before} segments are left", log.stats().segments);
    assert_eq!((log.stats().first, log.term_of(150), log.term_of(149)), (Some(151), Some(1), None));
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!(
        (recovered.first, recovered.purged, recovered.last),
        (Some(151), Some((150, 1)), Some((200, 1)))
    );
    assert_eq!(recovered.vote.as_deref(), Some(b"vote".as_slice()));
    assert_eq!(read_all(&log).len(), 50);
}

#[test]
fn a_purge_beyond_the_end_moves_the_log() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 1..=100, 1);
    log.purge_up_to(1000, 7).unwrap();
    assert_eq!((log.last(), log.purged(), log.stats().segments), (Some((1000, 7)), Some((1000, 7)), 1));
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!((recovered.first, recovered.last), (None, Some((1000, 7))));
    fill(&log, 1001..=1003, 8);
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!((recovered.first, recovered.last), (Some(1001), Some((1003, 8))));
    assert_eq!(read_all(&log).len(), 3);
}

#[test]
fn truncated_entries_do_not_hold_their_segment() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 1..=100, 1);
    log.truncate_after(Some(20)).unwrap();
    fill(&log, 21..=60, 2);
    log.truncate_after(Some(10)).unwrap();
    fill(&log, 11..=50, 3);
    log.purge_up_to(12, 3).unwrap();
    let expected = read_all(&log);
    assert_eq!((expected.len(), log.stats().segments < 4), (38, true), "{:?}", log.stats());
    drop(log);
    assert_eq!(read_all(&open(&disk).0), expected);
}

#[test]
fn votes_are_durable_and_commit_records_come_along() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    let syncs = log.stats().syncs;
    log.save_committed(b"one");
    assert_eq!(log.stats().syncs, syncs, "a commit record is not worth a sync");
    log.save_vote(b"first").unwrap();
    log.save_vote(b"second").unwrap();
    log.save_committed(b"two");
    disk.reboot(1);
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!(recovered.vote.as_deref(), Some(b"second".as_slice()));
    assert_eq!(recovered.committed.as_deref(), Some(b"one".as_slice()));
    log.save_committed(b"three");
    log.close().unwrap();
    log.close().unwrap();
    assert!(log.save_vote(b"late").is_err() && append(&log, vec![entry(1, 1)]).is_err());
    drop(log);
    assert_eq!(open(&disk).1.committed.as_deref(), Some(b"three".as_slice()));
}

#[test]
fn an_entry_larger_than_a_segment_gets_one_of_its_size() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    until("a prepared segment", || log.inner.preparer.state().0);
    fill(&log, 1..=2, 1);
    assert!(log.has_room(50_000).is_ok());
    let large = entry_of(3, 1, 50_000);
    append(&log, vec![large.clone(), entry(4, 1)]).unwrap();
    fill(&log, 5..=90, 1);
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!(recovered.last, Some((90, 1)));
    assert_eq!(log.read(3..4, 0).unwrap(), [large]);
    assert!(disk.contents(&path_of(2)).unwrap().len() > 50_000);
}

#[test]
fn an_idle_log_is_written_by_its_caller() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    let syncs = log.stats().syncs;
    let outcome = begin(&log, vec![entry(1, 1)]);
    assert!(outcome.try_recv().unwrap().is_ok(), "the callback ran before append returned");
    assert_eq!((log.stats().inline_batches, log.stats().syncs), (1, syncs + 1));
    log.set_inline(false);
    append(&log, vec![entry(2, 1)]).unwrap();
    // A sync marker may also have been written by now.
    assert!(log.stats().inline_batches == 1 && log.stats().writes >= 2);
}

#[test]
fn a_missing_segment_is_refused_at_any_position() {
    for missing in 1..=4 {
        let disk = SimDisk::new();
        let (log, _) = open(&disk);
        fill(&log, 1..=150, 1);
        log.close().unwrap();
        drop(log);
        assert!(segments(&disk).len() >= 4);
        disk.shared().remove(&path_of(missing)).unwrap();
        assert!(matches!(try_open(&disk), Err(Fatal::Directory { .. })), "without segment {missing}");
    }
}

#[test]
fn the_log_works_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Log::open(RealDisk::shared(), dir.path(), options()).unwrap();
    let (log, _) = open();
    fill(&log, 1..=100, 1);
    log.purge_up_to(40, 1).unwrap();
    let expected = read_all(&log);
    log.close().unwrap();
    drop(log);
    let (log, recovered) = open();
    assert_eq!((recovered.first, recovered.last, recovered.cut), (Some(41), Some((100, 1)), None));
    assert_eq!(read_all(&log), expected);
}

#[test]
fn reads_beside_direct_writes_find_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 256 << 10, ..options() };
    let (log, _) = Log::open(RealDisk::shared(), dir.path(), options).unwrap();
    fill(&log, 1..=50, 1);
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                    // The newest entries that only the disk has, and those in the cache.
                    let (last, _) = log.last().unwrap();
                    let from = last.saturating_sub(40).max(log.stats().first.unwrap_or(1));
                    let found = log.read(from..last + 1, usize::MAX).unwrap();
                    found
                        .iter()
                        .for_each(|found| assert_eq!(*found, entry_of(found.index, 1, found.payload.len())));
                }
            });
        }
        for index in 51..=3000 {
            append(&log, vec![entry_of(index, 1, index as usize % 1500)]).unwrap();
            if index % 500 == 0 {
                log.purge_up_to(index - 200, 1).unwrap();
            }
        }
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(log.stats().last, Some((3000, 1)));
}

#[test]
#[should_panic(expected = "must follow the last one")]
fn an_appended_gap_panics() {
    let (log, _) = open(&SimDisk::new());
    log.append(vec![entry(1, 1), entry(3, 1)], |_| {});
}
