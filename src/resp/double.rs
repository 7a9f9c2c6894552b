//! Formats a double as Redis does in a reply.
//!
//! This differs from JSON: `json` prints a document's `100.0` as `100.0`. A RESP3 double has its
//! own type, so Redis (since 7.2) prints it as `100`, and other values as `1e+20`, `inf`, `nan` or
//! `-0`.

use std::fmt::Write;

/// Redis prints whole doubles below this value, half of the range of `i64`, as integers.
const INTEGER_MAX: f64 = (1u64 << 62) as f64;

/// Appends `value` as Redis' `d2string` prints it: with the shortest digits that read back as the
/// same double.
pub fn write_double(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("nan");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "inf" } else { "-inf" });
    } else if value == 0.0 {
        out.push_str(if value.is_sign_negative() { "-0" } else { "0" });
    } else if value.abs() < INTEGER_MAX && value.fract() == 0.0 {
        out.push_str(itoa::Buffer::new().format(value as i64));
    } else {
        if value < 0.0 {
            out.push('-');
        }
        let (digits, exponent) = shortest_digits(value.abs());
        lay_out(&digits, exponent, value < 0.0, out);
    }
}

/// The shortest digits of a positive double that read back as the same value, and the power of ten
/// of the last digit.
fn shortest_digits(value: f64) -> (String, i32) {
    let mut text = String::with_capacity(24);
    // Writing into a String cannot fail.
    let _ = write!(text, "{value:e}");
    let (mantissa, exponent) = text.split_once('e').expect("{:e} prints an exponent");
    let exponent: i32 = exponent.parse().expect("{:e} prints a whole exponent");
    let digits = mantissa.replacen('.', "", 1);
    debug_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 17);
    let last = exponent - (digits.len() as i32 - 1);
    (digits, last)
}

/// Writes the digits with a point or an exponent, by the rules of fpconv, which Redis uses.
fn lay_out(digits: &str, last: i32, negative: bool, out: &mut String) {
    let count = digits.len() as i32;
    let exponent = last + count - 1;
    if last >= 0 && exponent < count + 7 {
        out.push_str(digits);
        out.extend((0..last).map(|_| '0'));
    } else if last < 0 && (last > -7 || exponent.abs() < 4) {
        let whole = count + last;
        if whole <= 0 {
            out.push_str("0.");
            out.extend((whole..0).map(|_| '0'));
            out.push_str(digits);
        } else {
            let (whole, fraction) = digits.split_at(whole as usize);
            out.extend([whole, ".", fraction]);
        }
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.extend([".", &rest[..rest.len().min(17 - usize::from(negative))]]);
        }
        out.push_str(if exponent < 0 { "e-" } else { "e+" });
        out.push_str(itoa::Buffer::new().format(exponent.abs()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn print(value: f64) -> String {
        let mut text = String::new();
        write_double(value, &mut text);
        text
    }

    #[test]
    fn doubles_are_printed_as_redis_prints_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (100.0, "100"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e-7, "1e-7"),
            (1.5e-5, "0.000015"),
            (1e17, "100000000000000000"),
            (1e20, "1e+20"),
            (1.5e300, "1.5e+300"),
            (-1.25e-10, "-1.25e-10"),
            (123456789012345680000.0, "123456789012345680000"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
        ];
        for (value, text) in cases {
            assert_eq!(print(value), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_as_the_same_double(bits: u64) {
            let value = f64::from_bits(bits);
            let back: f64 = print(value).parse().unwrap();
            prop_assert!(back.to_bits() == bits || value.is_nan() && back.is_nan(), "{} {}", value, back);
        }
    }
}
