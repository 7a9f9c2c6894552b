//! What one path may cost. Every limit is a number of things, never a time, so that each replica
//! decides alike.

use super::steps::{EDITED_BYTES_PER_STEP, STEPS_ALLOWED, STEPS_MAX};
use crate::limits::{Limit, limit};

/// A path of a client is a line, not a document; room is left for long lists after `in`.
pub const PATH_BYTES_MAX: usize = 32 * 1024;

/// How deep parentheses, literals, negations and calls may nest: as deep as a document may. Each
/// level is about seven frames of the parser, so this stays far below a thread's stack.
pub const GROUP_NESTING_MAX: usize = 128;

/// How deep a filter may stand within a filter. Each level can walk a document of full depth from
/// its root, so the stack of an evaluation grows with this times 128; nobody writes more than
/// three.
pub const FILTER_NESTING_MAX: usize = 8;

/// Names or indexes in one union. Each costs a lookup per visited container.
pub const UNION_MAX: usize = 1024;

/// Methods in a row, such as `.keys().first()`: each is a level of recursion.
pub const METHODS_MAX: usize = 32;

/// Regular expressions in one path: each is compiled before the path is used, which fuel does not
/// measure.
pub const PATTERNS_MAX: usize = 8;

/// A pattern's length. Repetitions of Unicode classes are what takes long, and
/// [`PATTERN_PROGRAM_BYTES_MAX`] ends those.
pub const PATTERN_BYTES_MAX: usize = 1024;

/// The size of a compiled pattern: some hundred times a usual one, and compiled within a few
/// milliseconds.
pub const PATTERN_PROGRAM_BYTES_MAX: usize = 256 * 1024;

/// Fuel that every evaluation gets. A unit is one visited node or one comparison, 9 to 17 ns with
/// two busy cores, so that a path that uses it up has taken 18 to 35 ms: below the wanted 50.
pub const FUEL_BASE: u64 = 2_000_000;

/// Fuel for each byte of the document. A value takes a byte or more (in practice ten), and a full
/// scan with a filter visits each value a handful of times: linear work is allowed at any size,
/// more than that is stopped.
pub const FUEL_PER_BYTE: u64 = 2;

/// Matches that every evaluation may have: 10 MiB of locations. Touching that memory for the first
/// time is most of what a path of many matches costs.
pub const MATCHES_BASE: usize = 1 << 18;

/// One more match for so many bytes of the document, so that `$..*` of a large document is
/// answered, in memory that is a multiple of the document's own.
pub const BYTES_PER_MATCH: usize = 4;

/// What compiling a pattern that is not known before the evaluation costs in fuel: about half a
/// millisecond.
pub const FUEL_PER_COMPILE: u64 = 60_000;

/// Bytes of text that one unit of fuel compares or copies. Copying is faster than that; the number
/// also bounds what computed values can take in memory, at 32 MiB for a small document.
pub const BYTES_PER_FUEL: usize = 16;

/// Bytes of encoded values that one unit of fuel shows. A small document can hold values within
/// values a hundred deep and matches that overlap: eight megabytes are shown of it, and of a large
/// document eight times its size.
pub const SHOWN_BYTES_PER_FUEL: usize = 4;

/// Values that one operand of a filter may come to: they are collected before they are compared, 56
/// bytes each.
pub const OPERAND_VALUES_MAX: usize = 1 << 20;

/// How large a compiled pattern may be, in bytes, and what it costs in fuel to search one byte of
/// text with it. A usual search takes a nanosecond a byte; one that defeats the lazy automaton
/// takes time by the pattern's size too.
pub const PATTERN_SIZES: [(usize, u64); 3] =
    [(16 * 1024, 1), (64 * 1024, 4), (PATTERN_PROGRAM_BYTES_MAX, 16)];

const _: () = assert!(FILTER_NESTING_MAX < GROUP_NESTING_MAX, "a filter is a group too");
const _: () = assert!(PATTERN_BYTES_MAX <= PATH_BYTES_MAX, "a pattern stands in a path");
const _: () = assert!(FUEL_PER_COMPILE < FUEL_BASE, "one pattern has to fit");

/// The limits of paths, for the documents. Every one is a count, so that all replicas decide alike.
pub const LIMITS: &[Limit] = &[
    limit!(PATH_BYTES_MAX, Bytes, "A path", "`ERR the path is too long`"),
    limit!(UNION_MAX, Count, "Names or indexes in a union", "`ERR the path has too long a union`"),
    limit!(FILTER_NESTING_MAX, Count, "Nested filters", "`ERR the path nests filters too deep`"),
    limit!(GROUP_NESTING_MAX, Count, "Nested parentheses and calls", "`ERR recursion limit exceeded`"),
    limit!(
        METHODS_MAX,
        Count,
        "Methods in a row, such as `.keys().first()`",
        "`ERR recursion limit exceeded`"
    ),
    limit!(
        PATTERNS_MAX,
        Count,
        "Regular expressions in a path",
        "`ERR the path has too many regular expressions`"
    ),
    limit!(PATTERN_BYTES_MAX, Bytes, "A regular expression", "It matches nothing beyond."),
    limit!(PATTERN_PROGRAM_BYTES_MAX, Bytes, "A compiled regular expression", "It matches nothing beyond."),
    limit!(
        FUEL_BASE,
        Count,
        "Steps of an evaluation; a step visits or compares a value",
        "18 to 35 ms on two busy cores. `ERR the path visits too much of the document`"
    ),
    limit!(FUEL_PER_BYTE, Count, "Further steps for each byte of the document", "Keeps a full scan legal."),
    limit!(MATCHES_BASE, Count, "Matches of a path", "`ERR the path visits too much of the document`"),
    limit!(
        BYTES_PER_MATCH,
        Bytes,
        "Document size for each further match",
        "So that `$..*` of a large document is answered."
    ),
    limit!(
        FUEL_BASE * SHOWN_BYTES_PER_FUEL as u64,
        Bytes,
        "Encoded values that a path shows",
        "`ERR the path visits too much of the document`"
    ),
    limit!(
        FUEL_PER_BYTE * SHOWN_BYTES_PER_FUEL as u64,
        Bytes,
        "Further encoded values for each byte of the document",
        "Matches may overlap."
    ),
    limit!(
        OPERAND_VALUES_MAX,
        Count,
        "Values of one operand of a filter",
        "`ERR the path visits too much of the document`"
    ),
    limit!(
        STEPS_MAX,
        Count,
        "Steps of all paths of one reading request; of all reads of the transactions of one log entry; \
         of all writes of one log entry",
        "About half a second. `ERR the paths visit too much of so many documents`"
    ),
    limit!(
        STEPS_ALLOWED,
        Count,
        "Steps of a command whose entry has used up its own",
        "So that cheap commands behind expensive ones succeed."
    ),
    limit!(
        EDITED_BYTES_PER_STEP,
        Bytes,
        "Document that an edit copies for one step",
        "Counts in the steps of the writes of an entry."
    ),
];
