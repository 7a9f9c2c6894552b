//! The disk of the operating system.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the only access to the file system")]

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::{BLOCK_BYTES, Blocks, Disk, DiskFile, DiskLock, Open};

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl RealDisk {
    pub fn shared() -> Arc<dyn Disk> {
        Arc::new(RealDisk)
    }
}

/// The flag that makes reads and writes bypass the page cache, where there is one.
fn direct_flag() -> Option<i32> {
    #[cfg(target_os = "linux")]
    return Some(nix::libc::O_DIRECT);
    #[cfg(not(target_os = "linux"))]
    None
}

#[derive(Debug)]
struct LockedFile(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl DiskLock for LockedFile {}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = File::options();
        match how {
            Open::Read => options.read(true),
            Open::Write => options.read(true).write(true),
            Open::Create => options.read(true).write(true).create(true).truncate(true),
        };
        let file: Arc<dyn DiskFile> = Arc::new(options.open(path)?);
        Ok(file)
    }

    fn open_direct(&self, path: &Path) -> Option<Arc<dyn DiskFile>> {
        let direct = direct_flag()?;
        let file = File::options().read(true).write(true).custom_flags(direct).open(path).ok()?;
        // Some file systems refuse the flag, others only transfers whose alignment they do not
        // support. A read finds out without changing anything.
        let mut block = Blocks::default();
        block.pad_to(BLOCK_BYTES);
        FileExt::read_at(&file, block.as_mut_slice(), 0).ok()?;
        Some(Arc::new(file))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            // Other names are skipped, because this program's file names are UTF-8.
            if let (false, Ok(name)) = (entry.file_type()?.is_dir(), entry.file_name().into_string()) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(LockedFile(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl DiskFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_can_be_written_listed_renamed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let file = RealDisk.open(&a, Open::Create).unwrap();
        file.zero_fill(0, 10).unwrap();
        file.write_all_at(b"xyz", 4).unwrap();
        file.sync_all().unwrap();
        RealDisk.rename(&a, &b).unwrap();
        RealDisk.create_dir_all(&dir.path().join("c")).unwrap();
        RealDisk.sync_dir(dir.path()).unwrap();
        assert_eq!(RealDisk.list(dir.path()).unwrap(), ["b"]);
        let mut bytes = [1; 10];
        RealDisk.open(&b, Open::Read).unwrap().read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"\0\0\0\0xyz\0\0\0");
        let short = RealDisk.open(&b, Open::Read).unwrap().read_exact_at(&mut bytes, 1).unwrap_err();
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
        RealDisk.remove(&b).unwrap();
        assert_eq!(RealDisk.open(&b, Open::Write).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn direct_writes_are_read_through_another_handle() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let file = RealDisk.open(&path, Open::Create).unwrap();
        file.zero_fill(0, 4 * BLOCK_BYTES as u64).unwrap();
        let Some(direct) = RealDisk.open_direct(&path) else {
            println!("skipped: this file system permits no direct writes");
            return;
        };
        let mut found = vec![0; 2 * BLOCK_BYTES];
        for round in 1..20 {
            let mut blocks = Blocks::default();
            blocks.extend(&[round; 2 * BLOCK_BYTES]);
            direct.write_all_at(blocks.as_slice(), BLOCK_BYTES as u64).unwrap();
            direct.sync_data().unwrap();
            file.read_exact_at(&mut found, BLOCK_BYTES as u64).unwrap();
            assert_eq!(found, blocks.as_slice());
        }
        assert!(RealDisk.open_direct(&dir.path().join("b")).is_none(), "no file is created");
    }

    #[test]
    fn a_lock_excludes_others_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = RealDisk.lock(&path).unwrap();
        assert!(held.is_some());
        assert!(RealDisk.lock(&path).unwrap().is_none());
        drop(held);
        assert!(RealDisk.lock(&path).unwrap().is_some());
    }
}
