//! Arithmetic on the values of a document: whole numbers stay whole while they fit, and nothing is not a number.

use super::ast::Operator;
use super::eval::Evaluator;
use super::operand::{Values, encode};
use crate::error::Answer;
use crate::json::Value;

impl<'a> Evaluator<'a, '_> {
    /// Applies an operator. When one side has several values, each of them meets the other side's single one.
    pub fn calculate(
        &mut self,
        operator: Operator,
        left: &Values<'_>,
        right: &Values<'_>,
    ) -> Result<Values<'a>, Answer> {
        if let Some(right) = right.only() {
            return self.each(left, |_, left| Ok(apply(operator, left, right)));
        }
        match left.only() {
            Some(left) => self.each(right, |_, right| Ok(apply(operator, left, right))),
            None => Ok(Values::Nothing),
        }
    }
}

fn apply(operator: Operator, left: Value<'_>, right: Value<'_>) -> Option<Vec<u8>> {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64())
        && let Some(whole) = apply_whole(operator, left, right)
    {
        return Some(encode(|out| out.int(whole)));
    }
    let (left, right) = (left.as_f64()?, right.as_f64()?);
    float(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
    })
}

/// The result, when it is a whole number that fits.
fn apply_whole(operator: Operator, left: i64, right: i64) -> Option<i64> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide if left.checked_rem(right)? == 0 => left.checked_div(right),
        Operator::Divide => None,
        Operator::Remainder => left.checked_rem(right),
    }
}

/// The number encoded, unless it is none.
pub(super) fn float(number: f64) -> Option<Vec<u8>> {
    number.is_finite().then(|| encode(|out| out.float(number)))
}
