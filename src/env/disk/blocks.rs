//! A buffer for writes of whole blocks.
//!
//! Invariants:
//! * The first byte has an address that is a multiple of the size of a block, as direct writes
//!   require.

/// The unit of direct writes. Disks write sectors of 512 or 4096 bytes, file systems and the page
/// cache blocks of 4096.
pub const BLOCK_BYTES: usize = 4096;

/// The bytes of some blocks that follow each other. The last one may be filled partly.
#[derive(Debug, Default)]
pub struct Blocks {
    /// Begins with up to a block of unused bytes, so that the used ones are aligned.
    bytes: Vec<u8>,
    skipped: usize,
}

impl Blocks {
    pub fn len(&self) -> usize {
        self.bytes.len() - self.skipped
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.skipped..]
    }

    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[self.skipped..]
    }

    /// Calls `append`, which may append up to `bytes` bytes.
    ///
    /// # Panics
    /// If it appends more or removes bytes.
    pub fn append(&mut self, bytes: usize, append: impl FnOnce(&mut Vec<u8>)) {
        self.reserve(bytes);
        let before = self.bytes.len();
        append(&mut self.bytes);
        let after = self.bytes.len();
        assert!((before..=before + bytes).contains(&after), "{after} bytes after {before} and {bytes}");
        self.assert_aligned();
    }

    pub fn extend(&mut self, bytes: &[u8]) {
        self.append(bytes.len(), |buffer| buffer.extend_from_slice(bytes));
    }

    /// Appends zeros until there are `bytes` bytes.
    ///
    /// # Panics
    /// If there are more already.
    pub fn pad_to(&mut self, bytes: usize) {
        let zeros = bytes.checked_sub(self.len()).expect("a buffer is padded to a greater length");
        self.append(zeros, |buffer| buffer.resize(buffer.len() + zeros, 0));
    }

    /// Keeps only the bytes of `range`, which become the first ones. Frees the memory beyond
    /// `capacity_max`.
    pub fn keep(&mut self, range: std::ops::Range<usize>, capacity_max: usize) {
        if self.bytes.capacity() > capacity_max {
            let mut smaller = Blocks::default();
            smaller.extend(&self.as_slice()[range]);
            *self = smaller;
            return;
        }
        let kept = range.len();
        let range = self.skipped + range.start..self.skipped + range.end;
        self.bytes.copy_within(range, self.skipped);
        self.bytes.truncate(self.skipped + kept);
    }

    /// Makes room for further bytes. A vector that moves them by itself would lose the alignment.
    fn reserve(&mut self, bytes: usize) {
        if self.bytes.capacity() - self.bytes.len() >= bytes {
            return;
        }
        let capacity = (self.len() + bytes).max(2 * self.bytes.capacity()) + BLOCK_BYTES;
        let mut larger: Vec<u8> = Vec::with_capacity(capacity);
        let skipped = larger.as_ptr().align_offset(BLOCK_BYTES);
        larger.resize(skipped, 0);
        larger.extend_from_slice(self.as_slice());
        (self.bytes, self.skipped) = (larger, skipped);
        self.assert_aligned();
    }

    fn assert_aligned(&self) {
        // An empty vector may have no memory, and then no address to speak of.
        let aligned = self.is_empty() || self.as_slice().as_ptr().addr().is_multiple_of(BLOCK_BYTES);
        assert!(aligned, "the buffer is aligned");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_aligned_and_in_order_while_the_buffer_grows_and_is_cut() {
        let mut blocks = Blocks::default();
        let mut expected = Vec::new();
        for round in 0..200usize {
            let bytes = vec![round as u8; round * 37 % 5000 + 1];
            blocks.extend(&bytes);
            expected.extend_from_slice(&bytes);
            if round % 7 == 0 {
                let from = expected.len() / BLOCK_BYTES * BLOCK_BYTES;
                blocks.keep(from..expected.len(), 64 << 10);
                expected.drain(..from);
            }
            assert_eq!(blocks.as_slice(), expected);
        }
        blocks.pad_to(expected.len() + 10);
        expected.resize(expected.len() + 10, 0);
        assert_eq!(blocks.as_slice(), expected);
    }

    #[test]
    fn an_empty_buffer_may_be_extended_by_nothing() {
        let mut blocks = Blocks::default();
        blocks.extend(&[]);
        blocks.keep(0..0, 0);
        assert!(blocks.is_empty());
        blocks.extend(b"abc");
        assert_eq!(blocks.as_slice(), b"abc");
    }

    #[test]
    fn a_large_buffer_is_freed() {
        let mut blocks = Blocks::default();
        blocks.pad_to(1 << 20);
        blocks.keep(0..10, 1 << 10);
        assert_eq!(blocks.as_slice(), [0; 10]);
        assert!(blocks.capacity() < 1 << 19);
    }

    #[test]
    #[should_panic(expected = "bytes after")]
    fn more_bytes_than_announced_are_refused() {
        Blocks::default().append(2, |buffer| buffer.extend_from_slice(b"abc"));
    }
}
