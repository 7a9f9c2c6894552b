//! The data directory: records which node owns it, and locks it against other processes.
//!
//! ```text
//! <dir>/lock                 held while a process uses the directory
//! <dir>/node                 node id, cluster id, incarnation, cluster version
//! <dir>/joined               present in a cluster of several: this node must never form it alone
//! <dir>/clearing             present while the node and its data are being removed
//! <dir>/group-0/log          segments
//! <dir>/group-0/snapshots    snapshot files
//! ```
//! The node file is text for an operator to read (`owner`).
//!
//! Invariants:
//! * A directory with a node file is used only by that node of that cluster, and by one process at
//!   a time.
//! * The node file is complete or absent: it is written under another name, synced and renamed.
//! * The incarnation is chosen at random when the directory is created. A node with a different
//!   incarnation has lost its earlier entries and votes. The incarnation of a directory changes
//!   only when its node is forced to continue without the other members, which must no longer rely
//!   on it.
//! * The cluster version in the node file never falls. A program that does not support it does not
//!   use the directory.
//! * Data in a directory without a node file has no known owner, so such a directory is not used.
//!   Only the remains of an interrupted removal are removed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk_error;
use super::owner::{self, Identity, VersionRecord};
use crate::env::{Disk, DiskLock, Open};
use crate::error::Fatal;
use crate::version::{self, Versions};

/// The file that marks a directory whose node joined an existing cluster.
const JOINED: &str = "joined";

/// The file that marks a directory that is being emptied.
const CLEARING: &str = "clearing";

/// Maximum length of a cluster's name, with which a node file stays below its maximum size.
const CLUSTER_BYTES_MAX: usize = 256;

/// A data directory, locked until this value is dropped.
#[derive(Debug)]
pub struct DataDir {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    identity: Identity,
    version: u32,
    fresh: bool,
    _lock: Box<dyn DiskLock>,
}

impl DataDir {
    /// Creates or opens the directory, locks it and checks its owner.
    ///
    /// # Errors
    /// [`Fatal::Directory`] if another process uses the directory, it belongs to another node or
    /// cluster, it has data without a node file, or this version does not know its format;
    /// [`Fatal::Corrupt`] if the node file is damaged; [`Fatal::Config`] if the cluster's name is
    /// not one line of 1 to 256 bytes without blanks at its ends; [`Fatal::Disk`].
    pub fn open(disk: Arc<dyn Disk>, path: &Path, identity: Identity) -> Result<DataDir, Fatal> {
        let named = !identity.cluster.is_empty() && identity.cluster.len() <= CLUSTER_BYTES_MAX;
        if !named || identity.cluster.contains(['\n', '\r']) || identity.cluster.trim() != identity.cluster {
            let reason = format!("the name of a cluster is one line of 1 to {CLUSTER_BYTES_MAX} bytes");
            return Err(Fatal::Config(reason));
        }
        disk.create_dir_all(path).map_err(disk_error(path, "creating the directory"))?;
        let lock = disk.lock(&path.join("lock")).map_err(disk_error(path, "locking"))?;
        let Some(lock) = lock else {
            return Err(refused(path, "another process uses this data directory"));
        };
        let mut dir = DataDir {
            disk,
            path: path.to_owned(),
            identity,
            version: version::FIRST,
            fresh: false,
            _lock: lock,
        };
        if lists(&*dir.disk, path, CLEARING)? {
            dir.remove_all()?;
        }
        dir.fresh = !dir.check_node_file()?;
        for sub in [dir.log_path(0), dir.snapshots_path(0)] {
            dir.disk.create_dir_all(&sub).map_err(disk_error(&sub, "creating the directory"))?;
        }
        if dir.fresh {
            // The directories are created before the node file, because a node file implies that
            // they exist.
            dir.sync_dirs()?;
            dir.write_node_file()?;
        }
        Ok(dir)
    }

    /// The owner of the directory at `path`; `None` if the directory has no owner yet, or is being
    /// emptied.
    ///
    /// # Errors
    /// [`Fatal::Corrupt`] if its node file is damaged; [`Fatal::Directory`] if the node file is
    /// missing although there is data; [`Fatal::Disk`].
    pub fn owner(disk: &dyn Disk, path: &Path) -> Result<Option<Identity>, Fatal> {
        disk.create_dir_all(path).map_err(disk_error(path, "creating the directory"))?;
        if lists(disk, path, CLEARING)? {
            return Ok(None);
        }
        if lists(disk, path, "node")? {
            return owner::read(disk, path).map(|(identity, _)| Some(identity));
        }
        refuse_data(disk, path)?;
        Ok(None)
    }

    /// Records, before the directory gets an owner, that its cluster exists already. Without this
    /// mark, a node that stops before it has received any data could later form a second cluster
    /// with the same name.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn mark_joined(disk: &dyn Disk, path: &Path) -> Result<(), Fatal> {
        let marker = path.join(JOINED);
        let file = disk.open(&marker, Open::Create).map_err(disk_error(&marker, "creating"))?;
        file.sync_all().map_err(disk_error(&marker, "syncing"))?;
        disk.sync_dir(path).map_err(disk_error(path, "syncing"))
    }

    /// Whether [`DataDir::mark_joined`] was called on the directory.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn is_joined(disk: &dyn Disk, path: &Path) -> Result<bool, Fatal> {
        lists(disk, path, JOINED)
    }

    /// Removes the log, the snapshots and the node file, and unlocks the directory; a mark of
    /// [`DataDir::mark_joined`] stays. If a crash interrupts the removal, the next `open` removes
    /// the rest.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn clear(self) -> Result<(), Fatal> {
        let marker = self.path.join(CLEARING);
        let file = self.disk.open(&marker, Open::Create).map_err(disk_error(&marker, "creating"))?;
        file.sync_all().map_err(disk_error(&marker, "syncing"))?;
        self.sync_path(&self.path)?;
        self.remove_all()
    }

    /// Removes everything that [`DataDir::clear`] has to remove; the marker file goes last.
    fn remove_all(&self) -> Result<(), Fatal> {
        let remove = |path: PathBuf| self.disk.remove(&path).map_err(disk_error(&path, "removing"));
        for dir in [self.log_path(0), self.snapshots_path(0)] {
            for name in self.disk.list(&dir).map_err(disk_error(&dir, "listing"))? {
                remove(dir.join(name))?;
            }
            self.sync_path(&dir)?;
        }
        if lists(&*self.disk, &self.path, "node")? {
            remove(self.node_path())?;
            self.sync_path(&self.path)?;
        }
        remove(self.path.join(CLEARING))?;
        self.sync_path(&self.path)
    }

    fn sync_path(&self, dir: &Path) -> Result<(), Fatal> {
        self.disk.sync_dir(dir).map_err(disk_error(dir, "syncing"))
    }

    fn sync_dirs(&self) -> Result<(), Fatal> {
        let group = self.path.join("group-0");
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        for dir in [Some(group.as_path()), Some(self.path.as_path()), parent].into_iter().flatten() {
            self.sync_path(dir)?;
        }
        Ok(())
    }

    /// Checks the node file: it must belong to this node. Returns whether it exists; if it does
    /// not, the directory must not contain data either.
    fn check_node_file(&mut self) -> Result<bool, Fatal> {
        if !lists(&*self.disk, &self.path, "node")? {
            refuse_data(&*self.disk, &self.path)?;
            return Ok(false);
        }
        let (found, version) = owner::read(&*self.disk, &self.path)?;
        let Identity { node, cluster, .. } = &self.identity;
        if found.node != *node {
            let reason = format!("it belongs to node {}, and this is node {node}", found.node);
            return Err(refused(&self.path, reason));
        }
        if found.cluster != *cluster {
            let reason =
                format!("it belongs to cluster {:?}, and this node belongs to {cluster:?}", found.cluster);
            return Err(refused(&self.path, reason));
        }
        self.identity.incarnation = found.incarnation;
        self.version = version;
        Ok(true)
    }

    fn write_node_file(&self) -> Result<(), Fatal> {
        self.version_record().write(self.version)
    }

    /// Writes further cluster versions to the node file.
    pub fn version_record(&self) -> VersionRecord {
        VersionRecord { disk: self.disk.clone(), dir: self.path.clone(), identity: self.identity.clone() }
    }

    /// The cluster version that the node had applied when the directory was opened.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Checks that a program with these versions may use the directory.
    ///
    /// # Errors
    /// [`Fatal::Directory`].
    pub fn check_version(&self, supported: Versions) -> Result<(), Fatal> {
        let refusal = supported.refusal("this program", self.version);
        refusal.map_or(Ok(()), |reason| Err(refused(&self.path, reason)))
    }

    fn node_path(&self) -> PathBuf {
        self.path.join("node")
    }

    pub fn disk(&self) -> Arc<dyn Disk> {
        self.disk.clone()
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Changes the incarnation of the directory and keeps its data.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn renew(&mut self, incarnation: u64) -> Result<(), Fatal> {
        self.identity.incarnation = incarnation;
        self.write_node_file()
    }

    /// Whether [`DataDir::open`] found no node file and created it: the directory has no data then.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The directory of a group's log.
    pub fn log_path(&self, group: u32) -> PathBuf {
        log_path(&self.path, group)
    }

    /// The directory of a group's snapshots.
    pub fn snapshots_path(&self, group: u32) -> PathBuf {
        snapshots_path(&self.path, group)
    }
}

fn log_path(path: &Path, group: u32) -> PathBuf {
    path.join(format!("group-{group}")).join("log")
}

fn snapshots_path(path: &Path, group: u32) -> PathBuf {
    path.join(format!("group-{group}")).join("snapshots")
}

/// Whether the directory at `path` contains a file or directory with this name.
fn lists(disk: &dyn Disk, path: &Path, name: &str) -> Result<bool, Fatal> {
    let names = disk.list(path).map_err(disk_error(path, "listing"))?;
    Ok(names.iter().any(|found| found == name))
}

/// Returns an error if a directory without a node file holds a log or snapshots.
fn refuse_data(disk: &dyn Disk, path: &Path) -> Result<(), Fatal> {
    for dir in [log_path(path, 0), snapshots_path(path, 0)] {
        let names = match disk.list(&dir) {
            // A directory that was never created contains no data.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            names => names.map_err(disk_error(&dir, "listing"))?,
        };
        if let Some(name) = names.first() {
            let reason = format!(
                "its node file is missing, and there is {}: put the file back, or use an empty directory",
                dir.join(name).display()
            );
            return Err(refused(path, reason));
        }
    }
    Ok(())
}

fn refused(path: &Path, reason: impl Into<String>) -> Fatal {
    Fatal::Directory { path: path.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::RealDisk;
    use crate::testkit::{Op, SimDisk};

    fn of(node: u64, cluster: &str) -> Identity {
        Identity { node, cluster: cluster.to_owned(), incarnation: 7 }
    }

    #[test]
    fn a_directory_keeps_its_incarnation() {
        let disk = SimDisk::new();
        let open = |incarnation| {
            let identity = Identity { incarnation, ..of(3, "blue") };
            let dir = DataDir::open(disk.shared(), Path::new("/data"), identity).unwrap();
            dir.identity().incarnation
        };
        assert_eq!((open(1 << 63), open(5)), (1 << 63, 1 << 63));
    }

    #[test]
    fn a_directory_belongs_to_one_node_of_one_cluster_and_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let open = |identity| DataDir::open(RealDisk::shared(), &path, identity);
        let held = open(of(3, "blue")).unwrap();
        assert!(held.is_fresh() && RealDisk.list(&held.log_path(0)).unwrap().is_empty());
        let message = open(of(3, "blue")).unwrap_err().to_string();
        assert!(message.ends_with("data: another process uses this data directory"), "{message}");
        drop(held);
        let message = open(of(4, "blue")).unwrap_err().to_string();
        assert!(message.ends_with("it belongs to node 3, and this is node 4"), "{message}");
        let message = open(of(3, "red")).unwrap_err().to_string();
        assert!(
            message.ends_with(r#"it belongs to cluster "blue", and this node belongs to "red""#),
            "{message}"
        );
        assert!(!open(of(3, "blue")).unwrap().is_fresh());
    }

    #[test]
    fn an_unknown_format_and_every_damaged_byte_are_refused() {
        let disk = SimDisk::new();
        let open = || DataDir::open(disk.shared(), Path::new("/data"), of(3, "blue"));
        drop(open().unwrap());
        let path = Path::new("/data/node");
        let good = disk.contents(path).unwrap();
        for (at, byte) in good.iter().enumerate() {
            disk.overwrite(path, at, &[byte ^ 1]);
            assert!(open().is_err(), "byte {at}");
            disk.overwrite(path, at, &[*byte]);
        }
        disk.overwrite(path, 7, b"4");
        let message = open().unwrap_err().to_string();
        let expected =
            "/data: its format is version 4, this program reads versions 2 to 3: start a newer release";
        assert_eq!(message, expected);
        let owner = DataDir::owner(&*disk.shared(), Path::new("/data"));
        assert_eq!(owner.unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_directory_of_a_later_cluster_version_is_refused_by_a_program_without_it() {
        let disk = SimDisk::new();
        let open = || DataDir::open(disk.shared(), Path::new("/data"), of(3, "blue")).unwrap();
        let dir = open();
        let first = disk.contents(Path::new("/data/node")).unwrap();
        assert!(first.starts_with(b"format 2\n"), "the first release can still open it");
        dir.version_record().write(2).unwrap();
        drop(dir);
        let mut dir = open();
        assert_eq!(dir.version(), 2);
        assert!(dir.check_version(Versions { min: 1, max: 2 }).is_ok());
        let message = dir.check_version(Versions::only(1)).unwrap_err().to_string();
        let expected = "/data: this program supports version 1, and the cluster has version 2: start a newer \
                        release (an upgrade that was finalized cannot be undone)";
        assert_eq!(message, expected);
        dir.renew(9).unwrap();
        let second = String::from_utf8(disk.contents(Path::new("/data/node")).unwrap()).unwrap();
        assert!(second.starts_with("format 3\n") && second.contains("\nversion 2\n"), "{second}");
        for (at, byte) in second.bytes().enumerate() {
            disk.overwrite(Path::new("/data/node"), at, &[byte ^ 1]);
            assert!(owner::read(&*disk.shared(), Path::new("/data")).is_err(), "byte {at}");
            disk.overwrite(Path::new("/data/node"), at, &[byte]);
        }
    }

    #[test]
    fn a_crash_during_creation_leaves_a_directory_that_opens() {
        for cut in 0..12 {
            let disk = SimDisk::new();
            disk.cut_power_after(cut);
            let _ = DataDir::open(disk.shared(), Path::new("/data"), of(3, "blue"));
            disk.reboot(cut);
            DataDir::open(disk.shared(), Path::new("/data"), of(3, "blue")).unwrap();
        }
    }

    /// An open directory of a node that already has a log.
    fn used(disk: &SimDisk) -> DataDir {
        let dir = DataDir::open(disk.shared(), Path::new("/data"), of(3, "blue")).unwrap();
        for path in [dir.log_path(0).join("1.log"), dir.snapshots_path(0).join("1.snap")] {
            disk.shared().open(&path, Open::Create).unwrap().sync_all().unwrap();
            disk.shared().sync_dir(path.parent().unwrap()).unwrap();
        }
        dir
    }

    #[test]
    fn data_without_a_node_file_is_refused() {
        let disk = SimDisk::new();
        drop(used(&disk));
        disk.shared().remove(Path::new("/data/node")).unwrap();
        let message = "/data: its node file is missing, and there is /data/group-0/log/1.log: \
                       put the file back, or use an empty directory";
        let owner = DataDir::owner(&*disk.shared(), Path::new("/data"));
        assert_eq!(owner.unwrap_err().to_string(), message);
        let opened = DataDir::open(disk.shared(), Path::new("/data"), of(3, "blue"));
        assert_eq!(opened.unwrap_err().to_string(), message);
    }

    #[test]
    fn a_crash_during_clearing_leaves_all_or_nothing() {
        let mut outcomes = std::collections::BTreeSet::new();
        for cut in 0..30 {
            let disk = SimDisk::new();
            let dir = used(&disk);
            disk.cut_power_after(cut);
            let cleared = dir.clear().is_ok();
            disk.reboot(cut);
            let dir = DataDir::open(disk.shared(), Path::new("/data"), of(3, "blue")).unwrap();
            let kept = disk.shared().list(&dir.log_path(0)).unwrap().len();
            let snapshots = disk.shared().list(&dir.snapshots_path(0)).unwrap().len();
            assert_eq!((kept, kept == 0), (snapshots, dir.is_fresh()), "power cut after {cut}");
            assert!(!cleared || kept == 0);
            assert!(!disk.shared().list(Path::new("/data")).unwrap().iter().any(|name| name == CLEARING));
            outcomes.insert(kept);
        }
        assert_eq!(outcomes.len(), 2, "some cuts leave all the data, and others leave nothing");
    }

    #[test]
    fn a_failed_sync_is_an_error_and_names_the_file() {
        let disk = SimDisk::new();
        disk.fail(Op::Sync, 0, std::io::ErrorKind::Other);
        let error = DataDir::open(disk.shared(), Path::new("/data"), of(3, "blue")).unwrap_err();
        assert!(error.to_string().starts_with("/data/node.tmp: syncing failed"), "{error}");
    }

    #[test]
    fn the_name_of_a_cluster_is_one_line() {
        for bad in ["", "two\nlines", " padded"] {
            let error = DataDir::open(SimDisk::new().shared(), Path::new("/data"), of(1, bad)).unwrap_err();
            assert!(matches!(error, Fatal::Config(_)), "{bad:?}");
        }
    }
}
