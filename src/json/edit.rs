//! Changing a document.
//!
//! [`rewrite`] is what every write command is made of: it copies a document once and hands each
//! matched value, as it is copied, to the command. What is between the matches is copied in bulk,
//! and the sizes of the containers around them come out right because they are closed anew.
//!
//! Invariants:
//! * one pass, whatever the number of matches;
//! * the last member of an object takes the place of one that is deleted, as in RedisJSON
//!   ([`order`]);
//! * a match inside another is edited first, so the outer edit sees its outcome;
//! * all or nothing: the first error drops the copy, and the old document was never touched;
//! * the result nests to at most [`super::DEPTH_MAX`] and is within the size limit, checked after
//!   each match, so that many matches of a large value end at the limit and not at the end of the
//!   memory.

mod ops;
mod order;
mod tail;

pub use self::ops::{
    append_elements, children, clear, delete, insert_elements, put_member, remove_elements, replace,
};
pub use self::tail::Tail;
use super::limits::{ParseLimits, TOO_LARGE};
use super::value::{Kind, Value};
use super::{Builder, Document};
use crate::error::CommandError;

/// What becomes of a value after its edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Keep,
    /// Remove the element or member, or the whole document if the value is its root.
    Delete,
}

/// A copy of `document` in which `edit` has been applied to the values at `places`, with the index
/// of the place. `None` if the root was deleted.
///
/// # Panics
/// If `places` are not strictly ascending offsets of values of the document.
pub fn rewrite(
    document: &Document,
    places: &[usize],
    limits: &ParseLimits,
    edit: impl FnMut(usize, &mut Tail<'_>) -> Result<Action, CommandError>,
) -> Result<Option<Document>, CommandError> {
    assert!(places.is_sorted_by(|one, next| one < next), "places are sorted and differ");
    let out = Builder::with_capacity(document.encoded().len() + 64);
    let mut copy = Copy { places, next: 0, out, limits: *limits, edit };
    let action = copy.value(document.root(), 0)?;
    assert!(copy.next == places.len(), "each place is the offset of a value");
    Ok((action == Action::Keep).then(|| Document::from_trusted(&copy.out.out)))
}

struct Copy<'p, F> {
    places: &'p [usize],
    /// The index of the first place that is still ahead.
    next: usize,
    out: Builder,
    limits: ParseLimits,
    edit: F,
}

impl<F: FnMut(usize, &mut Tail<'_>) -> Result<Action, CommandError>> Copy<'_, F> {
    /// Whether a place is ahead that lies before `end`.
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
            order::close_gaps(&mut self.out.out, payload, value.count(), &deleted);
        }
        self.out.close(open);
        Ok(())
    }

    /// Copies what `parent` holds from `copied` to the end of this child, if a place lies in it;
    /// what became of it.
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
