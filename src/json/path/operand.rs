//! What an operand of a filter or a projection comes to: nothing, a value, or several.

use super::ast::{Operand, Query};
use super::eval::{Evaluator, Node, Sink, Stop, Walked};
use super::fuel::Fuel;
use super::limits::OPERAND_VALUES_MAX;
use crate::error::Answer;
use crate::json::{Builder, Kind, Value};

/// Values in the document or the path, or computed ones in their encoding.
pub(super) enum Values<'a> {
    Nothing,
    One(Value<'a>),
    Many(Vec<Value<'a>>),
    Made(Vec<Vec<u8>>),
}

impl Values<'_> {
    pub fn len(&self) -> usize {
        match self {
            Values::Nothing => 0,
            Values::One(_) => 1,
            Values::Many(values) => values.len(),
            Values::Made(values) => values.len(),
        }
    }

    pub fn get(&self, at: usize) -> Option<Value<'_>> {
        match self {
            Values::Nothing => None,
            Values::One(value) => (at == 0).then_some(*value),
            Values::Many(values) => values.get(at).copied(),
            Values::Made(values) => values.get(at).map(|encoded| Value::at(encoded, 0)),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The value, when there is exactly one.
    pub fn only(&self) -> Option<Value<'_>> {
        self.get(0).filter(|_| self.len() == 1)
    }

    /// One computed value.
    pub fn made(build: impl FnOnce(&mut Builder)) -> Values<'static> {
        Values::Made(vec![encode(build)])
    }

    /// The computed value, if there is one.
    pub fn maybe(encoded: Option<Vec<u8>>) -> Values<'static> {
        encoded.map_or(Values::Nothing, |encoded| Values::Made(vec![encoded]))
    }
}

pub(super) fn encode(build: impl FnOnce(&mut Builder)) -> Vec<u8> {
    let mut out = Builder::new();
    build(&mut out);
    assert!(!out.is_empty(), "a value has a header at least");
    out.into_bytes()
}

struct Collected<'a>(Vec<Value<'a>>);

impl<'a> Sink<'a> for Collected<'a> {
    fn take(&mut self, node: Node<'a>, fuel: &mut Fuel) -> Walked {
        // One for the value and one for its room in a list that grows: fresh pages cost as much as the visit.
        fuel.spend(2)?;
        if self.0.len() >= OPERAND_VALUES_MAX {
            return Err(Stop::Failed(Answer::OUT_OF_FUEL));
        }
        self.0.push(node.value);
        Ok(())
    }
}

struct First<'a>(Option<Value<'a>>);

impl<'a> Sink<'a> for First<'a> {
    fn take(&mut self, node: Node<'a>, _: &mut Fuel) -> Walked {
        self.0 = Some(node.value);
        Err(Stop::Enough)
    }
}

impl<'a> Evaluator<'a, '_> {
    fn begin(&self, query: &Query, current: Value<'a>) -> Node<'a> {
        Node::root(if query.absolute { self.root } else { current })
    }

    /// The first value that `query` leads to: all that a test, or a path to one value, needs.
    pub fn first(&mut self, query: &'a Query, current: Value<'a>) -> Result<Option<Value<'a>>, Answer> {
        let mut first = First(None);
        match self.walk(&query.segments, self.begin(query, current), &mut first) {
            Ok(()) | Err(Stop::Enough) => Ok(first.0),
            Err(Stop::Failed(answer)) => Err(answer),
        }
    }

    fn all(&mut self, query: &'a Query, current: Value<'a>) -> Result<Values<'a>, Answer> {
        if query.is_single() {
            return Ok(self.first(query, current)?.map_or(Values::Nothing, Values::One));
        }
        let mut all = Collected(Vec::new());
        match self.walk(&query.segments, self.begin(query, current), &mut all) {
            Ok(()) => Ok(Values::Many(all.0)),
            Err(Stop::Failed(answer)) => Err(answer),
            Err(Stop::Enough) => unreachable!("a collection never has enough"),
        }
    }

    /// What `operand` comes to, seen from `current`.
    pub fn values(&mut self, operand: &'a Operand, current: Value<'a>) -> Result<Values<'a>, Answer> {
        self.fuel.spend(1)?;
        match operand {
            Operand::Literal(encoded) => Ok(Values::One(Value::at(encoded, 0))),
            Operand::Query(query) => self.all(query, current),
            Operand::Call(function, arguments, pattern) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.values(argument, current)?);
                }
                self.call(*function, &values, pattern.as_ref())
            }
            Operand::Keys(of) => {
                let of = self.values(of, current)?;
                self.each(&of, Evaluator::keys)
            }
            Operand::Arithmetic(first, more) => {
                let mut sum = self.values(first, current)?;
                for (operator, operand) in more {
                    let operand = self.values(operand, current)?;
                    sum = self.calculate(*operator, &sum, &operand)?;
                }
                Ok(sum)
            }
        }
    }

    /// Computes one value from each, and leaves out those it can't be computed from.
    pub fn each(
        &mut self,
        values: &Values<'_>,
        compute: impl Fn(&mut Self, Value<'_>) -> Result<Option<Vec<u8>>, Answer>,
    ) -> Result<Values<'a>, Answer> {
        let mut made = Vec::new();
        for value in values.iter() {
            self.fuel.spend(1)?;
            if let Some(encoded) = compute(self, value)? {
                self.fuel.spend_bytes(encoded.len())?;
                made.push(encoded);
            }
        }
        Ok(Values::Made(made))
    }

    /// The names of an object's members, as an array.
    pub fn keys(&mut self, value: Value<'_>) -> Result<Option<Vec<u8>>, Answer> {
        if value.kind() != Kind::Object {
            return Ok(None);
        }
        self.count(value)?;
        self.fuel.spend_bytes(value.encoded().len())?;
        Ok(Some(encode(|out| {
            let open = out.open(Kind::Array, value.encoded().len());
            for member in value.members() {
                out.text(member.key);
            }
            out.close(open);
        })))
    }
}
