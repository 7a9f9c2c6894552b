//! Arithmetic on the values of a document. It takes one number on each side; anything else comes to
//! nothing.
//!
//! Whole numbers stay whole, exact up to `u64::MAX` where one of them is over `i64::MAX`; what does
//! not fit becomes real. A quotient is always real. What is not a finite number is nothing.

use super::ast::Operator;
use super::operand::{Values, encode};
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

/// The exact result, unless it is a quotient or there is none.
fn apply_whole(operator: Operator, left: i128, right: i128) -> Option<i128> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => None,
        Operator::Remainder => left.checked_rem(right),
    }
}

/// The number encoded, unless it is none.
pub(super) fn encoded(number: Number) -> Option<Vec<u8>> {
    number.as_f64().is_finite().then(|| encode(|out| number.push(out)))
}
