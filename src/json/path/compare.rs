//! Comparison of values in filters.
//!
//! Invariants:
//! * two whole numbers are compared exactly, other pairs of numbers as f64;
//! * values of different types are unequal; only scalars of the same type have an order;
//! * the order of an object's members does not matter.

use std::cmp::Ordering;

use super::limits::Fuel;
use crate::error::CommandError;
use crate::json::{Kind, Value};

/// The number as an integer, if it is stored as one.
pub(super) fn whole(value: Value<'_>) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64_large().map(i128::from))
}

fn numbers(left: Value<'_>, right: Value<'_>) -> Option<Ordering> {
    match (left.kind(), right.kind()) {
        (Kind::Int, Kind::Int) => Some(left.as_i64()?.cmp(&right.as_i64()?)),
        (Kind::Float, _) | (_, Kind::Float) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        _ => Some(whole(left)?.cmp(&whole(right)?)),
    }
}

/// The order of two scalars of the same type; `None` for any other pair of values.
pub(super) fn order(
    left: Value<'_>,
    right: Value<'_>,
    fuel: &mut Fuel,
) -> Result<Option<Ordering>, CommandError> {
    if left.is_number() && right.is_number() {
        return Ok(numbers(left, right));
    }
    if let (Some(left), Some(right)) = (left.as_text(), right.as_text()) {
        fuel.spend_bytes(left.len().min(right.len()))?;
        return Ok(Some(left.cmp(right)));
    }
    if let (Some(left), Some(right)) = (left.as_bool(), right.as_bool()) {
        return Ok(Some(left.cmp(&right)));
    }
    Ok((left.is_null() && right.is_null()).then_some(Ordering::Equal))
}

/// Whether two values are equal. The recursion is at most as deep as the shallower of the two.
pub(super) fn equal(left: Value<'_>, right: Value<'_>, fuel: &mut Fuel) -> Result<bool, CommandError> {
    fuel.spend(1)?;
    match (left.kind(), right.kind()) {
        (Kind::Array, Kind::Array) => arrays(left, right, fuel),
        (Kind::Object, Kind::Object) => objects(left, right, fuel),
        _ => Ok(order(left, right, fuel)? == Some(Ordering::Equal)),
    }
}

fn arrays(left: Value<'_>, right: Value<'_>, fuel: &mut Fuel) -> Result<bool, CommandError> {
    let mut others = right.elements();
    for element in left.elements() {
        match others.next() {
            Some(other) if equal(element, other, fuel)? => {}
            _ => return Ok(false),
        }
    }
    Ok(others.next().is_none())
}

fn objects(left: Value<'_>, right: Value<'_>, fuel: &mut Fuel) -> Result<bool, CommandError> {
    let mut others = right.members();
    let mut len = 0usize;
    for member in left.members() {
        len += 1;
        // Objects with the same origin usually have their members in the same order, so the member
        // at the same position is tried before a search.
        let there = others.next().filter(|other| other.key == member.key);
        let found = match there {
            Some(other) => Some(other.value),
            None => search(right, member.key, fuel)?,
        };
        match found {
            Some(other) if equal(member.value, other, fuel)? => {}
            _ => return Ok(false),
        }
    }
    let others = right.members().count();
    fuel.spend(others as u64)?;
    Ok(others == len)
}

fn search<'a>(object: Value<'a>, key: &[u8], fuel: &mut Fuel) -> Result<Option<Value<'a>>, CommandError> {
    for member in object.members() {
        fuel.spend(1)?;
        if member.key == key {
            return Ok(Some(member.value));
        }
    }
    Ok(None)
}
