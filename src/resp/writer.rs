//! Requests, as a client writes them.

use super::encode::{write_array_start, write_bulk};

/// Appends one request to `out`: an array of bulk strings, the command's name first.
///
/// # Panics
/// If `words` is empty: servers skip an empty request, and its reply would be waited for in vain.
pub fn encode_request(words: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
    assert!(!words.is_empty(), "a request names a command");
    write_array_start(words.len(), out);
    for word in words {
        write_bulk(word.as_ref(), out);
    }
}
