//! Runs one command: prints its reply on standard output and returns its outcome as the exit code.

use std::io::{IsTerminal, Write};

use super::connection::Connection;
use super::print::{Style, print};
use super::{Exit, Failure};
use crate::resp::Value;

pub(super) fn run(connection: &mut Connection, words: &[String]) -> Result<Exit, Failure> {
    let value = connection.call(words)?;
    let stdout = std::io::stdout();
    let style = if stdout.is_terminal() { Style::Terminal } else { Style::Plain };
    answer(&value, words, style, &mut stdout.lock())
}

/// Prints `value`, or an error on standard error, and returns the exit code.
fn answer(value: &Value, words: &[String], style: Style, out: &mut impl Write) -> Result<Exit, Failure> {
    match value {
        Value::Error(line) => eprintln!("(error) {line}"),
        Value::Null if style == Style::Plain => {}
        value => {
            let mut text = Vec::new();
            print(value, style, &mut text);
            out.write_all(&text)?;
            out.flush()?;
        }
    }
    // DELETE replies with the number of deleted keys, so 0 means that the key does not exist.
    let deletes = words.first().is_some_and(|word| word == "DELETE");
    Ok(if deletes && *value == Value::Integer(0) { Exit::Missing } else { Exit::of_value(value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(value: Value, words: &[&str]) -> (String, Exit) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut out = Vec::new();
        let exit = answer(&value, &words, Style::Plain, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), exit)
    }

    #[test]
    fn a_pipe_gets_the_bare_reply() {
        assert_eq!(output(Value::Bulk("{\"a\":1}".into()), &["JSON.GET"]), ("{\"a\":1}\n".into(), Exit::Ok));
        assert_eq!(output(Value::Null, &["JSON.GET"]), (String::new(), Exit::Missing));
        assert_eq!(output(Value::Error("ERR x".into()), &["JSON.GET"]), (String::new(), Exit::Refused));
        assert_eq!(output(Value::Integer(0), &["DELETE"]), ("0\n".into(), Exit::Missing));
        assert_eq!(output(Value::Integer(0), &["DBSIZE"]), ("0\n".into(), Exit::Ok));
    }
}
