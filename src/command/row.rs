//! A row of the command table: what is said of a command, and the functions behind its route.

use bytes::Bytes;

use super::transactions::Step;
use super::{Args, Context, Control, Flags, Local, Node, Operate, Read, Running, Session, Transact, Write};
use crate::error::Answer;
use crate::keyspace::{Access, Class, Event, Origin, Scope, Stamp};
use crate::resp::Reply;

/// What the table says of a command. Arity, `COMMAND` and its subcommands, ACL categories, key extraction and
/// routing follow from it and from the route.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub name: &'static str,
    /// Other names of the same command.
    pub aliases: &'static [&'static str],
    /// How many words a request has, its name among them; negative: at least so many.
    pub arity: i32,
    pub keys: KeySpec,
    pub group: Group,
    pub since: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The words after the name, in the notation of Redis' manual: `key [path] [NX | XX] [path ...]`.
    pub syntax: &'static str,
}

/// Which words of a request are keys, as `COMMAND INFO` tells it; the name is word 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    pub first: i32,
    /// Negative: counted from the end, -1 the last word.
    pub last: i32,
    pub step: i32,
}

impl KeySpec {
    pub const NONE: KeySpec = KeySpec { first: 0, last: 0, step: 0 };
    pub const FIRST: KeySpec = KeySpec { first: 1, last: 1, step: 1 };
    pub const ALL: KeySpec = KeySpec { first: 1, last: -1, step: 1 };
    pub const FIRST_TWO: KeySpec = KeySpec { first: 1, last: 2, step: 1 };

    /// The positions of the keys in a request of `words` words, the name counted.
    pub fn positions(self, words: usize) -> impl Iterator<Item = usize> {
        let words = words as i64;
        let last = if self.last < 0 { words + i64::from(self.last) } else { i64::from(self.last) };
        let (first, step) = (i64::from(self.first), i64::from(self.step.max(1)));
        let none = self.first == 0;
        (0..)
            .map(move |turn| first + turn * step)
            .take_while(move |&position| !none && position <= last && position < words)
            .map(|position| position as usize)
    }

    /// A command that names more than one key, or looks at all of them, has to see them at one moment.
    pub fn scope(self) -> Scope {
        if self.first != 0 && self.first == self.last { Scope::OneKey } else { Scope::ManyKeys }
    }
}

/// The group of a command in Redis' manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Json,
    Generic,
    Text,
    List,
    Set,
    Hash,
    SortedSet,
    Connection,
    Server,
    Cluster,
    Transactions,
    PubSub,
}

impl Group {
    pub const fn name(self) -> &'static str {
        match self {
            Group::Json => "json",
            Group::Generic => "generic",
            Group::Text => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::Hash => "hash",
            Group::SortedSet => "sorted-set",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Cluster => "cluster",
            Group::Transactions => "transactions",
            Group::PubSub => "pubsub",
        }
    }

    /// The ACL categories that come with the group.
    pub const fn categories(self) -> &'static [&'static str] {
        match self {
            Group::Json => &["@json"],
            Group::Generic => &["@keyspace"],
            Group::Text => &["@string"],
            Group::List => &["@list"],
            Group::Set => &["@set"],
            Group::Hash => &["@hash"],
            Group::SortedSet => &["@sortedset"],
            Group::Connection => &["@connection"],
            Group::Server => &["@admin"],
            Group::Cluster => &["@admin"],
            Group::Transactions => &["@transaction"],
            Group::PubSub => &["@pubsub"],
        }
    }

    /// The kind of the events of its commands.
    const fn class(self) -> Class {
        match self {
            Group::Json => Class::Json,
            Group::Text => Class::Text,
            Group::List => Class::List,
            Group::Set => Class::Set,
            Group::Hash => Class::Hash,
            Group::SortedSet => Class::SortedSet,
            _ => Class::Generic,
        }
    }
}

type ReadFn = fn(&[Bytes], &Context, Access<'_>) -> Result<Reply, Answer>;
type CanonicalFn = fn(&[Bytes], &Context, &mut Vec<u8>) -> Result<(), Answer>;
type ApplyFn = fn(&[u8], Access<'_>, Stamp) -> Option<Reply>;
type LocalFn = fn(&[Bytes], &mut Session) -> Result<Reply, Answer>;
type ControlFn = fn(&[Bytes], &mut Session, &dyn Node) -> Result<Reply, Answer>;

type OperateFn = for<'a> fn(&[Bytes], &'a dyn Node) -> Result<Running<'a>, Answer>;

/// The way a command takes, with the functions that take it there.
#[derive(Clone, Copy)]
pub enum Route {
    Read {
        run: ReadFn,
    },
    /// `canonical` appends what goes into the log; `apply` decodes and applies it, and answers `None` only for
    /// bytes that `canonical` did not make.
    Write {
        code: u16,
        canonical: CanonicalFn,
        apply: ApplyFn,
    },
    Local {
        run: LocalFn,
    },
    Control {
        run: ControlFn,
    },
    Operate {
        run: OperateFn,
    },
    Transact {
        step: Step,
    },
}

/// One command.
#[derive(Clone, Copy)]
pub struct Row {
    pub spec: Spec,
    pub flags: Flags,
    pub route: Route,
}

impl Row {
    pub const fn read<C: Read>() -> Row {
        let run: ReadFn = |words, context, access| {
            let command = C::parse(&mut Args::new(C::SPEC.name, words), context)?;
            let scope = command.scope();
            command.run(&access.view(scope, context.now_ms))
        };
        Row { spec: C::SPEC, flags: C::FLAGS, route: Route::Read { run } }
    }

    pub const fn write<C: Write>() -> Row {
        let canonical: CanonicalFn = |words, context, out| {
            let command = C::parse(&mut Args::new(C::SPEC.name, words), context)?;
            let begin = out.len();
            postcard::to_io(&command, &mut *out).expect("a command encodes into memory");
            debug_assert!(
                postcard::from_bytes::<C>(&out[begin..]).is_ok_and(|decoded| decoded == command),
                "a replica applies what the client asked for"
            );
            Ok(())
        };
        let apply: ApplyFn = |bytes, access, stamp| {
            let (command, rest) = postcard::take_from_bytes::<C>(bytes).ok()?;
            let scope = command.scope();
            let changed = Event { name: C::EVENT, class: C::SPEC.group.class() };
            let removed = Event { name: C::REMOVAL, class: Class::Generic };
            let origin = Origin { changed, removed };
            rest.is_empty().then(|| command.apply(&mut access.writer(scope, stamp, origin)).into())
        };
        Row { spec: C::SPEC, flags: C::FLAGS, route: Route::Write { code: C::CODE, canonical, apply } }
    }

    pub const fn local<C: Local>() -> Row {
        let run: LocalFn = |words, session| C::run(&mut Args::new(C::SPEC.name, words), session);
        Row { spec: C::SPEC, flags: C::FLAGS, route: Route::Local { run } }
    }

    pub const fn control<C: Control>() -> Row {
        let run: ControlFn =
            |words, session, node| C::run(&mut Args::new(C::SPEC.name, words), session, node);
        Row { spec: C::SPEC, flags: C::FLAGS, route: Route::Control { run } }
    }

    pub const fn operate<C: Operate>() -> Row {
        let run: OperateFn = |words, node| Ok(C::parse(&mut Args::new(C::SPEC.name, words))?.run(node));
        Row { spec: C::SPEC, flags: C::FLAGS, route: Route::Operate { run } }
    }

    pub const fn transact<C: Transact>() -> Row {
        Row { spec: C::SPEC, flags: C::FLAGS, route: Route::Transact { step: C::STEP } }
    }

    /// Whether it has to wait while `CLIENT PAUSE` holds back writes.
    pub fn is_paused_with_writes(&self) -> bool {
        self.flags.paused_with_writes || matches!(self.route, Route::Write { .. })
    }

    /// Whether a request of `words` words, the name counted, has the right number of them.
    pub fn arity_fits(&self, words: usize) -> bool {
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        let arity = i64::from(self.spec.arity);
        if arity < 0 { words >= -arity } else { words == arity }
    }
}
