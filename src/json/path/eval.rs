//! Evaluates the steps of a path on a document.
//!
//! Invariants:
//! * the recursion is at most as deep as the document, since each level descends by one value;
//! * steps that are a single name or index are taken in a loop and allocate nothing;
//! * every visited element or member costs a unit of fuel.

use super::ast::{Segment, Selector, Slice};
use super::limits::Fuel;
use super::pattern::Pattern;
use crate::error::CommandError;
use crate::json::{Kind, Location, Value};

/// A visited value, with its location.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub value: Value<'a>,
    member: usize,
    parent: Option<usize>,
}

impl<'a> Node<'a> {
    pub fn root(value: Value<'a>) -> Node<'a> {
        Node { value, member: value.offset(), parent: None }
    }

    fn child(parent: Value<'a>, value: Value<'a>, member: usize) -> Node<'a> {
        Node { value, member, parent: Some(parent.offset()) }
    }

    pub fn location(&self) -> Location {
        Location { at: self.value.offset(), member: self.member, parent: self.parent }
    }
}

/// The reason why a walk stops early.
pub(super) enum Stop {
    /// The sink needs no more matches.
    Enough,
    Failed(CommandError),
}

impl From<CommandError> for Stop {
    fn from(error: CommandError) -> Stop {
        Stop::Failed(error)
    }
}

pub(super) type Walked = Result<(), Stop>;

/// Receives the matches one by one.
pub(super) trait Sink<'a> {
    fn take(&mut self, node: Node<'a>, fuel: &mut Fuel) -> Walked;
}

/// The evaluation of one path.
pub(super) struct Evaluator<'a, 'f> {
    pub root: Value<'a>,
    pub fuel: &'f mut Fuel,
    /// The pattern that was compiled last during this evaluation.
    pub(super) compiled: Option<Pattern>,
}

impl<'a, 'f> Evaluator<'a, 'f> {
    pub fn new(root: Value<'a>, fuel: &'f mut Fuel) -> Evaluator<'a, 'f> {
        Evaluator { root, fuel, compiled: None }
    }

    /// Passes every value that `segments` match from `node` to `sink`.
    pub fn walk<S: Sink<'a>>(
        &mut self,
        mut segments: &'a [Segment],
        mut node: Node<'a>,
        sink: &mut S,
    ) -> Walked {
        loop {
            let Some((segment, rest)) = segments.split_first() else { return sink.take(node, self.fuel) };
            let found = match segment {
                Segment::Child(Selector::Name(name)) => self.member(node.value, name)?,
                Segment::Child(Selector::Index(index)) => self.element(node.value, *index)?,
                Segment::Child(selector) => return self.choose(selector, rest, node.value, sink),
                Segment::Descendant(selector) => return self.descend(selector, rest, node.value, sink),
            };
            match found {
                Some(child) => node = child,
                None => return Ok(()),
            }
            segments = rest;
        }
    }

    fn descend<S: Sink<'a>>(
        &mut self,
        selector: &'a Selector,
        rest: &'a [Segment],
        value: Value<'a>,
        sink: &mut S,
    ) -> Walked {
        self.choose(selector, rest, value, sink)?;
        match value.kind() {
            Kind::Object => {
                for member in value.members() {
                    self.fuel.spend(1)?;
                    if member.value.kind().is_container() {
                        self.descend(selector, rest, member.value, sink)?;
                    }
                }
            }
            Kind::Array => {
                for element in value.elements() {
                    self.fuel.spend(1)?;
                    if element.kind().is_container() {
                        self.descend(selector, rest, element, sink)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Applies one selector to `value`, and the rest of the path to its matches.
    fn choose<S: Sink<'a>>(
        &mut self,
        selector: &'a Selector,
        rest: &'a [Segment],
        value: Value<'a>,
        sink: &mut S,
    ) -> Walked {
        match selector {
            Selector::Name(name) => self.walk_member(name, rest, value, sink),
            Selector::Index(index) => self.walk_element(*index, rest, value, sink),
            Selector::Names(names) => {
                names.iter().try_for_each(|name| self.walk_member(name, rest, value, sink))
            }
            Selector::Indexes(indexes) => {
                indexes.iter().try_for_each(|&index| self.walk_element(index, rest, value, sink))
            }
            Selector::Slice(slice) => self.slice(*slice, rest, value, sink),
            Selector::Wildcard => self.each_child(value, |eval, child| eval.walk(rest, child, sink)),
            Selector::Filter(logic) => self.each_child(value, |eval, child| {
                if eval.holds(logic, child.value)? { eval.walk(rest, child, sink) } else { Ok(()) }
            }),
        }
    }

    fn walk_member<S: Sink<'a>>(
        &mut self,
        name: &[u8],
        rest: &'a [Segment],
        value: Value<'a>,
        sink: &mut S,
    ) -> Walked {
        match self.member(value, name)? {
            Some(child) => self.walk(rest, child, sink),
            None => Ok(()),
        }
    }

    fn walk_element<S: Sink<'a>>(
        &mut self,
        index: i64,
        rest: &'a [Segment],
        value: Value<'a>,
        sink: &mut S,
    ) -> Walked {
        match self.element(value, index)? {
            Some(child) => self.walk(rest, child, sink),
            None => Ok(()),
        }
    }

    fn each_child(
        &mut self,
        value: Value<'a>,
        mut visit: impl FnMut(&mut Self, Node<'a>) -> Walked,
    ) -> Walked {
        if value.kind() == Kind::Object {
            for member in value.members() {
                self.fuel.spend(1)?;
                visit(self, Node::child(value, member.value, member.offset))?;
            }
        }
        for element in value.elements() {
            self.fuel.spend(1)?;
            visit(self, Node::child(value, element, element.offset()))?;
        }
        Ok(())
    }

    fn slice<S: Sink<'a>>(
        &mut self,
        slice: Slice,
        rest: &'a [Segment],
        value: Value<'a>,
        sink: &mut S,
    ) -> Walked {
        assert!(slice.step > 0, "the parser refuses a step of 0");
        let from_the_end = slice.start.is_some_and(|at| at < 0) || slice.end.is_some_and(|at| at < 0);
        let len = if from_the_end { self.count(value)? } else { usize::MAX };
        let start = position(slice.start.unwrap_or(0), len);
        let end = slice.end.map_or(len, |at| position(at, len));
        let mut next = start;
        for (at, element) in value.elements().enumerate() {
            self.fuel.spend(1)?;
            if at >= end {
                break;
            }
            if at == next {
                next = next.saturating_add(slice.step);
                self.walk(rest, Node::child(value, element, element.offset()), sink)?;
            }
        }
        Ok(())
    }

    #[inline]
    pub fn member(&mut self, value: Value<'a>, name: &[u8]) -> Result<Option<Node<'a>>, CommandError> {
        for member in value.members() {
            self.fuel.spend(1)?;
            if member.key == name {
                return Ok(Some(Node::child(value, member.value, member.offset)));
            }
        }
        Ok(None)
    }

    #[inline]
    pub fn element(&mut self, value: Value<'a>, index: i64) -> Result<Option<Node<'a>>, CommandError> {
        let index = if index < 0 { position(index, self.count(value)?) } else { position(index, usize::MAX) };
        for (at, element) in value.elements().enumerate() {
            self.fuel.spend(1)?;
            if at == index {
                return Ok(Some(Node::child(value, element, element.offset())));
            }
        }
        Ok(None)
    }

    /// The number of elements of an array or members of an object; each costs fuel.
    pub fn count(&mut self, value: Value<'_>) -> Result<usize, CommandError> {
        let count =
            if value.kind() == Kind::Object { value.members().count() } else { value.elements().count() };
        self.fuel.spend(1 + count as u64)?;
        Ok(count)
    }
}

/// The position that an index selects in `len` elements: a negative index counts from the end, and
/// one that reaches before the first element selects the first.
fn position(index: i64, len: usize) -> usize {
    match usize::try_from(index) {
        Ok(index) => index,
        Err(_) => len.saturating_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}
