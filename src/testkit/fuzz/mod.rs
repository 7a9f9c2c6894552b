//! The functions that fuzzers call: they accept arbitrary bytes, and panic if a guarantee does not
//! hold. There is one function for each target in `fuzz/`.
//!
//! The same functions run as ordinary tests on random and on mutated inputs, so that the guarantees
//! are also tested without a fuzzer.

mod damage;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::LazyLock;

use crate::json::path::{Fuel, Path, Selection};
use crate::json::{Document, ParseLimits, Style, check, equal, parse, print};
use crate::keyspace::Keyspace;
use crate::machine::{BatchReader, Restore};

pub use wire::{decode, decode_reply};

/// The documents on which [`path()`] evaluates: one with each kind of value; others with nesting,
/// repetition, and numbers at their limits.
const DOCUMENTS: [&str; 4] = [
    r#"{"a":{"b":[1,2.5,-3,"text",true,null,{"c":"d"}]},"e":[[],{}],"f g":"\u00e9\n","n":18446744073709551615}"#,
    r#"[[[[1],[2]],[[3],[4]]],{"a":{"a":{"a":{"a":[0,1,2]}}}},"a",["a","b","a"]]"#,
    r#"{"items":[{"price":8.95,"tags":["x"]},{"price":12,"tags":["x","y"]},{"price":-9223372036854775808}]}"#,
    "\"only text\"",
];

static PARSED: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let parse =
        |text: &&str| parse(text.as_bytes(), &ParseLimits::default()).expect("the documents are JSON");
    DOCUMENTS.iter().map(parse).collect()
});

/// The fuel of an evaluation. It is small, so that a fuzzer tries thousands of inputs a second and
/// also reaches the limit.
const FUEL: u64 = 20_000;

/// Decodes the bytes as requests and as replies.
///
/// # Panics
/// If a decoder's result depends on how the bytes are split, exceeds one of its limits, or the
/// decoder panics.
pub fn resp(data: &[u8]) {
    decode(data);
    decode_reply(data);
}

/// Parses the bytes as JSON text, as an encoded document, and as the payload of a log entry.
///
/// # Panics
/// If an accepted document is not equal after printing and parsing.
pub fn document(data: &[u8]) {
    if let Ok(document) = parse(data, &ParseLimits::default()) {
        assert_eq!(check(document.encoded()), Ok(()), "the check accepts the parser's encoding");
        assert_reads_back(&document);
    }
    if let Ok(document) = Document::from_encoded(data) {
        assert_reads_back(&document);
    }
    if let Ok(reader) = BatchReader::new(data) {
        let promised = reader.len();
        let (mut read, mut bytes) = (0, 0);
        for command in reader {
            let Ok((_, body)) = command else { break };
            (read, bytes) = (read + 1, bytes + body.len());
        }
        assert!(read <= promised && bytes <= data.len(), "a batch yields no more commands than it counts");
    }
}

fn assert_reads_back(document: &Document) {
    let mut text = Vec::new();
    print(document.root(), &Style::default(), &mut text);
    let again = parse(&text, &ParseLimits::default()).expect("the printed text is JSON");
    assert!(equal(document.root(), again.root()), "a document is the same after printing and parsing");
}

/// Parses the bytes as a path, and evaluates it on some documents.
///
/// # Panics
/// If a location lies outside of its document, a computed value is invalid, or the path uses more
/// than its fuel.
pub fn path(data: &[u8]) {
    let Ok(path) = Path::parse(data) else { return };
    for document in PARSED.iter() {
        let mut fuel = Fuel::with_steps(FUEL);
        let selection = path.select(document, &mut fuel);
        assert!(fuel.left() <= FUEL, "fuel only decreases");
        match selection {
            Ok(Selection::Locations(locations)) => {
                assert!(!path.is_static() || locations.len() <= 1, "a static path has at most one match");
                let end = document.encoded().len();
                for location in locations {
                    let value = location.value(document);
                    assert!(
                        location.member <= location.at && value.end() <= end,
                        "a location is in its document"
                    );
                }
            }
            Ok(Selection::Values(values)) => {
                assert!(path.is_projection(), "only a projection computes values");
                values.iter().for_each(|value| {
                    assert_eq!(check(value), Ok(()), "a computed value is exactly one value")
                });
            }
            Err(error) => assert!(!error.line().contains(['\r', '\n']), "an error is one line"),
        }
    }
}

/// Opens a log with changed bytes; the guarantee is that of [`damage::damaged_log`].
pub fn log_record(data: &[u8]) {
    damage::damaged_log(data);
}

/// Opens a snapshot with changed bytes, and decodes arbitrary bytes as a snapshot's records.
///
/// # Panics
/// If a damaged snapshot is accepted, or decoding fails with a panic instead of an error.
pub fn snapshot(data: &[u8]) {
    damage::damaged_snapshot(data);
    let keyspace = Keyspace::new();
    let mut restore = Restore::new();
    let pieces = data.split_first().map_or(1, |(first, _)| 1 + usize::from(*first));
    if data.chunks(pieces).all(|piece| restore.block(piece, &keyspace).is_ok())
        && let Ok(records) = restore.finish(&keyspace)
    {
        assert!(keyspace.len() <= records, "a keyspace has no more keys than there were records");
    }
}
