//! Finalizes an upgrade: raises the cluster version once every member supports a later one.
//!
//! The leader asks each member on a new connection, because a member may have been restarted with
//! another release since the last one. One that is restarted with an earlier release while the
//! raise is being committed stops when it has to apply the raise, or is refused by the others. It
//! has lost nothing, and continues with the new release.
//!
//! Invariants:
//! * the version is raised only if every member of the newest membership, learners included, has
//!   just stated that it supports the new one;
//! * no member is added while the members are asked.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;

use super::leader::{Leader, LeaderFinder};
use crate::machine::Batch;
use crate::peer::{ChangeRefused, ForwardError, Incompatible, Member, Target};
use crate::version::Versions;

/// Interval at which a leader that supports a later version asks whether all members do. A rolling
/// upgrade takes minutes, and an answer costs a connection to each member.
const SURVEY_INTERVAL: Duration = Duration::from_secs(2);

/// The versions that each member supports, or why they are not known.
pub type Survey = BTreeMap<u64, Result<Versions, String>>;

/// The cluster version and what the members support, for operators.
#[derive(Clone, Debug)]
pub struct VersionReport {
    pub cluster: u32,
    pub supported: Versions,
    /// The version to which the upgrade can be finalized now.
    pub next: Option<u32>,
    pub members: Survey,
}

/// The later version that all members support.
///
/// # Errors
/// The reason why the present version stays.
fn next_version(present: u32, survey: &Survey) -> Result<u32, String> {
    let mut next = u32::MAX;
    for (id, versions) in survey {
        match versions {
            Ok(versions) => next = next.min(versions.max),
            Err(reason) => return Err(format!("node {id} does not state its versions: {reason}")),
        }
    }
    let behind =
        survey.iter().filter(|(_, versions)| versions.as_ref().is_ok_and(|versions| versions.max <= present));
    let behind: Vec<String> = behind.map(|(id, _)| id.to_string()).collect();
    match behind.is_empty() {
        true => Ok(next),
        false => Err(format!(
            "no version after {present} is supported by all members: not by node {}",
            behind.join(", ")
        )),
    }
}

pub struct Upgrade {
    leader: LeaderFinder,
    /// Whether this node, as the leader, finalizes an upgrade by itself.
    auto: AtomicBool,
    /// Signals a change of `auto`.
    changed: Notify,
}

impl Upgrade {
    pub fn new(leader: LeaderFinder, auto: bool) -> Upgrade {
        Upgrade { leader, auto: AtomicBool::new(auto), changed: Notify::new() }
    }

    pub fn set_auto(&self, auto: bool) {
        if self.auto.swap(auto, Ordering::AcqRel) != auto {
            self.changed.notify_one();
        }
    }

    /// Whether a leader with these settings has to ask the members.
    fn is_pending(&self) -> bool {
        let endpoint = &self.leader.endpoint;
        self.auto.load(Ordering::Acquire)
            && self.leader.proposer.may_propose()
            && endpoint.cluster_version() < endpoint.supported.max
    }

    /// Waits until [`Upgrade::is_pending`]. Nothing signals the end of a hand-over, so a node that
    /// supports a later version looks at intervals; one that does not waits for ever.
    async fn until_pending(&self) {
        loop {
            let endpoint = &self.leader.endpoint;
            if endpoint.cluster_version() >= endpoint.supported.max || !self.auto.load(Ordering::Acquire) {
                // The cluster version does not fall, so only the setting can change that.
                self.changed.notified().await;
            }
            tokio::time::sleep(SURVEY_INTERVAL).await;
            if self.is_pending() {
                return;
            }
        }
    }

    /// Asks every member of the newest membership for its versions.
    pub async fn survey(&self) -> Survey {
        let own = self.leader.endpoint.node_id();
        let members = self.leader.consensus.members();
        let questions = members.iter().map(|(id, member)| async move {
            match *id == own {
                true => (*id, Ok(self.leader.endpoint.supported)),
                false => (*id, self.ask(*id, member).await.map_err(|error| error.to_string())),
            }
        });
        join_all(questions).await.into_iter().collect()
    }

    async fn ask(&self, id: u64, member: &Member) -> io::Result<Versions> {
        self.leader.endpoint.ask_versions(Target::member(id, member)).await
    }

    pub async fn report(&self) -> VersionReport {
        let endpoint = &self.leader.endpoint;
        let (cluster, members) = (endpoint.cluster_version(), self.survey().await);
        let next = next_version(cluster, &members).ok();
        VersionReport { cluster, supported: endpoint.supported, next, members }
    }

    /// Checks that the leader knows how to finalize, before it is asked to: one of an earlier
    /// release does not know the request.
    pub async fn check_leader(&self) -> Result<(), ChangeRefused> {
        let Leader::There(id, member) = self.leader.leader() else { return Ok(()) };
        let versions = self.ask(id, &member).await;
        let present = self.leader.endpoint.cluster_version();
        match versions {
            Ok(versions) if versions.max > present => Ok(()),
            Ok(versions) => Err(ChangeRefused::Impossible(format!(
                "the leader, node {id}, supports {versions}: upgrade it first"
            ))),
            Err(_) => Err(ChangeRefused::NotLeader),
        }
    }

    /// Checks that a node may be added to a cluster of the present version. A node that does not
    /// answer may.
    pub async fn check_new_member(&self, id: u64, member: &Member) -> Result<(), ChangeRefused> {
        let target = Target { id, address: &member.raft_address, incarnation: None };
        match self.leader.endpoint.ask_versions(target).await {
            Err(error) => match Incompatible::reason(&error) {
                Some(reason) => Err(ChangeRefused::Impossible(reason.to_string())),
                None => Ok(()),
            },
            Ok(_) => Ok(()),
        }
    }

    /// Raises the cluster version as far as all members support; only on the leader. The caller
    /// holds the lock on changes of the members.
    pub async fn finalize_here(&self) -> Result<(), ChangeRefused> {
        let present = self.leader.endpoint.cluster_version();
        let next = next_version(present, &self.survey().await).map_err(ChangeRefused::Impossible)?;
        assert!(
            next > present && next <= self.leader.endpoint.supported.max,
            "version {next} after {present}"
        );
        match self.leader.proposer.write(Batch::raise_version(next)).await {
            Ok(_) => {
                tracing::info!(version = next, "the upgrade is finalized");
                Ok(())
            }
            Err((ForwardError::NotLeader, _)) => Err(ChangeRefused::NotLeader),
            Err((ForwardError::Unavailable(unavailable), _)) => {
                Err(ChangeRefused::Unknown(unavailable.to_string()))
            }
        }
    }

    /// Calls `finalize` whenever an upgrade can be finalized without an operator. Runs for as long
    /// as it is polled.
    pub async fn run<F: Future<Output = Result<(), ChangeRefused>>>(&self, finalize: impl Fn() -> F) {
        loop {
            self.until_pending().await;
            if let Err(refused) = finalize().await {
                tracing::debug!(?refused, "the upgrade is not finalized yet");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(known: &[(u64, Option<(u32, u32)>)]) -> Survey {
        let versions = |range: Option<(u32, u32)>| match range {
            Some((min, max)) => Ok(Versions { min, max }),
            None => Err("it is down".to_string()),
        };
        known.iter().map(|(id, range)| (*id, versions(*range))).collect()
    }

    #[test]
    fn the_version_rises_to_the_newest_that_all_members_support() {
        let next = |known: &[_]| next_version(1, &survey(known));
        assert_eq!(next(&[(1, Some((1, 2))), (2, Some((1, 2)))]), Ok(2));
        assert_eq!(next(&[(1, Some((1, 2))), (2, Some((1, 3)))]), Ok(2));
        let told = next(&[(1, Some((1, 2))), (2, Some((1, 1))), (3, Some((1, 1)))]).unwrap_err();
        assert!(told.ends_with("not by node 2, 3"), "{told}");
        let told = next(&[(1, Some((1, 2))), (2, None)]).unwrap_err();
        assert!(told.contains("node 2 does not state its versions: it is down"), "{told}");
    }
}
