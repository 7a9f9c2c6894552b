//! Where the members of an object stand after some were deleted.
//!
//! RedisJSON lets the last member take the place of a deleted one, and its clients see that order.
//! Deletions run from the first to the last, so a member that took a place may itself be deleted
//! from there.

use crate::json::value::Members;

/// Puts the members that are left of an object of `count` in their new places.
///
/// `out[payload..]` holds them in their old order; `deleted` are the indexes of the others,
/// ascending.
pub(super) fn close_gaps(out: &mut Vec<u8>, payload: usize, count: usize, deleted: &[usize]) {
    let mut order: Vec<usize> = (0..count).collect();
    let mut places = order.clone();
    for &index in deleted {
        let place = places[index];
        order.swap_remove(place);
        if let Some(&moved) = order.get(place) {
            places[moved] = place;
        }
    }
    if order.is_sorted() {
        return;
    }
    let ranges: Vec<_> =
        Members::within(out, payload, out.len()).map(|member| member.offset..member.value.end()).collect();
    assert_eq!(ranges.len(), order.len(), "what is not deleted is left");
    // The nth range belongs to the member whose old index is the nth that is left.
    let rank = |index: usize| index - deleted.partition_point(|&gone| gone < index);
    let mut moved = Vec::with_capacity(out.len() - payload);
    for index in order {
        moved.extend_from_slice(&out[ranges[rank(index)].clone()]);
    }
    out.truncate(payload);
    out.extend_from_slice(&moved);
}
