//! Repeated keys: an object keeps the first position and the last value of each.
//!
//! Almost no object repeats a key, so the reader only collects a *mark* of each key, and looks
//! closer when two marks agree or when there are too many to compare. Looking closer is linear, so
//! a text made of colliding marks gains nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use crate::json::value::Members;

/// Up to this many keys, comparing each mark with all before it is cheaper than one hash table.
pub(super) const MARKS_MAX: usize = 32;

/// A number that differs for most keys that differ. `encoded` is the key with its header.
#[inline]
pub(super) fn mark(encoded: &[u8]) -> u64 {
    let length = encoded.len();
    let ends = match (encoded.first_chunk::<8>(), encoded.last_chunk::<8>()) {
        (Some(head), Some(tail)) => u64::from_le_bytes(*head) ^ u64::from_le_bytes(*tail).rotate_left(29),
        _ => encoded.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    ends ^ (length as u64) << 56
}

/// Rewrites the payload that begins at `payload` and fills the rest of `out`, if any key in it is
/// repeated.
#[cold]
pub(super) fn drop_repeated(out: &mut Vec<u8>, payload: usize) {
    let mut kept: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut found: HashMap<&[u8], usize> = HashMap::new();
    let mut repeated = false;
    for member in Members::within(out, payload, out.len()) {
        let value = member.value.offset()..member.value.end();
        match found.entry(member.key) {
            Entry::Occupied(first) => {
                repeated = true;
                kept[*first.get()].1 = value;
            }
            Entry::Vacant(free) => {
                free.insert(kept.len());
                kept.push((member.offset..member.value.offset(), value));
            }
        }
    }
    if !repeated {
        return;
    }
    let mut fresh = Vec::with_capacity(out.len() - payload);
    for (key, value) in kept {
        fresh.extend_from_slice(&out[key]);
        fresh.extend_from_slice(&out[value]);
    }
    assert!(fresh.len() < out.len() - payload, "dropping a member makes an object smaller");
    out.truncate(payload);
    out.extend_from_slice(&fresh);
}
