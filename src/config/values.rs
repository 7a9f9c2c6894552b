//! Parses the values of redis.conf, with the same error texts as in Redis.

/// The units of sizes: `k` is 1000 and `kb` is 1024, as in redis.conf.
const UNITS: &[(&str, u64)] = &[
    ("kb", 1 << 10),
    ("mb", 1 << 20),
    ("gb", 1 << 30),
    ("k", 1_000),
    ("m", 1_000_000),
    ("g", 1_000_000_000),
    ("b", 1),
    ("", 1),
];

fn between<T>(value: i128, least: i128, most: i128) -> Result<T, String>
where
    T: TryFrom<i128>,
{
    let wrong = || format!("argument must be between {least} and {most} inclusive");
    if value < least || value > most {
        return Err(wrong());
    }
    T::try_from(value).map_err(|_| wrong())
}

/// Parses a whole number within bounds.
pub fn number<T: TryFrom<i128>>(text: &str, least: i128, most: i128) -> Result<T, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let value = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i128>().ok());
    let value = value.flatten().ok_or("argument couldn't be parsed into an integer")?;
    between(value, least, most)
}

/// Parses a size in bytes, with or without a unit.
pub fn memory<T: TryFrom<i128>>(text: &str, least: i128, most: i128) -> Result<T, String> {
    let bytes = bytes_of(text).ok_or("argument must be a memory value")?;
    between(i128::from(bytes), least, most)
}

/// The number of bytes of a size with an optional unit; `None` if the text is malformed or the
/// number exceeds a u64.
pub fn bytes_of(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    count.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Parses `yes` or `no`.
pub fn yes_or_no(word: &str) -> Result<bool, String> {
    match word.to_ascii_lowercase().as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("argument must be 'yes' or 'no'".to_string()),
    }
}

/// The word for a value of [`yes_or_no`].
pub const fn word_of(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}

/// Parses one of several words.
pub fn choice<T: clap::ValueEnum>(word: &str) -> Result<T, String> {
    T::from_str(word, true).map_err(|_| {
        let all: Vec<String> = T::value_variants().iter().map(named).collect();
        format!("argument(s) must be one of the following: {}", all.join(", "))
    })
}

/// The word that stands for this choice.
pub fn named(choice: &impl clap::ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_string())
}

/// Checks the value of a setting that accepts only one fixed value.
pub fn fact(value: &str, given: &str, why: &str) -> Result<(), String> {
    if given.eq_ignore_ascii_case(value) {
        Ok(())
    } else {
        Err(format!("only '{value}' is supported: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_of_redis() {
        let cases = [
            ("0", 0),
            ("7", 7),
            ("7b", 7),
            ("1k", 1000),
            ("1kb", 1024),
            ("64KB", 64 << 10),
            ("2m", 2_000_000),
            ("512mb", 512 << 20),
            ("3g", 3_000_000_000),
            ("1Gb", 1 << 30),
        ];
        for (text, bytes) in cases {
            assert_eq!(bytes_of(text), Some(bytes), "{text}");
        }
        for text in ["", "kb", "1.5gb", "-1", "1tb", "1 kb", "18446744073709551615kb"] {
            assert_eq!(bytes_of(text), None, "{text:?}");
        }
        let low = memory::<usize>("1", 2, 3).unwrap_err();
        assert_eq!(low, "argument must be between 2 and 3 inclusive");
    }

    #[test]
    fn numbers_are_whole_and_within_bounds() {
        assert_eq!(number::<i64>("-1", -1, 5), Ok(-1));
        assert_eq!(number::<u64>("18446744073709551615", 0, u64::MAX.into()), Ok(u64::MAX));
        for text in ["", "-", "x", "1x", "+1", "1.0", " 1", "99999999999999999999999999999999999999999"] {
            let error = number::<i64>(text, 0, 9).unwrap_err();
            assert_eq!(error, "argument couldn't be parsed into an integer", "{text:?}");
        }
        assert!(number::<u8>("10", 0, 9).is_err());
    }

    #[test]
    fn a_fact_accepts_its_value_alone() {
        assert_eq!(fact("always", "Always", "why"), Ok(()));
        assert_eq!(fact("always", "no", "why").unwrap_err(), "only 'always' is supported: why");
    }
}
