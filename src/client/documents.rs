//! Reads the documents of a file one at a time: lines of NDJSON, or the elements of one JSON array.
//!
//! Memory use depends on the longest document, not on the size of the file. Lines are not parsed:
//! the server validates documents. The elements of an array are found by parsing, so reading ends
//! at the first error in an array.

use std::fmt;
use std::io::{BufRead, Read};

use serde::Deserializer as _;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::args::Format;
use crate::resp::Limits;

/// The text of one document; and its number from 1, which is that of its line or its position in
/// the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) number: u64,
    pub(super) json: &'a [u8],
}

/// The reason why reading ended before the end of the file.
#[derive(Debug)]
pub(super) enum Stopped<E> {
    /// The file can't be read, or is malformed.
    File(String),
    /// The call of `visit` failed.
    Visitor(E),
}

/// Calls `visit` with each document of `reader`.
pub(super) fn each_document<E>(
    reader: &mut impl BufRead,
    format: Format,
    mut visit: impl FnMut(Piece<'_>) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let array = match format {
        Format::Lines => false,
        Format::Array => true,
        Format::Auto => first_byte(reader).map_err(Stopped::File)? == Some(b'['),
    };
    if array { each_element(reader, &mut visit) } else { each_line(reader, &mut visit) }
}

/// Consumes white space and returns the first byte after it, which stays in the reader. Line ends
/// are consumed too, so lines are counted from the first one that is not blank.
fn first_byte(reader: &mut impl BufRead) -> Result<Option<u8>, String> {
    loop {
        let buffer = reader.fill_buf().map_err(|error| error.to_string())?;
        if buffer.is_empty() {
            return Ok(None);
        }
        match buffer.iter().position(|byte| !byte.is_ascii_whitespace()) {
            Some(at) => {
                let byte = buffer[at];
                reader.consume(at);
                return Ok(Some(byte));
            }
            None => {
                let blanks = buffer.len();
                reader.consume(blanks);
            }
        }
    }
}

fn each_line<E>(
    reader: &mut impl BufRead,
    visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    // Longer lines are an error: by default, a server accepts no longer argument, and a file
    // without line ends must not fill the memory.
    let longest = Limits::DEFAULT.bulk_bytes_max as u64;
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        number += 1;
        let read = reader.by_ref().take(longest + 1).read_until(b'\n', &mut line);
        match read.map_err(|error| Stopped::File(error.to_string()))? as u64 {
            0 => return Ok(()),
            size if size > longest => return Err(Stopped::File(format!("line {number} is too long"))),
            _ => {}
        }
        let json = line.trim_ascii();
        if !json.is_empty() {
            visit(Piece { number, json }).map_err(Stopped::Visitor)?;
        }
    }
}

fn each_element<E>(
    reader: &mut impl BufRead,
    visit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let mut stopped = None;
    let mut parser = serde_json::Deserializer::from_reader(reader);
    let elements = Elements { visit, stopped: &mut stopped };
    let parsed = parser.deserialize_seq(elements).and_then(|()| parser.end());
    match (stopped, parsed) {
        (Some(error), _) => Err(Stopped::Visitor(error)),
        (None, Err(error)) => Err(Stopped::File(error.to_string())),
        (None, Ok(())) => Ok(()),
    }
}

/// Passes each element to the visitor as soon as it has been parsed.
struct Elements<'a, F, E> {
    visit: &'a mut F,
    stopped: &'a mut Option<E>,
}

impl<'de, F: FnMut(Piece<'_>) -> Result<(), E>, E> Visitor<'de> for Elements<'_, F, E> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an array of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            number += 1;
            let piece = Piece { number, json: element.get().as_bytes() };
            if let Err(error) = (self.visit)(piece) {
                *self.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Reads `text` through a buffer of three bytes, so that documents are split over several
    /// reads.
    fn read(text: &str, format: Format) -> (Vec<(u64, String)>, Option<String>) {
        let mut found = Vec::new();
        let mut reader = BufReader::with_capacity(3, text.as_bytes());
        let end = each_document(&mut reader, format, |piece| {
            found.push((piece.number, String::from_utf8(piece.json.to_vec()).unwrap()));
            Ok::<(), ()>(())
        });
        let error = end.err().map(|stopped| match stopped {
            Stopped::File(text) => text,
            Stopped::Visitor(()) => unreachable!(),
        });
        (found, error)
    }

    fn pieces(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        expected.iter().map(|(number, text)| (*number, (*text).to_owned())).collect()
    }

    #[test]
    fn lines_are_documents_and_keep_their_numbers() {
        let (found, error) = read("{\"a\":1}\r\n\n  [2] \nnot json\n3", Format::Auto);
        assert_eq!(found, pieces(&[(1, "{\"a\":1}"), (3, "[2]"), (4, "not json"), (5, "3")]));
        assert_eq!(error, None);
        assert_eq!(read("[1]\n[2]", Format::Lines).0, pieces(&[(1, "[1]"), (2, "[2]")]));
        assert_eq!(read("", Format::Auto), (vec![], None));
    }

    #[test]
    fn the_elements_of_an_array_are_documents_byte_for_byte() {
        let (found, error) = read("\n [ {\"a\": [1, \"]\"]} ,\n 1e400, [[]], \"x\\n\" ]\n", Format::Auto);
        assert_eq!(found, pieces(&[(1, "{\"a\": [1, \"]\"]}"), (2, "1e400"), (3, "[[]]"), (4, "\"x\\n\"")]));
        assert_eq!(error, None);
        assert_eq!(read("[]", Format::Auto), (vec![], None));
    }

    #[test]
    fn documents_before_a_broken_end_are_visited() {
        let (found, error) = read("[1, 2, {\"a\"", Format::Array);
        assert_eq!(found.len(), 2);
        assert!(error.unwrap().contains("EOF"));
        assert!(read("[1] 2", Format::Array).1.unwrap().contains("trailing"));
        assert!(read("{}", Format::Array).1.unwrap().contains("array of documents"));
    }

    #[test]
    fn the_visitor_can_stop_the_reading() {
        for text in ["1\n2\n3", "[1,2,3]"] {
            let mut seen = 0;
            let end = each_document(&mut text.as_bytes(), Format::Auto, |_| {
                seen += 1;
                if seen == 2 { Err("enough") } else { Ok(()) }
            });
            assert!(matches!(end, Err(Stopped::Visitor("enough"))), "{text}");
            assert_eq!(seen, 2);
        }
    }
}
