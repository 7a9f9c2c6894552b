//! Requests of one form, encoded once: a request of the run is a copy with its number written in.

use std::io::Write;

/// The digits that a number gets: equal lengths, so that lengths are encoded only once.
const DIGITS: usize = 12;
const PLACEHOLDER: &[u8] = b"{n}";

/// Bytes with places for a number.
#[derive(Clone)]
pub struct Text {
    bytes: Vec<u8>,
    /// Where the digits of the number begin; ascending, each followed by [`DIGITS`] bytes.
    places: Vec<usize>,
}

impl Text {
    /// Makes a place of each `{n}`.
    pub fn new(source: &[u8]) -> Text {
        let mut text = Text { bytes: Vec::with_capacity(source.len()), places: Vec::new() };
        let mut rest = source;
        while let Some(at) = rest.windows(PLACEHOLDER.len()).position(|window| window == PLACEHOLDER) {
            text.bytes.extend_from_slice(&rest[..at]);
            text.places.push(text.bytes.len());
            text.bytes.extend_from_slice(&[b'0'; DIGITS]);
            rest = &rest[at + PLACEHOLDER.len()..];
        }
        text.bytes.extend_from_slice(rest);
        text
    }

    /// A request of the Redis protocol with these words.
    pub fn request(words: &[Text]) -> Text {
        let mut request = Text { bytes: format!("*{}\r\n", words.len()).into_bytes(), places: Vec::new() };
        for word in words {
            request.bytes.extend_from_slice(format!("${}\r\n", word.bytes.len()).as_bytes());
            let begin = request.bytes.len();
            request.places.extend(word.places.iter().map(|place| begin + place));
            request.bytes.extend_from_slice(&word.bytes);
            request.bytes.extend_from_slice(b"\r\n");
        }
        request
    }

    /// The text with this number.
    #[cfg(feature = "etcd")]
    pub fn text(&self, number: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len());
        self.write(number, &mut out);
        out
    }

    /// Appends the text with this number to `out`.
    ///
    /// # Panics
    /// If the number has more than 12 digits.
    pub fn write(&self, number: u64, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&self.bytes);
        if self.places.is_empty() {
            return;
        }
        let mut digits = [b'0'; DIGITS];
        write!(&mut digits[..], "{number:0DIGITS$}").expect("a number has at most 12 digits");
        for place in &self.places {
            out[begin + place..][..DIGITS].copy_from_slice(&digits);
        }
    }
}
