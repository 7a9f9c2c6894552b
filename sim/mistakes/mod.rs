//! Planted bugs: mistakes that someone could make, which the simulation has to find.
//!
//! The product contains none of them. Each is made by what surrounds the product: a disk, a
//! network, a clock, a setting, or the stand-in for the server ([`crate::workloads::Node`]). It
//! behaves as if the product had the mistake.
//!
//! | mistake | made by |
//! |---|---|
//! | [`Mistake::SyncSkipped`] | the disk calls the log's bytes durable one sync too early |
//! | [`Mistake::VoteNotSynced`] | the disk skips a sync after a record of a vote ([`records`]) |
//! | [`Mistake::TruncatedTooLittle`] | the disk writes a truncation that leaves one entry ([`records`]) |
//! | [`Mistake::EntriesSwapped`] | two entries of an append change places on their way ([`messages`]) |
//! | [`Mistake::OldTermAccepted`] | a refusal by a later term arrives as an acknowledgement ([`messages`]) |
//! | [`Mistake::RestartedVotes`] | a vote is requested of a restarted node as if the leader wanted it ([`messages`]) |
//! | [`Mistake::SnapshotTooNew`] | writes during a snapshot keep no pre-images (`Keyspace::lose_pre_images`) |
//! | [`Mistake::FoundedAnew`] | a node that lost its disk is told that it is the only member |
//! | [`Mistake::DeadlinesByWallClock`] | the monotonic clock is the wall clock |
//! | [`Mistake::ReadWithoutBarrier`] | the stand-in for the server asks for a local read |
//! | [`Mistake::ExpiryByOwnClock`] | the stand-in for the server judges deadlines by the node's wall clock |
//! | [`Mistake::UncertainRetried`] | the stand-in for the server proposes an uncertain batch again |

pub mod messages;
pub mod records;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Writes are acknowledged before they are synced.
    SyncSkipped,
    /// A vote is given before it is synced.
    VoteNotSynced,
    /// A conflicting log is cut one entry too late.
    TruncatedTooLittle,
    /// Entries are stored and applied out of order.
    EntriesSwapped,
    /// A leader counts members that have a later term.
    OldTermAccepted,
    /// A restarted node votes although a leader may still trust its lease.
    RestartedVotes,
    /// A snapshot contains writes that came while it was taken.
    SnapshotTooNew,
    /// A node that lost its disk forms a cluster of its own.
    FoundedAnew,
    /// Time follows the wall clock.
    DeadlinesByWallClock,
    /// A linearizable read does not ask the leader.
    ReadWithoutBarrier,
    /// A follower expires keys by its own clock.
    ExpiryByOwnClock,
    /// A write whose outcome is not known is sent again.
    UncertainRetried,
}

impl Mistake {
    pub const ALL: [Mistake; 12] = [
        Mistake::SyncSkipped,
        Mistake::VoteNotSynced,
        Mistake::TruncatedTooLittle,
        Mistake::EntriesSwapped,
        Mistake::OldTermAccepted,
        Mistake::RestartedVotes,
        Mistake::SnapshotTooNew,
        Mistake::FoundedAnew,
        Mistake::DeadlinesByWallClock,
        Mistake::ReadWithoutBarrier,
        Mistake::ExpiryByOwnClock,
        Mistake::UncertainRetried,
    ];

    /// The mistake of this name.
    pub fn named(name: &str) -> Option<Mistake> {
        Mistake::ALL.into_iter().find(|mistake| format!("{mistake:?}") == name)
    }
}
