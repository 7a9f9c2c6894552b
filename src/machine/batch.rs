//! The payload of an entry: the commands that were waiting when the entry was proposed.
//!
//! ```text
//! batch   = version u8 | leader's time, unix ms u64 | number of commands u32 | command ..
//! command = length of the body u32 | code u16 | body
//! ```
//! Numbers are little-endian. The version is that of this layout; each command defines the
//! layout of its own body. Code 0 is a transaction, whose body holds other commands. Code 4 raises
//! the cluster version: its body is the version, u32.
//!
//! Invariant: `since_version` is the newest cluster version that a command of the batch needs.

use std::borrow::Cow;

use bytes::Bytes;

use super::transaction::{self, Transaction};
use crate::command::{Context, Route, Row, SeedSource, codes, table};
use crate::error::CommandError;
use crate::limits::{Limit, limit};
use crate::resp::Protocol;
use crate::version;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 13;
const COMMAND_HEADER_BYTES: usize = 6;

/// Maximum size of a batch. A value of the maximum string size (`proto-max-bulk-len`) fits, with
/// room for half as much again; an entry with the batch fits into the log and into a message to
/// another node. A command may grow when it is encoded, as an array of small numbers does; one that
/// then exceeds the limit is refused before it is proposed.
pub const BATCH_BYTES_MAX: usize = 768 << 20;
/// Maximum size of an entry: its header and one batch of the maximum size.
pub const ENTRY_BYTES_MAX: usize = HEADER_BYTES + BATCH_BYTES_MAX;

const _: () = assert!(ENTRY_BYTES_MAX < u32::MAX as usize, "the length of a command has four bytes");

/// The limits of log entries.
pub const LIMITS: &[Limit] = &[limit!(
    BATCH_BYTES_MAX,
    Bytes,
    "A write in its encoded form",
    "`ERR the write is too large for an entry of the log`"
)];

const TOO_LARGE: CommandError = CommandError::fixed("ERR the write is too large for an entry of the log");

/// A batch that is being collected. It has no time yet: the proposer adds the stamp.
#[derive(Debug)]
pub struct Batch {
    commands: u32,
    bytes: Vec<u8>,
    since_version: u32,
}

impl Default for Batch {
    fn default() -> Batch {
        Batch { commands: 0, bytes: Vec::new(), since_version: version::FIRST }
    }
}

/// Bytes that are not a batch of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry of the log cannot be read: {reason}")]
pub struct Malformed {
    pub reason: Cow<'static, str>,
}

impl Malformed {
    pub(super) const UNKNOWN_COMMAND: Malformed = Malformed {
        reason: Cow::Borrowed("a command that this program does not know; a newer release has written it"),
    };

    pub(super) const fn new(reason: &'static str) -> Malformed {
        Malformed { reason: Cow::Borrowed(reason) }
    }
}

impl Batch {
    pub fn new() -> Batch {
        Batch::default()
    }

    pub fn len(&self) -> usize {
        self.commands as usize
    }

    pub fn is_empty(&self) -> bool {
        self.commands == 0
    }

    /// The cluster version from which every command of the batch is allowed.
    pub fn since_version(&self) -> u32 {
        self.since_version
    }

    /// A batch that raises the cluster version. Only the leader may propose it, once every member
    /// supports the version.
    pub fn raise_version(version: u32) -> Batch {
        let mut batch = Batch::new();
        let encoded = batch.append(codes::CLUSTER_VERSION, BATCH_BYTES_MAX, |out| {
            out.extend_from_slice(&version.to_le_bytes());
            Ok(())
        });
        encoded.expect("four bytes are within the limit");
        batch
    }

    /// The size of the commands, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The size of an entry that has only these commands, in bytes.
    pub fn entry_bytes(&self) -> usize {
        HEADER_BYTES + self.bytes.len()
    }

    /// A batch of one command that only nodes propose. Such a command depends on nothing but its
    /// words.
    ///
    /// # Panics
    /// If no write has this code.
    pub fn internal(code: u16, words: &[Bytes]) -> Result<Batch, CommandError> {
        let row = table::by_code(code).expect("the command is in the table");
        let (protocol, seed) = (Protocol::Resp2, SeedSource::Fixed(0));
        let mut batch = Batch::new();
        batch.push(row, words, &Context { protocol, now_ms: 0, document_bytes_max: 0, seed })?;
        Ok(batch)
    }

    /// Adds one write in its canonical form. On an error the batch is unchanged.
    ///
    /// # Panics
    /// If the row's command is not a write.
    pub fn push(&mut self, row: &Row, words: &[Bytes], context: &Context) -> Result<(), CommandError> {
        self.push_within(row, words, context, BATCH_BYTES_MAX)
    }

    fn push_within(
        &mut self,
        row: &Row,
        words: &[Bytes],
        context: &Context,
        bytes_max: usize,
    ) -> Result<(), CommandError> {
        let Route::Write { code, canonical, .. } = row.route else {
            panic!("{} is not a write", row.spec.name);
        };
        self.append(code, bytes_max, |out| canonical(words, context, out))?;
        self.since_version = self.since_version.max(row.since_version);
        Ok(())
    }

    /// Adds a transaction. On an error the batch is unchanged.
    pub fn push_transaction(&mut self, transaction: &Transaction) -> Result<(), CommandError> {
        self.append(transaction::CODE, BATCH_BYTES_MAX, |out| {
            transaction.encode(out);
            Ok(())
        })?;
        self.since_version = self.since_version.max(transaction.since_version());
        Ok(())
    }

    fn append(
        &mut self,
        code: u16,
        bytes_max: usize,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&code.to_le_bytes());
        let fits = |bytes: usize| if bytes <= bytes_max { Ok(()) } else { Err(TOO_LARGE) };
        if let Err(error) = body(&mut self.bytes).and_then(|()| fits(self.bytes.len())) {
            self.bytes.truncate(begin);
            return Err(error);
        }
        let size = (self.bytes.len() - begin - COMMAND_HEADER_BYTES) as u32;
        self.bytes[begin..begin + 4].copy_from_slice(&size.to_le_bytes());
        self.commands += 1;
        Ok(())
    }

    /// The number of commands and their bytes, for another node to propose.
    pub fn to_wire(&self) -> (u32, Bytes) {
        (self.commands, Bytes::copy_from_slice(&self.bytes))
    }

    /// Decodes a batch that another node collected. Every command is checked, because an entry that
    /// does not decode would stop every node that applies it.
    ///
    /// # Errors
    /// [`Malformed`] if a command is not a write of a client, or a transaction, that this version
    /// can decode, or if the bytes are too many or too few.
    pub fn from_wire(commands: u32, bytes: &[u8]) -> Result<Batch, Malformed> {
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(Malformed::new("the batch is larger than a batch may be"));
        }
        let reader = BatchReader { now_ms: 0, left: commands as usize, rest: bytes };
        let since_version = check_commands(reader, Origin::Client)?;
        Ok(Batch { commands, bytes: bytes.to_vec(), since_version })
    }

    /// Checks the payload of an entry in the same way as [`Batch::from_wire`].
    ///
    /// # Errors
    /// [`Malformed`] if the header is not that of this version, a command is not a write or a
    /// transaction that this version can decode, or the bytes are too many or too few.
    pub fn check_entry(bytes: &[u8]) -> Result<(), Malformed> {
        check_commands(BatchReader::new(bytes)?, Origin::Leader).map(drop)
    }

    /// Joins batches into the payload of one entry.
    pub fn encode<'a>(batches: impl Iterator<Item = &'a Batch> + Clone, now_ms: u64) -> Bytes {
        let commands: u32 = batches.clone().map(|batch| batch.commands).sum();
        let size: usize = batches.clone().map(|batch| batch.bytes.len()).sum();
        let mut out = Vec::with_capacity(HEADER_BYTES + size);
        out.push(VERSION);
        out.extend_from_slice(&now_ms.to_le_bytes());
        out.extend_from_slice(&commands.to_le_bytes());
        for batch in batches {
            out.extend_from_slice(&batch.bytes);
        }
        Bytes::from(out)
    }
}

/// Where a batch comes from. Only a leader raises the cluster version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Client,
    Leader,
}

/// Checks every command, and returns the cluster version that they need.
fn check_commands(mut reader: BatchReader<'_>, origin: Origin) -> Result<u32, Malformed> {
    let mut since_version = version::FIRST;
    for command in reader.by_ref() {
        since_version = since_version.max(match command? {
            (transaction::CODE, body) => Transaction::check(body)?,
            (codes::CLUSTER_VERSION, _) if origin == Origin::Client => {
                return Err(Malformed::new("only a leader raises the cluster version"));
            }
            (codes::CLUSTER_VERSION, body) => raised_version(body).map(|_| version::FIRST)?,
            (code, body) => check_write(code, body)?,
        });
    }
    match reader.rest.is_empty() {
        true => Ok(since_version),
        false => Err(Malformed::new("bytes follow the last command")),
    }
}

/// Checks that this version can apply an encoded write of another node, and returns the cluster
/// version that the write needs.
pub(super) fn check_write(code: u16, body: &[u8]) -> Result<u32, Malformed> {
    let row = table::by_code(code).ok_or(Malformed::UNKNOWN_COMMAND)?;
    match row.route {
        Route::Write { check, .. } if check(body) => Ok(row.since_version),
        _ => Err(Malformed::new("a command's arguments do not decode")),
    }
}

/// The version to which an encoded command raises the cluster version.
pub(super) fn raised_version(body: &[u8]) -> Result<u32, Malformed> {
    let bytes = body.try_into().map_err(|_| Malformed::new("a cluster version has four bytes"))?;
    Ok(u32::from_le_bytes(bytes))
}

/// Iterates over the commands of an encoded batch.
#[derive(Clone, Debug)]
pub struct BatchReader<'a> {
    now_ms: u64,
    left: usize,
    rest: &'a [u8],
}

impl<'a> BatchReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<BatchReader<'a>, Malformed> {
        let (header, rest) =
            bytes.split_at_checked(HEADER_BYTES).ok_or(Malformed::new("the batch is too short"))?;
        if header[0] != VERSION {
            return Err(Malformed::new("the version of the batch is not known"));
        }
        let now_ms = u64::from_le_bytes(header[1..9].try_into().expect("eight bytes"));
        let left = u32::from_le_bytes(header[9..13].try_into().expect("four bytes")) as usize;
        if left > rest.len() / COMMAND_HEADER_BYTES {
            return Err(Malformed::new("the batch counts more commands than its bytes can hold"));
        }
        Ok(BatchReader { now_ms, left, rest })
    }

    /// The leader's time when it proposed the batch, in Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The number of remaining commands.
    pub fn len(&self) -> usize {
        self.left
    }

    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    fn take(&mut self) -> Option<(u16, &'a [u8])> {
        let (header, rest) = self.rest.split_at_checked(COMMAND_HEADER_BYTES)?;
        let size = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
        let code = u16::from_le_bytes(header[4..].try_into().ok()?);
        let (body, rest) = rest.split_at_checked(size)?;
        self.rest = rest;
        Some((code, body))
    }
}

impl<'a> Iterator for BatchReader<'a> {
    type Item = Result<(u16, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let command = self.take();
        if command.is_none() {
            self.left = 0;
        }
        Some(command.ok_or(Malformed::new("a command is cut short")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::SeedSource;
    use crate::resp::Protocol;

    #[test]
    fn a_write_that_outgrows_an_entry_is_refused_and_leaves_the_batch_as_it_was() {
        let row = table::find(b"JSON.MSET").unwrap();
        let context = Context {
            protocol: Protocol::Resp2,
            now_ms: 1,
            document_bytes_max: 1 << 20,
            seed: SeedSource::Fixed(0),
        };
        let numbers = format!("[{}]", vec!["0.1"; 100].join(","));
        let words = ["k", "$", &numbers].map(|word| Bytes::copy_from_slice(word.as_bytes()));
        let mut batch = Batch::new();
        batch.push(row, &words, &context).unwrap();
        let one = batch.bytes();
        assert!(one > 2 * numbers.len(), "numbers grow when they are encoded");
        assert_eq!(batch.push_within(row, &words, &context, 2 * one - 1), Err(TOO_LARGE));
        assert_eq!((batch.len(), batch.bytes()), (1, one));
        assert_eq!(batch.push_within(row, &words, &context, 2 * one), Ok(()));
        assert_eq!(Batch::encode([&batch].into_iter(), 1).len(), batch.entry_bytes());
    }

    fn words(line: &str) -> Vec<Bytes> {
        line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
    }

    fn context() -> Context {
        let seed = SeedSource::Fixed(0);
        Context { protocol: Protocol::Resp2, now_ms: 1, document_bytes_max: 1 << 20, seed }
    }

    /// A command in the layout of a batch.
    fn framed(code: u16, body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32).to_le_bytes()[..], &code.to_le_bytes(), body].concat()
    }

    /// The code and the body of a write.
    fn canonical(line: &str) -> (u16, Vec<u8>) {
        let words = words(line);
        let Route::Write { code, canonical, .. } = table::find(&words[0]).unwrap().route else {
            panic!("{line} does not write")
        };
        let mut body = Vec::new();
        canonical(&words[1..], &context(), &mut body).unwrap();
        (code, body)
    }

    #[test]
    fn a_batch_of_another_node_is_checked_whole() {
        for line in
            ["SET k v", "JSON.SET k $ [1,{}]", "DEL a b", "HSET h f v", "ZADD z 1 a", "JSON.NUMINCRBY k $ 1"]
        {
            let (code, body) = canonical(line);
            let bytes = framed(code, &body);
            assert_eq!(Batch::from_wire(1, &bytes).unwrap().bytes(), bytes.len(), "{line}");
            for end in 0..body.len() {
                assert!(Batch::from_wire(1, &framed(code, &body[..end])).is_err(), "{line} cut at {end}");
            }
            let longer = [&body[..], &[0]].concat();
            assert!(Batch::from_wire(1, &framed(code, &longer)).is_err(), "{line} with an extra byte");
            let mut batch = Batch::from_wire(1, &bytes).unwrap();
            assert!(Batch::check_entry(&Batch::encode([&batch].into_iter(), 1)).is_ok(), "{line}");
            batch.bytes.pop();
            assert!(Batch::check_entry(&Batch::encode([&batch].into_iter(), 1)).is_err(), "{line}");
            let second = [&bytes[..], &framed(code, &[])].concat();
            assert!(Batch::from_wire(2, &second).is_err(), "after a valid command");
        }
    }

    #[test]
    fn no_write_decodes_from_bytes_that_follow_no_rule() {
        let noise = [0xff; 64];
        for row in table::ROWS {
            if let Route::Write { code, .. } = row.route {
                assert!(Batch::from_wire(1, &framed(code, &noise)).is_err(), "{}", row.spec.name);
            }
        }
    }

    #[test]
    fn what_a_transaction_holds_is_checked_too() {
        let mut transaction = Transaction::new(Vec::new(), Protocol::Resp2);
        let set = table::find(b"SET").unwrap();
        transaction.push(set, &words("SET k v"), &context()).unwrap();
        transaction.push(table::find(b"GET").unwrap(), &words("GET k"), &context()).unwrap();
        let mut batch = Batch::new();
        batch.push_transaction(&transaction).unwrap();
        let (commands, bytes) = batch.to_wire();
        assert!(Batch::from_wire(commands, &bytes).is_ok());
        // The length of the body of SET is one byte, and the body follows it.
        let (code, body) = canonical("SET k v");
        let mut whole = vec![u8::try_from(body.len()).unwrap()];
        whole.extend_from_slice(&body);
        let at = bytes.windows(whole.len()).position(|part| part == whole).unwrap();
        let cut = [&bytes[COMMAND_HEADER_BYTES..at], &[0], &bytes[at + whole.len()..]].concat();
        let told = Batch::from_wire(1, &framed(transaction::CODE, &cut)).unwrap_err();
        assert_eq!(told.reason, "a command's arguments do not decode", "code {code}");
        let longer = [&bytes[COMMAND_HEADER_BYTES..], &[0]].concat();
        assert!(Batch::from_wire(1, &framed(transaction::CODE, &longer)).is_err());
    }

    #[test]
    fn a_batch_needs_the_version_of_its_newest_command() {
        let set = table::find(b"SET").unwrap();
        let newer = Row { since_version: 3, ..*set };
        let mut batch = Batch::new();
        batch.push(set, &words("k v"), &context()).unwrap();
        assert_eq!(batch.since_version(), version::FIRST);
        batch.push(&newer, &words("k v"), &context()).unwrap();
        batch.push(set, &words("k v"), &context()).unwrap();
        assert_eq!(batch.since_version(), 3);
        assert_eq!(newer.refused_in(3), None);
        let told = newer.refused_in(2).unwrap();
        assert!(told.line().starts_with("ERR SET needs cluster version 3, and the cluster has version 2: "));
    }

    #[test]
    fn only_a_leader_raises_the_cluster_version() {
        let raise = Batch::raise_version(2);
        let (commands, bytes) = raise.to_wire();
        assert_eq!(
            Batch::from_wire(commands, &bytes).unwrap_err().reason,
            "only a leader raises the cluster version"
        );
        assert_eq!(Batch::check_entry(&Batch::encode([&raise].into_iter(), 1)), Ok(()));
        assert!(Batch::check_entry(&Batch::encode([&raise].into_iter(), 1)[..20]).is_err());
    }
}
