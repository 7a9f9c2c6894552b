//! Writes the state as a stream of bytes and restores it. The storage divides the stream into
//! blocks at arbitrary positions.
//!
//! ```text
//! stream = the keyspace's time, unix ms u64 | record ..
//! record = length u32 | the key and its entry, postcard
//!        | length u32 with the bit [`IS_USERS`] | the users, postcard: at most once, and only if
//!          there are users besides the first
//! ```
//! Numbers are little-endian.

use crate::acl::Users;
use crate::keyspace::{EntryRef, Keyspace, Record};

use super::Malformed;

const HEAD_BYTES: usize = 8;
const LENGTH_BYTES: usize = 4;
/// Marks the record of the users. No key's record is so long.
const IS_USERS: u32 = 1 << 31;

/// Begins the stream of a state whose keyspace has this time.
pub fn write_head(out: &mut Vec<u8>, time_ms: u64) {
    out.extend_from_slice(&time_ms.to_le_bytes());
}

/// Appends one record.
pub fn write_record(out: &mut Vec<u8>, key: &[u8], entry: EntryRef<'_>) {
    /// A [`Record`], with the same encoding.
    #[derive(serde::Serialize)]
    struct Borrowed<'a> {
        key: &'a [u8],
        entry: EntryRef<'a>,
    }
    let begin = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    postcard::to_io(&Borrowed { key, entry }, &mut *out).expect("encoding into memory succeeds");
    let length = u32::try_from(out.len() - begin - LENGTH_BYTES).expect("a record is bounded below 4 GiB");
    out[begin..begin + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
}

/// Appends the users, if there are any.
pub fn write_users(out: &mut Vec<u8>, users: &Users) {
    if users.is_empty() {
        return;
    }
    let bytes = postcard::to_stdvec(users).expect("encoding into memory succeeds");
    let length = u32::try_from(bytes.len()).expect("users are bounded far below 2 GiB");
    assert!(length & IS_USERS == 0, "the length leaves room for the mark");
    out.extend_from_slice(&(length | IS_USERS).to_le_bytes());
    out.extend_from_slice(&bytes);
}

/// Reads the stream block by block and restores every record into a keyspace.
///
/// Invariant: the bytes kept from one block to the next are an incomplete head or record.
#[derive(Debug, Default)]
pub struct Restore {
    incomplete: Vec<u8>,
    /// Whether the head of the stream has been read.
    has_head: bool,
    records: usize,
    users: Users,
}

impl Restore {
    pub fn new() -> Restore {
        Restore::default()
    }

    pub fn block(&mut self, block: &[u8], keyspace: &Keyspace) -> Result<(), Malformed> {
        if self.incomplete.is_empty() {
            return self.whole_records(block, keyspace);
        }
        let mut joined = std::mem::take(&mut self.incomplete);
        joined.extend_from_slice(block);
        self.whole_records(&joined, keyspace)
    }

    fn whole_records(&mut self, mut rest: &[u8], keyspace: &Keyspace) -> Result<(), Malformed> {
        if let (false, Some((head, after))) = (self.has_head, rest.split_first_chunk::<HEAD_BYTES>()) {
            keyspace.advance_time(u64::from_le_bytes(*head));
            self.has_head = true;
            rest = after;
        }
        while self.has_head
            && let Some((is_users, bytes, after)) = split_record(rest)
        {
            rest = after;
            if is_users {
                self.users = postcard::from_bytes(bytes)
                    .map_err(|_| Malformed::new("the users of the snapshot do not decode"))?;
                continue;
            }
            let record: Record = postcard::from_bytes(bytes)
                .map_err(|_| Malformed::new("a record of the snapshot does not decode"))?;
            keyspace.restore(record.key, record.entry);
            self.records += 1;
        }
        assert!(self.incomplete.is_empty(), "at most one incomplete record is kept");
        self.incomplete.extend_from_slice(rest);
        Ok(())
    }

    /// Puts the users in place and returns the number of keys; an error if the stream ended in the
    /// middle of a record.
    pub fn finish(self, keyspace: &Keyspace) -> Result<usize, Malformed> {
        match self.has_head && self.incomplete.is_empty() {
            true => {
                keyspace.restore_users(self.users);
                Ok(self.records)
            }
            false => Err(Malformed::new("the snapshot ends within its head or a record")),
        }
    }
}

/// Whether the first record is that of the users, its body, and what follows; `None` if the record
/// is incomplete.
fn split_record(bytes: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    let length = u32::from_le_bytes(*length);
    let (body, after) = rest.split_at_checked((length & !IS_USERS) as usize)?;
    Some((length & IS_USERS != 0, body, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::Rule;
    use crate::keyspace::{Collection, Element, Entry, Key, List, Scope, Value};

    #[test]
    fn the_stream_may_be_cut_anywhere() {
        let mut stream = Vec::new();
        write_head(&mut stream, 12_345);
        for number in 0..20u64 {
            let value = Value::Text(vec![b'x'; number as usize * 7].into());
            let entry = Entry { value, expires_ms: None, version: number };
            write_record(&mut stream, format!("key{number}").as_bytes(), entry.borrowed());
        }
        let mut users = Users::default();
        users.set(b"alice", &[Rule::On, Rule::AddPassword("digest".to_owned())]).expect("a user");
        write_users(&mut stream, &users);
        for size in [1, 2, 3, 5, 64, 1000, stream.len()] {
            let keyspace = Keyspace::new();
            let mut restore = Restore::new();
            for block in stream.chunks(size) {
                restore.block(block, &keyspace).unwrap();
            }
            assert_eq!(restore.finish(&keyspace), Ok(20));
            assert_eq!(*keyspace.users().current(), users);
            let view = keyspace.view(Scope::OneKey, 0);
            assert_eq!((view.version(b"key19"), view.now_ms()), (Some(19), 12_345));
        }
        let mut restore = Restore::new();
        let keyspace = Keyspace::new();
        restore.block(&stream[..stream.len() - 1], &keyspace).unwrap();
        assert!(restore.finish(&keyspace).is_err());
        assert!(keyspace.users().current().is_empty(), "nothing of an incomplete stream is put in place");
    }

    #[test]
    fn a_borrowed_record_is_encoded_as_an_owned_one() {
        let document = crate::json::parse(b"{\"a\":[1,2.5]}", &Default::default()).expect("it is JSON");
        let mut list = List::default();
        list.push_back(Element::from(&b"element"[..]));
        for value in [Value::Json(document), Value::Text(b"\x00text\xff"[..].into()), list.into_value()] {
            let entry = Entry { value, expires_ms: std::num::NonZeroU64::new(77), version: 1 << 40 };
            let mut stream = Vec::new();
            write_record(&mut stream, b"the key", entry.borrowed());
            let record = Record { key: Key::from(&b"the key"[..]), entry };
            assert_eq!(postcard::to_stdvec(&record).as_deref(), Ok(&stream[LENGTH_BYTES..]));
        }
    }
}
