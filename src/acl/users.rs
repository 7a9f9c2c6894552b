//! The users by name.
//!
//! Invariant: `default` exists always; while no rule has changed it, it is not in the map.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rule::{Rule, RuleError};
use super::user::User;

/// The name of the user that a client has before it names another one.
pub const DEFAULT_USER: &[u8] = b"default";

/// Users by name; names are any bytes without spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users {
    by_name: BTreeMap<Vec<u8>, User>,
}

impl Users {
    /// The user with this name; `None` for an unknown one, and for a `default` that no rule has
    /// changed.
    pub fn get(&self, name: &[u8]) -> Option<&User> {
        self.by_name.get(name)
    }

    /// The users that rules have made or changed, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &User)> {
        self.by_name.iter().map(|(name, user)| (&name[..], user))
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether no rule has made or changed a user.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Applies rules to a user, which is created if it does not exist.
    ///
    /// # Errors
    /// The position of the refused rule and the reason; nothing has changed then.
    pub fn set(&mut self, name: &[u8], rules: &[Rule]) -> Result<(), (usize, RuleError)> {
        let fresh = || if name == DEFAULT_USER { User::all_powerful() } else { User::new() };
        let mut user = self.by_name.get(name).cloned().unwrap_or_else(fresh);
        for (at, rule) in rules.iter().enumerate() {
            user.apply(rule).map_err(|reason| (at, reason))?;
        }
        self.by_name.insert(name.to_vec(), user);
        Ok(())
    }

    /// Removes a user; false if there is none. `default` cannot be removed.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        name != DEFAULT_USER && self.by_name.remove(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_rule_changes_nothing() {
        let mut users = Users::default();
        assert_eq!(users.set(b"alice", &[Rule::On]), Ok(()));
        let before = users.clone();
        let rules = [Rule::Off, Rule::AllKeys, Rule::RemovePassword(String::new())];
        assert_eq!(users.set(b"alice", &rules), Err((2, RuleError::NoSuchPassword)));
        assert_eq!(users, before);
    }

    #[test]
    fn the_default_user_starts_all_powerful_and_stays() {
        let mut users = Users::default();
        assert_eq!(users.set(b"default", &[Rule::ResetKeys]), Ok(()));
        assert!(users.get(b"default").is_some_and(|user| user.nopass && !user.own.all_keys));
        assert!(!users.remove(b"default") && !users.remove(b"nobody"));
        assert!(users.set(b"bob", &[]).is_ok() && users.remove(b"bob") && users.get(b"bob").is_none());
    }
}
