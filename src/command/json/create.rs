//! Creates members for JSON.SET, JSON.MSET and JSON.MERGE if the path of the command matches
//! nothing.

use super::reply::{INDEX_OUT_OF_RANGE, NOT_STATIC};
use crate::error::CommandError;
use crate::json::edit::put_member;
use crate::json::path::{Path, Segment, Selector, Steps};
use crate::json::{Builder, DEPTH_MAX, Document, Kind, ParseLimits, TOO_DEEP, Value};
use crate::keyspace::Edited;

/// Adds the member named by the last step of the path to the object that the other steps lead to.
/// Returns whether that object exists. Each step must be a single name or index, and only the last
/// one may be missing.
pub fn create_member(
    document: &mut Document,
    path: &Path,
    value: Value<'_>,
    (limits, steps): (&ParseLimits, Steps<'_>),
) -> Result<Edited<bool>, CommandError> {
    if !path.is_static() {
        return Err(NOT_STATIC);
    }
    let Some((parents, Segment::Child(Selector::Name(name)))) = path.split_last() else {
        return Err(INDEX_OUT_OF_RANGE);
    };
    let parent = steps.evaluate(document, |fuel| parents.single(document, fuel))?;
    let Some(parent) = parent.filter(|location| location.value(document).kind() == Kind::Object) else {
        return Ok(Edited::Unchanged(false));
    };
    steps.spend_on_edit(document)?;
    *document = put_member(document, &[parent.at], name, value.encoded(), limits)?;
    Ok(Edited::Changed(true))
}

/// Like [`create_member`], and also creates missing objects along the path. Arrays are never
/// created, so each missing step must be a name.
pub fn create_path(
    document: &mut Document,
    path: &Path,
    value: Value<'_>,
    (limits, steps): (&ParseLimits, Steps<'_>),
) -> Result<Edited<bool>, CommandError> {
    if !path.is_static() {
        return Err(NOT_STATIC);
    }
    let mut nested = value.encoded().to_vec();
    let mut rest = path.clone();
    while let Some((parents, Segment::Child(Selector::Name(name)))) = rest.split_last() {
        let parent = steps.evaluate(document, |fuel| parents.single(document, fuel))?;
        if let Some(parent) = parent {
            if parent.value(document).kind() != Kind::Object {
                return Ok(Edited::Unchanged(false));
            }
            steps.spend_on_edit(document)?;
            *document = put_member(document, &[parent.at], name, &nested, limits)?;
            return Ok(Edited::Changed(true));
        }
        nested = wrapped(name, &nested);
        // A document that contains this value would be refused as too deep, so the loop ends here.
        if Value::at(&nested, 0).depth() > DEPTH_MAX {
            return Err(TOO_DEEP);
        }
        rest = parents;
    }
    Err(INDEX_OUT_OF_RANGE)
}

/// An object with this member only.
fn wrapped(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Builder::with_capacity(name.len() + value.len() + 10);
    let open = out.open(Kind::Object, name.len() + value.len() + 5);
    out.text(name);
    out.raw(value);
    out.close(open);
    out.into_bytes()
}
