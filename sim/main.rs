//! Deterministic simulation: real nodes in one process, on disks that lose power and a network with
//! cuts and delays. One seed chooses everything.
//!
//! ```text
//! JSONVAULT_SEEDS=1000 cargo nextest run --test sim    1000 seeds instead of 20
//! scripts/sim.sh 17                                    one seed, with its trace
//! ```
//!
//! A node is the product's own code from `cluster::Group` down: consensus, log, snapshots,
//! keyspace, the connections between nodes. Not simulated: the server in front of it, and threads
//! (see `env::Background`). `docs/decisions/0006-one-seed-one-run.md` lists the sources of
//! nondeterminism and their replacements.
//!
//! * [`workloads`] are what clients do, [`faults`] what happens to the nodes, [`checkers`] what
//!   must hold nevertheless. Most checkers judge a [`history::History`], which may come from a
//!   file.
//! * [`mistakes`] are planted bugs, which the checkers have to find; [`shrink`] makes a run that
//!   fails as small as it can be.
//! * Single scenarios are steered by [`scene::Scene`]; most of them are text, see [`scripts`].
//!   [`upgrades`] cuts the power at random moments of an upgrade.
//!
//! Invariant: a plan's trace is the same, byte for byte, whenever and wherever it runs.

mod bridge;
mod checkers;
mod client;
mod clocks;
mod faults;
mod history;
mod host;
mod mistakes;
mod net;
mod operator;
mod panics;
mod plan;
mod planted;
mod run;
mod scene;
mod scripts;
mod seeds;
mod shrink;
mod upgrades;
mod workloads;
