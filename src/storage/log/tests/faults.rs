//! After a failed write or sync, the log writes nothing more.

use std::io::ErrorKind;
use std::sync::Arc;

use super::*;
use crate::storage::log::counters::{QUICK_SYNC_MAX, QUICK_SYNCS_WANTED};
use crate::storage::log::segment::SPARES_MAX;
use crate::testkit::{ManualClock, Op};

#[test]
fn a_failed_write_or_sync_poisons_the_log_permanently() {
    for op in [Op::Write, Op::Sync] {
        for inline in [true, false] {
            let disk = SimDisk::new();
            let (log, _) = open(&disk);
            until("a prepared segment", || log.inner.preparer.state().0);
            log.set_inline(inline);
            fill(&log, 1..=3, 1);
            disk.fail(op, 0, ErrorKind::Other);
            let error = append(&log, vec![entry(4, 1)]).unwrap_err();
            assert!(matches!(error, Fatal::Disk { .. }), "{error}");
            let written = disk.contents(&path_of(1));
            assert!(append(&log, vec![entry(5, 1)]).is_err() && log.save_vote(b"vote").is_err());
            assert!(log.truncate_after(Some(1)).is_err() && log.close().is_err());
            assert!(log.reserve(10).is_err() && log.stats().poisoned);
            assert_eq!(disk.contents(&path_of(1)), written, "nothing is written any more");
            drop(log);
            disk.reboot(3);
            let (log, recovered) = open(&disk);
            assert!(recovered.last >= Some((3, 1)), "entries that were durable before are found");
            assert_eq!(log.read(1..4, usize::MAX).unwrap().len(), 3);
        }
    }
}

#[test]
fn every_waiting_append_gets_the_failure_once() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    until("a prepared segment", || log.inner.preparer.state().0);
    log.set_inline(false);
    // Few enough entries for one segment: otherwise the preparation of the next segment would hit
    // the failure first.
    disk.fail(Op::Sync, 0, ErrorKind::Other);
    let outcomes: Vec<_> = (1..=20).map(|index| begin(&log, vec![entry(index, 1)])).collect();
    for one in outcomes {
        assert!(one.recv_timeout(Duration::from_secs(20)).unwrap().is_err());
        assert!(one.recv().is_err(), "one outcome for each");
    }
}

#[test]
fn a_full_disk_within_a_prepared_segment_poisons_too() {
    // A write runs out of space only on file systems that allocate new blocks when a file's blocks
    // are overwritten. The state of the written bytes is then unknown.
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    until("a prepared segment", || log.inner.preparer.state().0);
    disk.fail(Op::Write, 0, ErrorKind::StorageFull);
    assert!(append(&log, vec![entry(1, 1)]).is_err());
    assert!(log.stats().poisoned);
}

#[test]
fn opening_reports_every_failing_operation() {
    for op in [Op::Open, Op::Read, Op::Sync] {
        for after in 0..2 {
            let disk = SimDisk::new();
            let (log, _) = open(&disk);
            fill(&log, 1..=60, 1);
            drop(log);
            disk.fail(op, after, ErrorKind::Other);
            let result = try_open(&disk).map(drop);
            assert!(matches!(result, Err(Fatal::Disk { .. })), "{op:?} {after}: {result:?}");
        }
    }
}

#[test]
fn a_failed_removal_of_a_purged_segment_poisons_the_log() {
    // Segments are kept first, and removed when there are enough of them.
    for (op, after) in [(Op::Rename, 0), (Op::SyncDir, 0), (Op::Remove, 0), (Op::SyncDir, SPARES_MAX as u64)]
    {
        let disk = SimDisk::new();
        let (log, _) = open(&disk);
        fill(&log, 1..=700, 1);
        until("a prepared segment", || log.inner.preparer.state().0);
        assert!(log.stats().segments > SPARES_MAX as u64 + 2);
        disk.fail(op, after, ErrorKind::Other);
        assert!(log.purge_up_to(690, 1).is_err(), "{op:?} {after}");
        assert!(append(&log, vec![entry(701, 1)]).is_err());
        drop(log);
        disk.reboot(5);
        assert_eq!(open(&disk).1.purged, Some((690, 1)), "{op:?}");
    }
}

#[test]
fn a_slow_disk_is_written_by_the_writer_thread_until_it_is_quick_again() {
    let disk = SimDisk::new();
    let clock = Arc::new(ManualClock::default());
    let options = Options { clock: clock.clone(), segment_bytes: 1 << 20, ..options() };
    let (log, _) = Log::open(disk.shared(), Path::new(DIR), options).unwrap();
    append(&log, vec![entry(0, 1)]).unwrap();
    assert_eq!(log.stats().inline_batches, 1);
    // Waits for the preparer, because its syncs count as well.
    while !log.inner.preparer.state().0 {
        std::thread::yield_now();
    }
    disk.hang(true);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| append(&log, vec![entry(1, 1)]));
        while disk.hanging() == 0 {
            std::thread::yield_now();
        }
        clock.advance(QUICK_SYNC_MAX * 2);
        disk.hang(false);
        writing.join().unwrap().unwrap();
    });
    assert_eq!(log.stats().inline_batches, 2, "no sync had been slow before");
    for index in 2..2 + QUICK_SYNCS_WANTED {
        append(&log, vec![entry(index, 1)]).unwrap();
    }
    assert_eq!(log.stats().inline_batches, 2);
    // The thread that wrote the previous append may still be busy when its outcome is reported, so
    // the next append may not be inline yet.
    let mut next = 2 + QUICK_SYNCS_WANTED..5000;
    while log.stats().inline_batches == 2 {
        std::thread::yield_now();
        append(&log, vec![entry(next.next().expect("a quick disk is written inline again"), 1)]).unwrap();
    }
    assert_eq!(log.stats().inline_batches, 3);
}
