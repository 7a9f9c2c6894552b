//! Tests of the handshake.

use super::*;
use crate::env::RealNet;

fn endpoint() -> Endpoint {
    let identity = Identity { node: 1, cluster: "blue".to_string(), incarnation: 10 };
    Endpoint::new(identity, 0, RealNet::shared())
}

fn hello() -> Hello {
    Hello {
        version: Terms::UNSTATED.number(),
        cluster: "blue".to_string(),
        group: 0,
        from: 2,
        incarnation: 20,
        to: 1,
        to_incarnation: Some(10),
        members_index: None,
    }
}

impl Endpoint {
    /// The judgement on a node of the first release, which states no terms.
    fn judged(&self, hello: &Hello) -> Welcome {
        self.judge(hello, &Terms::of_number(hello.version))
    }
}

/// A membership in which each incarnation is ten times the node's id.
fn members(index: u64, ids: &[u64]) -> Members {
    let member = |id: &u64| (*id, Member { incarnation: 10 * id, ..Member::default() });
    Members { index: Some(index), nodes: ids.iter().map(member).collect() }
}

#[test]
fn a_node_that_joins_tells_members_of_any_cluster_who_it_is_and_nobody_else() {
    let identity = Identity { node: 1, cluster: String::new(), incarnation: 10 };
    let joining = Endpoint::new(identity, 0, RealNet::shared());
    let member = Hello { to_incarnation: None, members_index: Some(7), ..hello() };
    assert_eq!(joining.judged(&member), Welcome::Ready);
    for other in [hello(), Hello { members_index: None, ..member.clone() }, Hello { to: 2, ..member }] {
        assert!(matches!(joining.judged(&other), Welcome::Refused(_)), "{other:?}");
    }
}

#[test]
fn a_refusal_does_not_name_the_cluster() {
    let strangers = [
        Hello { cluster: "red".to_string(), ..hello() },
        Hello { group: 1, ..hello() },
        Hello { version: 1, ..hello() },
        Hello { to: 3, ..hello() },
        Hello { to_incarnation: Some(11), ..hello() },
    ];
    for stranger in strangers {
        let Welcome::Refused(reason) = endpoint().judged(&stranger) else { panic!("{stranger:?}") };
        assert!(!reason.contains("blue"), "{reason}");
    }
}

#[test]
fn who_is_of_another_kind_is_refused() {
    let refused = |hello: Hello| matches!(endpoint().judged(&hello), Welcome::Refused(_));
    assert_eq!(endpoint().judged(&hello()), Welcome::Ready);
    assert!(refused(Hello { version: Terms::UNSTATED.number() + 1, ..hello() }));
    assert!(refused(Hello { cluster: "red".to_string(), ..hello() }));
    assert!(refused(Hello { group: 1, ..hello() }));
    assert!(refused(Hello { to: 3, ..hello() }));
    assert!(refused(Hello { to_incarnation: Some(11), ..hello() }));
    assert_eq!(endpoint().judged(&Hello { to_incarnation: None, ..hello() }), Welcome::Ready);
}

#[test]
fn a_hello_names_only_a_membership_that_lists_its_sender() {
    let endpoint = endpoint();
    let to = Target { id: 2, address: "", incarnation: None };
    *endpoint.members.lock() = members(7, &[2, 3]);
    assert_eq!(endpoint.hello(to, &endpoint.terms()).members_index, None);
    *endpoint.members.lock() = members(9, &[1, 2, 3]);
    assert_eq!(endpoint.hello(to, &endpoint.terms()).members_index, Some(9));
    endpoint.members.lock().nodes.insert(1, Member { incarnation: 11, ..Member::default() });
    assert_eq!(
        endpoint.hello(to, &endpoint.terms()).members_index,
        None,
        "another incarnation is the member"
    );
}

#[test]
fn a_node_that_is_added_again_is_no_longer_removed() {
    let endpoint = endpoint();
    let applied = |index: u64, ids: &[u64]| {
        let Members { index, nodes } = members(index, ids);
        endpoint.applied_members(index, nodes);
    };
    applied(1, &[1, 2]);
    assert!(!endpoint.is_removed());
    applied(2, &[2]);
    assert!(endpoint.is_removed());
    applied(2, &[2]);
    assert!(endpoint.is_removed());
    applied(3, &[1, 2]);
    assert!(!endpoint.is_removed());
}

#[test]
fn a_node_that_newer_members_leave_out_learns_of_it() {
    let endpoint = endpoint();
    *endpoint.members.lock() = members(7, &[1, 3]);
    assert_eq!(endpoint.judged(&Hello { members_index: Some(6), ..hello() }), Welcome::Removed);
    assert_eq!(endpoint.judged(&Hello { members_index: Some(8), ..hello() }), Welcome::Ready);
    assert_eq!(endpoint.judged(&hello()), Welcome::Ready, "a node that is being added");
    let third = Hello { from: 3, incarnation: 30, members_index: Some(6), ..hello() };
    assert_eq!(endpoint.judged(&third), Welcome::Ready);
}

#[test]
fn an_older_copy_of_a_node_learns_that_it_was_replaced() {
    let endpoint = endpoint();
    *endpoint.members.lock() = members(7, &[1, 2, 3]);
    let older = Hello { incarnation: 19, members_index: Some(6), ..hello() };
    assert_eq!(endpoint.judged(&older), Welcome::Replaced);
    assert_eq!(
        endpoint.judged(&Hello { members_index: Some(8), ..older.clone() }),
        Welcome::Ready,
        "a newer one"
    );
    assert_eq!(
        endpoint.judged(&Hello { members_index: None, ..older }),
        Welcome::Ready,
        "a node that asks to be added is welcome"
    );
}

fn terms(min: u32, max: u32, cluster: Option<u32>) -> Terms {
    Terms { supported: Versions { min, max }, cluster }
}

/// What an endpoint with these terms answers to node 2 with those terms.
fn answer(own: Terms, theirs: Terms) -> Welcome {
    let endpoint = endpoint().supporting(own.supported);
    endpoint.applied_version(own.cluster.unwrap_or(0));
    endpoint.judge(&Hello { version: theirs.number(), ..hello() }, &theirs)
}

#[test]
fn programs_are_refused_that_do_not_support_the_version_of_the_cluster() {
    let ready = [
        (terms(1, 2, None), terms(1, 1, None)),
        (terms(1, 2, Some(1)), terms(1, 1, Some(1))),
        (terms(1, 2, Some(2)), terms(1, 2, Some(1))),
        (terms(1, 2, Some(1)), terms(2, 3, Some(2))),
        (terms(2, 3, Some(2)), terms(1, 2, None)),
    ];
    for (own, theirs) in ready {
        assert_eq!(answer(own, theirs), Welcome::Ready, "{own:?} and {theirs:?}");
    }
    let refused = [
        (terms(1, 2, Some(2)), terms(1, 1, None), "node 2 supports version 1, and the cluster has version 2"),
        (terms(1, 1, None), terms(1, 2, Some(2)), "node 1 supports version 1, and the cluster has version 2"),
        (
            terms(1, 2, Some(1)),
            terms(2, 3, None),
            "node 2 supports versions 2 to 3, and the cluster has version 1",
        ),
        (
            terms(1, 2, None),
            terms(3, 4, None),
            "node 1 supports versions 1 to 2, and node 2 supports versions 3 to 4",
        ),
    ];
    for (own, theirs, reason) in refused {
        let Welcome::Refused(told) = answer(own, theirs) else { panic!("{own:?} and {theirs:?}") };
        assert!(told.starts_with(reason), "{told}");
    }
}

#[tokio::test]
async fn a_node_of_the_first_release_reads_a_handshake_and_is_read() {
    let endpoint = endpoint().supporting(Versions { min: 1, max: 2 });
    let to = Target { id: 2, address: "", incarnation: Some(20) };
    let mut sent = Vec::new();
    frame::write_handshake(&mut sent, &endpoint.hello(to, &endpoint.terms()), &endpoint.terms())
        .await
        .unwrap();
    let (_, read) = frame::read::<Hello>(&mut &sent[..]).await.unwrap();
    assert_eq!((read.version, read.to, read.to_incarnation), (4, 2, Some(20)));
    let mut old = Vec::new();
    frame::write(&mut old, 0, &Welcome::Removed).await.unwrap();
    let read: (Welcome, Option<Terms>) = frame::read_handshake(&mut &old[..]).await.unwrap();
    assert_eq!(read, (Welcome::Removed, None));
    endpoint.applied_version(2);
    assert_eq!(endpoint.hello(to, &endpoint.terms()).version, 5, "it is refused from now on");
    endpoint.applied_version(1);
    assert_eq!(endpoint.cluster_version(), 2, "it never falls");
}
