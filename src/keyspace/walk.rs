//! The walk of SSCAN, HSCAN and ZSCAN over a large collection, in the order of a hash of its
//! elements.
//!
//! A cursor is a hash: every element with a smaller hash has been returned. An element's hash
//! depends on its bytes alone. An element that exists during the whole walk is therefore returned
//! once, even if others are added or removed meanwhile, and a cursor stays valid on another node
//! and after a restart. The first call builds an index of positions by hash, which later edits
//! maintain; a collection that is never walked has no index.
//!
//! Invariants, while the index exists:
//! * every position of the collection is in exactly one bucket, the one for its element's hash;
//! * every hash is below [`CURSOR_END`], and only the end of a walk returns the cursor 0.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use super::collection::SMALL;

/// Fixed, because the meaning of a cursor depends on it.
const SEED: u64 = 0x7761_6c6b_2062_7921;

/// Some clients keep a cursor in a double, which holds 53 bits exactly.
const CURSOR_BITS: u32 = 48;
const CURSOR_END: u64 = 1 << CURSOR_BITS;

/// The approximate number of elements in a bucket. A call returns whole buckets, so small buckets
/// keep the number of returned elements close to the requested one.
const BUCKET_ELEMENTS: usize = 4;
/// The next call rebuilds the index once the average bucket has grown by this factor.
const GROWTH_MAX: usize = 4;

/// The next call rebuilds the index once there are more than this many buckets per element.
const EMPTY_BUCKETS_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Walk(OnceLock<Box<Buckets>>);

/// The copy has no index; it builds one when it is walked.
impl Clone for Walk {
    fn clone(&self) -> Walk {
        Walk::default()
    }
}

#[derive(Debug)]
struct Buckets {
    /// The number of leading hash bits that select a bucket.
    bits: u32,
    positions: Vec<Vec<u32>>,
    len: usize,
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(SEED).build_hasher();
    hasher.write(bytes);
    hasher.finish() >> (u64::BITS - CURSOR_BITS)
}

/// Whether a walk at `cursor` has not returned the element with these bytes yet.
fn is_to_come(bytes: &[u8], cursor: u64) -> bool {
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
        (bucket, slot.expect("every position is in the bucket of its element"))
    }

    /// Whether the index has so many buckets that a walk would visit many of them for each element.
    fn is_sparse(&self) -> bool {
        self.positions.len() > EMPTY_BUCKETS_MAX * self.len.max(1)
    }

    fn is_outgrown(&self) -> bool {
        self.len > self.positions.len() * BUCKET_ELEMENTS * GROWTH_MAX
    }
}

impl Walk {
    /// Records that an element was inserted at a position.
    pub fn added(&mut self, bytes: &[u8], position: usize) {
        if let Some(buckets) = self.0.get_mut() {
            buckets.add(bytes, position);
            if buckets.is_outgrown() {
                self.forget();
            }
        }
    }

    /// Records that the element at `position` was removed. `last` is the element that moved into
    /// its position, if any, with its former position.
    pub fn removed(&mut self, bytes: &[u8], position: usize, last: Option<(&[u8], usize)>) {
        let Some(buckets) = self.0.get_mut() else { return };
        let (bucket, slot) = buckets.slot(bytes, position);
        buckets.positions[bucket].swap_remove(slot);
        buckets.len -= 1;
        if buckets.is_sparse() {
            return self.forget();
        }
        if let Some((bytes, before)) = last {
            let (bucket, slot) = buckets.slot(bytes, before);
            buckets.positions[bucket][slot] = position as u32;
        }
    }

    /// Drops the index. The next walk of a large collection builds it again.
    pub fn forget(&mut self) {
        self.0.take();
    }

    /// Continues a walk at `cursor`. Returns the positions of the next elements, at least `count`
    /// unless the walk ends, and the next cursor, which is 0 at the end. In a small collection, one
    /// call returns all elements that are left, without an index.
    pub fn from<'a>(
        &self,
        cursor: u64,
        count: usize,
        len: usize,
        bytes_at: impl Fn(usize) -> &'a [u8],
    ) -> (Vec<usize>, u64) {
        if len <= SMALL {
            let to_come = |&position: &usize| is_to_come(bytes_at(position), cursor);
            return ((0..len).filter(to_come).collect(), 0);
        }
        let buckets = self.0.get_or_init(|| Box::new(Buckets::new(len, &bytes_at)));
        assert_eq!(buckets.len, len, "every position is in a bucket");
        let mut found = Vec::new();
        if cursor >= CURSOR_END {
            return (found, 0);
        }
        for bucket in buckets.bucket(cursor)..buckets.positions.len() {
            if found.len() >= count {
                return (found, (bucket as u64) << (CURSOR_BITS - buckets.bits));
            }
            // A cursor from an earlier index, with other buckets, may lie within a bucket.
            let positions = buckets.positions[bucket].iter().map(|&position| position as usize);
            found.extend(positions.filter(|&position| is_to_come(bytes_at(position), cursor)));
        }
        (found, 0)
    }
}
