//! A disk in memory that fails on request and, at a power cut, loses data that was not synced.
//!
//! Invariants:
//! * A write becomes durable only by a sync or at a power cut. At a cut each unsynced write
//!   survives in any subset of its sectors, and a partial sector may end at any byte.
//! * Names (created, renamed, removed files) are durable after `sync_dir`; at a cut a prefix of the
//!   unsynced changes of all directories survives, as with a journaling file system.
//! * After a power cut every operation except `create_dir_all`, which does nothing, fails until
//!   [`SimDisk::reboot`]; old handles stay invalid.
//! * A disk that lies ([`SimDisk::lie_about`]) makes bytes durable one sync later than it reports.

mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::env::{BLOCK_BYTES, Disk, DiskFile, DiskLock, Open};
use crate::random::Random;

use content::Content;

/// Size of the unit that a disk writes atomically.
pub const SECTOR_BYTES: usize = 512;

/// The operations that a test can make fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Open,
    Read,
    /// A failing write still writes half of its bytes.
    Write,
    /// A failing sync drops the unsynced bytes, as Linux may: they can be read, but no later sync
    /// makes them durable.
    Sync,
    Rename,
    Remove,
    SyncDir,
}

#[derive(Debug)]
enum NameChange {
    Put(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Debug)]
struct Fault {
    op: Op,
    after: u64,
    kind: io::ErrorKind,
}

#[derive(Debug, Default)]
struct Files {
    contents: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    name_changes: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
    faults: Vec<Fault>,
    /// Whether syncs hang, and how many do so now.
    hangs: bool,
    hanging: usize,
    capacity: Option<u64>,
    power_left: Option<u64>,
    boots: u64,
    syncs: u64,
    /// The directory about whose files the disk lies.
    lies_below: Option<PathBuf>,
    refuses_direct: bool,
}

/// The disk; clones share it.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<Files>>,
    /// Wakes the hanging syncs when the disk continues.
    resumed: Arc<Condvar>,
}

impl SimDisk {
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    pub fn shared(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// Makes one operation of this kind fail with `kind`, after `after` successful ones.
    pub fn fail(&self, op: Op, after: u64, kind: io::ErrorKind) {
        self.state.lock().faults.push(Fault { op, after, kind });
    }

    /// Makes syncs hang from now on if `hangs` is true; otherwise lets all of them continue.
    pub fn hang(&self, hangs: bool) {
        self.state.lock().hangs = hangs;
        self.resumed.notify_all();
    }

    /// The number of syncs that hang now.
    pub fn hanging(&self) -> usize {
        self.state.lock().hanging
    }

    /// Limits the total length of all files; `None` removes the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    /// The total size of all files that have a name.
    pub fn used(&self) -> u64 {
        self.state.lock().used()
    }

    /// The number of successful syncs of files so far.
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// Cuts the power after `operations` further changes; the last of them may still reach the
    /// disk.
    pub fn cut_power_after(&self, operations: u64) {
        self.state.lock().power_left = Some(operations);
    }

    /// From now on, lies about files opened below `dir`: a sync returns before its bytes are
    /// durable, and the next sync makes them durable, as on a drive with a volatile cache.
    pub fn lie_about(&self, dir: &Path) {
        self.state.lock().lies_below = Some(dir.to_owned());
    }

    /// From now on, permits no direct writes, as some file systems.
    pub fn refuse_direct(&self) {
        self.state.lock().refuses_direct = true;
    }

    /// Cancels all requested failures and the requested power cut.
    pub fn trust(&self) {
        let mut state = self.state.lock();
        state.faults.clear();
        state.power_left = None;
    }

    /// Whether the power is off, so that nothing can be read or written until the reboot.
    pub fn is_off(&self) -> bool {
        self.state.lock().power_left == Some(0)
    }

    /// Restores the disk after a power cut. The seed chooses which unsynced changes survive.
    pub fn reboot(&self, seed: u64) {
        let mut random = Random::seeded(seed);
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let survive = random.below(state.name_changes.len() as u64 + 1) as usize;
        for change in state.name_changes.drain(..).take(survive) {
            change.apply(&mut state.durable_names);
        }
        state.names = state.durable_names.clone();
        for content in &mut state.contents {
            content.lose_power(&mut random);
        }
        state.locks.clear();
        state.faults.clear();
        state.power_left = None;
        state.boots += 1;
    }

    /// Another disk with the same files.
    ///
    /// # Panics
    /// If a change is not synced.
    pub fn copy(&self) -> SimDisk {
        self.copy_if_synced().expect("every change is synced")
    }

    /// Another disk with the same files, all of them synced; `None` while a change is not synced,
    /// for example because the log prepares a segment.
    pub fn copy_if_synced(&self) -> Option<SimDisk> {
        let state = self.state.lock();
        if !state.name_changes.is_empty() || state.contents.iter().any(|file| !file.dirty.is_empty()) {
            return None;
        }
        let (contents, names) = (state.contents.clone(), state.names.clone());
        let copied = Files { contents, durable_names: names.clone(), names, ..Files::default() };
        Some(SimDisk { state: Arc::new(Mutex::new(copied)), resumed: Arc::default() })
    }

    /// The bytes of a file, as a reader sees them now.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state.lock();
        state.names.get(path).map(|id| state.contents[*id].now.clone())
    }

    /// Replaces bytes durably without a write, like a fault of the medium.
    ///
    /// # Panics
    /// If the file does not exist or is shorter.
    pub fn overwrite(&self, path: &Path, offset: usize, bytes: &[u8]) {
        self.change_medium(path, |copy| copy[offset..offset + bytes.len()].copy_from_slice(bytes));
    }

    /// Truncates a file, as an operator might by mistake.
    ///
    /// # Panics
    /// If the file does not exist.
    pub fn truncate(&self, path: &Path, bytes: u64) {
        self.change_medium(path, |copy| copy.truncate(bytes as usize));
    }

    fn change_medium(&self, path: &Path, change: impl Fn(&mut Vec<u8>)) {
        let mut state = self.state.lock();
        let id = *state.names.get(path).expect("the test names an existing file");
        let content = &mut state.contents[id];
        change(&mut content.now);
        change(&mut content.durable);
    }
}

impl Files {
    fn used(&self) -> u64 {
        self.names.values().map(|id| self.contents[*id].now.len() as u64).sum()
    }

    /// Counts an operation towards the power cut. Returns an error if the power was off already, or
    /// if the test requested a failure of this operation; the last operation before the cut still
    /// succeeds.
    fn enter(&mut self, op: Op, boot: u64) -> io::Result<()> {
        if boot != self.boots || self.power_left == Some(0) {
            return Err(io::Error::other("the power is off"));
        }
        if let (Some(left), true) = (&mut self.power_left, !matches!(op, Op::Open | Op::Read)) {
            *left -= 1;
        }
        if let Some(at) = self.faults.iter().position(|fault| fault.op == op) {
            if self.faults[at].after == 0 {
                return Err(self.faults.remove(at).kind.into());
            }
            self.faults[at].after -= 1;
        }
        Ok(())
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            NameChange::Put(path, id) => {
                names.insert(path.clone(), *id);
            }
            NameChange::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
            NameChange::Remove(path) => {
                names.remove(path);
            }
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        match self {
            NameChange::Put(path, _) | NameChange::Rename(_, path) | NameChange::Remove(path) => {
                path.parent() == Some(dir)
            }
        }
    }
}

#[derive(Debug)]
struct SimFile {
    state: Arc<Mutex<Files>>,
    resumed: Arc<Condvar>,
    id: usize,
    boot: u64,
    /// Whether writes must be whole blocks from aligned memory.
    direct: bool,
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.enter(Op::Read, self.boot)?;
        let now = &state.contents[self.id].now;
        let from = (offset as usize).min(now.len());
        let count = buffer.len().min(now.len() - from);
        buffer[..count].copy_from_slice(&now[from..from + count]);
        Ok(count)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let aligned = |number: usize| number.is_multiple_of(BLOCK_BYTES);
        let whole = aligned(bytes.len()) && aligned(offset as usize) && aligned(bytes.as_ptr().addr());
        assert!(whole || !self.direct, "a direct write of {} bytes at {offset}", bytes.len());
        let mut state = self.state.lock();
        if state.power_left == Some(0) || state.boots != self.boot {
            return Err(io::Error::other("the power is off"));
        }
        let offset = offset as usize;
        let mut result = state.enter(Op::Write, self.boot);
        let mut accepted = if result.is_ok() { bytes.len() } else { bytes.len() / 2 };
        let grows = (offset + accepted).saturating_sub(state.contents[self.id].now.len()) as u64;
        if let Some(capacity) = state.capacity {
            let free = capacity.saturating_sub(state.used());
            if grows > free {
                accepted -= (grows - free) as usize;
                result = Err(io::ErrorKind::StorageFull.into());
            }
        }
        let content = &mut state.contents[self.id];
        Content::put(&mut content.now, offset, &bytes[..accepted]);
        content.dirty.push((offset, bytes[..accepted].to_vec()));
        result
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        while state.hangs && state.boots == self.boot {
            state.hanging += 1;
            self.resumed.wait(&mut state);
            state.hanging -= 1;
        }
        let result = state.enter(Op::Sync, self.boot);
        if result.is_ok() {
            state.syncs += 1;
        }
        let powered = self.boot == state.boots && state.power_left != Some(0);
        let content = &mut state.contents[self.id];
        match &result {
            Ok(()) => content.sync(),
            Err(_) if powered => content.dirty.clear(),
            Err(_) => {}
        }
        result
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.state.lock();
        state.enter(Op::Read, self.boot)?;
        Ok(state.contents[self.id].now.len() as u64)
    }

    /// The new length is durable at once: the storage syncs after each call anyway.
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.enter(Op::Write, self.boot)?;
        let content = &mut state.contents[self.id];
        content.now.resize(bytes as usize, 0);
        content.durable.resize(bytes as usize, 0);
        content.dirty.retain(|(offset, dirty)| (offset + dirty.len()) as u64 <= bytes);
        Ok(())
    }
}

#[derive(Debug)]
struct SimLock {
    state: Arc<Mutex<Files>>,
    path: PathBuf,
    boot: u64,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if state.boots == self.boot {
            state.locks.remove(&self.path);
        }
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state.lock();
        let boot = state.boots;
        state.enter(Op::Open, boot)?;
        let id = match (how, state.names.get(path)) {
            (Open::Read | Open::Write, Some(id)) => *id,
            (Open::Read | Open::Write, None) => return Err(io::ErrorKind::NotFound.into()),
            (Open::Create, _) => {
                let id = state.contents.len();
                state.contents.push(Content::default());
                state.change_name(NameChange::Put(path.to_owned(), id));
                id
            }
        };
        let lies = state.lies_below.as_ref().is_some_and(|dir| path.starts_with(dir));
        state.contents[id].lies = lies;
        let file: Arc<dyn DiskFile> = Arc::new(SimFile {
            state: self.state.clone(),
            resumed: self.resumed.clone(),
            id,
            boot,
            direct: false,
        });
        Ok(file)
    }

    fn open_direct(&self, path: &Path) -> Option<Arc<dyn DiskFile>> {
        let state = self.state.lock();
        let (id, boot) = (*state.names.get(path)?, state.boots);
        let permitted = !state.refuses_direct;
        let (state, resumed) = (self.state.clone(), self.resumed.clone());
        permitted.then(|| Arc::new(SimFile { state, resumed, id, boot, direct: true }) as _)
    }

    fn create_dir_all(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut state = self.state.lock();
        let boot = state.boots;
        state.enter(Op::Read, boot)?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let boot = state.boots;
        state.enter(Op::Rename, boot)?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let boot = state.boots;
        state.enter(Op::Remove, boot)?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut guard = self.state.lock();
        let boot = guard.boots;
        guard.enter(Op::SyncDir, boot)?;
        let state = &mut *guard;
        let (done, left) = state.name_changes.drain(..).partition::<Vec<_>, _>(|change| change.is_in(dir));
        for change in done {
            change.apply(&mut state.durable_names);
        }
        state.name_changes = left;
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        let mut state = self.state.lock();
        let boot = state.boots;
        state.enter(Op::Open, boot)?;
        if !state.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimLock { state: self.state.clone(), path: path.to_owned(), boot })))
    }
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
