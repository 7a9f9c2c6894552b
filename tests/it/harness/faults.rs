//! Simulates faults of one node's machine: a wrong time of day, and a disk that is slow, hangs or
//! fails.
//!
//! The node's process preloads `faults.c`, compiled to a library by the C compiler that Rust links
//! with. The test and the library share a file of four numbers.

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
/// `EIO`, the error of a disk that has lost written data.
const INPUT_OUTPUT_ERROR: i64 = 5;

/// The faults of one node. There are none at first; they remain in force until they are changed,
/// even after a restart.
pub struct Faults {
    shared: File,
    _home: TempDir,
}

impl Faults {
    /// Prepares faults for a node that is not running yet.
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

    /// Sets the time of day ahead by `ms` milliseconds, or behind if `ms` is negative.
    pub fn set_clock_ahead(&self, ms: i64) {
        self.put(CLOCK_AHEAD_MS, ms);
    }

    /// Delays every further sync.
    pub fn delay_syncs(&self, by: Duration) {
        self.put(SYNC_DELAY_MS, by.as_millis() as i64);
    }

    /// Makes every further sync hang until the disk is healed.
    pub fn hang_syncs(&self) {
        self.put(SYNC_DELAY_MS, i64::MAX);
    }

    /// Makes every further sync fail.
    pub fn fail_syncs(&self) {
        self.put(SYNC_ERRNO, INPUT_OUTPUT_ERROR);
    }

    /// Ends the faults of syncs, including those of syncs that hang now.
    pub fn heal_syncs(&self) {
        self.put(SYNC_DELAY_MS, 0);
        self.put(SYNC_ERRNO, 0);
    }

    /// Waits until `count` further syncs have been affected by a fault.
    pub fn wait_for_syncs(&self, count: i64) {
        let before = self.get(SYNCS_HIT);
        until("syncs that meet the fault", || (self.get(SYNCS_HIT) >= before + count).then_some(()));
    }
}

/// The library, which is compiled once per process.
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
        let status = compile.status().expect("a C compiler is installed, since Rust links with it");
        assert!(status.success(), "{source} compiles");
        (home, library)
    });
    &BUILT.1
}
