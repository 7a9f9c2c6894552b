//! Equality of values.
//!
//! The order of an object's members does not matter; the order of an array's elements does. Numbers
//! are equal by [`Number::compare`], so `1` equals `1.0`, although [`same`] distinguishes the two.

use std::cmp::Ordering;

use super::limits::DEPTH_MAX;
use super::number::Number;
use super::value::{Kind, MemberIndex, Value};

pub fn equal(left: Value<'_>, right: Value<'_>) -> bool {
    equal_within(left, right, Numbers::Alike, 0)
}

/// Whether two values are equal and each number has the same kind in both: `1` is not the same as
/// `1.0`.
pub fn same(left: Value<'_>, right: Value<'_>) -> bool {
    equal_within(left, right, Numbers::ByKind, 0)
}

/// Whether a whole number can be equal to a real number.
#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    Alike,
    ByKind,
}

fn equal_within(left: Value<'_>, right: Value<'_>, numbers: Numbers, level: usize) -> bool {
    if left.kind() == right.kind() && left.payload() == right.payload() {
        return true;
    }
    match (left.kind(), right.kind()) {
        _ if level > DEPTH_MAX => false,
        (Kind::Array, Kind::Array) => arrays(left, right, numbers, level + 1),
        (Kind::Object, Kind::Object) => objects(left, right, numbers, level + 1),
        (Kind::Float, other) | (other, Kind::Float) if numbers == Numbers::ByKind && other != Kind::Float => {
            false
        }
        _ => match (Number::of(left), Number::of(right)) {
            (Some(left), Some(right)) => left.compare(right) == Some(Ordering::Equal),
            _ => false,
        },
    }
}

fn arrays(left: Value<'_>, right: Value<'_>, numbers: Numbers, level: usize) -> bool {
    let mut others = right.elements();
    let mut equal = |element| others.next().is_some_and(|other| equal_within(element, other, numbers, level));
    left.elements().all(&mut equal) && others.next().is_none()
}

fn objects(left: Value<'_>, right: Value<'_>, numbers: Numbers, level: usize) -> bool {
    if left.count() != right.count() {
        return false;
    }
    let index = MemberIndex::of(right);
    left.members().all(|member| {
        index.get(member.key).is_some_and(|other| equal_within(member.value, other.value, numbers, level))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::tests::document;

    #[test]
    fn equality_ignores_the_order_of_members_and_the_kind_of_number() {
        for (left, right, wanted) in [
            ("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true),
            ("{\"a\":1}", "{\"a\":1,\"b\":2}", false),
            ("{\"a\":1}", "{\"b\":1}", false),
            ("[1,2]", "[2,1]", false),
            ("[1]", "[1,2]", false),
            ("[1,2]", "[1]", false),
            ("1", "1.0", true),
            ("0", "-0", true),
            ("9007199254740993", "9007199254740992", false),
            ("9007199254740993", "9007199254740992.0", true),
            ("18446744073709551615", "18446744073709551615.0", true),
            ("\"1\"", "1", false),
            ("null", "false", false),
            ("\"\\u0061\"", "\"a\"", true),
            ("[]", "{}", false),
        ] {
            assert_eq!(equal(document(left).root(), document(right).root()), wanted, "{left} {right}");
            assert_eq!(equal(document(right).root(), document(left).root()), wanted, "{right} {left}");
        }
    }

    #[test]
    fn whole_numbers_are_not_the_same_as_real_ones_at_any_depth() {
        for (left, right, wanted) in [
            ("3", "3", true),
            ("3", "3.0", false),
            ("0", "-0.0", false),
            ("0.0", "-0.0", true),
            ("18446744073709551615", "18446744073709551615", true),
            ("18446744073709551615", "18446744073709551615.0", false),
            ("{\"a\":[3]}", "{\"a\":[3.0]}", false),
            ("{\"a\":[3.0],\"b\":1}", "{\"b\":1,\"a\":[3.0]}", true),
        ] {
            assert_eq!(same(document(left).root(), document(right).root()), wanted, "{left} {right}");
            assert_eq!(same(document(right).root(), document(left).root()), wanted, "{right} {left}");
        }
    }

    #[test]
    fn large_objects_are_compared_by_key() {
        let text = |keys: Vec<usize>| {
            let members: Vec<String> = keys.iter().map(|key| format!("\"k{key}\":{key}")).collect();
            format!("{{{}}}", members.join(","))
        };
        let forward = document(&text((0..100).collect()));
        let backward = document(&text((0..100).rev().collect()));
        assert!(equal(forward.root(), backward.root()));
        assert!(!equal(forward.root(), document(&text((1..101).collect())).root()));
    }
}
