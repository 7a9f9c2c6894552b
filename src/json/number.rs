//! The numbers of a document: printing, comparison and arithmetic.
//!
//! Invariants:
//! * printing and parsing a number yields the same number of the same kind;
//! * a sum or a product of two `Int`s is exact or an error;
//! * no number is infinite: a result that would be is an error.

use std::cmp::Ordering;

use super::limits::ParseLimits;
use super::value::{Kind, Value};
use super::{Builder, parse};
use crate::error::CommandError;

/// A number as a document stores it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i64),
    /// A whole number above `i64::MAX`.
    Uint(u64),
    /// A finite real number.
    Float(f64),
}

pub const NUMERIC_OVERFLOW: CommandError = CommandError::fixed("ERR numeric overflow");
pub const NOT_A_NUMBER: CommandError = CommandError::fixed("ERR result is not a number");
/// The error of NUMINCRBY, NUMMULTBY and NUMPOWBY for an operand that is JSON but not a number.
pub const BAD_OPERAND: CommandError = CommandError::fixed("bad input number");

/// The operations of JSON.NUMINCRBY, NUMMULTBY and NUMPOWBY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Multiply,
    Power,
}

impl Number {
    pub fn of(value: Value<'_>) -> Option<Number> {
        match value.kind() {
            Kind::Int => value.as_i64().map(Number::Int),
            Kind::Uint => value.as_u64_large().map(Number::Uint),
            Kind::Float => value.as_f64().map(Number::Float),
            _ => None,
        }
    }

    /// Reads the operand of an arithmetic command.
    pub fn parse(text: &[u8]) -> Result<Number, CommandError> {
        let operand = parse(text, &ParseLimits::default()).map_err(parse::BadJson::prefixed)?;
        Number::of(operand.root()).ok_or(BAD_OPERAND)
    }

    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(whole) => whole as f64,
            Number::Uint(whole) => whole as f64,
            Number::Float(real) => real,
        }
    }

    /// The number as an integer of either sign; `None` for a real number.
    pub fn whole(self) -> Option<i128> {
        match self {
            Number::Int(whole) => Some(whole.into()),
            Number::Uint(whole) => Some(whole.into()),
            Number::Float(_) => None,
        }
    }

    pub fn checked_add(self, by: Number) -> Result<Number, CommandError> {
        match (self, by) {
            (Number::Int(left), Number::Int(right)) => checked(left.checked_add(right)),
            _ => finite(self.as_f64() + by.as_f64()),
        }
    }

    pub fn checked_mul(self, by: Number) -> Result<Number, CommandError> {
        match (self, by) {
            (Number::Int(left), Number::Int(right)) => checked(left.checked_mul(right)),
            _ => finite(self.as_f64() * by.as_f64()),
        }
    }

    /// The result is exact, or an overflow, if both numbers are `Int` and the exponent is not
    /// negative. Otherwise it is as exact as the platform's `pow`.
    pub fn checked_pow(self, by: Number) -> Result<Number, CommandError> {
        match (self, by) {
            (Number::Int(base), Number::Int(exponent)) if exponent >= 0 => {
                checked(whole_power(base, exponent))
            }
            _ => finite(self.as_f64().powf(by.as_f64())),
        }
    }

    /// Compares two whole numbers exactly, and any others as f64.
    pub fn compare(self, other: Number) -> Option<Ordering> {
        match (self.whole(), other.whole()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }

    pub fn push(self, out: &mut Builder) {
        match self {
            Number::Int(whole) => out.int(whole),
            Number::Uint(whole) => out.uint(whole),
            Number::Float(real) => out.float(real),
        }
    }

    /// Appends the number as RedisJSON prints it: `100`, `100.0`, `1e16`, `1e-7`, `-0.0`.
    pub fn print(self, out: &mut Vec<u8>) {
        match self {
            Number::Int(whole) => out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes()),
            Number::Uint(whole) => out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes()),
            Number::Float(real) => print_real(real, out),
        }
    }
}

impl Arithmetic {
    /// The result of the operation on a number that is the root or a member of an object.
    pub fn apply(self, number: Number, by: Number) -> Result<Number, CommandError> {
        match self {
            Arithmetic::Add => number.checked_add(by),
            Arithmetic::Multiply => number.checked_mul(by),
            Arithmetic::Power => number.checked_pow(by),
        }
    }

    /// The result of the operation on a number that is an element of `array`.
    ///
    /// RedisJSON stores an array in a packed form if its elements are all whole or all real
    /// numbers, and clients can see the difference. In such an array, an operation on whole numbers
    /// yields a whole number up to `u64::MAX` or an overflow, except with a negative exponent. A
    /// real result that is not finite is an overflow too.
    pub fn apply_in(self, array: Value<'_>, number: Number, by: Number) -> Result<Number, CommandError> {
        let plain = self.apply(number, by);
        if (plain.is_ok() && !matches!(number, Number::Uint(_))) || !is_packed(array) {
            return plain;
        }
        let (Some(left), Some(right)) = (number.whole(), by.whole()) else {
            return plain.map_err(|_| NUMERIC_OVERFLOW);
        };
        let exact = match self {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Multiply => left.checked_mul(right),
            Arithmetic::Power if right < 0 => return plain,
            Arithmetic::Power => u32::try_from(right).ok().and_then(|exponent| left.checked_pow(exponent)),
        };
        let small = exact.and_then(|whole| i64::try_from(whole).ok()).map(Number::Int);
        let large = exact.and_then(|whole| u64::try_from(whole).ok()).map(Number::Uint);
        small.or(large).ok_or(NUMERIC_OVERFLOW)
    }
}

/// Whether this is an array whose elements are all whole numbers or all real numbers.
pub fn is_packed(array: Value<'_>) -> bool {
    if array.kind() != Kind::Array {
        return false;
    }
    array.elements().all(|element| matches!(element.kind(), Kind::Int | Kind::Uint))
        || array.elements().all(|element| element.kind() == Kind::Float)
}

fn checked(whole: Option<i64>) -> Result<Number, CommandError> {
    whole.map(Number::Int).ok_or(NUMERIC_OVERFLOW)
}

fn finite(real: f64) -> Result<Number, CommandError> {
    if real.is_finite() { Ok(Number::Float(real)) } else { Err(NOT_A_NUMBER) }
}

/// Appends the shortest digits that read back as `real`.
///
/// Many numbers, such as prices, have up to four decimals, so a decimal of that form is tried
/// first. If it has at most 15 digits and reads back as `real`, no other decimal of its length
/// does. It is then the result that ryu would find with three times the work.
fn print_real(real: f64, out: &mut Vec<u8>) {
    const DECIMALS: f64 = 1e4;
    let size = real.abs();
    let scaled = (size * DECIMALS + 0.5) as u64;
    if !(1e-3..1e9).contains(&size) || scaled as f64 / DECIMALS != size {
        return out.extend_from_slice(ryu::Buffer::new().format(real).as_bytes());
    }
    if real < 0.0 {
        out.push(b'-');
    }
    let part = scaled % 10_000;
    out.extend_from_slice(itoa::Buffer::new().format(scaled / 10_000).as_bytes());
    let digit = |unit: u64| b'0' + (part / unit % 10) as u8;
    let unused = match part {
        part if part % 1_000 == 0 => 3,
        part if part % 100 == 0 => 2,
        part if part % 10 == 0 => 1,
        _ => 0,
    };
    out.extend_from_slice(&[b'.', digit(1_000), digit(100), digit(10), digit(1)]);
    out.truncate(out.len() - unused);
}

fn whole_power(base: i64, exponent: i64) -> Option<i64> {
    match (base, u32::try_from(exponent)) {
        (_, Ok(exponent)) => base.checked_pow(exponent),
        (0 | 1, Err(_)) => Some(base),
        (-1, Err(_)) => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::tests::document;

    fn printed(number: Number) -> String {
        let mut out = Vec::new();
        number.print(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_print_as_redisjson_prints_them() {
        for (text, wanted) in [
            ("1e2", "100.0"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e16"),
            ("0.000001", "1e-6"),
            ("0.0000001", "1e-7"),
            ("-0", "-0.0"),
            ("0.0", "0.0"),
            ("1.10", "1.1"),
            ("9223372036854775808", "9223372036854775808"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("-9223372036854775809", "-9.223372036854776e18"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e19"),
            ("123456789.123456789", "123456789.12345679"),
            ("3.141592653589793238462643", "3.141592653589793"),
            ("1e-400", "0.0"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e308"),
        ] {
            assert_eq!(printed(number(text)), wanted, "{text}");
        }
    }

    #[test]
    fn short_decimals_print_as_ryu_prints_them() {
        let same = |real: f64| {
            let mut out = Vec::new();
            print_real(real, &mut out);
            assert_eq!(out, ryu::Buffer::new().format(real).as_bytes(), "{real:e}");
        };
        for digits in 0..200_000u32 {
            let real = f64::from(digits.wrapping_mul(2_654_435_761) % 20_000_011);
            for scale in [1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e7] {
                same(real / scale);
                same(-real / scale * 1.000_000_000_000_000_2);
            }
        }
        for real in [0.0, -0.0, 1e-3, 1e9, 999_999_999.999_9, 0.1 + 0.2, 1e-5, f64::MAX, f64::MIN_POSITIVE] {
            same(real);
        }
    }

    #[test]
    fn arithmetic_matches_the_recordings() {
        use Arithmetic::{Add, Multiply, Power};
        for (left, arithmetic, right, wanted) in [
            ("9223372036854775807", Add, "1", "ERR numeric overflow"),
            ("-9223372036854775808", Add, "1", "-9223372036854775807"),
            ("9223372036854775807", Add, "1e3", "9.223372036854776e18"),
            ("9223372036854775808", Add, "1", "9.223372036854776e18"),
            ("18446744073709551615", Add, "9223372036854775807", "2.7670116110564327e19"),
            ("-0", Add, "1", "1.0"),
            ("100", Multiply, "9223372036854775807", "ERR numeric overflow"),
            ("-9223372036854775808", Multiply, "-1", "ERR numeric overflow"),
            ("9223372036854775807", Multiply, "-1", "-9223372036854775807"),
            ("-0", Multiply, "-1", "0.0"),
            ("1.7976931348623157e308", Multiply, "2", "ERR result is not a number"),
            ("123456789012345678901234567890", Multiply, "9223372036854775807", "1.138687895536349e48"),
            ("1.10", Add, "-1", "0.10000000000000009"),
            ("7", Power, "2", "49"),
            ("2.5", Power, "2", "6.25"),
            ("2", Power, "-1", "0.5"),
            ("2", Power, "63", "ERR numeric overflow"),
            ("-1", Power, "9223372036854775807", "-1"),
            ("-8", Power, "0.5", "ERR result is not a number"),
            ("0", Power, "-1", "ERR result is not a number"),
        ] {
            let answer = arithmetic.apply(number(left), number(right));
            let answer = answer.map_or_else(|error| error.line().to_owned(), printed);
            assert_eq!(answer, wanted, "{left} {arithmetic:?} {right}");
        }
    }

    #[test]
    fn arithmetic_in_a_packed_array_matches_the_recordings() {
        for (array, wanted) in [
            ("[9223372036854775807]", "18446744073709551614"),
            ("[18446744073709551615]", "ERR numeric overflow"),
            ("[-9223372036854775808]", "ERR numeric overflow"),
            ("[-9223372036854775809]", "-1.8446744073709552e19"),
            ("[1e308]", "ERR numeric overflow"),
            ("[1e308,1]", "ERR result is not a number"),
            ("[100]", "200"),
        ] {
            let array = document(array);
            let element = Number::of(array.root().nth(0).unwrap()).unwrap();
            let answer = Arithmetic::Multiply.apply_in(array.root(), element, Number::Int(2));
            assert_eq!(answer.map_or_else(|error| error.line().to_owned(), printed), wanted, "{array:?}");
        }
    }

    #[test]
    fn an_operand_that_is_not_a_number_is_refused_with_the_recorded_error() {
        for (text, wanted) in [
            ("abc", "ERR expected value at line 1 column 1"),
            ("", "ERR EOF while parsing a value at line 1 column 0"),
            ("\"1\"", "bad input number"),
            ("[1]", "bad input number"),
            ("null", "bad input number"),
        ] {
            assert_eq!(Number::parse(text.as_bytes()).unwrap_err().line(), wanted, "{text}");
        }
    }

    #[test]
    fn whole_numbers_compare_exactly_and_others_as_f64() {
        let compare = |left: &str, right: &str| number(left).compare(number(right));
        assert_eq!(compare("9007199254740993", "9007199254740992"), Some(Ordering::Greater));
        assert_eq!(compare("9007199254740993", "9007199254740992.0"), Some(Ordering::Equal));
        assert_eq!(compare("18446744073709551615", "-1"), Some(Ordering::Greater));
        assert_eq!(compare("0", "-0"), Some(Ordering::Equal));
    }
}
