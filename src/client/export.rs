//! `export`: writes all documents as lines.
//!
//! Each line is `{"key":"..","value":..}`, or the document alone with `--values`; `import --keyed`
//! reads lines of the first form. Keys come from SCAN and documents from JSON.GET while other
//! clients may write: each document is consistent, but the whole export is not a snapshot. A key
//! may appear twice, which an import tolerates. Keys of other types are skipped and counted.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::ExportOptions;
use super::connection::Connection;
use super::{Exit, Failure};
use crate::resp::Value;

/// Number of keys requested by one SCAN: enough that round trips take little of the time.
const SCAN_COUNT: &str = "256";

/// Number of documents per pipeline. Documents may be large, and all of a pipeline are in flight
/// together.
const FETCH: usize = 32;

pub(super) fn run(connection: &mut Connection, options: &ExportOptions) -> Result<Exit, Failure> {
    let out: Box<dyn Write> = match options.file.as_deref() {
        None => Box::new(std::io::stdout().lock()),
        Some(path) if path == Path::new("-") => Box::new(std::io::stdout().lock()),
        Some(path) => Box::new(
            File::create(path).map_err(|error| Failure::File(format!("{}: {error}", path.display())))?,
        ),
    };
    let progress = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{spinner} {pos} documents {per_sec} {elapsed}");
    progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let counts = export(connection, options, BufWriter::new(out), &progress)?;
    progress.finish_and_clear();
    eprintln!("{} documents exported, {} keys of other types skipped", counts.exported, counts.skipped);
    Ok(if counts.unreadable > 0 { Exit::Refused } else { Exit::Ok })
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    exported: u64,
    skipped: u64,
    /// Number of keys that are not UTF-8, which JSON cannot represent.
    unreadable: u64,
}

fn export(
    connection: &mut Connection,
    options: &ExportOptions,
    mut out: impl Write,
    progress: &ProgressBar,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut cursor = Bytes::from_static(b"0");
    loop {
        let (next, keys) = scan(connection, &cursor, options.glob.as_deref())?;
        for keys in keys.chunks(FETCH) {
            keys.iter().for_each(|key| connection.queue(&[b"JSON.GET", key.as_ref()]));
            connection.flush()?;
            for key in keys {
                let value = connection.receive()?;
                write_document(key, value, options.values, &mut out, &mut counts)?;
            }
            progress.set_position(counts.exported);
        }
        if next.as_ref() == b"0" {
            out.flush()?;
            return Ok(counts);
        }
        cursor = next;
    }
}

/// Requests one page of keys, and returns it with the next cursor.
fn scan(
    connection: &mut Connection,
    cursor: &[u8],
    glob: Option<&str>,
) -> Result<(Bytes, Vec<Bytes>), Failure> {
    let mut words: Vec<&[u8]> = vec![b"SCAN", cursor, b"COUNT", SCAN_COUNT.as_bytes()];
    if let Some(glob) = glob {
        words.extend([b"MATCH", glob.as_bytes()]);
    }
    let reply = connection.call(&words)?;
    if let Value::Error(line) = reply {
        return Err(Failure::Refused(line));
    }
    let page = match reply.items() {
        Some([cursor, keys]) => cursor.text().zip(keys.items()),
        _ => None,
    };
    let (next, keys) = page.ok_or_else(|| Failure::Refused("ERR not a reply to SCAN".to_owned()))?;
    Ok((next.clone(), keys.iter().filter_map(Value::text).cloned().collect()))
}

fn write_document(
    key: &[u8],
    value: Value,
    values: bool,
    out: &mut impl Write,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let json = match value {
        Value::Bulk(json) => json,
        // The key was deleted after SCAN returned it.
        Value::Null => return Ok(()),
        Value::Error(line) if line.starts_with("WRONGTYPE") || line.contains("wrong Redis type") => {
            counts.skipped += 1;
            return Ok(());
        }
        Value::Error(line) => return Err(Failure::Refused(line)),
        other => return Err(Failure::Refused(format!("ERR not a document: {other:?}"))),
    };
    if values {
        out.write_all(&json)?;
    } else {
        let Ok(key) = std::str::from_utf8(key) else {
            counts.unreadable += 1;
            eprintln!("a key is not UTF-8 and was skipped: \"{}\"", key.escape_ascii());
            return Ok(());
        };
        let key = serde_json::to_string(key).map_err(std::io::Error::from)?;
        write!(out, "{{\"key\":{key},\"value\":")?;
        out.write_all(&json)?;
        out.write_all(b"}")?;
    }
    out.write_all(b"\n")?;
    counts.exported += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::args::Format;
    use super::super::documents::each_document;
    use super::super::fake_server::FakeServer;
    use super::super::keys::Keys;
    use super::*;
    use crate::error::CommandError;
    use crate::resp::{Reply, Request};

    /// Replies with two pages of keys: documents, a key of another type, and a key that no longer
    /// exists.
    fn answer(request: &Request) -> Reply {
        let page = |cursor, keys: &[&'static str]| {
            Reply::Array(vec![
                Reply::word(cursor),
                Reply::Array(keys.iter().map(|key| Reply::word(key)).collect()),
            ])
        };
        match (request.name().as_ref(), request.args()[0].as_ref()) {
            (b"SCAN", b"0") => page("17", &["a\"b", "hash"]),
            (b"SCAN", b"17") => page("0", &["gone", "c"]),
            (b"JSON.GET", b"hash") => CommandError::WRONG_JSON_KIND.into(),
            (b"JSON.GET", b"gone") => Reply::Null,
            (b"JSON.GET", b"c") => Reply::word("[1.0]"),
            (b"JSON.GET", _) => Reply::word("{\"x\":1}"),
            other => panic!("{other:?}"),
        }
    }

    fn exported(values: bool) -> (String, Counts) {
        let options = ExportOptions { file: None, glob: Some("*".to_owned()), values };
        let mut out = Vec::new();
        let mut connection = FakeServer::start(answer).connect();
        let counts = export(&mut connection, &options, &mut out, &ProgressBar::hidden()).unwrap();
        (String::from_utf8(out).unwrap(), counts)
    }

    #[test]
    fn documents_are_lines_and_other_types_are_counted() {
        let (lines, counts) = exported(false);
        assert_eq!(lines, "{\"key\":\"a\\\"b\",\"value\":{\"x\":1}}\n{\"key\":\"c\",\"value\":[1.0]}\n");
        assert_eq!(counts, Counts { exported: 2, skipped: 1, unreadable: 0 });
        assert_eq!(exported(true).0, "{\"x\":1}\n[1.0]\n");
    }

    #[test]
    fn an_export_reads_back() {
        let (lines, _) = exported(false);
        let mut keys = Keys::Keyed { prefix: "" };
        let mut found = Vec::new();
        let end = each_document(&mut lines.as_bytes(), Format::Auto, |piece| {
            keys.split(piece).map(|(key, json)| found.push((key, json.to_vec())))
        });
        assert!(end.is_ok());
        assert_eq!(found, [("a\"b".to_owned(), b"{\"x\":1}".to_vec()), ("c".to_owned(), b"[1.0]".to_vec())]);
    }
}
