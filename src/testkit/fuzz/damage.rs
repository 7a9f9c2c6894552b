//! Damaged files: the log and the snapshots have to detect bytes that were changed on the medium.
//!
//! A fuzzer's bytes are taken as changes to valid files, because random files would always fail at
//! their first checksum. Each change is four bytes: the file, the offset (two bytes,
//! little-endian), and the value to XOR.

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;

use crate::env::{Disk, Open};
use crate::error::Fatal;
use crate::json::{ParseLimits, parse};
use crate::keyspace::{Entry, Key, Keyspace, Scope, Value};
use crate::machine::{Restore, write_head, write_record};
use crate::storage::log::{self, Log, Options, SEGMENT_BYTES_MIN};
use crate::storage::snapshot::{SnapshotDir, SnapshotFile, SnapshotReader};
use crate::testkit::SimDisk;

/// Number of entries in the log: enough to fill one segment of the minimum size and to begin
/// another.
const ENTRIES: u64 = 24;
/// The bytes at the front of a prepared segment that are not zeros.
const SEGMENT_HEADER_BYTES: usize = 64;
const VOTE: &[u8] = b"a vote";

type Files = Vec<(PathBuf, Vec<u8>)>;

fn dir() -> &'static Path {
    Path::new("/fuzz")
}

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES_MIN,
        marker_after: Duration::from_secs(3600),
        ..Options::default()
    }
}

fn entry(index: u64) -> log::Entry {
    log::Entry { index, term: 1, payload: Bytes::from(format!("{index:0168}")) }
}

/// Appends an entry, and returns once it is durable. If the segment is full, waits until the next
/// one is prepared.
fn append(log: &Log, entry: log::Entry) {
    let (sender, receiver) = sync_channel(1);
    log.append(vec![entry], move |written| drop(sender.send(written)));
    receiver.recv().expect("the log reports each entry").expect("a disk without faults takes an entry");
}

fn files_of(disk: &SimDisk) -> Files {
    let names = disk.list(dir()).expect("a simulated disk lists");
    let read = |name: String| {
        let path = dir().join(name);
        disk.contents(&path).map(|bytes| (path, bytes))
    };
    names.into_iter().filter_map(read).collect()
}

/// A log that was closed properly: everything in it was reported durable, and a sync marker follows
/// the last batch.
static LOG: LazyLock<Files> = LazyLock::new(|| {
    let disk = SimDisk::new();
    let (log, _) = Log::open(disk.shared(), dir(), options()).expect("an empty log opens");
    log.save_vote(VOTE).expect("a vote is written");
    (0..ENTRIES).for_each(|index| append(&log, entry(index)));
    log.close().expect("the log closes");
    drop(log);
    let mut files = files_of(&disk);
    // Removes a segment that was only prepared: whether there is one depends on the timing, but an
    // input has to mean the same in every run.
    files.retain(|(_, bytes)| bytes[SEGMENT_HEADER_BYTES..].iter().any(|byte| *byte != 0));
    assert!(files.len() > 1, "the entries take several segments");
    files
});

/// Applies the changes in `data`, and returns how many bytes differ afterwards. A change may undo
/// an earlier one.
fn change(files: &mut Files, data: &[u8]) -> usize {
    let before = files.clone();
    for change in data.chunks_exact(4) {
        let which = usize::from(change[0]) % files.len();
        let bytes = &mut files[which].1;
        let at = usize::from(u16::from_le_bytes([change[1], change[2]])) % bytes.len();
        bytes[at] ^= change[3];
    }
    let bytes = |files: &Files| files.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>();
    bytes(&before).iter().zip(bytes(files)).filter(|(old, new)| **old != *new).count()
}

fn disk_with(files: &Files) -> SimDisk {
    let disk = SimDisk::new();
    for (path, bytes) in files {
        let file = disk.open(path, Open::Create).expect("a simulated disk creates");
        file.write_all_at(bytes, 0).expect("a simulated disk writes");
        file.sync_all().expect("a simulated disk syncs");
    }
    disk.sync_dir(dir()).expect("a simulated disk syncs");
    disk
}

/// Opens a log whose bytes were changed as `data` says.
///
/// # Panics
/// Unless the log either refuses to open and locates the damage, or has the entries that were
/// written, from the first one without a gap. After the change of a single byte it must have all of
/// them: no durable entry is lost silently. (A checksum has 32 bits, so one in some billions of
/// damaged logs is not detected. A fuzzer does not try that many.)
pub fn damaged_log(data: &[u8]) {
    let mut files = LOG.clone();
    let changed = change(&mut files, data);
    let opened = Log::open(disk_with(&files).shared(), dir(), options());
    let (log, recovered) = match opened {
        Ok(opened) => opened,
        Err(Fatal::Corrupt { .. } | Fatal::Directory { .. }) => {
            assert!(changed > 0, "an unchanged log opens");
            return;
        }
        Err(other) => panic!("damage is reported as damage, not as {other:?}"),
    };
    let entries = log.read(0..u64::MAX, usize::MAX).expect("what was found on opening can be read");
    assert_eq!(
        entries.len() as u64,
        recovered.last.map_or(0, |(last, _)| last + 1),
        "the entries from the first to the last are found"
    );
    for (index, found) in (0..).zip(&entries) {
        assert_eq!(*found, entry(index), "each entry is as it was written");
    }
    if changed <= 1 {
        assert_eq!(entries.len() as u64, ENTRIES, "one changed byte must not lose a durable entry silently");
        assert_eq!(recovered.vote.as_deref(), Some(VOTE), "one changed byte must not lose the vote");
    }
    // After any cut, the log must accept entries after its end.
    append(&log, entry(entries.len() as u64));
    log.close().expect("a repaired log closes");
}

/// The keys and documents of a snapshot.
fn contents(generation: u64) -> Vec<(Key, Entry)> {
    let document = |number: u64| {
        let text = format!("{{\"generation\":{generation},\"number\":{number}}}");
        let value = parse(text.as_bytes(), &ParseLimits::default()).expect("the documents are JSON");
        Entry { value: Value::Json(value), expires_ms: None, version: generation }
    };
    (0..20).map(|number| (Key::from(format!("key{number}").as_bytes()), document(number))).collect()
}

/// Two snapshots, the newer one after entry 20.
static SNAPSHOTS: LazyLock<Files> = LazyLock::new(|| {
    let disk = SimDisk::new();
    let snapshots = SnapshotDir::open_dir(disk.shared(), dir(), 0).expect("an empty directory opens");
    for generation in [10, 20] {
        let mut stream = Vec::new();
        write_head(&mut stream, generation);
        contents(generation)
            .iter()
            .for_each(|(key, entry)| write_record(&mut stream, key.as_bytes(), entry.borrowed()));
        let mut writer = snapshots.begin((generation, 1), b"meta").expect("a snapshot begins");
        stream.chunks(300).for_each(|block| writer.block(block).expect("a block is written"));
        writer.finish().expect("a snapshot is finished");
    }
    files_of(&disk)
});

/// Opens snapshots whose bytes were changed as `data` says.
///
/// # Panics
/// Unless the newest unchanged snapshot is found, and restores the state that was saved.
pub fn damaged_snapshot(data: &[u8]) {
    let mut files = SNAPSHOTS.clone();
    change(&mut files, data);
    let good = files.iter().zip(SNAPSHOTS.iter()).rposition(|(now, before)| now.1 == before.1);
    let disk: Arc<dyn Disk> = disk_with(&files).shared();
    let snapshots = SnapshotDir::open_dir(disk, dir(), 0).expect("the directory opens");
    let (newest, damaged) = snapshots.newest_good().expect("the disk itself works");
    let expected = good.map(|which| files[which].0.clone());
    assert_eq!(newest.as_ref().map(|file| file.path.clone()), expected, "the newest good one is found");
    assert_eq!(
        damaged.len(),
        files.len() - good.map_or(0, |which| which + 1),
        "each damaged one is reported"
    );
    if let Some(newest) = newest {
        assert_restores(&snapshots, &newest);
    }
}

fn assert_restores(snapshots: &SnapshotDir, file: &SnapshotFile) {
    let keyspace = Keyspace::new();
    let mut restore = Restore::new();
    let mut reader: SnapshotReader = snapshots.open(file).expect("a good snapshot opens");
    assert_eq!(reader.meta(), b"meta");
    while let Some(block) = reader.next_block().expect("a good snapshot reads") {
        restore.block(block, &keyspace).expect("a good snapshot decodes");
    }
    let saved = contents(file.position.0);
    assert_eq!(restore.finish(&keyspace).expect("a good snapshot ends"), saved.len());
    let view = keyspace.view(Scope::ManyKeys, 0);
    for (key, entry) in saved {
        assert_eq!(view.value(key.as_bytes()), Some(entry.value), "{key:?}");
    }
}
