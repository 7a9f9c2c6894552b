//! `import`: stores documents in a pipeline and accounts for each of them.
//!
//! Invariants:
//! * `waiting` holds one entry for each request in flight, in order;
//! * every document is counted once: as acknowledged, failed, uncertain, or unanswered when the
//!   connection ended.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::ImportOptions;
use super::connection::Connection;
use super::documents::{Piece, Stopped, each_document};
use super::keys::Keys;
use super::{Exit, Failure};
use crate::resp::{Value, quote};

/// Requests are collected up to this size before they are sent. One system call then sends many
/// small documents, and the size is small compared with the window.
const SEND_BYTES: usize = 64 << 10;

pub(super) fn run(connection: &mut Connection, options: &ImportOptions) -> Result<Exit, Failure> {
    let progress = ProgressBar::no_length();
    let mut reader = BufReader::with_capacity(1 << 20, open(&options.file, &progress)?);
    let mut import = Import::new(connection, options, progress)?;
    let read = each_document(&mut reader, options.format, |piece| import.submit(piece));
    let end = match read {
        Ok(()) => import.finish(),
        Err(Stopped::File(reason)) => {
            import.finish().and(Err(Failure::File(format!("{}: {reason}", options.file.display()))))
        }
        Err(Stopped::Visitor(failure)) => Err(failure),
    };
    import.close(end)
}

/// Opens the file, or standard input for `-`. The progress bar counts the bytes that are read.
fn open(path: &Path, progress: &ProgressBar) -> Result<Box<dyn Read>, Failure> {
    let template = "{wide_bar} {bytes}/{total_bytes} {msg} {elapsed}";
    if path == Path::new("-") {
        progress.set_style(style("{spinner} {bytes} {msg} {elapsed}"));
        return Ok(Box::new(progress.wrap_read(std::io::stdin())));
    }
    let file = File::open(path).map_err(|error| Failure::File(format!("{}: {error}", path.display())))?;
    if let Ok(metadata) = file.metadata() {
        progress.set_length(metadata.len());
    }
    progress.set_style(style(template));
    Ok(Box::new(progress.wrap_read(file)))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

struct Sent {
    number: u64,
    key: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    acknowledged: u64,
    failed: u64,
    uncertain: u64,
}

struct Import<'a> {
    connection: &'a mut Connection,
    keys: Keys<'a>,
    window: usize,
    waiting: VecDeque<Sent>,
    tally: Tally,
    acknowledged: Option<BufWriter<File>>,
    progress: ProgressBar,
}

impl<'a> Import<'a> {
    fn new(
        connection: &'a mut Connection,
        options: &'a ImportOptions,
        progress: ProgressBar,
    ) -> Result<Import<'a>, Failure> {
        let acknowledged = match &options.acknowledged {
            None => None,
            Some(path) => {
                let file = File::create(path)
                    .map_err(|error| Failure::File(format!("{}: {error}", path.display())))?;
                Some(BufWriter::new(file))
            }
        };
        Ok(Import {
            connection,
            keys: Keys::new(options),
            window: usize::from(options.window),
            waiting: VecDeque::new(),
            tally: Tally::default(),
            acknowledged,
            progress,
        })
    }

    fn submit(&mut self, piece: Piece<'_>) -> Result<(), Failure> {
        let (key, document) = match self.keys.split(piece) {
            Ok(found) => found,
            Err(reason) => {
                self.tally.failed += 1;
                self.print_line(&format!("line {}: {reason}", piece.number));
                return Ok(());
            }
        };
        self.connection.queue(&[b"JSON.SET", key.as_bytes(), b"$", document]);
        self.waiting.push_back(Sent { number: piece.number, key });
        debug_assert_eq!(self.waiting.len(), self.connection.in_flight());
        if self.connection.queued_bytes() >= SEND_BYTES {
            self.connection.flush()?;
        }
        // Receives replies for half a window at a time, so that the server works on the other half
        // meanwhile and gets requests in batches.
        if self.waiting.len() >= self.window { self.receive_until(self.window / 2) } else { Ok(()) }
    }

    /// Receives replies until at most `most` are waiting.
    fn receive_until(&mut self, most: usize) -> Result<(), Failure> {
        self.connection.flush()?;
        while self.waiting.len() > most {
            let value = self.connection.receive()?;
            self.record(&value)?;
        }
        // The message is set once per half a window, because drawing the bar for each document
        // would slow the import.
        if !self.progress.is_hidden() {
            let rate = self.rate();
            self.progress.set_message(format!("{} documents {rate:.0}/s", self.tally.acknowledged));
        }
        Ok(())
    }

    /// The number of acknowledged documents per second since the start.
    fn rate(&self) -> f64 {
        self.tally.acknowledged as f64 / self.progress.elapsed().as_secs_f64().max(0.001)
    }

    fn record(&mut self, value: &Value) -> Result<(), Failure> {
        let sent = self.waiting.pop_front().expect("each reply has a waiting request");
        match Exit::of_value(value) {
            Exit::Ok => {
                self.tally.acknowledged += 1;
                if let Some(file) = &mut self.acknowledged {
                    write_key(file, &sent.key).map_err(|error| Failure::File(error.to_string()))?;
                }
                return Ok(());
            }
            Exit::Uncertain => self.tally.uncertain += 1,
            _ => self.tally.failed += 1,
        }
        let reason = match value {
            Value::Error(line) => line.as_str(),
            _ => "the document was not stored",
        };
        self.print_line(&format!("line {}: {}: {reason}", sent.number, sent.key));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.receive_until(0)
    }

    /// Receives the replies that have arrived, prints the summary, and returns the exit code.
    fn close(mut self, end: Result<(), Failure>) -> Result<Exit, Failure> {
        if end.is_err() {
            // A send may fail after replies to earlier documents have arrived; these still count.
            while self.connection.in_flight() > 0 {
                let Ok(value) = self.connection.receive() else { break };
                self.record(&value)?;
            }
        }
        if let Some(file) = &mut self.acknowledged {
            file.flush().map_err(|error| Failure::File(error.to_string()))?;
        }
        self.progress.finish_and_clear();
        self.print_summary();
        end?;
        assert!(self.waiting.is_empty(), "no request is in flight after an import");
        Ok(match self.tally {
            Tally { uncertain: 1.., .. } => Exit::Uncertain,
            Tally { failed: 1.., .. } => Exit::Refused,
            _ => Exit::Ok,
        })
    }

    fn print_summary(&self) {
        let Tally { acknowledged, failed, uncertain } = self.tally;
        let seconds = self.progress.elapsed().as_secs_f64();
        let rate = self.rate();
        let waiting = self.waiting.len();
        eprintln!(
            "{acknowledged} documents acknowledged, {failed} failed, {uncertain} uncertain, {waiting} unanswered; \
             {seconds:.1} s, {rate:.0}/s"
        );
    }

    /// Prints a line on standard error, above the progress bar if there is one.
    fn print_line(&self, line: &str) {
        self.progress.suspend(|| eprintln!("{line}"));
    }
}

/// Writes one key per line. A key with a line break is quoted and escaped.
fn write_key(file: &mut impl Write, key: &str) -> std::io::Result<()> {
    if key.contains(['\n', '\r']) {
        writeln!(file, "{}", quote(key.as_bytes()))
    } else {
        writeln!(file, "{key}")
    }
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
