//! Exit codes, for scripts.

use std::process::ExitCode;

use crate::resp::Value;

/// The outcome of a run. The numbers are part of the client's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Success.
    Ok = 0,
    /// The key or the path does not exist: the reply was nil, or a deletion found nothing.
    Missing = 1,
    /// The command line is invalid, or a local file can't be used.
    Usage = 2,
    /// The server replied with an error, or refused at least one document of an import.
    Refused = 3,
    /// There was no connection, or it was lost: unanswered requests may or may not have been
    /// applied.
    Lost = 4,
    /// The server's reply began with `UNCERTAIN`.
    Uncertain = 5,
}

impl Exit {
    pub fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }

    pub(super) fn of_error(line: &str) -> Exit {
        if line.starts_with("UNCERTAIN") { Exit::Uncertain } else { Exit::Refused }
    }

    pub(super) fn of_value(value: &Value) -> Exit {
        match value {
            Value::Error(line) => Exit::of_error(line),
            Value::Null => Exit::Missing,
            _ => Exit::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_reply_decides_the_code() {
        assert_eq!(Exit::of_value(&Value::Null), Exit::Missing);
        assert_eq!(Exit::of_value(&Value::Integer(0)), Exit::Ok);
        assert_eq!(Exit::of_value(&Value::Error("ERR no".into())), Exit::Refused);
        assert_eq!(Exit::of_value(&Value::Error("UNCERTAIN who knows".into())), Exit::Uncertain);
        assert_eq!(Exit::Uncertain as u8, 5);
    }
}
