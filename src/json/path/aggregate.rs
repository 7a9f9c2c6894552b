//! The functions that make one number of many: `sum`, `min`, `max`, `avg` and `stddev`.
//!
//! They take a list (see [`Values::listed`]) of nothing but numbers, at least one, and answer a
//! real number. Whole numbers are added exactly and rounded once.

use super::arithmetic::encoded;
use super::ast::Function;
use super::eval::Evaluator;
use super::operand::{Listed, Values};
use crate::error::CommandError;
use crate::json::Number;

impl<'a> Evaluator<'a, '_> {
    pub fn aggregate(&mut self, function: Function, own: &Values<'_>) -> Result<Values<'a>, CommandError> {
        let Some(list) = own.listed() else { return Ok(Values::Nothing) };
        let mut count = 0u64;
        for value in list.iter() {
            self.fuel.spend(1)?;
            if !value.is_number() {
                return Ok(Values::Nothing);
            }
            count += 1;
        }
        if count == 0 {
            return Ok(Values::Nothing);
        }
        let result = match function {
            Function::Min => reals(list).fold(f64::INFINITY, f64::min),
            Function::Max => reals(list).fold(f64::NEG_INFINITY, f64::max),
            Function::Sum => sum(list),
            Function::Average => sum(list) / count as f64,
            Function::Deviation => {
                // The deviation of a whole population; a list is walked three times for it.
                self.fuel.spend(count)?;
                let mean = sum(list) / count as f64;
                let squares: f64 = reals(list).map(|real| (real - mean).powi(2)).sum();
                (squares / count as f64).sqrt()
            }
            other => unreachable!("{other:?} makes no number of many"),
        };
        Ok(Values::maybe(encoded(Number::Float(result))))
    }
}

fn numbers(list: Listed<'_>) -> impl Iterator<Item = Number> {
    list.iter().filter_map(Number::of)
}

fn reals(list: Listed<'_>) -> impl Iterator<Item = f64> {
    numbers(list).map(Number::as_f64)
}

fn sum(list: Listed<'_>) -> f64 {
    let exact = numbers(list).try_fold(0i128, |sum, number| sum.checked_add(number.whole()?));
    // From 0.0 and not from -0.0, which is where `Iterator::sum` begins.
    exact.map_or_else(|| reals(list).fold(0.0, |sum, real| sum + real), |whole| whole as f64)
}
