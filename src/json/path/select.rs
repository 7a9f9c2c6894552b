//! Evaluates a path on a document.

use super::ast::{Operand, Segment, Selector};
use super::eval::{Evaluator, Node, Sink, Stop, Walked};
use super::limits::Fuel;
use super::operand::Values;
use super::{Body, Path};
use crate::error::CommandError;
use crate::json::{Document, Location, Value};

/// The matches of a path, in document order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Locations(Vec<Location>),
    /// The values of a projection, encoded.
    Values(Vec<Vec<u8>>),
}

struct Locations(Vec<Location>);

impl<'a> Sink<'a> for Locations {
    fn take(&mut self, node: Node<'a>, fuel: &mut Fuel) -> Walked {
        fuel.take_match()?;
        self.0.push(node.location());
        Ok(())
    }
}

impl Path {
    /// All matches of the path, duplicates included.
    pub fn select(&self, document: &Document, fuel: &mut Fuel) -> Result<Selection, CommandError> {
        match &self.body {
            Body::Query(_) => self.locations(document, fuel).map(Selection::Locations),
            Body::Projection(operand) => values_of(operand, document, fuel).map(Selection::Values),
        }
    }

    /// Like [`Path::select`], for matches that will be printed. Their total size costs fuel too,
    /// since matches may overlap.
    pub fn show(&self, document: &Document, fuel: &mut Fuel) -> Result<Selection, CommandError> {
        let selection = self.select(document, fuel)?;
        match &selection {
            Selection::Locations(locations) => {
                locations
                    .iter()
                    .try_for_each(|location| fuel.spend_shown(location.value(document).encoded().len()))?;
            }
            Selection::Values(values) => values.iter().try_for_each(|value| fuel.spend_shown(value.len()))?,
        }
        Ok(selection)
    }

    /// The locations that the path matches; [`super::NO_LOCATION`] for a projection.
    pub fn locations(&self, document: &Document, fuel: &mut Fuel) -> Result<Vec<Location>, CommandError> {
        let segments = self.segments().ok_or(super::NO_LOCATION)?;
        if self.is_static() {
            return Ok(self.single(document, fuel)?.into_iter().collect());
        }
        let mut locations = Locations(Vec::new());
        match Evaluator::new(document.root(), fuel).walk(
            segments,
            Node::root(document.root()),
            &mut locations,
        ) {
            Ok(()) => Ok(locations.0),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Enough) => unreachable!("this sink takes every match"),
        }
    }

    /// Finds the location that a static path matches, without allocating; `None` if the path
    /// matches nothing.
    ///
    /// # Panics
    /// If the path is not static, which the caller has to check.
    pub fn single(&self, document: &Document, fuel: &mut Fuel) -> Result<Option<Location>, CommandError> {
        let segments = self.segments().ok_or(super::NO_LOCATION)?;
        let mut node = Node::root(document.root());
        let mut evaluator = Evaluator::new(document.root(), fuel);
        for segment in segments {
            let found = match segment {
                Segment::Child(Selector::Name(name)) => evaluator.member(node.value, name)?,
                Segment::Child(Selector::Index(index)) => evaluator.element(node.value, *index)?,
                other => panic!("{other:?} is not a step of a static path"),
            };
            match found {
                Some(child) => node = child,
                None => return Ok(None),
            }
        }
        Ok(Some(node.location()))
    }
}

/// The values of a projection; a list yields its elements. Their number is limited like that of
/// matches, because both are copied into a reply.
fn values_of(operand: &Operand, document: &Document, fuel: &mut Fuel) -> Result<Vec<Vec<u8>>, CommandError> {
    let root = document.root();
    let values = Evaluator::new(root, fuel).values(operand, root)?;
    let mut copies = Vec::new();
    let mut copy = |value: Value<'_>| {
        fuel.take_match()?;
        fuel.spend_bytes(value.encoded().len())?;
        copies.push(value.encoded().to_vec());
        Ok(())
    };
    match &values {
        Values::List(list) => Value::at(list, 0).elements().try_for_each(&mut copy)?,
        values => values.iter().try_for_each(&mut copy)?,
    }
    Ok(copies)
}
