//! The cluster version: the number of everything that the nodes of a cluster share, which are their
//! messages, the commands in the log, the snapshots and the node file.
//!
//! A program supports a range of versions, at least the one before its newest. Nodes of two
//! programs form a cluster as long as both support the cluster's version, which is a fact of the
//! log: it is raised when every member supports a later one, and never falls. Until then, no node
//! writes or sends what the earlier program cannot read, so that a node can go back to it.
//! `docs/upgrade.md` describes an upgrade; `docs/ARCHITECTURE.md` what a change of a format has to
//! do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of a log that names none.
pub const FIRST: u32 = 1;

/// The newest version that this program supports. The feature `next-version` makes a program of the
/// release to come, for tests of an upgrade.
pub const NEWEST: u32 = FIRST + cfg!(feature = "next-version") as u32;

/// The oldest version that this program supports. Before this exceeds [`FIRST`], a new cluster has
/// to begin its log with its version.
pub const OLDEST: u32 = FIRST;

const _: () = assert!(OLDEST <= NEWEST && NEWEST < OLDEST + 2, "a program reads two versions");

/// A range of versions that a program supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    pub min: u32,
    pub max: u32,
}

impl Versions {
    /// The versions that this program supports.
    pub const PROGRAM: Versions = Versions { min: OLDEST, max: NEWEST };

    /// The range of one version.
    pub const fn only(version: u32) -> Versions {
        Versions { min: version, max: version }
    }

    pub const fn includes(self, version: u32) -> bool {
        self.min <= version && version <= self.max
    }

    /// The version in which programs with these ranges exchange messages: the lower maximum; `None`
    /// if they have none in common.
    pub fn common(self, other: Versions) -> Option<u32> {
        let lower = self.max.min(other.max);
        (self.includes(lower) && other.includes(lower)).then_some(lower)
    }

    /// Why a program of this range cannot take part in a cluster of this version, and what to do;
    /// `None` if it can. `subject` names the program's node or directory.
    pub fn refusal(self, subject: &str, cluster: u32) -> Option<String> {
        if self.includes(cluster) {
            return None;
        }
        let advice = match self.max < cluster {
            true => "start a newer release (an upgrade that was finalized cannot be undone)",
            false => "upgrade one release at a time, and finalize each before the next",
        };
        Some(format!("{subject} supports {self}, and the cluster has version {cluster}: {advice}"))
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.min == self.max {
            true => write!(out, "version {}", self.min),
            false => write!(out, "versions {} to {}", self.min, self.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: u32, max: u32) -> Versions {
        Versions { min, max }
    }

    #[test]
    fn two_programs_speak_the_lower_maximum_unless_their_ranges_are_disjoint() {
        assert_eq!(range(1, 2).common(range(1, 1)), Some(1));
        assert_eq!(range(1, 2).common(range(2, 3)), Some(2));
        assert_eq!(range(2, 3).common(range(1, 2)), Some(2));
        assert_eq!(range(1, 2).common(range(3, 4)), None);
        assert_eq!(range(3, 4).common(range(1, 2)), None);
    }

    #[test]
    fn a_refusal_names_both_versions_and_what_to_do() {
        assert_eq!(range(1, 2).refusal("node 3", 2), None);
        assert_eq!(
            range(1, 1).refusal("node 3", 2).unwrap(),
            "node 3 supports version 1, and the cluster has version 2: start a newer release (an upgrade \
             that was finalized cannot be undone)"
        );
        let told = range(2, 3).refusal("node 3", 1).unwrap();
        assert!(
            told.contains("supports versions 2 to 3, and the cluster has version 1: upgrade one"),
            "{told}"
        );
    }
}
