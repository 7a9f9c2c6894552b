//! The grammar rules that could have continued a path, for the text of an error.
//!
//! RedisJSON reports the furthest position that its parser reached and the rules that it tried
//! there, in the order of its grammar. Clients show that text to users, so names and order here are
//! those of recorded replies.

use std::ops::BitOr;

use crate::error::CommandError;

/// A set of grammar rules that could have continued the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected(u32);

impl BitOr for Expected {
    type Output = Expected;

    fn bitor(self, other: Expected) -> Expected {
        Expected(self.0 | other.0)
    }
}

/// The rules' names, by bit. Their order agrees with every recorded error text.
const NAMES: [&str; 19] = [
    "EOI",
    "<string>",
    "ge, gt, le, lt, eq, ne, re, in_op, nin_op, subsetof_op, anyof_op, noneof_op, size_op, empty_op",
    "arith_factor",
    "add, sub",
    "mul, div, rem",
    "postfix_method",
    "get_keys_op",
    "and",
    "or",
    "decimal, from_current, from_root, boolean_true, boolean_false, null, array_literal, object_literal",
    "function_name",
    "'<string>[,<string>,...]'",
    "'<number>'",
    "pos_number",
    "['start:end:steps']",
    "'*'",
    "'..'",
    "'[?(filter_expression)]'",
];

/// The rule that a bare `$` or `@` adds; error texts list it last.
const ROOT_NAME: &str = "root";

impl Expected {
    pub const fn with(self, other: Expected) -> Expected {
        Expected(self.0 | other.0)
    }

    pub const END: Expected = Expected(1);
    pub const NAME: Expected = Expected(1 << 1);
    pub const RELATION: Expected = Expected(1 << 2);
    pub const OPERAND: Expected = Expected(1 << 3);
    pub const SUM: Expected = Expected(1 << 4);
    pub const PRODUCT: Expected = Expected(1 << 5);
    pub const METHOD: Expected = Expected(1 << 6);
    pub const KEYS: Expected = Expected(1 << 7);
    pub const AND: Expected = Expected(1 << 8);
    pub const OR: Expected = Expected(1 << 9);
    pub const ARGUMENT: Expected = Expected(1 << 10);
    pub const FUNCTION: Expected = Expected(1 << 11);
    pub const NAMES: Expected = Expected(1 << 12);
    pub const NUMBER: Expected = Expected(1 << 13);
    pub const STEP: Expected = Expected(1 << 14);
    pub const SLICE: Expected = Expected(1 << 15);
    pub const WILDCARD: Expected = Expected(1 << 16);
    pub const DESCENDANT: Expected = Expected(1 << 17);
    pub const FILTER: Expected = Expected(1 << 18);
    pub const ROOT: Expected = Expected(1 << 19);
}

/// The furthest position at which no rule matched, and the rules that were possible there.
#[derive(Debug, Default)]
pub(super) struct Furthest {
    at: usize,
    expected: Expected,
}

impl Furthest {
    #[inline]
    pub fn expect(&mut self, at: usize, expected: Expected) {
        if at > self.at {
            *self = Furthest { at, expected };
        } else if at == self.at {
            self.expected = self.expected | expected;
        }
    }

    /// Replaces the expected rules if `at` is still the furthest position.
    pub fn set_only_at(&mut self, at: usize, expected: Expected) {
        if at == self.at {
            self.expected = expected;
        }
    }

    /// Adds to the expected rules if `at` is still the furthest position.
    pub fn add_only_at(&mut self, at: usize, expected: Expected) {
        if at == self.at {
            self.expected = self.expected | expected;
        }
    }

    pub fn command_error(&self) -> CommandError {
        let at = self.at;
        let tried: Vec<&str> = (0..NAMES.len())
            .filter(|bit| self.expected.0 >> bit & 1 == 1)
            .map(|bit| NAMES[bit])
            .chain((self.expected.0 & Expected::ROOT.0 != 0).then_some(ROOT_NAME))
            .collect();
        let tried = tried.join(", ");
        CommandError::new(format!(
            "Error occurred at position {at}, Error at position {at}: expected one of the following: {tried}"
        ))
    }
}
