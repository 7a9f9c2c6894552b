//! The replies of `ACL` about users and refused requests.

use crate::acl::Permissions;
use crate::command::{Node, Running};
use crate::error::CommandError;
use crate::resp::Reply;

/// Runs `read` once this node knows every acknowledged change of users.
pub fn after_barrier<'a>(
    node: &'a dyn Node,
    read: impl FnOnce(&dyn Node) -> Result<Reply, CommandError> + Send + 'a,
) -> Running<'a> {
    Box::pin(async move {
        match node.barrier().await {
            Ok(()) => read(node),
            Err(unavailable) => Ok(unavailable.into()),
        }
    })
}

/// One line for each user, as in a file of rules.
pub fn list(node: &dyn Node) -> Result<Reply, CommandError> {
    let line = |name: Vec<u8>| {
        let user = node.user(&name)?;
        Some(Reply::bulk([b"user ", &name[..], b" ", &user.describe()[..]].concat()))
    };
    Ok(Reply::Array(node.user_names().into_iter().filter_map(line).collect()))
}

pub fn names(node: &dyn Node) -> Result<Reply, CommandError> {
    Ok(Reply::Array(node.user_names().into_iter().map(Reply::bulk).collect()))
}

fn access(permissions: &Permissions) -> Vec<(Reply, Reply)> {
    vec![
        (Reply::word("commands"), Reply::bulk(permissions.describe_commands())),
        (Reply::word("keys"), Reply::bulk(permissions.describe_keys())),
        (Reply::word("channels"), Reply::bulk(permissions.describe_channels())),
    ]
}

/// The parts of a user; null for an unknown one.
pub fn user(node: &dyn Node, name: &[u8]) -> Reply {
    let Some(user) = node.user(name) else { return Reply::Null };
    let selectors = user.selectors.iter().map(|one| Reply::Map(access(one))).collect();
    let passwords = user.passwords.iter().map(|digest| Reply::bulk(digest.clone())).collect();
    let mut parts = vec![
        (Reply::word("flags"), Reply::Set(user.flags().into_iter().map(Reply::word).collect())),
        (Reply::word("passwords"), Reply::Array(passwords)),
    ];
    parts.extend(access(&user.own));
    parts.push((Reply::word("selectors"), Reply::Array(selectors)));
    Reply::Map(parts)
}

/// The newest refused requests.
pub fn log(node: &dyn Node, count: usize) -> Reply {
    let now_ms = node.now_ms();
    let integer = |number: u64| Reply::Integer(number as i64);
    let record = |refused: crate::command::RefusedRequest| {
        let age_ms = now_ms.saturating_sub(refused.updated_ms);
        Reply::Map(vec![
            (Reply::word("count"), integer(refused.count)),
            (Reply::word("reason"), Reply::word(refused.reason)),
            (Reply::word("context"), Reply::word(refused.context)),
            (Reply::word("object"), Reply::Bulk(refused.object)),
            (Reply::word("username"), Reply::Bulk(refused.user)),
            (Reply::word("age-seconds"), Reply::Double(age_ms as f64 / 1000.0)),
            (Reply::word("client-info"), Reply::bulk(refused.client)),
            (Reply::word("entry-id"), integer(refused.id)),
            (Reply::word("timestamp-created"), integer(refused.created_ms)),
            (Reply::word("timestamp-last-updated"), integer(refused.updated_ms)),
        ])
    };
    Reply::Array(node.refusals(count).into_iter().map(record).collect())
}
