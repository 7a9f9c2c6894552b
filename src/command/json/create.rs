//! What SET and MERGE do where their path matches nothing.

use super::errors::{INDEX_OUT_OF_RANGE, NOT_STATIC};
use crate::error::Answer;
use crate::json::edit::put_member;
use crate::json::path::{Fuel, Path, Segment, Selector};
use crate::json::{Document, Kind, ParseLimits, Value};
use crate::keyspace::Edited;

/// Adds the member that the last step names to the object that the steps before it lead to; whether there is such
/// an object. Only the last step may be missing, and each has to be a single name or index.
pub fn create_member(
    document: &mut Document,
    path: &Path,
    value: Value<'_>,
    limits: &ParseLimits,
) -> Result<Edited<bool>, Answer> {
    if !path.is_static() {
        return Err(NOT_STATIC);
    }
    let Some((parents, Segment::Child(Selector::Name(name)))) = path.split_last() else {
        return Err(INDEX_OUT_OF_RANGE);
    };
    let parent = parents.single(document, &mut Fuel::for_document(document))?;
    let Some(parent) = parent.filter(|place| place.value(document).kind() == Kind::Object) else {
        return Ok(Edited::Unchanged(false));
    };
    *document = put_member(document, &[parent.at], name, value.encoded(), limits)?;
    Ok(Edited::Changed(true))
}
