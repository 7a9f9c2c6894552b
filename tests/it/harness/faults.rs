//! Faults of the machine for one node: its time of day is set wrong, its disk is slow or fails.
//!
//! The node's process loads `faults.c`, which the C compiler that Rust links with has made into a
//! library. The two share a file of four numbers.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::TempDir;

use super::TestNode;
use super::wait::until;

const CLOCK_AHEAD_MS: u64 = 0;
const SYNC_DELAY_MS: u64 = 1;
const SYNC_ERRNO: u64 = 2;
const SYNCS_HIT: u64 = 3;
/// `EIO`: what a disk answers that lost what it was given.
const INPUT_OUTPUT_ERROR: i64 = 5;

/// The faults of one node, which has none at first. They hold until they are changed, over restarts
/// too.
pub struct Faults {
    shared: File,
    _home: TempDir,
}

impl Faults {
    /// Prepares a node that does not run yet.
    pub fn of(node: &mut TestNode) -> Faults {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("faults");
        std::fs::write(&path, [0; 32]).unwrap();
        let shared = File::options().read(true).write(true).open(&path).unwrap();
        node.set_env("LD_PRELOAD", library());
        node.set_env("FAULTS_FILE", &path);
        Faults { shared, _home: home }
    }

    fn put(&self, field: u64, value: i64) {
        self.shared.write_all_at(&value.to_ne_bytes(), field * 8).unwrap();
    }

    fn get(&self, field: u64) -> i64 {
        let mut bytes = [0; 8];
        self.shared.read_exact_at(&mut bytes, field * 8).unwrap();
        i64::from_ne_bytes(bytes)
    }

    /// Sets the time of day off by so much; a negative number is behind.
    pub fn set_clock_ahead(&self, ms: i64) {
        self.put(CLOCK_AHEAD_MS, ms);
    }

    /// Every sync takes that much longer.
    pub fn delay_syncs(&self, by: Duration) {
        self.put(SYNC_DELAY_MS, by.as_millis() as i64);
    }

    /// No sync ends before the disk is healed.
    pub fn hang_syncs(&self) {
        self.put(SYNC_DELAY_MS, i64::MAX);
    }

    /// Every sync fails.
    pub fn fail_syncs(&self) {
        self.put(SYNC_ERRNO, INPUT_OUTPUT_ERROR);
    }

    /// Syncs are as fast as the disk, also those that wait.
    pub fn heal_syncs(&self) {
        self.put(SYNC_DELAY_MS, 0);
        self.put(SYNC_ERRNO, 0);
    }

    /// Waits until so many more syncs have met the fault.
    pub fn wait_for_syncs(&self, count: i64) {
        let before = self.get(SYNCS_HIT);
        until("syncs that meet the fault", || (self.get(SYNCS_HIT) >= before + count).then_some(()));
    }
}

/// The library, compiled once a process.
fn library() -> &'static Path {
    static BUILT: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let home = tempfile::tempdir().unwrap();
        let library = home.path().join("faults.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/harness/faults.c");
        let mut compile = Command::new("cc");
        compile
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&library)
            .arg(source);
        let status = compile.status().expect("Rust needs a C compiler to link, too");
        assert!(status.success(), "{source} compiles");
        (home, library)
    });
    &BUILT.1
}
