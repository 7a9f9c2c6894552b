//! Tests a group of one node on a simulated disk.

pub(crate) mod disk_failure;
mod idle;
mod other_nodes;
mod proposals;
