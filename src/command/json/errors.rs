//! The errors of the JSON commands, with the exact texts of RedisJSON, since clients match on them.

use crate::error::CommandError;

pub const NOT_A_BOOL: CommandError = CommandError::fixed("ERR Path does not exist or not a bool");
pub const NOT_A_STRING: CommandError = CommandError::fixed("ERR Path does not exist or not a string");
pub const NOT_AN_ARRAY: CommandError = CommandError::fixed("ERR Path does not exist or not an array");
pub const NOT_AN_OBJECT: CommandError = CommandError::fixed("ERR Path does not exist or not an object");
pub const NOT_NUMERIC: CommandError =
    CommandError::fixed("ERR Path does not exist or does not contains a number");

pub const EXPECTED_STRING: CommandError =
    CommandError::fixed("WRONGTYPE wrong type of path value - expected string");
pub const EXPECTED_ARRAY: CommandError =
    CommandError::fixed("WRONGTYPE wrong type of path value - expected array");
pub const EXPECTED_OBJECT: CommandError =
    CommandError::fixed("WRONGTYPE wrong type of path value - expected object");

/// A path without a match can be created only if each step is a single name or index.
pub const NOT_STATIC: CommandError = CommandError::fixed("Err wrong static path");
pub const INDEX_OUT_OF_RANGE: CommandError = CommandError::fixed("ERR array index out of range");
pub const INDEX_OUT_OF_BOUNDS: CommandError = CommandError::fixed("ERR index out of bounds");
pub const BAD_INTEGER: CommandError = CommandError::fixed("Couldn't parse as integer");
/// RedisJSON packs an array of numbers of one type; its elements cannot be merged with or cleared.
pub const BAD_OBJECT: CommandError = CommandError::fixed("ERR bad object type");

pub const FORMAT_NEEDS_RESP3: CommandError =
    CommandError::fixed("ERR FORMAT argument is not supported on RESP2");
pub const BAD_FORMAT: CommandError = CommandError::fixed("ERR wrong reply format");
pub const BAD_FPHA: CommandError = CommandError::fixed("ERR invalid FPHA type");
pub const UNKNOWN_DEBUG: CommandError = CommandError::fixed("ERR unknown subcommand - try `JSON.DEBUG HELP`");
