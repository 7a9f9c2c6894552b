//! The node file: the owner of a data directory, and the cluster version that it has reached.
//!
//! ```text
//! format 3
//! node 3
//! cluster name
//! incarnation 00c0ffee00c0ffee
//! version 2
//! crc32c 01234567        of the lines before
//! ```
//! Format 2 is that of the first cluster version, and has no line `version`. The first release
//! refuses a directory of format 3, so it does not open one whose cluster it cannot be part of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{corrupt, disk_error};
use crate::env::{Disk, Open};
use crate::error::Fatal;
use crate::version;

/// The formats that this program reads: that of the first cluster version, and that of later ones.
const FORMATS: [u32; 2] = [2, 3];

/// Maximum size of a node file. It has a few short lines, so a longer file is something else.
pub(super) const NODE_FILE_BYTES_MAX: u64 = 4096;

/// The owner of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub node: u64,
    /// The cluster's name: one line of at most 256 bytes.
    pub cluster: String,
    /// A random number chosen for a new directory; an existing directory keeps its own.
    pub incarnation: u64,
}

/// Writes the cluster version to the node file of an open directory.
#[derive(Clone, Debug)]
pub struct VersionRecord {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) identity: Identity,
}

impl VersionRecord {
    /// Records that this node has applied the cluster version.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn write(&self, version: u32) -> Result<(), Fatal> {
        let text = render(&self.identity, version);
        assert!(text.len() as u64 <= NODE_FILE_BYTES_MAX, "a node file of {} bytes", text.len());
        replace(&*self.disk, &self.dir.join("node"), text.as_bytes())
    }
}

/// Replaces a small file atomically: after a crash, either the old or the new content is found.
fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), Fatal> {
    let aside = path.with_extension("tmp");
    let file = disk.open(&aside, Open::Create).map_err(disk_error(&aside, "creating"))?;
    file.write_all_at(bytes, 0).map_err(disk_error(&aside, "writing"))?;
    file.sync_all().map_err(disk_error(&aside, "syncing"))?;
    disk.rename(&aside, path).map_err(disk_error(&aside, "renaming"))?;
    let dir = path.parent().expect("the path of the file has a parent");
    disk.sync_dir(dir).map_err(disk_error(dir, "syncing"))
}

fn render(identity: &Identity, version: u32) -> String {
    let Identity { node, cluster, incarnation } = identity;
    let is_first = version == version::FIRST;
    let format = FORMATS[usize::from(!is_first)];
    let mut lines =
        format!("format {format}\nnode {node}\ncluster {cluster}\nincarnation {incarnation:016x}\n");
    if !is_first {
        lines.push_str(&format!("version {version}\n"));
    }
    format!("{lines}crc32c {:08x}\n", crc32c::crc32c(lines.as_bytes()))
}

/// Reads the node file in the directory `dir`: its owner and the cluster version.
///
/// # Errors
/// [`Fatal::Corrupt`] if the file is damaged; [`Fatal::Directory`] if a later release has written
/// it; [`Fatal::Disk`].
pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<(Identity, u32), Fatal> {
    let path = dir.join("node");
    let file = disk.open(&path, Open::Read).map_err(disk_error(&path, "opening"))?;
    let bytes = file.len().map_err(disk_error(&path, "measuring"))?;
    if bytes > NODE_FILE_BYTES_MAX {
        return Err(corrupt(&path, 0, format!("a node file does not have {bytes} bytes")));
    }
    let mut text = vec![0; bytes as usize];
    file.read_exact_at(&mut text, 0).map_err(disk_error(&path, "reading"))?;
    match parse(&text) {
        Ok(Parsed::Known(identity, version)) => Ok((identity, version)),
        Ok(Parsed::Later(format)) => {
            let [first, last] = FORMATS;
            let reason = format!(
                "its format is version {format}, this program reads versions {first} to {last}: start a newer release"
            );
            Err(Fatal::Directory { path: dir.to_owned(), reason })
        }
        Err(reason) => Err(corrupt(&path, 0, reason)),
    }
}

enum Parsed {
    Known(Identity, u32),
    /// A format of which this program knows only the number.
    Later(u32),
}

fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let text = str::from_utf8(bytes).map_err(|_| "a node file is text")?;
    let mut lines = text.lines();
    let mut next = |key: &str| {
        let value = lines.next().and_then(|line| line.strip_prefix(key)?.strip_prefix(' '));
        value.ok_or_else(|| format!("the line {key:?} is missing"))
    };
    let format: u32 = next("format")?.parse().map_err(|_| "the format is not a number")?;
    if !FORMATS.contains(&format) {
        // Only a program that knows this version of the format can read the other lines.
        return Ok(Parsed::Later(format));
    }
    let node = next("node")?.parse().map_err(|_| "the node's id is not a number")?;
    let cluster = next("cluster")?.to_owned();
    let incarnation = u64::from_str_radix(next("incarnation")?, 16);
    let incarnation = incarnation.map_err(|_| "the incarnation is not a number")?;
    let version = match format == FORMATS[0] {
        true => version::FIRST,
        false => next("version")?.parse().map_err(|_| "the version is not a number")?,
    };
    let identity = Identity { node, cluster, incarnation };
    if render(&identity, version).as_bytes() != bytes {
        return Err("the checksum does not match".to_owned());
    }
    Ok(Parsed::Known(identity, version))
}
