//! Which changes of keys are told to listeners: `notify-keyspace-events`.

use crate::keyspace::Class;

/// The letters of the setting, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    letters: u32,
}

/// Each letter that means something, with what `A` stands for first.
const ALL: &[u8] = b"g$lshzxetd";
const LETTERS: &[u8] = b"g$lshzxetdKEmn";

impl Events {
    /// What the letters stand for; `None` if one of them stands for nothing.
    pub fn parse(letters: &str) -> Option<Events> {
        let mut events = Events::default();
        for letter in letters.bytes() {
            if letter == b'A' {
                ALL.iter().for_each(|&letter| events.add(letter));
            } else if LETTERS.contains(&letter) {
                events.add(letter);
            } else {
                return None;
            }
        }
        Some(events)
    }

    fn add(&mut self, letter: u8) {
        let at = LETTERS.iter().position(|&known| known == letter).expect("the letter is known");
        self.letters |= 1 << at;
    }

    fn has(self, letter: u8) -> bool {
        LETTERS.iter().position(|&known| known == letter).is_some_and(|at| self.letters & 1 << at != 0)
    }

    /// Whether anything is told at all.
    pub fn any(self) -> bool {
        self.by_key() || self.by_event()
    }

    /// Whether there are channels named after keys.
    pub fn by_key(self) -> bool {
        self.has(b'K')
    }

    /// Whether there are channels named after events.
    pub fn by_event(self) -> bool {
        self.has(b'E')
    }

    /// Whether events of this kind are told.
    pub fn tells(self, class: Class) -> bool {
        self.has(match class {
            Class::Generic => b'g',
            Class::Text => b'$',
            Class::List => b'l',
            Class::Set => b's',
            Class::Hash => b'h',
            Class::SortedSet => b'z',
            Class::Json => b'd',
            Class::Expired => b'x',
            Class::New => b'n',
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_choose_events() {
        let events = Events::parse("KA").expect("the letters are known");
        assert!(events.by_key() && !events.by_event() && events.any());
        assert!(events.tells(Class::Json) && events.tells(Class::Expired) && !events.tells(Class::New));
        let events = Events::parse("E$n").expect("the letters are known");
        assert!(events.tells(Class::Text) && events.tells(Class::New) && !events.tells(Class::Json));
        assert!(
            !Events::parse("A").expect("the letters are known").any(),
            "there is no channel to tell it on"
        );
        assert_eq!(Events::parse("Kq"), None);
    }
}
