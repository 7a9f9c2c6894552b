//! Tests the log as a whole, on a simulated disk that can fail.

mod basics;
mod crash;
mod faults;
mod full;
mod reuse;
mod tail;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;

use super::record::{self, Kind};
use super::{Entry, Log, Options, Recovered, SEGMENT_BYTES_MIN, segment};
use crate::error::Fatal;
use crate::testkit::SimDisk;

const DIR: &str = "/log";

/// Small segments, short retries, and no sync markers unless a test waits for them.
fn options() -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES_MIN,
        cache_bytes_max: 600,
        marker_after: Duration::from_secs(600),
        retry_after: Duration::from_millis(5),
        ..Options::default()
    }
}

fn try_open(disk: &SimDisk) -> Result<(Log, Recovered), Fatal> {
    Log::open(disk.shared(), Path::new(DIR), options())
}

fn open(disk: &SimDisk) -> (Log, Recovered) {
    try_open(disk).unwrap()
}

fn entry(index: u64, term: u64) -> Entry {
    entry_of(index, term, 20 + index as usize % 30)
}

fn entry_of(index: u64, term: u64, bytes: usize) -> Entry {
    let payload: Vec<u8> = (0..bytes as u64).map(|at| (at * 7 + index * 13 + term) as u8).collect();
    Entry { index, term, payload: Bytes::from(payload) }
}

/// Appends entries, and returns the receiver for the outcome.
fn begin(log: &Log, entries: Vec<Entry>) -> Receiver<Result<(), Fatal>> {
    let (sender, receiver) = channel();
    log.append(entries, move |result| drop(sender.send(result)));
    receiver
}

fn append(log: &Log, entries: Vec<Entry>) -> Result<(), Fatal> {
    begin(log, entries).recv_timeout(Duration::from_secs(20)).expect("an append has an outcome")
}

/// Appends the entries `indexes`, each in a batch of its own.
fn fill(log: &Log, indexes: std::ops::RangeInclusive<u64>, term: u64) {
    indexes.for_each(|index| append(log, vec![entry(index, term)]).unwrap());
}

fn read_all(log: &Log) -> Vec<Entry> {
    let from = log.stats().first.unwrap_or(0);
    log.read(from..u64::MAX, usize::MAX).unwrap()
}

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    for _ in 0..4000 {
        if reached() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("this did not happen in time: {what}");
}

fn path_of(sequence: u64) -> PathBuf {
    Path::new(DIR).join(format!("{sequence:020}.log"))
}

/// Offset, size and kind of the records of a segment.
fn records(bytes: &[u8]) -> Vec<(usize, usize, Kind)> {
    let salt = record::u32_at(bytes, 24);
    let mut at = segment::HEADER_BYTES as usize;
    let mut found = Vec::new();
    while let Ok(record) = record::decode(&bytes[at..], salt, at as u64) {
        found.push((at, record.size() as usize, record.kind));
        at += record.size() as usize;
    }
    found
}

/// The segments that have records, with their contents.
fn segments(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = (1..100).map(path_of).collect();
    paths.retain(|path| disk.contents(path).is_some());
    let all = paths.into_iter().map(|path| (disk.contents(&path).unwrap(), path));
    all.filter(|(bytes, _)| !records(bytes).is_empty()).map(|(bytes, path)| (path, bytes)).collect()
}
