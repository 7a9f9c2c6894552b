//! The proposal queue's limits.

use super::proposer::WAITING_BYTES_MAX;
use crate::limits::{Limit, limit};

pub const LIMITS: &[Limit] =
    &[limit!(WAITING_BYTES_MAX, Bytes, "Writes that wait to be proposed", "`TRYAGAIN`")];
