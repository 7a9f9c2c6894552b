//! Tests the simulated disk's invariants.

use std::io::ErrorKind;
use std::path::Path;

use super::*;

fn path() -> &'static Path {
    Path::new("/d/file")
}

#[test]
fn synced_bytes_survive_and_others_may_not() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let disk = SimDisk::new();
        let file = disk.open(path(), Open::Create).unwrap();
        file.write_all_at(&[1; 600], 0).unwrap();
        file.sync_all().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.write_all_at(&[2; 1024], 0).unwrap();
        disk.reboot(seed);
        assert!(file.sync_data().is_err(), "a handle from before the cut is refused");
        let bytes = disk.contents(path()).unwrap();
        assert!(bytes.len() >= 600);
        outcomes.insert((bytes[0], bytes[512]));
    }
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [(1, 1), (1, 2), (2, 1), (2, 2)]);
}

#[test]
fn a_name_is_durable_after_the_sync_of_its_directory() {
    let disk = SimDisk::new();
    disk.open(path(), Open::Create).unwrap().sync_all().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.rename(path(), Path::new("/d/other")).unwrap();
    disk.sync_dir(Path::new("/elsewhere")).unwrap();
    let mut found = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let copy = SimDisk::new();
        copy.open(path(), Open::Create).unwrap();
        copy.sync_dir(Path::new("/d")).unwrap();
        copy.rename(path(), Path::new("/d/other")).unwrap();
        copy.reboot(seed);
        found.insert(copy.list(Path::new("/d")).unwrap());
    }
    assert_eq!(found.len(), 2, "both names are possible: {found:?}");
}

#[test]
fn faults_hit_the_requested_operation() {
    let disk = SimDisk::new();
    let file = disk.open(path(), Open::Create).unwrap();
    disk.fail(Op::Write, 1, ErrorKind::Other);
    file.write_all_at(b"abcd", 0).unwrap();
    assert!(file.write_all_at(b"efgh", 4).is_err());
    assert_eq!(disk.contents(path()).unwrap(), b"abcdef");
    file.write_all_at(b"gh", 6).unwrap();
    disk.fail(Op::Sync, 0, ErrorKind::Other);
    assert!(file.sync_data().is_err());
    assert!(file.sync_data().is_ok(), "a sync after a failed one succeeds, although the bytes are lost");
}

#[test]
fn a_full_disk_accepts_what_fits() {
    let disk = SimDisk::new();
    let file = disk.open(path(), Open::Create).unwrap();
    disk.set_capacity(Some(6));
    file.write_all_at(b"abcd", 0).unwrap();
    assert_eq!(file.write_all_at(b"efgh", 4).unwrap_err().kind(), ErrorKind::StorageFull);
    file.write_all_at(b"xx", 0).unwrap();
    assert_eq!(disk.contents(path()).unwrap(), b"xxcdef");
    disk.remove(path()).unwrap();
    assert_eq!(disk.used(), 0);
}

#[test]
fn after_the_cut_everything_fails_until_the_reboot() {
    let disk = SimDisk::new();
    let file = disk.open(path(), Open::Create).unwrap();
    file.sync_all().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    let lock = disk.lock(Path::new("/d/lock")).unwrap();
    disk.cut_power_after(1);
    file.write_all_at(b"abcd", 0).unwrap();
    assert!(file.sync_data().is_err() && disk.sync_dir(Path::new("/d")).is_err());
    disk.reboot(1);
    assert!(disk.lock(Path::new("/d/lock")).unwrap().is_some());
    drop(lock);
    assert!(disk.lock(Path::new("/d/lock")).unwrap().is_some());
    disk.overwrite(path(), 0, b"");
    assert_eq!(disk.list(Path::new("/d")).unwrap(), ["file"]);
}

#[test]
fn a_disk_that_lies_is_one_sync_behind() {
    let outcomes = |lies: bool| {
        let after = |seed| {
            let disk = SimDisk::new();
            if lies {
                disk.lie_about(Path::new("/d"));
            }
            let file = disk.open(path(), Open::Create).unwrap();
            disk.sync_dir(Path::new("/d")).unwrap();
            for byte in 0..2 {
                file.write_all_at(&[byte + 1], usize::from(byte) as u64 * 512).unwrap();
                file.sync_data().unwrap();
            }
            disk.reboot(seed);
            let bytes = disk.contents(path()).unwrap();
            (bytes.first() == Some(&1), bytes.get(512) == Some(&2))
        };
        (0..20).map(after).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(outcomes(false).into_iter().collect::<Vec<_>>(), [(true, true)]);
    assert_eq!(outcomes(true).into_iter().collect::<Vec<_>>(), [(true, false), (true, true)]);
}
