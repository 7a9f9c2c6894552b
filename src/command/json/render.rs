//! The matches of a path as JSON text: one array for a `$` path, the first value alone for a legacy
//! one.

use crate::command::Budget;
use crate::error::CommandError;
use crate::json::path::{Path, Selection, Steps};
use crate::json::{Document, Style, Value, print_list, print_within};

/// Appends what `path` leads to, in the shape that its own kind asks for.
pub fn render(
    path: &Path,
    document: &Document,
    style: &Style<'_>,
    (budget, steps): (&mut Budget, Steps<'_>),
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    print_matches(path, document, style, (0, path.is_legacy()), (budget, steps), out)
}

/// Appends what `path` leads to. The shape: within how many containers, and whether bare or as an
/// array.
///
/// # Errors
/// When a bare value is asked for and there is none, or when the budget is spent.
pub fn print_matches(
    path: &Path,
    document: &Document,
    style: &Style<'_>,
    shape: (usize, bool),
    (budget, steps): (&mut Budget, Steps<'_>),
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    if path.is_static() {
        let location = steps.evaluate(document, |fuel| path.single(document, fuel))?;
        let value = location.map(|location| location.value(document));
        return print_values(value.into_iter(), style, shape, budget, out);
    }
    match steps.evaluate(document, |fuel| path.show(document, fuel))? {
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
