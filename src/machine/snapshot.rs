//! The records of a snapshot: one key each, in blocks that the storage checks and counts.

use crate::keyspace::{Entry, Key, Keyspace, Record};

use super::Malformed;

/// Appends one record to a block.
pub fn write_record(block: &mut Vec<u8>, key: &Key, entry: &Entry) {
    #[derive(serde::Serialize)]
    struct Borrowed<'a> {
        key: &'a Key,
        entry: &'a Entry,
    }
    postcard::to_io(&Borrowed { key, entry }, block).expect("a record encodes into memory");
}

/// Puts every record of a block into the keyspace; how many there were.
pub fn read_block(mut block: &[u8], keyspace: &Keyspace) -> Result<usize, Malformed> {
    let mut records = 0;
    while !block.is_empty() {
        let (record, rest): (Record, &[u8]) = postcard::take_from_bytes(block)
            .map_err(|_| Malformed { reason: "a record of the snapshot does not decode" })?;
        keyspace.restore(record.key, record.entry);
        records += 1;
        block = rest;
    }
    Ok(records)
}
