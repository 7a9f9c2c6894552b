//! Finding many members of one object.

use std::collections::{HashMap, HashSet};

use super::value::{Member, Members, Value};

/// Up to this many members, looking from the start each time is cheaper than building a table.
const SCAN_MAX: usize = 16;

/// Finds members of an object by key, in time that does not grow with the object.
pub(super) enum MemberIndex<'a> {
    Scan(Value<'a>),
    Table(HashMap<&'a [u8], Member<'a>>),
}

impl<'a> MemberIndex<'a> {
    pub fn of(object: Value<'a>) -> MemberIndex<'a> {
        if object.members().nth(SCAN_MAX).is_none() {
            return MemberIndex::Scan(object);
        }
        MemberIndex::Table(object.members().map(|member| (member.key, member)).collect())
    }

    pub fn get(&self, key: &[u8]) -> Option<Member<'a>> {
        match self {
            MemberIndex::Scan(object) => object.member(key),
            MemberIndex::Table(table) => table.get(key).copied(),
        }
    }
}

/// The first member whose key an earlier member has too.
pub(super) fn repeated<'a>(members: Members<'a>) -> Option<Member<'a>> {
    let mut earlier: [&[u8]; SCAN_MAX] = [&[]; SCAN_MAX];
    for (count, member) in members.clone().take(SCAN_MAX).enumerate() {
        if earlier[..count].contains(&member.key) {
            return Some(member);
        }
        earlier[count] = member.key;
    }
    let mut rest = members.skip(SCAN_MAX).peekable();
    rest.peek()?;
    let mut table: HashSet<&[u8]> = earlier.into_iter().collect();
    rest.find(|member| !table.insert(member.key))
}
