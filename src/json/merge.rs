//! JSON Merge Patch (RFC 7396).
//!
//! Invariant: what the patch does not name keeps its value and its place; what it adds comes last, in the order of
//! the patch.

use super::Builder;
use super::index::MemberIndex;
use super::limits::DEPTH_MAX;
use super::value::{Kind, Value};

/// Appends `target` as `patch` changes it.
pub fn merge(target: Value<'_>, patch: Value<'_>, out: &mut Builder) {
    merge_within(Some(target), patch, 0, out);
}

/// `target` is `None` where the patch names a member that is not there.
fn merge_within(target: Option<Value<'_>>, patch: Value<'_>, level: usize, out: &mut Builder) {
    if patch.kind() != Kind::Object || level > DEPTH_MAX {
        return out.raw(patch.encoded());
    }
    let target = target.filter(|target| target.kind() == Kind::Object);
    let size = target.map_or(0, |target| target.payload().len()) + patch.payload().len();
    let open = out.open(Kind::Object, size);
    if let Some(target) = target {
        merge_members(target, &MemberIndex::of(patch), level, out);
    }
    let present = target.map(MemberIndex::of);
    for member in patch.members() {
        if member.value.is_null() || present.as_ref().is_some_and(|index| index.get(member.key).is_some()) {
            continue;
        }
        out.raw(&patch.buffer()[member.offset..member.value.offset()]);
        merge_within(None, member.value, level + 1, out);
    }
    out.close(open);
}

/// Appends the members that the target has and the patch does not remove.
fn merge_members(target: Value<'_>, patch: &MemberIndex<'_>, level: usize, out: &mut Builder) {
    for member in target.members() {
        let change = patch.get(member.key).map(|change| change.value);
        if change.is_some_and(Value::is_null) {
            continue;
        }
        out.raw(&target.buffer()[member.offset..member.value.offset()]);
        match change {
            Some(change) => merge_within(Some(member.value), change, level + 1, out),
            None => out.raw(member.value.encoded()),
        }
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
        ] {
            let (target, patch) = (document(target), document(patch));
            let mut out = Builder::new();
            merge(target.root(), patch.root(), &mut out);
            assert_eq!(text_of(&Document::from_trusted(&out.into_bytes())), wanted, "{target:?} {patch:?}");
        }
    }
}
