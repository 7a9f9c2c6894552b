//! Computes exact decimal sums: 0.1 plus 0.2 is 0.3, which the sum of the nearest doubles is not.
//!
//! Redis adds 80-bit floats and prints 17 decimal places. Here the sum is exact if both numbers
//! have at most 17 decimal places and [`DIGITS_MAX`] digits before the point. A stored number with
//! an exponent or more digits is first rounded to the nearest double. If a double has more digits
//! too, the doubles are added.

/// Number of decimal places that are kept, as in Redis.
const PLACES: usize = 17;
const ONE: i128 = 10i128.pow(PLACES as u32);
/// Maximum number of digits before the point. Together with [`PLACES`] decimal places and the carry
/// of a sum, they fit into 128 bits.
const DIGITS_MAX: usize = 20;

/// The sum of `before` and `by` as text; `None` if `before` is not a number or the sum is not
/// finite.
pub fn sum(before: &str, by: f64) -> Option<String> {
    let whole: f64 = before.parse().ok()?;
    let after = whole + by;
    if !after.is_finite() {
        return None;
    }
    let exact = |text: &str| parse(text);
    let before = exact(before).or_else(|| exact(&whole.to_string()));
    Some(match (before, exact(&by.to_string())) {
        (Some(before), Some(by)) => print(before + by),
        _ => after.to_string(),
    })
}

/// Parses a number in units of the last of [`PLACES`] decimal places; `None` if the number has an
/// exponent or too many digits.
fn parse(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() > DIGITS_MAX || fraction.len() > PLACES || !only_digits(whole) || !only_digits(fraction) {
        return None;
    }
    let number = |part: &str| if part.is_empty() { Some(0) } else { part.parse::<i128>().ok() };
    let missing = 10i128.pow((PLACES - fraction.len()) as u32);
    let value = number(whole)? * ONE + number(fraction)? * missing;
    Some(if negative { -value } else { value })
}

fn print(value: i128) -> String {
    let (whole, fraction) =
        (value.unsigned_abs() / ONE.unsigned_abs(), value.unsigned_abs() % ONE.unsigned_abs());
    let sign = if value < 0 { "-" } else { "" };
    let text = format!("{sign}{whole}.{fraction:0PLACES$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_add_as_they_are_written() {
        let cases = [
            ("0.1", 0.2, "0.3"),
            ("10.50", 0.1, "10.6"),
            ("3", 0.5, "3.5"),
            ("3.0e3", 200.0, "3200"),
            ("5.0e3", -5000.0, "0"),
            ("-1.5", 0.25, "-1.25"),
            (".5", -1.0, "-0.5"),
            ("1e20", 1.0, "100000000000000000000"),
            ("100", 1e-7, "100.0000001"),
            ("0", -0.0, "0"),
        ];
        for (before, by, wanted) in cases {
            assert_eq!(sum(before, by).as_deref(), Some(wanted), "{before} + {by}");
        }
    }

    #[test]
    fn numbers_beyond_the_exact_range_are_added_as_doubles() {
        assert_eq!(sum("1e300", 1.0), Some(1e300.to_string()));
        assert_eq!(sum("0.123456789012345678901", 0.0), Some(0.12345678901234568f64.to_string()));
        assert_eq!(sum("99999999999999999999", 99999999999999999999.0).map(|text| text.len()), Some(21));
        assert_eq!(sum("1e308", 1.7e308), None);
        assert_eq!(sum("x", 1.0), None);
    }
}
