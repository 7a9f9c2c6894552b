//! The files that a release has left: what it wrote, for tests that a later program reads it.
#![allow(clippy::disallowed_methods, reason = "the files of a test are not a node's")]

/// The text of a file below `tests/formats`.
///
/// # Panics
/// If there is no such file.
pub fn release_file(name: &str) -> String {
    let path = format!("{}/tests/formats/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the file of the release exists")
}
