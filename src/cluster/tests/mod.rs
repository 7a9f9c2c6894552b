//! A group of one node, with the disk and the clients of a test.

pub(crate) mod disk_failure;
mod idle;
mod other_nodes;
mod proposals;
