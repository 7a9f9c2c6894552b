//! Edits of documents.
//!
//! The edits of this module are built on [`rewrite`]. It copies the document once, and passes each
//! matched value to the edit after copying the value. The bytes between matches are copied in bulk.
//! The containers around a match get new headers with their new sizes.
//!
//! Invariants:
//! * the document is copied in one pass for any number of matches;
//! * the last member of an object takes the place of a deleted one, as in RedisJSON
//!   ([`close_gaps`]);
//! * a match inside another is edited first, so the outer edit sees the result;
//! * an edit is complete or has no effect: the first error drops the copy, and the original is
//!   never changed;
//! * the result nests to at most [`super::DEPTH_MAX`] and is within the size limit, which is
//!   checked after each match, so that an edit with many matches is refused before it exhausts the
//!   memory.

mod ops;
mod tail;

pub use self::ops::{
    append_elements, children, clear, delete, insert_elements, put_member, remove_elements, replace,
};
pub use self::tail::Tail;
use super::limits::{ParseLimits, TOO_LARGE};
use super::value::{Kind, Members, Value};
use super::{Builder, Document};
use crate::error::CommandError;

/// What happens to a value after its edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Keep,
    /// The element or member is removed. If the value is the root, the whole document is removed.
    Delete,
}

/// A copy of `document` in which the values at the offsets `places` have been edited; `edit`
/// receives the value and the index of its offset in `places`. `None` if the root was deleted.
///
/// # Panics
/// If `places` are not strictly ascending offsets of values of the document.
pub fn rewrite(
    document: &Document,
    places: &[usize],
    limits: &ParseLimits,
    edit: impl FnMut(usize, &mut Tail<'_>) -> Result<Action, CommandError>,
) -> Result<Option<Document>, CommandError> {
    assert!(places.is_sorted_by(|one, next| one < next), "offsets are sorted and distinct");
    let out = Builder::with_capacity(document.encoded().len() + 64);
    let mut copy = Copy { places, next: 0, out, limits: *limits, edit };
    let action = copy.value(document.root(), 0)?;
    assert!(copy.next == places.len(), "each of the places is the offset of a value");
    Ok((action == Action::Keep).then(|| Document::from_trusted(&copy.out.out)))
}

struct Copy<'p, F> {
    places: &'p [usize],
    /// The index of the next offset in `places`.
    next: usize,
    out: Builder,
    limits: ParseLimits,
    edit: F,
}

impl<F: FnMut(usize, &mut Tail<'_>) -> Result<Action, CommandError>> Copy<'_, F> {
    /// Whether the next offset is less than `end`.
    fn is_due(&self, end: usize) -> bool {
        self.places.get(self.next).is_some_and(|&place| place < end)
    }

    fn value(&mut self, value: Value<'_>, level: usize) -> Result<Action, CommandError> {
        let index = self.next;
        let chosen = self.places.get(index) == Some(&value.offset());
        self.next += usize::from(chosen);
        let at = self.out.len();
        if self.is_due(value.end()) {
            self.container(value, level)?;
        } else {
            self.out.raw(value.encoded());
        }
        if !chosen {
            return Ok(Action::Keep);
        }
        let action = (self.edit)(index, &mut Tail::new(&mut self.out.out, at, level))?;
        if self.limits.admits(self.out.len()) { Ok(action) } else { Err(TOO_LARGE) }
    }

    fn container(&mut self, value: Value<'_>, level: usize) -> Result<(), CommandError> {
        assert!(value.kind().is_container(), "each place is the offset of a value");
        let open = self.out.open(value.kind(), value.payload().len());
        let payload = self.out.len();
        let mut copied = value.end() - value.payload().len();
        let mut deleted: Vec<usize> = Vec::new();
        if value.kind() == Kind::Object {
            for (index, member) in value.members().enumerate() {
                if self.child(value, member.offset, member.value, &mut copied, level)? == Action::Delete {
                    deleted.push(index);
                }
            }
        } else {
            for element in value.elements() {
                self.child(value, element.offset(), element, &mut copied, level)?;
            }
        }
        self.out.raw(&value.buffer()[copied..value.end()]);
        if !deleted.is_empty() {
            close_gaps(&mut self.out.out, payload, value.count(), &deleted);
        }
        self.out.close(open);
        Ok(())
    }

    /// If `child` contains one of the offsets, copies everything from `copied` to the end of
    /// `child` and applies the edits. Otherwise copies nothing.
    fn child(
        &mut self,
        parent: Value<'_>,
        begin: usize,
        child: Value<'_>,
        copied: &mut usize,
        level: usize,
    ) -> Result<Action, CommandError> {
        if !self.is_due(child.end()) {
            return Ok(Action::Keep);
        }
        self.out.raw(&parent.buffer()[*copied..begin]);
        let kept = self.out.len();
        self.out.raw(&parent.buffer()[begin..child.offset()]);
        let action = self.value(child, level + 1)?;
        if action == Action::Delete {
            self.out.out.truncate(kept);
        }
        *copied = child.end();
        Ok(action)
    }
}

/// Reorders the remaining members of an object that had `count` members before the deletions.
///
/// In RedisJSON the last member takes the place of a deleted one, and clients see that order.
/// Deletions run from the first member to the last, so a member may be moved and then deleted at
/// its new position.
///
/// `out[payload..]` holds the remaining members in their old order; `deleted` has the indexes of
/// the deleted ones, ascending.
fn close_gaps(out: &mut Vec<u8>, payload: usize, count: usize, deleted: &[usize]) {
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
    assert_eq!(ranges.len(), order.len(), "every member is either deleted or left");
    // The nth remaining member occupies the nth range.
    let rank = |index: usize| index - deleted.partition_point(|&gone| gone < index);
    let mut moved = Vec::with_capacity(out.len() - payload);
    for index in order {
        moved.extend_from_slice(&out[ranges[rank(index)].clone()]);
    }
    out.truncate(payload);
    out.extend_from_slice(&moved);
}
