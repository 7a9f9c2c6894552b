//! Lists: sequences of elements. [`ends`] has the commands on the first and the last elements,
//! which take constant time for each element; [`read`] and [`write`] have those by position.

pub mod ends;
pub mod read;
pub mod write;

use serde::{Deserialize, Serialize};

use super::collections::Family;
use super::{Group, Spec, Usage};
use crate::keyspace::{Element, List};

impl Family for List {
    const LEN: Spec =
        Spec::of_key(Group::List, "LLEN", 2, "1.0.0", "O(1)", "Counts the elements of a list.", "key")
            .used(Usage::INSPECTED);
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    Left,
    Right,
}

impl End {
    fn push(self, list: &mut List, element: Element) {
        match self {
            End::Left => list.push_front(element),
            End::Right => list.push_back(element),
        }
    }

    /// The keyspace event of a push at this end.
    fn push_event(self) -> &'static str {
        match self {
            End::Left => "LPUSH",
            End::Right => "RPUSH",
        }
    }

    /// The keyspace event of a pop at this end.
    fn pop_event(self) -> &'static str {
        match self {
            End::Left => "LPOP",
            End::Right => "RPOP",
        }
    }

    fn pop(self, list: &mut List) -> Option<Element> {
        match self {
            End::Left => list.pop_front(),
            End::Right => list.pop_back(),
        }
    }
}
