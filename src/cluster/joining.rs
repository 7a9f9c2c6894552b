//! What a node answers while it asks to be taken into a cluster: who it is.
//!
//! A leader that is to give a number another incarnation asks whether that one is reached where
//! members look for it. A node that joins does not know its cluster yet, so its group is not there
//! to answer.

use std::sync::Arc;

use crate::env::{Acceptor, Net};
use crate::peer::{Caller, Endpoint, Handler, Request, Response, Standing, serve_on};
use crate::raft::GROUP;
use crate::storage::Identity;

#[derive(Clone)]
struct Joining(Arc<Endpoint>);

impl Handler for Joining {
    fn knows(&self, _from: Caller) -> bool {
        false
    }

    async fn answer(&self, _from: Caller, request: Request) -> Response {
        let Request::Standing = request else {
            return Response::Failed("this node is about to join a cluster".to_string());
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

/// Answers the members of any cluster who this node is, for as long as it is polled.
pub async fn answer_while_joining(
    acceptor: &mut dyn Acceptor,
    node: u64,
    incarnation: u64,
    net: Arc<dyn Net>,
) {
    let identity = Identity { node, cluster: String::new(), incarnation };
    let endpoint = Arc::new(Endpoint::new(identity, GROUP, net));
    serve_on(acceptor, endpoint.clone(), Joining(endpoint)).await;
}
