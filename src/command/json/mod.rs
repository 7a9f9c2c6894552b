//! The JSON commands.
