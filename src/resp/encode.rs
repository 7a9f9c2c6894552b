//! Encodes replies.
//!
//! The memory for a bulk string, an integer, a constant text or an error is reserved once. The
//! documentation of [`Reply`] lists the replacements for types that RESP2 lacks.
//!
//! Invariants: every call of [`encode`] appends exactly one whole reply, or several for a
//! [`Reply::Several`]; no simple string or error contains a line break, with which a value could
//! imitate a further reply.

use super::double::write_double;
use super::reply::{Protocol, Reply};
use crate::error::Unavailable;

/// Maximum length of the frame around a reply's payload: a type byte, a number of 20 digits, and
/// two line ends.
const FRAMING_BYTES_MAX: usize = 26;

/// Appends `reply` to `out` in the format of `protocol`. `out` grows as needed; between replies,
/// the caller checks it against [`Limits::output_bytes_max`](super::Limits::output_bytes_max).
#[inline]
pub fn encode(reply: &Reply, protocol: Protocol, out: &mut Vec<u8>) {
    match reply {
        Reply::Bulk(bytes) => write_bulk(bytes, out),
        Reply::Integer(value) => write_number(b':', *value, out),
        Reply::Simple(text) => write_line(b'+', text, out),
        Reply::Error(error) => write_line(b'-', error.line(), out),
        Reply::Null if protocol == Protocol::Resp2 => out.extend_from_slice(b"$-1\r\n"),
        Reply::Null => out.extend_from_slice(b"_\r\n"),
        Reply::Array(items) => write_items(b'*', items, protocol, out),
        other => encode_rarer(other, protocol, out),
    }
}

fn encode_rarer(reply: &Reply, protocol: Protocol, out: &mut Vec<u8>) {
    let resp3 = protocol == Protocol::Resp3;
    match reply {
        Reply::Unavailable(unavailable) => write_unavailable(unavailable, out),
        Reply::Double(value) => write_a_double(*value, resp3, out),
        Reply::Boolean(value) if resp3 => out.extend_from_slice(if *value { b"#t\r\n" } else { b"#f\r\n" }),
        Reply::Boolean(value) => write_number(b':', i64::from(*value), out),
        Reply::Verbatim(bytes) if resp3 => {
            write_number(b'=', length(bytes.len() + 4), out);
            out.extend_from_slice(b"txt:");
            out.extend_from_slice(bytes);
            out.extend_from_slice(b"\r\n");
        }
        Reply::Verbatim(bytes) => write_bulk(bytes, out),
        Reply::NullArray => out.extend_from_slice(if resp3 { b"_\r\n" } else { b"*-1\r\n" }),
        Reply::Set(items) => write_items(if resp3 { b'~' } else { b'*' }, items, protocol, out),
        Reply::Push(items) => write_items(if resp3 { b'>' } else { b'*' }, items, protocol, out),
        Reply::Several(replies) => replies.iter().for_each(|reply| encode(reply, protocol, out)),
        Reply::Map(pairs) => {
            let (kind, count) = if resp3 { (b'%', pairs.len()) } else { (b'*', pairs.len() * 2) };
            write_number(kind, length(count), out);
            for (key, value) in pairs {
                encode(key, protocol, out);
                encode(value, protocol, out);
            }
        }
        Reply::Bulk(_)
        | Reply::Integer(_)
        | Reply::Simple(_)
        | Reply::Error(_)
        | Reply::Null
        | Reply::Array(_) => unreachable!("these kinds are written by encode"),
    }
}

/// The length as RESP writes it, as a signed number. No length in memory exceeds `i64::MAX`.
fn length(count: usize) -> i64 {
    i64::try_from(count).expect("a length is below 2^63")
}

#[inline]
fn write_number(kind: u8, value: i64, out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(value).as_bytes();
    debug_assert!(digits.len() + 3 <= FRAMING_BYTES_MAX);
    out.reserve(digits.len() + 3);
    out.push(kind);
    out.extend_from_slice(digits);
    out.extend_from_slice(b"\r\n");
}

#[inline]
pub(super) fn write_bulk(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + FRAMING_BYTES_MAX);
    write_number(b'$', length(bytes.len()), out);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn write_line(kind: u8, text: &str, out: &mut Vec<u8>) {
    // The texts are short, so the check costs little. A reply that ended too early would make the
    // client read the following ones wrongly.
    assert!(!text.bytes().any(|byte| byte == b'\r' || byte == b'\n'), "a line contains no line break");
    out.reserve(text.len() + 3);
    out.push(kind);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_items(kind: u8, items: &[Reply], protocol: Protocol, out: &mut Vec<u8>) {
    write_number(kind, length(items.len()), out);
    for item in items {
        encode(item, protocol, out);
    }
}

/// Begins an array of `count` replies; the caller then appends the replies.
pub fn write_array_start(count: usize, out: &mut Vec<u8>) {
    write_number(b'*', length(count), out);
}

fn write_a_double(value: f64, resp3: bool, out: &mut Vec<u8>) {
    let mut text = String::with_capacity(24);
    write_double(value, &mut text);
    if resp3 {
        write_line(b',', &text, out);
    } else {
        write_bulk(text.as_bytes(), out);
    }
}

/// Line breaks are replaced, because error texts of the operating system may contain them.
fn write_unavailable(unavailable: &Unavailable, out: &mut Vec<u8>) {
    write_line(b'-', &unavailable.to_string().replace(['\r', '\n'], " "), out);
}

/// Appends one request to `out`: an array of bulk strings, the command's name first.
///
/// # Panics
/// If `words` is empty. Servers skip an empty request, so the client would wait forever for a
/// reply.
pub fn encode_request(words: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
    assert!(!words.is_empty(), "a request names a command");
    write_array_start(words.len(), out);
    for word in words {
        write_bulk(word.as_ref(), out);
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
