//! What the system says of this process.
#![allow(clippy::disallowed_methods, reason = "this module reads the system's own files")]

/// The size of a page on every system this runs on; /proc counts in pages.
const PAGE_BYTES: u64 = 4096;

/// The memory that is resident now, in bytes; `None` where the system has no `/proc`.
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_has_some_memory() {
        assert!(super::resident_bytes().is_none_or(|bytes| bytes > 100_000));
    }
}
