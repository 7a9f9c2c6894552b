//! The limits of the log's queue, for the documents.

use super::proposer::WAITING_BYTES_MAX;
use crate::limits::{Limit, limit};

pub const LIMITS: &[Limit] =
    &[limit!(WAITING_BYTES_MAX, Bytes, "Writes that wait for the log", "`TRYAGAIN`")];
