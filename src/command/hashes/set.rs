//! `HSET key field value ...`, `HMSET key field value ...`: gives fields their values; HSET answers how many are new.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Hash, Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    key: Key,
    pairs: Vec<(Element, Element)>,
}

impl Pairs {
    fn parse(args: &mut Args<'_>) -> Result<Pairs, CommandError> {
        let key = args.key()?;
        if args.is_empty() || !args.left().is_multiple_of(2) {
            return Err(args.wrong_arity());
        }
        let element = |word: &bytes::Bytes| Element::from(&word[..]);
        let pairs = args.rest().chunks_exact(2).map(|pair| (element(&pair[0]), element(&pair[1]))).collect();
        Ok(Pairs { key, pairs })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<i64, CommandError> {
        keyspace.edit_or_begin(self.key, |hash: &mut Hash| {
            hash.room_for(self.pairs.iter().map(|(field, value)| field.cost() + value.cost()).sum())?;
            let mut new = 0;
            self.pairs.into_iter().for_each(|(field, value)| new += i64::from(hash.insert(field, value)));
            Ok(Edited::Changed(new))
        })
    }
}

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $answer:expr, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Pairs);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::Hash, $word, -4, $since, $complexity, $summary, "key field value [field value ...]").used(Usage::UPDATED);
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Write for $name {
            const EVENT: &'static str = "HSET";

            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Pairs::parse(args).map($name)
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                let answer: fn(i64) -> Reply = $answer;
                self.0.apply(keyspace).map(answer)
            }
        }
    )* };
}

commands! {
    Hset, "HSET", "2.0.0", "O(1) for a field, O(N) for N of them", Reply::Integer, "Gives fields their values.";
    Hmset, "HMSET", "2.0.0", "O(N) with N the fields", |_| Reply::OK, "Gives fields their values; HSET tells how many are new.";
}
