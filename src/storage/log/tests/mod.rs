//! The log as a whole.
