//! The torn end of a log is cut off, and nothing else is.

use super::*;
use crate::storage::log::Cut;

/// A log that ends with a batch of one entry and no sync marker after it.
fn unfinished() -> (SimDisk, Vec<u8>, usize, usize) {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    log.save_vote(b"vote").unwrap();
    fill(&log, 1..=5, 1);
    drop(log);
    let bytes = disk.contents(&path_of(1)).unwrap();
    let (start, size, kind) = *records(&bytes).last().unwrap();
    assert_eq!(kind, Kind::Entry);
    (disk, bytes, start, size)
}

#[test]
fn a_last_record_torn_at_any_byte_is_cut() {
    let (disk, good, start, size) = unfinished();
    for kept in 0..size {
        let mut torn = good.clone();
        torn[start + kept..start + size].fill(0);
        disk.overwrite(&path_of(1), 0, &torn);
        let (log, recovered) = open(&disk);
        if torn == good {
            assert_eq!(recovered.last, Some((5, 1)), "only padding was torn off");
            continue;
        }
        assert_eq!(recovered.last, Some((4, 1)), "{kept} bytes kept");
        let used = torn[start..].iter().rposition(|byte| *byte != 0).map(|at| at as u64 + 1);
        let cut = used.map(|bytes| Cut { path: path_of(1), offset: start as u64, bytes });
        assert_eq!(recovered.cut, cut, "{kept} bytes kept");
        fill(&log, 5..=6, 2);
        drop(log);
        assert_eq!(open(&disk).1.last, Some((6, 2)));
        // Restores the log for the next round: one segment, and no prepared one.
        disk.overwrite(&path_of(1), 0, &good);
    }
}

#[test]
fn a_last_record_whose_beginning_is_missing_is_cut_with_its_remains() {
    let (disk, good, start, size) = unfinished();
    for missing in 1..size {
        let mut torn = good.clone();
        torn[start..start + missing].fill(0);
        disk.overwrite(&path_of(1), 0, &torn);
        let (log, recovered) = open(&disk);
        assert_eq!(recovered.last, Some((4, 1)), "{missing} bytes missing");
        drop(log);
        let clean = disk.contents(&path_of(1)).unwrap();
        assert!(clean[start..].iter().all(|byte| *byte == 0), "remains of the torn record were found");
    }
}

#[test]
fn a_batch_torn_in_its_middle_is_cut_from_there() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 1..=3, 1);
    append(&log, (4..=8).map(|index| entry_of(index, 1, 24)).collect()).unwrap();
    drop(log);
    let bytes = disk.contents(&path_of(1)).unwrap();
    let (start, size, _) = records(&bytes)[5];
    disk.overwrite(&path_of(1), start + 8, &[0xff; 8]);
    let (log, recovered) = open(&disk);
    assert_eq!((recovered.last, recovered.cut.unwrap().offset), (Some((4, 1)), start as u64));
    // Entries 6 to 8 of the torn batch were intact. A new entry 5 of the same size must not make
    // them valid again.
    append(&log, vec![entry_of(5, 2, 24)]).unwrap();
    drop(log);
    assert_eq!(size, 56);
    assert_eq!(open(&disk).1.last, Some((5, 2)));
}

/// A closed log of several segments with every kind of record.
fn finished() -> SimDisk {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 1..=30, 1);
    log.save_vote(b"vote").unwrap();
    log.truncate_after(Some(25)).unwrap();
    log.save_committed(b"committed");
    fill(&log, 26..=70, 2);
    log.purge_up_to(3, 1).unwrap();
    append(&log, (71..=76).map(|index| entry(index, 3)).collect()).unwrap();
    log.close().unwrap();
    disk
}

#[test]
fn a_flipped_bit_anywhere_stops_the_node_and_is_located() {
    let disk = finished();
    let all = segments(&disk);
    assert!(all.len() >= 2);
    let last = records(&all.last().unwrap().1).last().copied().unwrap();
    assert_eq!(last.2, Kind::SyncMarker);
    let mut kinds = std::collections::BTreeSet::new();
    for (number, (path, good)) in all.iter().enumerate() {
        let is_last = number + 1 == all.len();
        for (start, size, kind) in records(good) {
            kinds.insert(kind as u8);
            for at in start..start + size {
                disk.overwrite(path, at, &[good[at] ^ (1 << (at % 8))]);
                match try_open(&disk) {
                    Err(Fatal::Corrupt { path: found, offset, .. }) => {
                        assert_eq!((&found, offset), (path, start as u64), "byte {at} of {kind:?}");
                    }
                    Err(other) => panic!("byte {at} of {kind:?}: {other}"),
                    // Damage to the sync marker at the end is not an error: the marker protects the
                    // records before it and has no content.
                    Ok((_, recovered)) => {
                        assert!(
                            is_last && start == last.0,
                            "damage to byte {at} of {kind:?} at {start} was not noticed"
                        );
                        assert_eq!(recovered.last, Some((76, 3)));
                        assert_eq!(recovered.cut.map(|cut| cut.offset), Some(start as u64));
                    }
                }
                disk.overwrite(path, 0, good);
            }
        }
    }
    assert_eq!(kinds.len(), 8, "not every kind of record was damaged, only {kinds:?}");
}

#[test]
fn a_zeroed_record_is_damage_unless_it_is_the_last() {
    let disk = finished();
    for (path, good) in segments(&disk) {
        for (start, size, kind) in records(&good) {
            if kind == Kind::SyncMarker {
                continue;
            }
            disk.overwrite(&path, start, &vec![0; size]);
            match try_open(&disk).map(|(_, recovered)| recovered) {
                Err(Fatal::Corrupt { offset, .. }) => assert_eq!(offset, start as u64, "{kind:?}"),
                other => panic!("{kind:?} at {start}: {other:?}"),
            }
            disk.overwrite(&path, 0, &good);
        }
    }
}

#[test]
fn damage_to_the_last_batch_is_no_torn_write_once_a_sync_marker_follows() {
    let disk = SimDisk::new();
    let marker_after = Duration::from_millis(5);
    let (log, _) = Log::open(disk.shared(), Path::new(DIR), Options { marker_after, ..options() }).unwrap();
    fill(&log, 1..=3, 1);
    let has_marker = || records(&disk.contents(&path_of(1)).unwrap()).last().unwrap().2 == Kind::SyncMarker;
    until("a sync marker", has_marker);
    let writes = log.stats().writes;
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(log.stats().writes, writes, "one sync marker is enough");
    log.save_committed(b"committed");
    until("the commit record", || log.stats().writes > writes);
    drop(log);
    let bytes = disk.contents(&path_of(1)).unwrap();
    let (start, ..) = *records(&bytes).iter().rfind(|(_, _, kind)| *kind == Kind::Entry).unwrap();
    disk.overwrite(&path_of(1), start + 40, &[0xff]);
    assert!(matches!(try_open(&disk), Err(Fatal::Corrupt { offset, .. }) if offset == start as u64));
}

#[test]
fn damage_found_by_a_read_is_located() {
    let disk = SimDisk::new();
    let (log, _) = open(&disk);
    fill(&log, 1..=60, 1);
    let bytes = disk.contents(&path_of(1)).unwrap();
    let (start, ..) = records(&bytes)[4];
    disk.overwrite(&path_of(1), start + 40, &[0xff]);
    assert_eq!(log.read(1..4, usize::MAX).unwrap().len(), 3);
    let error = log.read(1..60, usize::MAX).unwrap_err();
    assert!(matches!(error, Fatal::Corrupt { offset, .. } if offset == start as u64), "{error}");
}

#[test]
fn a_file_shortened_anywhere_opens_and_accepts_entries() {
    let (_, good, start, size) = unfinished();
    let last_record = start + size;
    // Starts after the header and the head, because a file without these is not a log.
    let first = records(&good)[1].0;
    for length in (first..=last_record + 40).chain([good.len() - 8, good.len() - 1]) {
        let disk = SimDisk::new();
        drop(open(&disk));
        disk.overwrite(&path_of(1), 0, &good);
        disk.truncate(&path_of(1), length as u64);
        let (log, recovered) = match try_open(&disk) {
            Ok(opened) => opened,
            // The missing part was durable before a record that still exists.
            Err(Fatal::Corrupt { .. }) => continue,
            Err(other) => panic!("{length} bytes: {other}"),
        };
        let last = recovered.last.map_or(0, |(index, _)| index);
        fill(&log, last + 1..=last + 200, 2);
        drop(log);
        assert_eq!(open(&disk).1.last, Some((last + 200, 2)), "{length} bytes");
    }
}
