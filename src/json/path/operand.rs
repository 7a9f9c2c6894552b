//! The values of an operand of a filter or a projection.
//!
//! A path yields its matches: none, one or several. Every other expression yields one value, a list
//! or nothing. [`Values`] distinguishes these cases, because the functions do.

use super::ast::{Operand, Query};
use super::eval::{Evaluator, Node, Sink, Stop, Walked};
use super::limits::Fuel;
use super::limits::OPERAND_VALUES_MAX;
use crate::error::CommandError;
use crate::json::{Builder, Kind, Value};

pub(super) enum Values<'a> {
    Nothing,
    /// The match of a static path, which has at most one.
    Node(Value<'a>),
    /// The matches of any other path.
    Nodes(Vec<Value<'a>>),
    /// A literal, or a part of the document that a function selected.
    Value(Value<'a>),
    /// A computed value, encoded.
    Computed(Vec<u8>),
    /// A list from `keys` or `append`, encoded as an array: printed as its elements, compared as an
    /// array.
    List(Vec<u8>),
}

impl<'a> Values<'a> {
    /// The number of values; a list counts as one.
    pub fn len(&self) -> usize {
        match self {
            Values::Nothing => 0,
            Values::Nodes(values) => values.len(),
            Values::Node(_) | Values::Value(_) | Values::Computed(_) | Values::List(_) => 1,
        }
    }

    pub fn get(&self, at: usize) -> Option<Value<'_>> {
        let first = |value| (at == 0).then_some(value);
        match self {
            Values::Nothing => None,
            Values::Node(value) | Values::Value(value) => first(*value),
            Values::Nodes(values) => values.get(at).copied(),
            Values::Computed(encoded) | Values::List(encoded) => first(Value::at(encoded, 0)),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The value, if there is exactly one.
    pub fn only(&self) -> Option<Value<'_>> {
        self.get(0).filter(|_| self.len() == 1)
    }

    /// The match of a path, if there is exactly one.
    pub fn only_node(&self) -> Option<Value<'a>> {
        match self {
            Values::Node(value) => Some(*value),
            Values::Nodes(values) if values.len() == 1 => Some(values[0]),
            _ => None,
        }
    }

    /// The values as a list, for functions that take lists: the elements of a single array, or
    /// several values themselves. Nothing is an empty list. A single value of another type is not a
    /// list.
    pub fn listed(&self) -> Option<Listed<'_>> {
        match (self, self.only()) {
            (_, Some(array)) => {
                (array.kind() == Kind::Array).then_some(Listed { array: Some(array), nodes: &[] })
            }
            (Values::Nodes(nodes), None) => Some(Listed { array: None, nodes }),
            _ => Some(Listed { array: None, nodes: &[] }),
        }
    }

    /// A computed value, encoded by `build`.
    pub fn made(build: impl FnOnce(&mut Builder)) -> Values<'static> {
        Values::Computed(encode(build))
    }

    /// A computed value; nothing for `None`.
    pub fn maybe(encoded: Option<Vec<u8>>) -> Values<'static> {
        encoded.map_or(Values::Nothing, Values::Computed)
    }
}

/// The list that a function of lists takes as its argument.
#[derive(Clone, Copy)]
pub(super) struct Listed<'v> {
    array: Option<Value<'v>>,
    nodes: &'v [Value<'v>],
}

impl<'v> Listed<'v> {
    pub fn iter(self) -> impl Iterator<Item = Value<'v>> {
        self.array.into_iter().flat_map(Value::elements).chain(self.nodes.iter().copied())
    }
}

pub(super) fn encode(build: impl FnOnce(&mut Builder)) -> Vec<u8> {
    let mut out = Builder::new();
    build(&mut out);
    assert!(!out.is_empty(), "a value begins with a header");
    out.into_bytes()
}

struct Collected<'a>(Vec<Value<'a>>);

impl<'a> Sink<'a> for Collected<'a> {
    fn take(&mut self, node: Node<'a>, fuel: &mut Fuel) -> Walked {
        // One unit of fuel for the visit and one for storing the value: the first access to the
        // memory of a growing list costs as much as the visit.
        fuel.spend(2)?;
        if self.0.len() >= OPERAND_VALUES_MAX {
            return Err(Stop::Failed(CommandError::OUT_OF_FUEL));
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

    /// The first match of `query`, for tests of existence and for static paths, which need no more.
    pub fn first(&mut self, query: &'a Query, current: Value<'a>) -> Result<Option<Value<'a>>, CommandError> {
        let mut first = First(None);
        match self.walk(&query.segments, self.begin(query, current), &mut first) {
            Ok(()) | Err(Stop::Enough) => Ok(first.0),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn all(&mut self, query: &'a Query, current: Value<'a>) -> Result<Values<'a>, CommandError> {
        if query.is_single() {
            return Ok(self.first(query, current)?.map_or(Values::Nothing, Values::Node));
        }
        let mut all = Collected(Vec::new());
        match self.walk(&query.segments, self.begin(query, current), &mut all) {
            Ok(()) => Ok(Values::Nodes(all.0)),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Enough) => unreachable!("this sink takes every match"),
        }
    }

    /// The values of `operand`, evaluated at `current`.
    pub fn values(&mut self, operand: &'a Operand, current: Value<'a>) -> Result<Values<'a>, CommandError> {
        self.fuel.spend(1)?;
        match operand {
            Operand::Nothing => Ok(Values::Nothing),
            Operand::Literal(encoded) => Ok(Values::Value(Value::at(encoded, 0))),
            Operand::Query(query) => self.all(query, current),
            Operand::Call(function, arguments, pattern) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.values(argument, current)?);
                }
                self.call(*function, &values, pattern.as_ref())
            }
            Operand::Negated(of) => Ok(self.values(of, current)?.negated()),
            Operand::Arithmetic(first, more) => {
                let mut result = self.values(first, current)?;
                for (operator, operand) in more {
                    result = result.calculate(*operator, &self.values(operand, current)?);
                }
                Ok(result)
            }
        }
    }
}
