//! Which known name was meant by one that nobody knows.

/// A name is worth naming if no more than a third of the letters are wrong, and two always may be: beyond that it
/// is another word, not a slip.
const WRONG_LETTERS_PART: usize = 3;
const WRONG_LETTERS_MIN: usize = 2;

/// Names from outside are cut to so many letters before they are compared: the work is the product of both lengths,
/// and no setting's name is longer.
const LETTERS_MAX: usize = 64;

/// The known name nearest to `name`, if one is near.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<u8> = name.bytes().take(LETTERS_MAX).map(|byte| byte.to_ascii_lowercase()).collect();
    let most = (name.len() / WRONG_LETTERS_PART).max(WRONG_LETTERS_MIN);
    known
        .map(|known| (distance(&name, known.as_bytes()), known))
        .filter(|(wrong, known)| *wrong <= most && *wrong < known.len())
        .min_by_key(|(wrong, _)| *wrong)
        .map(|(_, known)| known)
}

/// How many letters have to be put in, left out, changed, or swapped with their neighbour.
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, letter) in from.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let changed = last[column] + usize::from(letter != other);
            let mut least = changed.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && from[row - 1] == *other && *letter == to[column - 1] {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    assert_eq!(last.len(), to.len() + 1, "a column for each letter, and one for none");
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (from, to, wrong) in [
            ("", "", 0),
            ("", "abc", 3),
            ("port", "port", 0),
            ("prot", "port", 1),
            ("max-clients", "maxclients", 1),
            ("maxclient", "maxclients", 1),
            ("abcd", "badc", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from.as_bytes(), to.as_bytes()), wrong, "{from} {to}");
            assert_eq!(distance(to.as_bytes(), from.as_bytes()), wrong, "{to} {from}");
        }
    }

    #[test]
    fn the_nearest_name_is_told_if_it_is_near() {
        let known = ["port", "bind", "maxclients", "timeout", "dir"];
        let near = |name: &str| nearest(name, known.into_iter());
        assert_eq!(near("max-clients"), Some("maxclients"));
        assert_eq!(near("TIMEOUTS"), Some("timeout"));
        assert_eq!(near("prot"), Some("port"));
        assert_eq!(near("daemonize"), None);
        assert_eq!(near(""), None);
        assert_eq!(near(&"x".repeat(100_000)), None);
    }
}
