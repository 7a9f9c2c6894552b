//! Arithmetic on the values of a document, and the functions that aggregate numbers: `sum`, `min`,
//! `max`, `avg` and `stddev`.
//!
//! In arithmetic, each operand must be a single number; any other operand yields nothing. The
//! result of whole numbers is whole and exact. It may be up to `i64::MAX`, or up to `u64::MAX` if
//! an operand is above `i64::MAX`; a result that does not fit becomes real. A quotient is always
//! real. A result that is not finite yields nothing.
//!
//! An aggregate takes a list (see [`Values::listed`]) that is not empty and has only numbers, and
//! yields a real number. Whole numbers are added exactly and rounded once.

use super::ast::{Function, Operator};
use super::eval::Evaluator;
use super::operand::{Listed, Values, encode};
use crate::error::CommandError;
use crate::json::Number;

impl<'a> Values<'a> {
    fn number(&self) -> Option<Number> {
        self.only().and_then(Number::of)
    }

    pub fn calculate(&self, operator: Operator, other: &Values<'_>) -> Values<'a> {
        let (Some(left), Some(right)) = (self.number(), other.number()) else { return Values::Nothing };
        Values::maybe(apply(operator, left, right).and_then(encoded))
    }

    pub fn negated(&self) -> Values<'a> {
        let negated = match self.number() {
            Some(Number::Float(real)) => Some(Number::Float(-real)),
            Some(whole) => apply(Operator::Subtract, Number::Int(0), whole),
            None => None,
        };
        Values::maybe(negated.and_then(encoded))
    }
}

fn apply(operator: Operator, left: Number, right: Number) -> Option<Number> {
    if let (Some(one), Some(other)) = (left.whole(), right.whole())
        && let Some(whole) = apply_whole(operator, one, other)
    {
        let large = matches!(left, Number::Uint(_)) || matches!(right, Number::Uint(_));
        match (i64::try_from(whole), u64::try_from(whole)) {
            (Ok(whole), _) => return Some(Number::Int(whole)),
            (_, Ok(whole)) if large => return Some(Number::Uint(whole)),
            _ => {}
        }
    }
    let (left, right) = (left.as_f64(), right.as_f64());
    Some(Number::Float(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
    }))
}

/// The exact result; `None` for a quotient, for a remainder by 0, and on overflow.
fn apply_whole(operator: Operator, left: i128, right: i128) -> Option<i128> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => None,
        Operator::Remainder => left.checked_rem(right),
    }
}

/// The encoding of the number; `None` if it is not finite.
pub(super) fn encoded(number: Number) -> Option<Vec<u8>> {
    number.as_f64().is_finite().then(|| encode(|out| number.push(out)))
}

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
                // The standard deviation of a whole population. It takes three passes over the
                // list, so it costs more fuel than the other aggregates.
                self.fuel.spend(count)?;
                let mean = sum(list) / count as f64;
                let squares: f64 = reals(list).map(|real| (real - mean).powi(2)).sum();
                (squares / count as f64).sqrt()
            }
            other => unreachable!("{other:?} is not an aggregate"),
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
    // The sum starts from 0.0, because `Iterator::sum` would start from -0.0.
    exact.map_or_else(|| reals(list).fold(0.0, |sum, real| sum + real), |whole| whole as f64)
}
