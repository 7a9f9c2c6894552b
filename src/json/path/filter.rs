//! Evaluates filters: whether a filter keeps a value.
//!
//! A comparison holds if any pair of values from its two sides makes it hold. `!=`, `nin` and
//! `noneof` hold if `==`, `in` and `anyof` do not.

use std::cmp::Ordering;

use super::ast::{Function, Logic, Operand, Relation};
use super::compare::{equal, order, whole};
use super::eval::Evaluator;
use super::limits::FUEL_PER_COMPILE;
use super::operand::{Listed, Values};
use super::pattern::{Pattern, Reach};
use crate::error::CommandError;
use crate::json::{Kind, Value};

impl<'a> Evaluator<'a, '_> {
    pub fn holds(&mut self, logic: &'a Logic, current: Value<'a>) -> Result<bool, CommandError> {
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

    /// Whether the operand, as a condition, is true. A path is true if it has a match, and a call
    /// of `value` if it yields a value. Any other operand is true if it yields a value except
    /// `false`.
    fn exists(&mut self, operand: &'a Operand, current: Value<'a>) -> Result<bool, CommandError> {
        match operand {
            Operand::Query(query) => Ok(self.first(query, current)?.is_some()),
            Operand::Call(Function::Value, ..) => Ok(self.values(operand, current)?.len() > 0),
            _ => Ok(self.values(operand, current)?.iter().any(|value| value.as_bool() != Some(false))),
        }
    }

    fn relates(
        &mut self,
        relation: Relation,
        left: &Values<'_>,
        right: &Values<'_>,
    ) -> Result<bool, CommandError> {
        match relation {
            Relation::NotEqual => return Ok(!self.relates(Relation::Equal, left, right)?),
            Relation::NotIn => return Ok(!self.relates(Relation::In, left, right)?),
            Relation::NoneOf => return Ok(!self.relates(Relation::AnyOf, left, right)?),
            Relation::In | Relation::SubsetOf | Relation::AnyOf => {
                return self.relates_to_set(relation, left, right);
            }
            _ => {}
        }
        if let (Some(one), Some(other)) = (left.only(), right.only()) {
            return self.relates_one(relation, one, other);
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

    /// Applies a set relation between the values on the left and the set on the right: membership
    /// of any value, or of all or some elements of an array.
    fn relates_to_set(
        &mut self,
        relation: Relation,
        left: &Values<'_>,
        right: &Values<'_>,
    ) -> Result<bool, CommandError> {
        let set = right.listed();
        for one in left.iter() {
            self.fuel.spend(1)?;
            let holds = match relation {
                Relation::In => self.is_in(one, set)?,
                _ if one.kind() != Kind::Array => false,
                Relation::SubsetOf => self.has_only(one, set)?,
                _ => self.has_any(one, set)?,
            };
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn relates_one(
        &mut self,
        relation: Relation,
        left: Value<'_>,
        right: Value<'_>,
    ) -> Result<bool, CommandError> {
        match relation {
            Relation::Equal => equal(left, right, self.fuel),
            Relation::NotEqual => Ok(!equal(left, right, self.fuel)?),
            Relation::Less => Ok(order(left, right, self.fuel)? == Some(Ordering::Less)),
            Relation::LessOrEqual => Ok(order(left, right, self.fuel)?.is_some_and(Ordering::is_le)),
            Relation::Greater => Ok(order(left, right, self.fuel)? == Some(Ordering::Greater)),
            Relation::GreaterOrEqual => Ok(order(left, right, self.fuel)?.is_some_and(Ordering::is_ge)),
            Relation::Size => {
                // A size that is not a whole number is truncated.
                let wanted = right.as_f64().map(|real| whole(right).unwrap_or(real as i128));
                let size = if wanted.is_some() { self.size(left)? } else { None };
                Ok(size.is_some() && size.map(|size| size as i128) == wanted)
            }
            Relation::Empty => {
                let empty = self.size(left)?.map(|size| size == 0);
                Ok(empty.is_some() && empty == right.as_bool())
            }
            Relation::In | Relation::NotIn | Relation::SubsetOf | Relation::AnyOf | Relation::NoneOf => {
                unreachable!("{relation:?} relates to a whole set")
            }
        }
    }

    fn is_in(&mut self, wanted: Value<'_>, set: Option<Listed<'_>>) -> Result<bool, CommandError> {
        for element in set.into_iter().flat_map(Listed::iter) {
            if equal(element, wanted, self.fuel)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has_only(&mut self, array: Value<'_>, set: Option<Listed<'_>>) -> Result<bool, CommandError> {
        for element in array.elements() {
            self.fuel.spend(1)?;
            if !self.is_in(element, set)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn has_any(&mut self, array: Value<'_>, set: Option<Listed<'_>>) -> Result<bool, CommandError> {
        for element in array.elements() {
            self.fuel.spend(1)?;
            if self.is_in(element, set)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The size of a value: the characters of a text, the elements of an array, or the members of
    /// an object; `None` for any other value.
    pub fn size(&mut self, value: Value<'_>) -> Result<Option<usize>, CommandError> {
        match value.as_text() {
            Some(text) => {
                self.fuel.spend_bytes(text.len())?;
                Ok(Some(text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()))
            }
            None if value.kind().is_container() => self.count(value).map(Some),
            None => Ok(None),
        }
    }

    /// Whether any pattern on the right matches any text on the left. If the right side is a
    /// literal text, `pattern` is the compiled form of it.
    pub fn like(
        &mut self,
        left: &Values<'_>,
        right: &Values<'_>,
        pattern: Option<&Pattern>,
        reach: Reach,
    ) -> Result<bool, CommandError> {
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

    fn any_found(&mut self, left: &Values<'_>, pattern: &Pattern) -> Result<bool, CommandError> {
        for value in left.iter() {
            let Some(text) = value.as_text() else { continue };
            if pattern.finds(text, self.fuel)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
