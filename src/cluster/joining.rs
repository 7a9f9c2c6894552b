//! Answers other nodes while this node is joining a cluster.
//!
//! Before a leader assigns a member's number to a new incarnation, it asks the node at the member's
//! address for its identity, to make sure that the new incarnation can be reached there. A joining
//! node does not know its cluster yet and has no [`super::Group`] that could answer, so this module
//! does.

use std::sync::Arc;

use crate::env::{Acceptor, Net};
use crate::peer::{Caller, Endpoint, Handler, Request, Response, Standing, serve_on};
use crate::raft::GROUP;
use crate::storage::Identity;
use crate::version::Versions;

#[derive(Clone)]
struct Joining(Arc<Endpoint>);

impl Handler for Joining {
    fn knows(&self, _from: Caller) -> bool {
        false
    }

    async fn answer(&self, _from: Caller, request: Request) -> Response {
        let Request::Standing = request else {
            return Response::Failed(
                "this node is joining a cluster and serves no other request yet".to_string(),
            );
        };
        Response::Standing(Standing {
            incarnation: self.0.identity.incarnation,
            process: self.0.process,
            removed: false,
            cluster: None,
            acknowledged: None,
            last: None,
            applied: None,
        })
    }
}

/// Reports this node's identity to members of any cluster, for as long as it is polled.
pub async fn answer_while_joining(
    acceptor: &mut dyn Acceptor,
    node: u64,
    incarnation: u64,
    net: Arc<dyn Net>,
    supported: Versions,
) {
    let identity = Identity { node, cluster: String::new(), incarnation };
    let endpoint = Arc::new(Endpoint::new(identity, GROUP, net).supporting(supported));
    serve_on(acceptor, endpoint.clone(), Joining(endpoint)).await;
}
