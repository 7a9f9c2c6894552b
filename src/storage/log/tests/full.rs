//! A full disk refuses writes, loses nothing, and recovers without an operator.

use std::io::ErrorKind;

use super::*;
use crate::testkit::Op;

/// A log whose disk has room for this many segments, filled until it refused an entry; and the last
/// entry before that.
fn filled(segments: u64) -> (SimDisk, Log, u64) {
    let disk = SimDisk::new();
    disk.set_capacity(Some(segments * SEGMENT_BYTES_MIN));
    let (log, _) = open(&disk);
    let mut last = 0;
    loop {
        until("one segment more or none", || {
            let (ready, failed) = log.inner.preparer.state();
            ready || failed.is_some()
        });
        let Ok(room) = log.reserve(entry(last + 1, 1).payload.len()) else { break };
        last += 1;
        append(&log, vec![entry(last, 1)]).unwrap();
        drop(room);
    }
    assert!(last > 40 && !log.stats().stalled && !log.stats().poisoned);
    (disk, log, last)
}

#[test]
fn writes_are_refused_before_anything_is_appended() {
    let (disk, log, last) = filled(2);
    let refused = log.has_room(30).unwrap_err();
    assert!(refused.to_string().contains("no room for the next segment"), "{refused}");
    log.save_vote(b"vote").unwrap();
    disk.set_capacity(None);
    until("room", || log.has_room(30).is_ok());
    fill(&log, last + 1..=last + 100, 1);
    let expected = read_all(&log);
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!((recovered.cut, recovered.vote), (None, Some(b"vote".to_vec())));
    assert_eq!(read_all(&log), expected);
    assert_eq!(expected.len() as u64, last + 100);
}

#[test]
fn unreserved_entries_wait_and_votes_overtake_them() {
    let (disk, log, last) = filled(2);
    let outcomes: Vec<_> = (1..=100).map(|more| begin(&log, vec![entry(last + more, 1)])).collect();
    until("a stall", || log.stats().stalled);
    assert!(outcomes.last().unwrap().try_recv().is_err(), "the append is neither done nor failed");
    assert_eq!(read_all(&log).len() as u64, last + 100, "and readable");
    for vote in 0..5u8 {
        log.save_vote(&[vote]).unwrap();
    }
    disk.set_capacity(None);
    for one in outcomes {
        one.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
    }
    drop(log);
    let (log, recovered) = open(&disk);
    assert_eq!((recovered.last, recovered.vote), (Some((last + 100, 1)), Some(vec![4])));
    assert_eq!(read_all(&log).len() as u64, last + 100);
}

#[test]
fn a_purge_makes_room_on_a_full_disk() {
    let (_disk, log, last) = filled(3);
    let outcome = begin(&log, (last + 1..=last + 20).map(|index| entry(index, 1)).collect());
    until("a stall", || log.stats().stalled);
    log.purge_up_to(last - 1, 1).unwrap();
    outcome.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
    assert_eq!(log.last(), Some((last + 20, 1)));
}

#[test]
fn every_step_of_a_preparation_may_fail_and_is_retried() {
    for op in [Op::Open, Op::Write, Op::Sync, Op::Rename, Op::SyncDir] {
        let disk = SimDisk::new();
        drop(open(&disk));
        // Removed, so that the next start has to prepare this segment.
        let _ = disk.shared().remove(&path_of(2));
        let after = match op {
            Op::Open => 1,
            Op::Sync => 1,
            _ => 0,
        };
        disk.fail(op, after, ErrorKind::StorageFull);
        let (log, _) = open(&disk);
        until("a prepared segment", || log.inner.preparer.state().0);
        assert!(!log.stats().poisoned);
        fill(&log, 1..=100, 1);
        drop(log);
        assert_eq!(open(&disk).1.last, Some((100, 1)), "{op:?}");
    }
}

#[test]
fn an_oversized_entry_is_refused_while_its_segment_does_not_fit() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(4 * SEGMENT_BYTES_MIN));
    let (log, _) = open(&disk);
    until("a prepared segment", || log.inner.preparer.state().0);
    assert!(log.reserve(100_000).is_err());
    assert_eq!(disk.used(), 2 * SEGMENT_BYTES_MIN, "the attempt gave its space back");
    fill(&log, 1..=10, 1);
    disk.set_capacity(None);
    let room = log.reserve(100_000).unwrap();
    append(&log, vec![entry_of(11, 1, 100_000)]).unwrap();
    drop(room);
}

#[test]
fn closing_a_full_log_fails_the_waiting_entries() {
    let (disk, log, last) = filled(2);
    let outcome = begin(&log, (last + 1..=last + 200).map(|index| entry(index, 1)).collect());
    until("a stall", || log.stats().stalled);
    log.close().unwrap();
    assert!(outcome.recv().unwrap().is_err());
    drop(log);
    let (log, recovered) = open(&disk);
    assert!(recovered.last >= Some((last, 1)));
    assert!(read_all(&log).len() as u64 >= last);
}
