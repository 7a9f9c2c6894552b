//! MONITOR: the clients that receive every command, and the line that they receive.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::PubSub;
use super::clients::Client;
use super::outbox::Message;
use crate::resp::Request;

impl PubSub {
    /// Whether any client is in MONITOR.
    #[inline]
    pub fn is_monitored(&self) -> bool {
        self.monitoring.load(Ordering::Relaxed) > 0
    }

    /// Puts the line of a command into the outbox of each client in MONITOR.
    pub fn show(&self, line: &Bytes) {
        for monitor in &self.monitors {
            self.post(monitor.value(), Message::Line(line.clone()), line.len());
        }
    }

    pub(super) fn set_monitor(&self, client: &Arc<Client>, on: bool) {
        match on {
            true => drop(self.monitors.insert(client.id, client.clone())),
            false => drop(self.monitors.remove(&client.id)),
        }
        self.monitoring.store(self.monitors.len(), Ordering::Relaxed);
    }
}

/// The line of one command in wire format.
pub fn monitored(now_ms: u64, address: &str, request: &Request) -> Bytes {
    let mut line = format!("+{}.{:06} [0 {address}]", now_ms / 1000, now_ms % 1000 * 1000);
    for word in request.words() {
        line.push_str(" \"");
        word.iter().for_each(|&byte| push_escaped(&mut line, byte));
        line.push('"');
    }
    assert!(!line.contains(['\r', '\n']), "a command is shown on one line");
    line.push_str("\r\n");
    line.into()
}

fn push_escaped(line: &mut String, byte: u8) {
    match byte {
        b'\\' => line.push_str("\\\\"),
        b'"' => line.push_str("\\\""),
        b'\n' => line.push_str("\\n"),
        b'\r' => line.push_str("\\r"),
        b'\t' => line.push_str("\\t"),
        0x07 => line.push_str("\\a"),
        0x08 => line.push_str("\\b"),
        b' '..=b'~' => line.push(char::from(byte)),
        _ => write!(line, "\\x{byte:02x}").expect("writing to a string cannot fail"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line_of_plain_text() {
        let words = ["SET", "a \"b\"", "\r\n\\\u{1}\u{e9}"].map(|word| Bytes::from_static(word.as_bytes()));
        let line = monitored(1_750_000_000_012, "127.0.0.1:5000", &Request::new(words));
        let expected = r#"+1750000000.012000 [0 127.0.0.1:5000] "SET" "a \"b\"" "\r\n\\\x01\xc3\xa9""#;
        assert_eq!(line, format!("{expected}\r\n").as_bytes());
    }
}
