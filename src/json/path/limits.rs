//! The limits of one path. Every limit is a count, never a time, so that all replicas decide
//! equally.
//!
//! Invariant: [`Fuel`] only decreases, so every evaluation ends.

use super::steps::{EDITED_BYTES_PER_STEP, STEPS_ALLOWED, STEPS_MAX};
use crate::error::CommandError;
use crate::json::Document;
use crate::limits::{Limit, limit};

/// A path is a line, not a document; this leaves room for long lists after `in`.
pub const PATH_BYTES_MAX: usize = 32 * 1024;

/// The deepest nesting of parentheses, literals, negations and calls: that of a document. Each
/// level takes about seven frames of the parser, so this stays far below a thread's stack.
pub const GROUP_NESTING_MAX: usize = 128;

/// The deepest nesting of filters. Each level can walk a document of full depth from its root, so
/// the stack of an evaluation grows with this times 128. Real paths nest three at most.
pub const FILTER_NESTING_MAX: usize = 8;

/// The most names or indexes in one union. Each costs a lookup per visited container.
pub const UNION_MAX: usize = 1024;

/// The most methods in a row, such as `.keys().first()`: each is a level of recursion.
pub const METHODS_MAX: usize = 32;

/// The most regular expressions in one path: each is compiled before the evaluation, which fuel
/// does not measure.
pub const PATTERNS_MAX: usize = 8;

/// The longest pattern. Repeated Unicode classes take long to compile, and
/// [`PATTERN_PROGRAM_BYTES_MAX`] bounds those.
pub const PATTERN_BYTES_MAX: usize = 1024;

/// The largest compiled pattern: about a hundred times a usual one, compiled within a few
/// milliseconds.
pub const PATTERN_PROGRAM_BYTES_MAX: usize = 256 * 1024;

/// The fuel of every evaluation. A unit is one visited node or one comparison, 9 to 17 ns with two
/// busy cores: a path that uses it up has taken 18 to 35 ms, below the target of 50.
pub const FUEL_BASE: u64 = 2_000_000;

/// The further fuel for each byte of the document. A value takes a byte or more (in practice ten),
/// and a full scan with a filter visits each value a few times: linear work is allowed at any size,
/// and more than that is stopped.
pub const FUEL_PER_BYTE: u64 = 2;

/// The matches of every evaluation: 10 MiB of locations. Most of the cost of a path with many
/// matches is touching that memory for the first time.
pub const MATCHES_BASE: usize = 1 << 18;

/// The bytes of the document for each further match, so that `$..*` of a large document is
/// answered, in memory that is a multiple of the document's.
pub const BYTES_PER_MATCH: usize = 4;

/// The fuel for compiling a pattern during the evaluation: about half a millisecond.
pub const FUEL_PER_COMPILE: u64 = 60_000;

/// The bytes of text that one unit of fuel compares or copies. Copying is faster than that, but the
/// number also bounds the memory of computed values, to 32 MiB for a small document.
pub const BYTES_PER_FUEL: usize = 16;

/// The bytes of encoded values that one unit of fuel prints. Matches may overlap, up to a hundred
/// levels deep: at most eight megabytes are printed of a small document, and of a large one eight
/// times its size.
pub const SHOWN_BYTES_PER_FUEL: usize = 4;

/// The most values of one operand of a filter: they are collected before they are compared, 56
/// bytes each.
pub const OPERAND_VALUES_MAX: usize = 1 << 20;

/// Classes of compiled patterns: the largest size in bytes, and the fuel for searching one byte of
/// text. A usual search takes a nanosecond a byte; one that defeats the lazy automaton also takes
/// time by the pattern's size.
pub const PATTERN_SIZES: [(usize, u64); 3] =
    [(16 * 1024, 1), (64 * 1024, 4), (PATTERN_PROGRAM_BYTES_MAX, 16)];

const _: () = assert!(FILTER_NESTING_MAX < GROUP_NESTING_MAX, "a filter is a group too");
const _: () = assert!(PATTERN_BYTES_MAX <= PATH_BYTES_MAX, "a pattern is part of a path");
const _: () = assert!(FUEL_PER_COMPILE < FUEL_BASE, "one pattern can be compiled");

/// The limits of paths, for `docs/limits.md`.
pub const LIMITS: &[Limit] = &[
    limit!(PATH_BYTES_MAX, Bytes, "A path", "`ERR the path is too long`"),
    limit!(UNION_MAX, Count, "Names or indexes in a union", "`ERR a union in the path is too long`"),
    limit!(FILTER_NESTING_MAX, Count, "Nested filters", "`ERR the path nests filters too deeply`"),
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
        "About half a second. `ERR the paths take too many steps over all documents`"
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

/// The remaining steps and matches of an evaluation, which only decrease. The initial amount
/// depends on the document alone, so replicas agree.
#[derive(Clone, Debug)]
pub struct Fuel {
    steps: u64,
    matches: usize,
}

impl Fuel {
    /// The fuel of one path on `document`: a fixed amount, and a share for each of its bytes.
    pub fn for_document(document: &Document) -> Fuel {
        let bytes = document.encoded().len();
        Fuel {
            steps: FUEL_BASE.saturating_add(FUEL_PER_BYTE.saturating_mul(bytes as u64)),
            matches: MATCHES_BASE.saturating_add(bytes / BYTES_PER_MATCH),
        }
    }

    /// Fuel for `steps` steps and as many matches.
    pub fn with_steps(steps: u64) -> Fuel {
        Fuel { steps, matches: usize::try_from(steps).unwrap_or(usize::MAX) }
    }

    pub fn left(&self) -> u64 {
        self.steps
    }

    /// Leaves at most `steps`.
    pub(super) fn limit(&mut self, steps: u64) {
        self.steps = self.steps.min(steps);
    }

    #[inline]
    pub(super) fn spend(&mut self, steps: u64) -> Result<(), CommandError> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                self.steps = 0;
                Err(CommandError::OUT_OF_FUEL)
            }
        }
    }

    /// Pays for comparing or copying `bytes`.
    #[inline]
    pub(super) fn spend_bytes(&mut self, bytes: usize) -> Result<(), CommandError> {
        self.spend(1 + (bytes / BYTES_PER_FUEL) as u64)
    }

    /// Pays for showing a value of `bytes` encoded bytes to a client.
    #[inline]
    pub(super) fn spend_shown(&mut self, bytes: usize) -> Result<(), CommandError> {
        self.spend((bytes / SHOWN_BYTES_PER_FUEL) as u64)
    }

    #[inline]
    pub(super) fn take_match(&mut self) -> Result<(), CommandError> {
        self.matches = self.matches.checked_sub(1).ok_or(CommandError::OUT_OF_FUEL)?;
        self.spend(1)
    }
}
