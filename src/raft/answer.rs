//! What this node answers to others.
//!
//! Invariants:
//! * what clients gave to another node is done here only while this node leads; it is never passed on again;
//! * a node that has just started votes for nobody for [`SILENCE`]: it has forgotten what it promised to a leader.

use std::io;
use std::time::Duration;

use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderRequest, VoteRequest, VoteResponse,
};
use parking_lot::Mutex;

use super::convert;
use super::group::{ELECTION_TIMEOUT_MS_MIN, Group};
use super::net::{
    Append, AskVote, Asker, Declined, FRAME_BYTES_MAX, Handler, IncomingSnapshot, Request, Response,
    WireEntry,
};
use super::proposer::Done;
use super::types::TypeConfig;
use crate::error::Unavailable;
use crate::machine::Batch;
use crate::resp::Reply;

/// How long a node that starts anew votes for nobody. A leader that had heard from it may still trust its lease.
pub const SILENCE: Duration = Duration::from_millis(ELECTION_TIMEOUT_MS_MIN);

/// What the replies to a forwarded batch take together at most: what a message has room for, and some for itself.
pub(super) const REPLIES_BYTES_MAX: usize = FRAME_BYTES_MAX - (1 << 20);
/// What a reply takes beside its text: its kind and its length.
const REPLY_HEAD_BYTES: usize = 16;

/// The snapshot that is coming in, if one is. It outlives the connection it comes on.
pub type Incoming = std::sync::Arc<Mutex<IncomingSnapshot>>;

impl Handler for Group {
    async fn answer(&self, from: Asker, request: Request) -> Response {
        let answered = match request {
            Request::Append(append) => self.append(append).await,
            Request::Vote(ask) => self.vote(ask, false).await,
            Request::PreVote(ask) => self.vote(ask, true).await,
            Request::Transfer { from, to, last } => {
                let request =
                    TransferLeaderRequest::new(convert::load_vote(from), to, last.map(convert::place));
                match self.raft().handle_transfer_leader(request).await {
                    Ok(outcome) => Ok(Response::Transferred(outcome.map_err(|error| error.to_string()))),
                    Err(fatal) => Err(fatal.to_string()),
                }
            }
            Request::SnapshotOffer(offer) => {
                let snapshots = self.snapshots().clone();
                self.incoming_snapshot(move |incoming| incoming.offered(&snapshots, offer)).await
            }
            Request::SnapshotChunk { offset, bytes } => {
                self.incoming_snapshot(move |incoming| incoming.chunk(offset, &bytes)).await
            }
            Request::SnapshotEnd { vote } => self.install(vote).await,
            Request::Propose { commands, bytes } => {
                Ok(Response::Replies(self.accept(commands, &bytes).await))
            }
            Request::ReadPoint { lease } => Ok(Response::ReadPoint(self.confirm(lease).await)),
            Request::Notices(notices) => {
                notices.into_iter().for_each(|notice| self.inbox().received(notice));
                Ok(Response::Noticed)
            }
            Request::Change(change) => Ok(Response::Changed(self.change_here(change).await)),
            Request::Standing => Ok(Response::Standing(self.standing(from))),
            Request::Lost(acknowledged) => {
                self.check_kept(acknowledged);
                Ok(Response::Noticed)
            }
        };
        answered.unwrap_or_else(Response::Failed)
    }
}

impl Group {
    async fn append(&self, append: Append) -> Result<Response, String> {
        if self.endpoint().has_lost() {
            return Err("this node lost what it had acknowledged".to_string());
        }
        if self.is_recalling() && self.log().last().is_none() {
            return Err("this node does not know yet whether it lost its log".to_string());
        }
        self.check_applied(&append)?;
        let payloads = append.entries.iter().map(|entry| entry.payload.len());
        let room = match append.entries.is_empty() {
            true => None,
            false => Some(self.disk_room().take(self.log(), payloads).map_err(|full| full.to_string())?),
        };
        let entries = append
            .entries
            .into_iter()
            .map(|entry| convert::decode_entry(entry.index, entry.term, entry.payload))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|unreadable| unreadable.to_string())?;
        // Before it counts for the majority that its leader waits for: whoever is elected later has to know this time.
        self.time().heard(append.vote.term, append.time_ms);
        let request = AppendEntriesRequest::<TypeConfig> {
            vote: convert::load_vote(append.vote),
            prev_log_id: append.previous.map(convert::place),
            entries,
            leader_commit: append.commit.map(convert::place),
        };
        let response = self.raft().append_entries(request).await.map_err(|error| error.to_string())?;
        drop(room);
        Ok(match response {
            AppendEntriesResponse::Success => Response::Appended,
            AppendEntriesResponse::PartialSuccess(id) => {
                Response::AppendedUpTo(id.as_ref().map(convert::pair))
            }
            AppendEntriesResponse::Conflict => Response::Conflict,
            AppendEntriesResponse::HigherVote(vote) => Response::HigherVote(convert::store_vote(&vote)),
        })
    }

    /// Refuses entries that contradict what this node has applied: no leader of its cluster has such.
    fn check_applied(&self, append: &Append) -> Result<(), String> {
        let applied = self.applied().get();
        let contradicts = |entry: &&WireEntry| {
            Some(entry.index) <= applied
                && self.log().term_of(entry.index).is_some_and(|term| term != entry.term)
        };
        let Some(entry) = append.entries.iter().find(contradicts) else { return Ok(()) };
        tracing::error!(
            index = entry.index,
            term = entry.term,
            "a leader contradicts what this node has applied"
        );
        Err(format!("entry {} contradicts what this node has applied", entry.index))
    }

    async fn vote(&self, ask: AskVote, before: bool) -> Result<Response, String> {
        if self.endpoint().has_lost() {
            return Err("this node lost what it had acknowledged, and votes for nobody".to_string());
        }
        // The first election of a new cluster is of nodes that have the one entry that formed it.
        let first = self.log().last().is_none() && ask.last.is_some_and(|(index, _)| index == 0);
        if self.is_recalling() && !first {
            return Err("this node does not know yet what it had acknowledged".to_string());
        }
        if first && !before {
            self.end_recalling();
        }
        // A hand-over is the leader's own wish, so its lease does not stand against it.
        if self.is_silent() && !ask.transfer {
            return Err("this node has just started, and votes for nobody yet".to_string());
        }
        let mut request =
            VoteRequest::<TypeConfig>::new(convert::load_vote(ask.vote), ask.last.map(convert::place));
        request.leadership_transfer = ask.transfer;
        let response: VoteResponse<TypeConfig> = match before {
            true => self.raft().pre_vote(request).await,
            false => self.raft().vote(request).await,
        }
        .map_err(|error| error.to_string())?;
        Ok(Response::Vote {
            vote: convert::store_vote(&response.vote),
            granted: response.vote_granted,
            last: response.last_log_id.as_ref().map(convert::pair),
            time_ms: self.time().word_for_candidate(),
        })
    }

    /// Proposes what a client gave to another node.
    async fn accept(&self, commands: u32, bytes: &[u8]) -> Result<Done, Declined> {
        let batch = Batch::from_wire(commands, bytes).map_err(|malformed| {
            tracing::warn!(%malformed, "another node forwards what this one cannot read");
            Declined::Unavailable(Unavailable::ShuttingDown)
        })?;
        match self.may_propose() {
            true => match self.propose_here(batch).await {
                Ok(done) => Ok(Done { replies: within(done.replies, REPLIES_BYTES_MAX), ..done }),
                Err((declined, _)) => Err(declined),
            },
            false => Err(Declined::NotLeader),
        }
    }

    /// Does something with the snapshot that is coming in; disk work, so not on a thread that others wait for.
    async fn incoming_snapshot(
        &self,
        work: impl FnOnce(&mut IncomingSnapshot) -> io::Result<u64> + Send + 'static,
    ) -> Result<Response, String> {
        let incoming = self.incoming().clone();
        let work = move || work(&mut incoming.lock());
        let offset = self.background().run(work).await.map_err(|error| error.to_string())?;
        offset.map(Response::SnapshotAt).map_err(|error| error.to_string())
    }

    async fn install(&self, vote: convert::StoredVote) -> Result<Response, String> {
        let incoming = self.incoming().clone();
        let check = move || incoming.lock().finish();
        let snapshot = self.background().run(check).await.map_err(|error| error.to_string())?;
        let snapshot = snapshot.map_err(|error| error.to_string())?;
        let place = snapshot.meta.last_log_id;
        let installed = self.raft().install_full_snapshot(convert::load_vote(vote), snapshot).await;
        let response = installed.map_err(|error| error.to_string())?;
        tracing::info!(index = place.map(|id| id.index()), "installed a snapshot of the leader");
        Ok(Response::SnapshotInstalled(convert::store_vote(&response.vote)))
    }
}

/// The replies, so that a message holds them: in the place of one for which there is no room stands that its outcome is
/// not told. What a batch of GETDEL brings to light was put there over a long time, so no limit of requests bounds it.
fn within(mut replies: Vec<Reply>, bytes_max: usize) -> Vec<Reply> {
    let mut left = bytes_max.saturating_sub(replies.len() * REPLY_HEAD_BYTES);
    for reply in &mut replies {
        match left.checked_sub(text_bytes(reply)) {
            Some(rest) => left = rest,
            None => *reply = Reply::Unavailable(Unavailable::Uncertain),
        }
    }
    replies
}

/// At least what a reply takes in a message beside its head.
fn text_bytes(reply: &Reply) -> usize {
    let parts = |parts: &[Reply]| parts.iter().map(|part| REPLY_HEAD_BYTES + text_bytes(part)).sum();
    match reply {
        Reply::Simple(text) => text.len(),
        Reply::Error(answer) => answer.line().len(),
        Reply::Unavailable(unavailable) => match unavailable {
            Unavailable::DiskFull(reason) => reason.len(),
            _ => 0,
        },
        Reply::Bulk(bytes) | Reply::Verbatim(bytes) => bytes.len(),
        Reply::Integer(_) | Reply::Double(_) | Reply::Boolean(_) | Reply::Null | Reply::NullArray => 0,
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) | Reply::Several(items) => parts(items),
        Reply::Map(pairs) => {
            pairs.iter().map(|(key, value)| 2 * REPLY_HEAD_BYTES + text_bytes(key) + text_bytes(value)).sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_that_outgrow_a_message_are_uncertain_and_the_others_stay() {
        let text = |bytes: usize| Reply::bulk(vec![b'x'; bytes]);
        let nested =
            |bytes: usize| Reply::Array(vec![Reply::Map(vec![(text(1), text(bytes))]), Reply::NullArray]);
        let bytes_max = 4000;
        let replies =
            vec![text(1500), nested(1500), text(1500), Reply::OK, nested(1500), Reply::Integer(i64::MIN)];
        let kept = within(replies.clone(), bytes_max);
        let uncertain = Reply::Unavailable(Unavailable::Uncertain);
        assert_eq!(kept[..2], replies[..2]);
        assert_eq!(kept[2..5], [uncertain.clone(), Reply::OK, uncertain]);
        assert_eq!(kept[5], replies[5]);
        assert!(postcard::to_stdvec(&kept).unwrap().len() <= bytes_max);
        let small = vec![Reply::Error(crate::error::Answer::SYNTAX); 3];
        assert_eq!(within(small.clone(), REPLIES_BYTES_MAX), small);
    }
}
