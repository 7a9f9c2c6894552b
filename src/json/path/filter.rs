//! Decides whether a filter keeps a value.
//!
//! A comparison holds when any pair of values from its two sides makes it hold; `!=` holds when `==` does not.

use std::cmp::Ordering;

use super::ast::{Function, Logic, Operand, Relation};
use super::compare::{equal, order, whole};
use super::eval::Evaluator;
use super::limits::FUEL_PER_COMPILE;
use super::operand::Values;
use super::pattern::{Pattern, Reach};
use crate::error::Answer;
use crate::json::{Kind, Value};

impl<'a> Evaluator<'a, '_> {
    pub fn holds(&mut self, logic: &'a Logic, current: Value<'a>) -> Result<bool, Answer> {
        match logic {
            Logic::Test(operand) => self.exists(operand, current),
            Logic::Not(inner) => Ok(!self.holds(inner, current)?),
            Logic::And(terms) => {
                for term in terms {
                    if !self.holds(term, current)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Logic::Or(terms) => {
                for term in terms {
                    if self.holds(term, current)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Logic::Compare(relation, left, right) => {
                let left = self.values(left, current)?;
                let right = self.values(right, current)?;
                self.relates(*relation, &left, &right)
            }
            Logic::Like(left, right, pattern) => {
                let left = self.values(left, current)?;
                let right = self.values(right, current)?;
                self.like(&left, &right, pattern.as_ref(), Reach::Like)
            }
        }
    }

    /// A path is asked whether it leads anywhere, a computed or literal truth whether it is true.
    fn exists(&mut self, operand: &'a Operand, current: Value<'a>) -> Result<bool, Answer> {
        match operand {
            Operand::Query(query) => Ok(self.first(query, current)?.is_some()),
            Operand::Call(Function::Value, arguments, _) if matches!(arguments[..], [Operand::Query(_)]) => {
                Ok(self.values(operand, current)?.len() > 0)
            }
            _ => Ok(self.values(operand, current)?.iter().any(|value| value.as_bool() != Some(false))),
        }
    }

    fn relates(&mut self, relation: Relation, left: &Values<'_>, right: &Values<'_>) -> Result<bool, Answer> {
        match relation {
            Relation::NotEqual => return Ok(!self.relates(Relation::Equal, left, right)?),
            Relation::NotIn => return Ok(!self.relates(Relation::In, left, right)?),
            _ => {}
        }
        if let (Values::One(one), Values::One(other)) = (left, right) {
            return self.relates_one(relation, *one, *other);
        }
        for one in left.iter() {
            for other in right.iter() {
                self.fuel.spend(1)?;
                if self.relates_one(relation, one, other)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn relates_one(&mut self, relation: Relation, left: Value<'_>, right: Value<'_>) -> Result<bool, Answer> {
        match relation {
            Relation::Equal => equal(left, right, self.fuel),
            Relation::NotEqual => Ok(!equal(left, right, self.fuel)?),
            Relation::Less => Ok(order(left, right, self.fuel)? == Some(Ordering::Less)),
            Relation::LessOrEqual => Ok(order(left, right, self.fuel)?.is_some_and(Ordering::is_le)),
            Relation::Greater => Ok(order(left, right, self.fuel)? == Some(Ordering::Greater)),
            Relation::GreaterOrEqual => Ok(order(left, right, self.fuel)?.is_some_and(Ordering::is_ge)),
            Relation::In => self.contains(right, left),
            Relation::NotIn => Ok(!self.contains(right, left)?),
            Relation::SubsetOf => self.both_arrays(left, right, |found, wanted| found == wanted),
            Relation::AnyOf => self.both_arrays(left, right, |found, _| found > 0),
            Relation::NoneOf => self.both_arrays(left, right, |found, _| found == 0),
            Relation::Size => {
                let size = self.size(left)?;
                Ok(size.is_some() && size.map(|size| size as i128) == whole(right))
            }
            Relation::Empty => {
                let empty = self.size(left)?.map(|size| size == 0);
                Ok(empty.is_some() && empty == right.as_bool())
            }
        }
    }

    /// Compares how many of `left`'s elements `right` has with how many there are.
    fn both_arrays(
        &mut self,
        left: Value<'_>,
        right: Value<'_>,
        decide: impl Fn(usize, usize) -> bool,
    ) -> Result<bool, Answer> {
        if left.kind() != Kind::Array || right.kind() != Kind::Array {
            return Ok(false);
        }
        let (mut found, mut wanted) = (0, 0);
        for element in left.elements() {
            wanted += 1;
            found += usize::from(self.contains(right, element)?);
        }
        assert!(found <= wanted, "only wanted elements are found");
        Ok(decide(found, wanted))
    }

    fn contains(&mut self, array: Value<'_>, wanted: Value<'_>) -> Result<bool, Answer> {
        for element in array.elements() {
            if equal(element, wanted, self.fuel)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Characters of text, elements of an array, members of an object.
    pub fn size(&mut self, value: Value<'_>) -> Result<Option<usize>, Answer> {
        match value.as_text() {
            Some(text) => {
                self.fuel.spend_bytes(text.len())?;
                Ok(Some(text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()))
            }
            None if value.kind().is_container() => self.count(value).map(Some),
            None => Ok(None),
        }
    }

    /// Whether any text on the left has what the pattern asks for.
    pub fn like(
        &mut self,
        left: &Values<'_>,
        right: &Values<'_>,
        pattern: Option<&Pattern>,
        reach: Reach,
    ) -> Result<bool, Answer> {
        if let Some(pattern) = pattern {
            return self.any_found(left, pattern);
        }
        for source in right.iter() {
            let Some(source) = source.as_text() else { continue };
            let pattern = match self.compiled.take() {
                Some(pattern) if pattern.is_for(source, reach) => pattern,
                _ => {
                    self.fuel.spend(FUEL_PER_COMPILE)?;
                    Pattern::compile(source, reach)
                }
            };
            let found = self.any_found(left, &pattern)?;
            self.compiled = Some(pattern);
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn any_found(&mut self, left: &Values<'_>, pattern: &Pattern) -> Result<bool, Answer> {
        for value in left.iter() {
            let Some(text) = value.as_text() else { continue };
            if pattern.finds(text, self.fuel)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
