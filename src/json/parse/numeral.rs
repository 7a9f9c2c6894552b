//! Parses number literals.
//!
//! A whole number that fits is exact. Any other number is the f64 nearest to the literal: for few
//! digits and a small power of ten, one multiplication or division of exact operands finds it
//! (Clinger's fast path); the standard library parses the other literals.

/// The number that a literal denotes. `-0` is a real number, as in serde_json and RedisJSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Numeral {
    Whole(i64),
    /// A whole number above `i64::MAX`.
    Large(u64),
    Real(f64),
}

/// The powers of ten that an f64 represents exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Every number of up to 19 digits fits a u64.
const DIGITS_EXACT_MAX: usize = 19;

const MANTISSA_EXACT_MAX: u64 = 1 << f64::MANTISSA_DIGITS;

const _: () = assert!(10u128.pow(DIGITS_EXACT_MAX as u32) <= u64::MAX as u128);

/// Parses the literal that begins at `begin`. Returns the number and the offset after the literal;
/// `None` if the literal is malformed or too large.
#[inline]
pub(super) fn scan(text: &[u8], begin: usize) -> Option<(Numeral, usize)> {
    let negative = text.get(begin) == Some(&b'-');
    let first = begin + usize::from(negative);
    let mut mantissa = 0;
    let mut at = digits(text, first, &mut mantissa);
    let mut count = at - first;
    if count == 0 || (count > 1 && text[first] == b'0') {
        return None;
    }
    let mut scale = 0;
    let next = text.get(at).copied().unwrap_or(0);
    if !matches!(next, b'.' | b'e' | b'E') {
        return Some((whole(text, begin, at, mantissa, count)?, at));
    }
    if next == b'.' {
        let end = digits(text, at + 1, &mut mantissa);
        let decimals = end - at - 1;
        if decimals == 0 {
            return None;
        }
        count += decimals;
        scale -= decimals as i64;
        at = end;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let (exponent, end) = exponent(text, at + 1)?;
        scale = scale.saturating_add(exponent);
        at = end;
    }
    let real = if count <= DIGITS_EXACT_MAX && mantissa <= MANTISSA_EXACT_MAX && scale.unsigned_abs() <= 22 {
        let power = POWERS[scale.unsigned_abs() as usize];
        let real = if scale < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
        if negative { -real } else { real }
    } else {
        nearest(&text[begin..at])?
    };
    Some((Numeral::Real(real), at))
}

/// Appends the decimal digits at `at` to `mantissa`, which overflows silently after 19 of them.
/// Returns the offset after the digits.
#[inline]
fn digits(text: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

fn exponent(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let sign = text.get(at).copied().unwrap_or(0);
    let first = at + usize::from(matches!(sign, b'+' | b'-'));
    let mut exponent = 0i64;
    let mut end = first;
    while let Some(digit @ b'0'..=b'9') = text.get(end) {
        exponent = exponent.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
        end += 1;
    }
    if end == first {
        return None;
    }
    Some((if sign == b'-' { -exponent } else { exponent }, end))
}

fn whole(text: &[u8], begin: usize, end: usize, mantissa: u64, count: usize) -> Option<Numeral> {
    let negative = text[begin] == b'-';
    let exact = if count <= DIGITS_EXACT_MAX {
        Some(mantissa)
    } else {
        std::str::from_utf8(&text[begin + usize::from(negative)..end]).ok()?.parse().ok()
    };
    match exact {
        Some(0) if negative => Some(Numeral::Real(-0.0)),
        Some(size) if negative && size <= i64::MIN.unsigned_abs() => {
            Some(Numeral::Whole((size as i64).wrapping_neg()))
        }
        Some(size) if !negative => Some(i64::try_from(size).map_or(Numeral::Large(size), Numeral::Whole)),
        _ => nearest(&text[begin..end]).map(Numeral::Real),
    }
}

/// The f64 nearest to the literal, ties to even. `None` if the literal is too large for an f64.
fn nearest(literal: &[u8]) -> Option<f64> {
    let real: f64 = std::str::from_utf8(literal).ok()?.parse().ok()?;
    real.is_finite().then_some(real)
}
