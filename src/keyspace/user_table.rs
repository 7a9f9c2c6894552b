//! The users, which are part of the state beside the map.
//!
//! Invariants:
//! * a reader gets all users of one moment: a change replaces the whole set;
//! * the generation grows with every replacement, and is 0 while no user was ever made or changed;
//! * the receiver learns of a replacement before the entry that makes it counts as applied.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

use crate::acl::Users;

type Taker = Box<dyn Fn(&Arc<Users>) + Send + Sync>;

#[derive(Default)]
pub struct UserTable {
    users: RwLock<Arc<Users>>,
    generation: AtomicU64,
    taker: OnceLock<Taker>,
}

impl UserTable {
    pub fn current(&self) -> Arc<Users> {
        self.users.read().clone()
    }

    /// Counts the replacements. Who keeps something that follows from the users reads this first.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Calls `taker` with the users after each replacement, on the thread that applies the entry.
    /// `taker` must not block.
    ///
    /// # Panics
    /// If the table is connected already.
    pub fn connect(&self, taker: impl Fn(&Arc<Users>) + Send + Sync + 'static) {
        assert!(self.taker.set(Box::new(taker)).is_ok(), "the user table has one receiver");
    }

    pub(super) fn replace(&self, users: Users) {
        let users = Arc::new(users);
        *self.users.write() = users.clone();
        let before = self.generation.fetch_add(1, Ordering::AcqRel);
        assert!(before < u64::MAX, "the generation never wraps");
        if let Some(taker) = self.taker.get() {
            taker(&users);
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::acl::Rule;

    #[test]
    fn a_replacement_is_counted_and_reported() {
        let (table, seen) = (UserTable::default(), Arc::new(Mutex::new(Vec::new())));
        let kept = seen.clone();
        table.connect(move |users| kept.lock().push(users.clone()));
        assert_eq!((table.generation(), table.current().is_empty()), (0, true));
        let mut users = Users::default();
        users.set(b"alice", &[Rule::On]).expect("the rule is allowed");
        table.replace(users.clone());
        assert_eq!((table.generation(), &*table.current()), (1, &users));
        assert_eq!(*seen.lock(), [Arc::new(users)]);
    }
}
