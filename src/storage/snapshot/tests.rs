//! Tests snapshots from end to end, on a simulated disk that can fail.

use std::io::ErrorKind;
use std::path::Path;

use super::*;
use crate::env::RealDisk;
use crate::error::Fatal;
use crate::storage::log::LogPosition;
use crate::testkit::{Op, SimDisk};

const DIR: &str = "/snapshots";

fn open(disk: &SimDisk) -> SnapshotDir {
    SnapshotDir::open_dir(disk.shared(), Path::new(DIR), 0).unwrap()
}

fn write(dir: &SnapshotDir, position: LogPosition, blocks: &[&[u8]]) -> Result<SnapshotFile, Fatal> {
    let mut writer = dir.begin(position, b"meta")?;
    for block in blocks {
        writer.block(block)?;
    }
    writer.finish()
}

fn read(dir: &SnapshotDir, file: &SnapshotFile) -> Result<Vec<Vec<u8>>, Fatal> {
    let mut reader = dir.open(file)?;
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block()? {
        blocks.push(block.to_vec());
    }
    Ok(blocks)
}

#[test]
fn blocks_come_back_in_order() {
    let disk = SimDisk::new();
    let dir = open(&disk);
    let large = vec![7; BLOCK_BYTES_MAX];
    let file = write(&dir, (42, 3), &[b"one", &large, b"three"]).unwrap();
    assert_eq!(file.path, Path::new(DIR).join("00000000000000000042-3.snap"));
    assert_eq!(read(&dir, &file).unwrap(), [b"one".to_vec(), large, b"three".to_vec()]);
    let reader = dir.open(&file).unwrap();
    assert_eq!((reader.position(), reader.meta(), reader.bytes()), ((42, 3), b"meta".as_slice(), file.bytes));
    assert_eq!(dir.newest_good().unwrap().0, Some(file));
}

#[test]
fn a_snapshot_may_be_empty() {
    let disk = SimDisk::new();
    let dir = open(&disk);
    let file = write(&dir, (0, 0), &[]).unwrap();
    assert!(read(&dir, &file).unwrap().is_empty());
}

#[test]
fn every_damaged_byte_is_found_and_the_older_snapshot_used() {
    let disk = SimDisk::new();
    let dir = open(&disk);
    let older = write(&dir, (5, 1), &[b"old"]).unwrap();
    let newer = write(&dir, (9, 1), &[b"first", b"second"]).unwrap();
    let good = disk.contents(&newer.path).unwrap();
    let blocks_at = 44;
    for (at, byte) in good.iter().enumerate() {
        disk.overwrite(&newer.path, at, &[byte ^ 4]);
        let (found, damaged) = dir.newest_good().unwrap();
        assert_eq!((found.as_ref(), damaged.len()), (Some(&older), 1), "byte {at}");
        let Fatal::Corrupt { path, offset, .. } = &damaged[0] else { panic!("byte {at}: {}", damaged[0]) };
        assert_eq!(path, &newer.path);
        let block =
            [0, blocks_at, blocks_at + 13, blocks_at + 27].into_iter().rfind(|start| *start <= at as u64);
        let length_of_meta = (32..36).contains(&at);
        assert!(length_of_meta || Some(*offset) == block, "byte {at}: {}", damaged[0]);
        // The damaged snapshot was renamed, so it does not count as one of the kept ones.
        assert_eq!((dir.list().unwrap(), dir.remove_older(1).unwrap()), (vec![older.clone()], 0));
        let aside = newer.path.with_added_extension("damaged");
        disk.overwrite(&aside, at, &[*byte]);
        disk.shared().rename(&aside, &newer.path).unwrap();
    }
}

#[test]
fn a_file_truncated_anywhere_is_no_snapshot() {
    let disk = SimDisk::new();
    let dir = open(&disk);
    let file = write(&dir, (9, 1), &[b"first", b"second"]).unwrap();
    let good = disk.contents(&file.path).unwrap();
    for bytes in 0..good.len() {
        let mut receiver = dir.receive().unwrap();
        receiver.chunk(&good[..bytes]).unwrap();
        assert!(matches!(receiver.finish(), Err(Fatal::Corrupt { .. })), "{bytes} bytes");
    }
    assert_eq!(dir.list().unwrap().len(), 1);
    assert_eq!(disk.used(), good.len() as u64, "no unfinished file is left");
}

#[test]
fn moved_lost_and_duplicated_blocks_are_detected() {
    let disk = SimDisk::new();
    let dir = open(&disk);
    let file = write(&dir, (9, 1), &[b"aaaa", b"bbbb"]).unwrap();
    let good = disk.contents(&file.path).unwrap();
    let (head, a, b, trailer) = (&good[..44], &good[44..56], &good[56..68], &good[68..]);
    for blocks in [[b, a].concat(), a.to_vec(), [a, a, b].concat(), [a, a].concat()] {
        let mut receiver = dir.receive().unwrap();
        receiver.chunk(&[head, &blocks, trailer].concat()).unwrap();
        assert!(receiver.finish().is_err());
    }
}

#[test]
fn a_snapshot_travels_in_chunks() {
    let (from, to) = (SimDisk::new(), SimDisk::new());
    let (from, to) = (open(&from), open(&to));
    let file = write(&from, (9, 2), &[b"first", b"second"]).unwrap();
    let mut receiver = to.receive().unwrap();
    loop {
        let chunk = from.read_chunk(&file, receiver.received(), 7).unwrap();
        if chunk.is_empty() {
            break;
        }
        receiver.chunk(&chunk).unwrap();
    }
    let copy = receiver.finish().unwrap();
    assert_eq!((copy.position, copy.bytes), (file.position, file.bytes));
    assert_eq!(read(&to, &copy).unwrap(), [b"first".to_vec(), b"second".to_vec()]);
}

#[test]
fn a_writer_that_is_dropped_or_fails_leaves_nothing() {
    for op in [Op::Write, Op::Sync, Op::Rename, Op::SyncDir] {
        let disk = SimDisk::new();
        let dir = open(&disk);
        drop(dir.begin((1, 1), b"").unwrap());
        disk.fail(op, 0, ErrorKind::StorageFull);
        assert!(write(&dir, (2, 1), &[b"block"]).is_err());
        assert!(op == Op::SyncDir || disk.used() == 0, "{op:?}");
        assert_eq!(read(&dir, &write(&dir, (2, 1), &[b"again"]).unwrap()).unwrap(), [b"again"]);
    }
}

#[test]
fn after_a_power_cut_at_any_time_a_good_snapshot_remains() {
    for cut in 0..8 {
        for seed in 0..8 {
            let disk = SimDisk::new();
            let dir = open(&disk);
            let older = write(&dir, (5, 1), &[b"old"]).unwrap();
            disk.cut_power_after(cut);
            let newer = write(&dir, (9, 1), &[&[1; 2000]]);
            disk.reboot(seed);
            let dir = open(&disk);
            let (found, damaged) = dir.newest_good().unwrap();
            assert!(damaged.is_empty(), "cut {cut}, seed {seed}: {damaged:?}");
            match newer {
                Ok(newer) => assert_eq!(found, Some(newer)),
                Err(_) => assert!(found.is_some_and(|found| found.position.0 == 9 || found == older)),
            }
            assert!(disk.shared().list(Path::new(DIR)).unwrap().iter().all(|name| name.ends_with(".snap")));
        }
    }
}

#[test]
fn older_snapshots_are_removed_and_the_newest_ones_stay() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = SnapshotDir::open_dir(RealDisk::shared(), temporary.path(), 0).unwrap();
    for index in [3, 20, 100] {
        write(&dir, (index, 1), &[b"x"]).unwrap();
    }
    assert_eq!(dir.remove_older(2).unwrap(), 1);
    let left: Vec<u64> = dir.list().unwrap().iter().map(|file| file.position.0).collect();
    assert_eq!(left, [20, 100]);
    assert_eq!(dir.remove_older(2).unwrap(), 0);
}

#[test]
fn a_later_cluster_version_has_a_format_that_the_first_release_refuses() {
    let disk = SimDisk::new();
    let dir = open(&disk);
    let first = write(&dir, (1, 1), &[b"block"]).unwrap();
    assert_eq!(disk.contents(&first.path).unwrap()[8..12], 2u32.to_le_bytes());
    assert_eq!(dir.open(&first).unwrap().cluster_version(), 1);
    let mut writer = dir.begin_at(7, (2, 1), b"meta").unwrap();
    writer.block(b"block").unwrap();
    let later = writer.finish().unwrap();
    assert_eq!(disk.contents(&later.path).unwrap()[8..12], 3u32.to_le_bytes());
    let reader = dir.open(&later).unwrap();
    assert_eq!((reader.cluster_version(), reader.meta()), (7, b"meta".as_slice()));
    assert_eq!(dir.newest_good().unwrap().0, Some(later));
}

#[test]
fn a_format_of_a_later_release_is_refused_and_not_set_aside() {
    let disk = SimDisk::new();
    let dir = open(&disk);
    write(&dir, (1, 1), &[b"older"]).unwrap();
    let file = write(&dir, (2, 1), &[b"block"]).unwrap();
    disk.overwrite(&file.path, 8, &[4]);
    let mut header = disk.contents(&file.path).unwrap()[..44].to_vec();
    header.drain(36..40);
    disk.overwrite(&file.path, 36, &crc32c::crc32c(&header).to_le_bytes());
    let error = dir.newest_good().unwrap_err();
    let expected = "its format is version 4, this program reads versions 2 to 3: start a newer release";
    assert!(matches!(error, Fatal::Directory { .. }) && error.to_string().ends_with(expected), "{error}");
    assert_eq!(dir.list().unwrap().len(), 2, "both are kept");
}
