//! The work that an evaluation may still do.

use super::limits::{
    BYTES_PER_FUEL, BYTES_PER_MATCH, FUEL_BASE, FUEL_PER_BYTE, MATCHES_BASE, SHOWN_BYTES_PER_FUEL,
};
use crate::error::CommandError;
use crate::json::Document;

/// A count of steps and of matches that only goes down. It depends on the document alone, so
/// replicas agree.
#[derive(Clone, Debug)]
pub struct Fuel {
    steps: u64,
    matches: usize,
}

impl Fuel {
    /// What one path may cost on `document`: a fixed amount and a share for each of its bytes.
    pub fn for_document(document: &Document) -> Fuel {
        let bytes = document.encoded().len();
        Fuel {
            steps: FUEL_BASE.saturating_add(FUEL_PER_BYTE.saturating_mul(bytes as u64)),
            matches: MATCHES_BASE.saturating_add(bytes / BYTES_PER_MATCH),
        }
    }

    /// So many steps, and as many matches.
    pub fn with_steps(steps: u64) -> Fuel {
        Fuel { steps, matches: usize::try_from(steps).unwrap_or(usize::MAX) }
    }

    /// Leaves at most `steps`.
    pub(super) fn limit(&mut self, steps: u64) {
        self.steps = self.steps.min(steps);
    }

    pub fn left(&self) -> u64 {
        self.steps
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
