//! Writes the lines of INFO and formats their numbers.

use std::fmt::Write;

pub fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
    out.push_str("\r\n");
}

/// A number of bytes in Redis' human-readable form.
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn bytes_are_shown_as_redis_shows_them() {
        let shown = [0, 1023, 1024, 1_572_864, 3 << 30, 5 << 40, u64::MAX].map(human);
        assert_eq!(shown, ["0B", "1023B", "1.00K", "1.50M", "3.00G", "5.00T", "16384.00P"]);
    }
}
