//! The matches of a path as JSON text: one array for a `$` path, the first value alone for a legacy one.

use crate::error::Answer;
use crate::json::path::{Fuel, Path, Selection};
use crate::json::{Document, Style, Value, print_list, print_within};

/// Appends what `path` leads to, in the shape that its own kind asks for.
pub fn render(path: &Path, document: &Document, style: &Style<'_>, out: &mut Vec<u8>) -> Result<(), Answer> {
    print_matches(path, document, style, 0, path.is_legacy(), out)
}

/// Appends what `path` leads to, bare or as an array, as it looks within `level` containers.
///
/// # Errors
/// When a bare value is asked for and there is none.
pub fn print_matches(
    path: &Path,
    document: &Document,
    style: &Style<'_>,
    level: usize,
    bare: bool,
    out: &mut Vec<u8>,
) -> Result<(), Answer> {
    if path.is_static() {
        let value =
            path.single(document, &mut Fuel::for_document(document))?.map(|place| place.value(document));
        return print_values(value.into_iter(), style, level, bare, out);
    }
    match path.show(document)? {
        Selection::Places(places) => {
            let values = places.iter().map(|place| place.value(document));
            print_values(values, style, level, bare, out)
        }
        Selection::Values(values) => {
            print_values(values.iter().map(|value| Value::at(value, 0)), style, level, bare, out)
        }
    }
}

fn print_values<'v>(
    mut values: impl Iterator<Item = Value<'v>>,
    style: &Style<'_>,
    level: usize,
    bare: bool,
    out: &mut Vec<u8>,
) -> Result<(), Answer> {
    if bare {
        print_within(values.next().ok_or(Answer::NO_PATH)?, style, level, out);
    } else {
        print_list(values, style, level, out);
    }
    Ok(())
}
