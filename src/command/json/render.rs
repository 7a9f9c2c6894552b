//! The matches of a path as JSON text: an array for a `$` path, the first value for a legacy path.

use crate::command::Budget;
use crate::error::CommandError;
use crate::json::path::{Fuel, Path, Selection};
use crate::json::{Document, Style, Value, print_list, print_within};

/// Appends the matches of `path`: an array for a `$` path, the first value for a legacy path.
pub fn render(
    path: &Path,
    document: &Document,
    style: &Style<'_>,
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    print_matches(path, document, style, (0, path.is_legacy()), budget, out)
}

/// Appends the matches of `path`. `shape` is the number of enclosing containers, and whether to
/// print the first value alone instead of an array.
///
/// # Errors
/// When a single value is wanted and nothing matches, or when the budget is spent.
pub fn print_matches(
    path: &Path,
    document: &Document,
    style: &Style<'_>,
    shape: (usize, bool),
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    if path.is_static() {
        let value = path
            .single(document, &mut Fuel::for_document(document))?
            .map(|location| location.value(document));
        return print_values(value.into_iter(), style, shape, budget, out);
    }
    match budget.show(path, document)? {
        Selection::Locations(locations) => {
            let values = locations.iter().map(|location| location.value(document));
            print_values(values, style, shape, budget, out)
        }
        Selection::Values(values) => {
            print_values(values.iter().map(|value| Value::at(value, 0)), style, shape, budget, out)
        }
    }
}

fn print_values<'v>(
    mut values: impl Iterator<Item = Value<'v>> + Clone,
    style: &Style<'_>,
    (level, bare): (usize, bool),
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    if bare {
        let value = values.next().ok_or(CommandError::NO_PATH)?;
        budget.spend_on_text(value, style, level)?;
        print_within(value, style, level, out);
    } else {
        values.clone().try_for_each(|value| budget.spend_on_text(value, style, level + 1))?;
        print_list(values, style, level, out);
    }
    Ok(())
}
