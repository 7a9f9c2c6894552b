//! The functions of filters and projections.
//!
//! A function of one value is computed for each value of its argument; one of many (`sum`, `count`, ..) once for all.
//! What has no result, such as the length of a number, has no value: it equals nothing and prints nothing.

use super::arithmetic::float;
use super::ast::Function;
use super::compare::whole;
use super::eval::Evaluator;
use super::operand::{Values, encode};
use super::pattern::{Pattern, Reach};
use crate::error::Answer;
use crate::json::{Builder, Kind, Value};

type Made = Result<Option<Vec<u8>>, Answer>;

impl<'a> Evaluator<'a, '_> {
    /// Calls a function.
    ///
    /// # Panics
    /// If there are fewer arguments than the function takes: the parser has counted them.
    pub fn call(
        &mut self,
        function: Function,
        arguments: &[Values<'_>],
        pattern: Option<&Pattern>,
    ) -> Result<Values<'a>, Answer> {
        assert!(function.takes(arguments.len()), "{function:?} was parsed with its arguments");
        let (own, more) = arguments.split_first().expect("every function takes an argument");
        match function {
            Function::Length => self.each(own, |eval, value| {
                Ok(eval.size(value)?.map(|size| encode(|out| out.uint(size as u64))))
            }),
            Function::Count => Ok(Values::made(|out| out.uint(own.len() as u64))),
            Function::Value => match own.only() {
                Some(_) => self.each(own, |_, value| Ok(Some(value.encoded().to_vec()))),
                None => Ok(Values::Nothing),
            },
            Function::Ceiling => self.each(own, |_, value| Ok(rounded(value, f64::ceil))),
            Function::Floor => self.each(own, |_, value| Ok(rounded(value, f64::floor))),
            Function::Abs => self.each(own, |_, value| Ok(absolute(value))),
            Function::Keys => self.each(own, Evaluator::keys),
            Function::First => self.each(own, |eval, array| eval.nth(array, 0)),
            Function::Last => self.each(own, |eval, array| eval.nth(array, -1)),
            Function::Index => match more[0].only().and_then(|index| index.as_i64()) {
                Some(index) => self.each(own, |eval, array| eval.nth(array, index)),
                None => Ok(Values::Nothing),
            },
            Function::Concat => self.each_with(own, more, Evaluator::concat),
            Function::Append => self.each_with(own, more, Evaluator::append),
            Function::Sum | Function::Min | Function::Max | Function::Average | Function::Deviation => {
                let numbers = self.numbers(arguments)?;
                Ok(Values::maybe(aggregate(function, &numbers)))
            }
            Function::Match | Function::Search => {
                let reach = if function == Function::Match { Reach::Match } else { Reach::Search };
                let found = self.like(own, &more[0], pattern, reach)?;
                Ok(Values::made(|out| out.bool(found)))
            }
        }
    }

    fn each_with(
        &mut self,
        own: &Values<'_>,
        more: &[Values<'_>],
        compute: impl Fn(&mut Self, Value<'_>, &[Values<'_>]) -> Made,
    ) -> Result<Values<'a>, Answer> {
        self.each(own, |eval, value| compute(eval, value, more))
    }

    /// An element by its position: beyond the array there is none, on either side.
    fn nth(&mut self, array: Value<'_>, index: i64) -> Made {
        let len = self.count(array)?;
        let at = if index < 0 { i64::try_from(len).unwrap_or(i64::MAX).saturating_add(index) } else { index };
        let found = usize::try_from(at).ok().and_then(|at| array.elements().nth(at));
        Ok(found.map(|element| element.encoded().to_vec()))
    }

    fn concat(&mut self, text: Value<'_>, more: &[Values<'_>]) -> Made {
        let Some(text) = text.as_text() else { return Ok(None) };
        let mut joined = text.to_vec();
        for piece in more.iter().flat_map(Values::iter) {
            let Some(piece) = piece.as_text() else { return Ok(None) };
            self.fuel.spend_bytes(piece.len())?;
            joined.extend_from_slice(piece);
        }
        Ok(Some(encode(|out| out.text(&joined))))
    }

    fn append(&mut self, array: Value<'_>, more: &[Values<'_>]) -> Made {
        if array.kind() != Kind::Array {
            return Ok(None);
        }
        self.fuel.spend_bytes(array.encoded().len())?;
        let mut out = Builder::new();
        let open = out.open(Kind::Array, array.encoded().len());
        out.raw(array.payload());
        for value in more.iter().flat_map(Values::iter) {
            self.fuel.spend_bytes(value.encoded().len())?;
            out.raw(value.encoded());
        }
        out.close(open);
        Ok(Some(out.into_bytes()))
    }

    /// The numbers among the values; of a single array, those among its elements.
    fn numbers(&mut self, arguments: &[Values<'_>]) -> Result<Vec<Number>, Answer> {
        let mut numbers = Vec::new();
        for values in arguments {
            let array = values.only().filter(|value| value.kind() == Kind::Array);
            self.fuel.spend(values.len() as u64)?;
            numbers.extend(values.iter().filter_map(Number::of));
            if let Some(array) = array {
                self.count(array)?;
                numbers.extend(array.elements().filter_map(Number::of));
            }
        }
        Ok(numbers)
    }
}

#[derive(Clone, Copy)]
struct Number {
    whole: Option<i128>,
    near: f64,
}

impl Number {
    fn of(value: Value<'_>) -> Option<Number> {
        Some(Number { near: value.as_f64()?, whole: whole(value) })
    }

    fn encoded(self) -> Option<Vec<u8>> {
        match self.whole.map(|whole| (i64::try_from(whole), u64::try_from(whole))) {
            Some((Ok(whole), _)) => Some(encode(|out| out.int(whole))),
            Some((_, Ok(whole))) => Some(encode(|out| out.uint(whole))),
            _ => float(self.near),
        }
    }
}

fn aggregate(function: Function, numbers: &[Number]) -> Option<Vec<u8>> {
    let by_size = |left: &&Number, right: &&Number| left.near.total_cmp(&right.near);
    let count = numbers.len() as f64;
    let sum: f64 = numbers.iter().map(|number| number.near).sum();
    match function {
        _ if numbers.is_empty() => None,
        Function::Min => numbers.iter().min_by(by_size).copied().and_then(Number::encoded),
        Function::Max => numbers.iter().max_by(by_size).copied().and_then(Number::encoded),
        Function::Sum => {
            let whole = numbers.iter().try_fold(0i128, |sum, number| sum.checked_add(number.whole?));
            Number { whole, near: sum }.encoded()
        }
        Function::Average => float(sum / count),
        _ => {
            let mean = sum / count;
            let squares: f64 = numbers.iter().map(|number| (number.near - mean).powi(2)).sum();
            float((squares / count).sqrt())
        }
    }
}

/// A rounded number as a whole one, where it fits.
fn rounded(value: Value<'_>, round: impl Fn(f64) -> f64) -> Option<Vec<u8>> {
    if whole(value).is_some() {
        return Some(value.encoded().to_vec());
    }
    let number = round(value.as_f64()?);
    let fits = number.abs() < 2f64.powi(53);
    if fits { Some(encode(|out| out.int(number as i64))) } else { float(number) }
}

fn absolute(value: Value<'_>) -> Option<Vec<u8>> {
    let near = value.as_f64()?.abs();
    Number { whole: whole(value).map(i128::abs), near }.encoded()
}
