//! JSON Merge Patch (RFC 7396).
//!
//! Invariants:
//! * a member that the patch does not name keeps its value; new members are appended in the order
//!   of the patch;
//! * when a member is removed, the member that is then the last, possibly a new one, takes its
//!   place, as in RedisJSON; clients see that order.

use std::collections::HashMap;

use super::Builder;
use super::limits::DEPTH_MAX;
use super::value::{Kind, Member, MemberIndex, Value};

/// Appends `target` with `patch` applied.
pub fn merge(target: Value<'_>, patch: Value<'_>, out: &mut Builder) {
    merge_within(Some(target), patch, 0, out);
}

/// Appends `target` with `patch` applied. `target` is `None` if the patch names a member that does
/// not exist.
fn merge_within(target: Option<Value<'_>>, patch: Value<'_>, level: usize, out: &mut Builder) {
    if patch.kind() != Kind::Object || level > DEPTH_MAX {
        return out.raw(patch.encoded());
    }
    let target = target.filter(|target| target.kind() == Kind::Object);
    let size = target.map_or(0, |target| target.payload().len()) + patch.payload().len();
    let open = out.open(Kind::Object, size);
    let present = target.map(MemberIndex::of);
    let has = |key: &[u8]| present.as_ref().is_some_and(|index| index.get(key).is_some());
    if let Some(target) = target {
        if patch.members().any(|member| member.value.is_null() && has(member.key)) {
            merge_removing(target, patch, level, out);
            return out.close(open);
        }
        merge_members(target, &MemberIndex::of(patch), level, out);
    }
    for member in patch.members() {
        if !member.value.is_null() && !has(member.key) {
            merge_member(member, None, Some(member.value), level, out);
        }
    }
    out.close(open);
}

/// Appends a member that has the key of `member` and, as its value, `target` with `change` applied.
fn merge_member(
    member: Member<'_>,
    target: Option<Value<'_>>,
    change: Option<Value<'_>>,
    level: usize,
    out: &mut Builder,
) {
    out.raw(&member.value.buffer()[member.offset..member.value.offset()]);
    match change {
        Some(change) => merge_within(target, change, level + 1, out),
        None => out.raw(member.value.encoded()),
    }
}

/// Appends the members of a target when the patch removes none of them.
fn merge_members(target: Value<'_>, patch: &MemberIndex<'_>, level: usize, out: &mut Builder) {
    for member in target.members() {
        let change = patch.get(member.key).map(|change| change.value);
        merge_member(member, Some(member.value), change, level, out);
    }
}

/// Appends the members of a target when the patch removes some of them, and the members that the
/// patch adds.
fn merge_removing(target: Value<'_>, patch: Value<'_>, level: usize, out: &mut Builder) {
    // For each member: the member, whether the target has it, and the part of the patch that
    // changes it.
    let mut slots: Vec<(Member<'_>, bool, Option<Value<'_>>)> =
        target.members().map(|member| (member, true, None)).collect();
    let mut places: HashMap<&[u8], usize> =
        slots.iter().enumerate().map(|(place, slot)| (slot.0.key, place)).collect();
    for member in patch.members() {
        match places.get(member.key).copied() {
            Some(place) if member.value.is_null() => {
                slots.swap_remove(place);
                if let Some(moved) = slots.get(place) {
                    places.insert(moved.0.key, place);
                }
            }
            Some(place) => slots[place].2 = Some(member.value),
            None if member.value.is_null() => {}
            None => {
                places.insert(member.key, slots.len());
                slots.push((member, false, Some(member.value)));
            }
        }
    }
    for (member, present, change) in slots {
        merge_member(member, present.then_some(member.value), change, level, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;
    use crate::json::parse::tests::{document, text_of};

    #[test]
    fn the_examples_of_the_rfc_hold() {
        for (target, patch, wanted) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (r#"{"a":1,"n":2,"l":3,"b":4}"#, r#"{"n":null,"x":5}"#, r#"{"a":1,"b":4,"l":3,"x":5}"#),
            (r#"{"a":1,"n":2,"l":3}"#, r#"{"x":5,"n":null}"#, r#"{"a":1,"x":5,"l":3}"#),
        ] {
            let (target, patch) = (document(target), document(patch));
            let mut out = Builder::new();
            merge(target.root(), patch.root(), &mut out);
            assert_eq!(text_of(&Document::from_trusted(&out.into_bytes())), wanted, "{target:?} {patch:?}");
        }
    }
}
