//! The functions of filters and projections, called as `length($.a)` or as a method,
//! `$.a.length()`.
//!
//! The table at the head of `mod.rs` lists the arguments and the result of each. `sum`, `min`,
//! `max`, `avg` and `stddev` are in `arithmetic.rs`, `match` and `search` in `filter.rs`.
//!
//! Visits of values and copies of bytes cost fuel ([`super::Fuel`]).

use super::arithmetic::encoded;
use super::ast::Function;
use super::eval::Evaluator;
use super::operand::{Values, encode};
use super::pattern::{Pattern, Reach};
use crate::error::CommandError;
use crate::json::{Builder, DEPTH_MAX, Kind, Number, TOO_DEEP, Value};

type Called<'a> = Result<Values<'a>, CommandError>;

impl<'a> Evaluator<'a, '_> {
    /// Calls a function.
    ///
    /// # Panics
    /// If the function does not take this number of arguments, which the parser checks.
    pub fn call(
        &mut self,
        function: Function,
        arguments: &[Values<'a>],
        pattern: Option<&Pattern>,
    ) -> Called<'a> {
        assert!(
            function.takes(arguments.len()),
            "the parser has checked the number of arguments of {function:?}"
        );
        let (own, more) = arguments.split_first().expect("every function takes an argument");
        match function {
            Function::Length => self.length(own),
            Function::Count => Ok(Values::made(|out| out.uint(count(own)))),
            Function::Value => Ok(own.only_node().map_or(Values::Nothing, Values::Value)),
            Function::Ceiling => Ok(each_number(own, |number| real(number, f64::ceil))),
            Function::Floor => Ok(each_number(own, |number| real(number, f64::floor))),
            Function::Abs => Ok(each_number(own, absolute)),
            Function::Keys => self.keys(own),
            Function::First => self.nth(own, 0),
            Function::Last => self.nth(own, -1),
            Function::Index => match more[0].only().and_then(Value::as_i64) {
                Some(index) => self.nth(own, index),
                None => Ok(Values::Nothing),
            },
            Function::Concat => self.concat(arguments),
            Function::Append => self.append(own, &more[0]),
            Function::Sum | Function::Min | Function::Max | Function::Average | Function::Deviation => {
                self.aggregate(function, own)
            }
            Function::Match | Function::Search => {
                let reach = if function == Function::Match { Reach::Match } else { Reach::Search };
                let found = self.like(own, &more[0], pattern, reach)?;
                Ok(Values::made(|out| out.bool(found)))
            }
        }
    }

    fn length(&mut self, own: &Values<'_>) -> Called<'a> {
        let Some(value) = own.only() else { return Ok(Values::Nothing) };
        let size = self.size(value)?;
        Ok(Values::maybe(size.map(|size| encode(|out| out.uint(size as u64)))))
    }

    /// The names of the members of all objects that a path matches.
    fn keys(&mut self, own: &Values<'_>) -> Called<'a> {
        if !matches!(own, Values::Node(_) | Values::Nodes(_)) {
            return Ok(Values::Nothing);
        }
        let mut out = Builder::new();
        let open = out.open(Kind::Array, 0);
        let empty = out.len();
        for object in own.iter() {
            self.fuel.spend(1)?;
            for member in object.members() {
                self.fuel.spend_bytes(member.key.len())?;
                out.text(member.key);
            }
        }
        if out.len() == empty {
            return Ok(Values::Nothing);
        }
        out.close(open);
        Ok(Values::List(out.into_bytes()))
    }

    /// The list's element at this position; nothing if there is none.
    fn nth(&mut self, own: &Values<'a>, index: i64) -> Called<'a> {
        let within = |len: usize| {
            let len = i64::try_from(len).unwrap_or(i64::MAX);
            usize::try_from(if index < 0 { len.saturating_add(index) } else { index }).ok()
        };
        match (own, own.only_node()) {
            (_, Some(array)) if array.kind() == Kind::Array => {
                let at = within(self.count(array)?);
                Ok(at.and_then(|at| array.elements().nth(at)).map_or(Values::Nothing, Values::Value))
            }
            (Values::Nodes(nodes), None) => {
                let found = within(nodes.len()).and_then(|at| nodes.get(at));
                Ok(found.map_or(Values::Nothing, |value| Values::Value(*value)))
            }
            (Values::List(list), _) => {
                let list = Value::at(list, 0);
                let at = within(self.count(list)?);
                let Some(found) = at.and_then(|at| list.elements().nth(at)) else {
                    return Ok(Values::Nothing);
                };
                self.fuel.spend_bytes(found.encoded().len())?;
                Ok(Values::Computed(found.encoded().to_vec()))
            }
            _ => Ok(Values::Nothing),
        }
    }

    fn concat(&mut self, pieces: &[Values<'_>]) -> Called<'a> {
        let mut joined = Vec::new();
        for piece in pieces {
            let Some(piece) = piece.only().and_then(Value::as_text) else { return Ok(Values::Nothing) };
            self.fuel.spend_bytes(piece.len())?;
            joined.extend_from_slice(piece);
        }
        Ok(Values::made(|out| out.text(&joined)))
    }

    /// The list with one more element: the argument or, if that is a path with several matches, an
    /// array of the matches. Nothing if the argument is nothing.
    fn append(&mut self, own: &Values<'_>, more: &Values<'_>) -> Called<'a> {
        if more.len() == 0 {
            return Ok(Values::Nothing);
        }
        self.check_depth(more)?;
        let mut out = Builder::new();
        let open = out.open(Kind::Array, 0);
        match (own.only(), own.listed()) {
            (_, Some(listed)) => self.append_all(listed.iter(), &mut out)?,
            (only, None) => self.append_all(only.into_iter(), &mut out)?,
        }
        match more.only() {
            Some(one) => self.append_all(std::iter::once(one), &mut out)?,
            None => {
                let open = out.open(Kind::Array, 0);
                self.append_all(more.iter(), &mut out)?;
                out.close(open);
            }
        }
        out.close(open);
        Ok(Values::List(out.into_bytes()))
    }

    /// Checks the depth of a result of `append`. An array of several matches nests one level deeper
    /// than the matches, and a result deeper than a document may be could not be printed.
    fn check_depth(&mut self, more: &Values<'_>) -> Result<(), CommandError> {
        let wrapped = usize::from(matches!(more, Values::Nodes(_)));
        if wrapped == 0 && !matches!(more, Values::List(_)) {
            return Ok(());
        }
        for value in more.iter() {
            // One unit of fuel per value and per four bytes: a value has at least one byte, and
            // most have several.
            self.fuel.spend(1 + value.encoded().len() as u64 / 4)?;
            if value.depth() + wrapped > DEPTH_MAX {
                return Err(TOO_DEEP);
            }
        }
        Ok(())
    }

    fn append_all<'v>(
        &mut self,
        values: impl Iterator<Item = Value<'v>>,
        out: &mut Builder,
    ) -> Result<(), CommandError> {
        for value in values {
            self.fuel.spend_bytes(value.encoded().len())?;
            out.raw(value.encoded());
        }
        Ok(())
    }
}

/// The number of matches of a path, or of elements of a list.
fn count(own: &Values<'_>) -> u64 {
    match own {
        Values::Node(_) => 1,
        Values::Nodes(nodes) => nodes.len() as u64,
        Values::List(list) => Value::at(list, 0).elements().count() as u64,
        Values::Nothing | Values::Value(_) | Values::Computed(_) => 0,
    }
}

fn each_number<'a>(own: &Values<'_>, compute: impl Fn(Number) -> Number) -> Values<'a> {
    Values::maybe(own.only().and_then(Number::of).and_then(|number| encoded(compute(number))))
}

fn real(number: Number, round: impl Fn(f64) -> f64) -> Number {
    match number {
        Number::Float(real) => Number::Float(round(real)),
        whole => whole,
    }
}

fn absolute(number: Number) -> Number {
    match number {
        Number::Float(real) => Number::Float(real.abs()),
        Number::Int(whole) => match i64::try_from(whole.unsigned_abs()) {
            Ok(whole) => Number::Int(whole),
            Err(_) => Number::Uint(whole.unsigned_abs()),
        },
        Number::Uint(_) => number,
    }
}
