//! The limits of one path. Every limit is a count, never a time, so that all replicas decide
//! equally.
//!
//! Invariant: [`Fuel`] only decreases, so every evaluation ends.

use super::steps::{EDITED_BYTES_PER_STEP, STEPS_ALLOWED, STEPS_MAX};
use crate::error::CommandError;
use crate::json::Document;
use crate::limits::{Limit, limit};

/// A path is usually one line of text; this limit leaves room for long lists after `in`.
pub const PATH_BYTES_MAX: usize = 32 * 1024;

/// Maximum nesting of parentheses, literals, negations and calls, the same as for documents. Each
/// level takes about seven stack frames of the parser, which stays far below a thread's stack.
pub const GROUP_NESTING_MAX: usize = 128;

/// Maximum nesting of filters. Each level can walk a document of full depth from its root, so an
/// evaluation may need 128 recursions per level. Paths in practice nest far fewer filters.
pub const FILTER_NESTING_MAX: usize = 8;

/// Maximum number of names or indexes in one union. Each costs a lookup for every visited
/// container.
pub const UNION_MAX: usize = 1024;

/// Maximum number of methods in a row, such as `.keys().first()`. Each is a level of recursion.
pub const METHODS_MAX: usize = 32;

/// Maximum number of regular expressions in one path. They are compiled before the evaluation, so
/// fuel does not account for them.
pub const PATTERNS_MAX: usize = 8;

/// Maximum length of a pattern. A short pattern can still take long to compile if it repeats
/// Unicode classes; [`PATTERN_PROGRAM_BYTES_MAX`] limits that.
pub const PATTERN_BYTES_MAX: usize = 1024;

/// Maximum size of a compiled pattern: about a hundred times that of a usual one. It is compiled
/// within a few milliseconds.
pub const PATTERN_PROGRAM_BYTES_MAX: usize = 256 * 1024;

/// The fuel of every evaluation. A unit of fuel pays for one visited node or one comparison, which
/// takes 9 to 17 ns with two busy cores. A path that uses up this amount has run for 18 to 35 ms,
/// below the target of 50 ms.
pub const FUEL_BASE: u64 = 2_000_000;

/// Additional fuel for each byte of the document. A value has at least one byte, in practice about
/// ten, and a full scan with a filter visits each value a few times. A scan of a document of any
/// size is therefore allowed, and an evaluation that takes more than linear work is stopped.
pub const FUEL_PER_BYTE: u64 = 2;

/// Number of matches allowed in every evaluation; their locations take 10 MiB. Most of the cost of
/// a path with many matches is the first access to that memory.
pub const MATCHES_BASE: usize = 1 << 18;

/// One more match is allowed for this many bytes of the document. `$..*` then works on a large
/// document too, with memory in proportion to the document's size.
pub const BYTES_PER_MATCH: usize = 4;

/// Fuel for compiling a pattern during the evaluation, which takes about half a millisecond.
pub const FUEL_PER_COMPILE: u64 = 60_000;

/// Bytes of text that one unit of fuel compares or copies. Copying is faster than that, but this
/// number also limits the memory of computed values, to 32 MiB for a small document.
pub const BYTES_PER_FUEL: usize = 16;

/// Bytes of encoded values that one unit of fuel prints. Matches may overlap on each level of a
/// document, so the output may exceed the document. This number limits the output to eight
/// megabytes for a small document, and to eight times the size of a large one.
pub const SHOWN_BYTES_PER_FUEL: usize = 4;

/// Maximum number of values of one operand in a filter. They are collected before they are
/// compared, at 56 bytes each.
pub const OPERAND_VALUES_MAX: usize = 1 << 20;

/// Classes of compiled patterns: the largest size in bytes, and the fuel for searching one byte of
/// text. A usual search takes a nanosecond per byte of text. If the regex engine's lazy automaton
/// gives up, the time per byte also grows with the size of the pattern.
pub const PATTERN_SIZES: [(usize, u64); 3] =
    [(16 * 1024, 1), (64 * 1024, 4), (PATTERN_PROGRAM_BYTES_MAX, 16)];

const _: () = assert!(FILTER_NESTING_MAX < GROUP_NESTING_MAX, "a filter also counts as a group");
const _: () = assert!(PATTERN_BYTES_MAX <= PATH_BYTES_MAX, "a pattern is part of a path");
const _: () = assert!(FUEL_PER_COMPILE < FUEL_BASE, "the fuel suffices to compile one pattern");

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
    limit!(PATTERN_BYTES_MAX, Bytes, "A regular expression", "A longer one matches nothing."),
    limit!(
        PATTERN_PROGRAM_BYTES_MAX,
        Bytes,
        "A compiled regular expression",
        "A larger one matches nothing."
    ),
    limit!(
        FUEL_BASE,
        Count,
        "Steps of an evaluation; a step visits or compares a value",
        "An evaluation of that many steps takes 18 to 35 ms on two busy cores. Beyond: `ERR the path visits too much of the document`"
    ),
    limit!(
        FUEL_PER_BYTE,
        Count,
        "Further steps for each byte of the document",
        "Allows a full scan of any document."
    ),
    limit!(MATCHES_BASE, Count, "Matches of a path", "`ERR the path visits too much of the document`"),
    limit!(
        BYTES_PER_MATCH,
        Bytes,
        "Document size for each further match",
        "Allows `$..*` on a large document."
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
        "Matches may overlap, so their total size may exceed the document's."
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
        "Steps of a command after the others of its log entry have used up the entry's steps",
        "Lets cheap commands that follow expensive ones succeed."
    ),
    limit!(
        EDITED_BYTES_PER_STEP,
        Bytes,
        "Bytes of a document that an edit copies for one step",
        "Counts towards the steps of the writes of a log entry."
    ),
];

/// The remaining steps and matches of an evaluation, which only decrease. The initial amounts
/// depend only on the document, so all replicas have the same.
#[derive(Clone, Debug)]
pub struct Fuel {
    steps: u64,
    matches: usize,
}

impl Fuel {
    /// The fuel of one path on `document`: a fixed amount, and an amount for each byte of the
    /// document.
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

    /// Reduces the remaining fuel to at most `steps`.
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

    /// Spends fuel for comparing or copying this number of bytes.
    #[inline]
    pub(super) fn spend_bytes(&mut self, bytes: usize) -> Result<(), CommandError> {
        self.spend(1 + (bytes / BYTES_PER_FUEL) as u64)
    }

    /// Spends fuel for printing a value of `bytes` encoded bytes.
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
