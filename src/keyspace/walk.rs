//! The walk of SSCAN, HSCAN and ZSCAN: a large collection by a hash of its elements.
//!
//! A cursor is a hash: everything below it has been answered. An element's hash follows from its
//! bytes alone, so whatever comes and goes meanwhile, an element that stays is answered once, and a
//! cursor stays good on another node and after a restart. The positions of elements by their hashes
//! are found out at the first call and followed from then on; a collection that nobody walks has
//! none of it.
//!
//! Invariants, while there are buckets:
//! * every position of the collection stands in one bucket, that of its element's hash;
//! * a hash is below [`CURSOR_END`], and only the end of a walk has the cursor 0.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

/// Chosen once and part of what a cursor means.
const SEED: u64 = 0x7761_6c6b_2062_7921;

/// Cursors are below this: clients keep them in numbers of which 53 bits count.
const CURSOR_BITS: u32 = 48;
const CURSOR_END: u64 = 1 << CURSOR_BITS;

/// How many elements a bucket has about, so that a call answers not many more than it was asked
/// for.
const BUCKET_ELEMENTS: usize = 4;
/// With so many more than when the buckets were made, they are made anew at the next call.
const GROWTH_MAX: usize = 4;

/// With so many more buckets than elements, they are made anew at the next call.
const EMPTY_BUCKETS_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Walk(OnceLock<Box<Buckets>>);

/// A copy finds it out for itself.
impl Clone for Walk {
    fn clone(&self) -> Walk {
        Walk::default()
    }
}

#[derive(Debug)]
struct Buckets {
    /// A bucket has the hashes that begin with its number in so many bits.
    bits: u32,
    positions: Vec<Vec<u32>>,
    len: usize,
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(SEED).build_hasher();
    hasher.write(bytes);
    hasher.finish() >> (u64::BITS - CURSOR_BITS)
}

/// Whether the element of these bytes is still to come at a cursor.
pub(super) fn is_to_come(bytes: &[u8], cursor: u64) -> bool {
    hash_of(bytes) >= cursor
}

impl Buckets {
    fn new<'a>(len: usize, bytes_at: impl Fn(usize) -> &'a [u8]) -> Buckets {
        let bits = (len / BUCKET_ELEMENTS).max(1).next_power_of_two().ilog2();
        let mut buckets = Buckets { bits, positions: vec![Vec::new(); 1 << bits], len: 0 };
        for position in 0..len {
            buckets.add(bytes_at(position), position);
        }
        buckets
    }

    fn bucket(&self, hash: u64) -> usize {
        (hash >> (CURSOR_BITS - self.bits)) as usize
    }

    fn add(&mut self, bytes: &[u8], position: usize) {
        let bucket = self.bucket(hash_of(bytes));
        self.positions[bucket].push(position as u32);
        self.len += 1;
    }

    fn slot(&mut self, bytes: &[u8], position: usize) -> (usize, usize) {
        let bucket = self.bucket(hash_of(bytes));
        let slot = self.positions[bucket].iter().position(|&at| at as usize == position);
        (bucket, slot.expect("every position stands in the bucket of its element"))
    }

    /// Whether a walk would look at many buckets for each element that is left.
    fn is_deserted(&self) -> bool {
        self.positions.len() > EMPTY_BUCKETS_MAX * self.len.max(1)
    }

    fn is_outgrown(&self) -> bool {
        self.len > self.positions.len() * BUCKET_ELEMENTS * GROWTH_MAX
    }
}

impl Walk {
    /// An element was put in at a position.
    pub fn added(&mut self, bytes: &[u8], position: usize) {
        if let Some(buckets) = self.0.get_mut() {
            buckets.add(bytes, position);
            if buckets.is_outgrown() {
                self.forget();
            }
        }
    }

    /// The element at a position was taken out, and the last one, if it was another, took its
    /// place.
    pub fn removed(&mut self, bytes: &[u8], position: usize, last: Option<(&[u8], usize)>) {
        let Some(buckets) = self.0.get_mut() else { return };
        let (bucket, slot) = buckets.slot(bytes, position);
        buckets.positions[bucket].swap_remove(slot);
        buckets.len -= 1;
        if buckets.is_deserted() {
            return self.forget();
        }
        if let Some((bytes, before)) = last {
            let (bucket, slot) = buckets.slot(bytes, before);
            buckets.positions[bucket][slot] = position as u32;
        }
    }

    /// Positions changed in a way that is not followed.
    pub fn forget(&mut self) {
        self.0.take();
    }

    /// The positions of `count` elements or a few more from a cursor on, and the cursor that
    /// follows; 0 at the end.
    pub fn from<'a>(
        &self,
        cursor: u64,
        count: usize,
        len: usize,
        bytes_at: impl Fn(usize) -> &'a [u8],
    ) -> (Vec<usize>, u64) {
        let buckets = self.0.get_or_init(|| Box::new(Buckets::new(len, &bytes_at)));
        assert_eq!(buckets.len, len, "every position stands in a bucket");
        let mut found = Vec::new();
        if cursor >= CURSOR_END {
            return (found, 0);
        }
        for bucket in buckets.bucket(cursor)..buckets.positions.len() {
            if found.len() >= count {
                return (found, (bucket as u64) << (CURSOR_BITS - buckets.bits));
            }
            // A cursor of a time with other buckets may lie within one.
            let positions = buckets.positions[bucket].iter().map(|&position| position as usize);
            found.extend(positions.filter(|&position| is_to_come(bytes_at(position), cursor)));
        }
        (found, 0)
    }
}
