//! A row of the command table: a command's metadata and the functions of its route.
//!
//! The constructors, such as `Row::read` and `Row::write`, erase the type of a command, so that all
//! rows fit into one slice.

use bytes::Bytes;

use super::key_spec::{KeySpec, Usage};
use super::subcommands::Subcommand;
use super::{
    Args, Command, Context, Control, Flags, Local, Manage, Node, Operate, Outcome, Read, Running, Session,
    Transact, Write,
};
use crate::command::transactions::Step;
use crate::error::CommandError;
use crate::json::path::StepBudget;
use crate::keyspace::{Access, ApplyContext, Class, Event, Origin};
use crate::resp::Reply;

/// The metadata of a command. Together with the route, it determines arity checks, the replies of
/// `COMMAND`, ACL categories, the positions of keys, and redirects to the leader.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub name: &'static str,
    /// Other names of the same command.
    pub aliases: &'static [Alias],
    /// The number of words of a request, including the name. A negative arity is a minimum.
    pub arity: i32,
    pub keys: KeySpec,
    pub group: Group,
    /// The version of Redis or RedisJSON that introduced the command; for JsonVault's own commands,
    /// the version of JsonVault.
    pub since: &'static str,
    /// The time complexity: O(..) as in Redis, with the letters explained in our own words.
    pub complexity: &'static str,
    /// One short sentence in our own words that begins with a verb: `Counts ..`, `Reads ..`.
    pub summary: &'static str,
    /// The words after the name, in the notation of Redis' manual: `key [path] [NX | XX] [path
    /// ...]`.
    pub syntax: &'static str,
}

/// Another name of a command, with the metadata in which it differs.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    pub name: &'static str,
    pub since: &'static str,
    pub complexity: &'static str,
    pub fast: bool,
}

impl Spec {
    /// Metadata for the common case: a command without aliases on one key, which is its first
    /// argument.
    pub const fn of_key(
        group: Group,
        name: &'static str,
        arity: i32,
        since: &'static str,
        complexity: &'static str,
        summary: &'static str,
        syntax: &'static str,
    ) -> Spec {
        let keys = KeySpec::FIRST;
        Spec { name, aliases: &[], arity, keys, group, since, complexity, summary, syntax }
    }

    /// Sets the use of the keys, if it does not follow from the route.
    pub const fn used(mut self, usage: Usage) -> Spec {
        self.keys = self.keys.used(usage);
        self
    }
}

/// The group of a command in Redis' manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Json,
    Generic,
    String,
    Bitmap,
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
            // The group in which Redis lists all commands of modules.
            Group::Json => "module",
            Group::Generic => "generic",
            Group::String => "string",
            Group::Bitmap => "bitmap",
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

    /// The ACL category of the group.
    pub const fn category(self) -> Option<&'static str> {
        match self {
            Group::Json => Some("@json"),
            Group::Generic => Some("@keyspace"),
            Group::String => Some("@string"),
            Group::Bitmap => Some("@bitmap"),
            Group::List => Some("@list"),
            Group::Set => Some("@set"),
            Group::Hash => Some("@hash"),
            Group::SortedSet => Some("@sortedset"),
            Group::Connection => Some("@connection"),
            Group::Transactions => Some("@transaction"),
            Group::Server | Group::Cluster | Group::PubSub => None,
        }
    }

    /// The class of the keyspace events of the group's commands.
    const fn class(self) -> Class {
        match self {
            Group::Json => Class::Json,
            // Redis reports changes of a bitmap as changes of a string.
            Group::String | Group::Bitmap => Class::Text,
            Group::List => Class::List,
            Group::Set => Class::Set,
            Group::Hash => Class::Hash,
            Group::SortedSet => Class::SortedSet,
            _ => Class::Generic,
        }
    }
}

pub type ReadFn = fn(&[Bytes], &Context, Access<'_>) -> Result<Reply, CommandError>;
type CanonicalFn = fn(&[Bytes], &Context, &mut Vec<u8>) -> Result<(), CommandError>;
type CheckFn = fn(&[u8]) -> bool;
type ApplyFn = fn(&[u8], Access<'_>, ApplyContext) -> Option<Reply>;
type LocalFn = fn(&[Bytes], &mut Session) -> Result<Reply, CommandError>;
type ControlFn = fn(&[Bytes], &mut Session, &dyn Node) -> Result<Outcome, CommandError>;

type OperateFn = for<'a> fn(&[Bytes], &Session, &'a dyn Node) -> Result<Running<'a>, CommandError>;

/// Decodes a command's canonical form; `None` if the bytes are not exactly one such form.
fn decode<C: Write>(bytes: &[u8]) -> Option<C> {
    let (command, rest) = postcard::take_from_bytes::<C>(bytes).ok()?;
    rest.is_empty().then_some(command)
}

/// The route of a command, with the functions that execute it.
#[derive(Clone, Copy)]
pub enum Route {
    Read {
        run: ReadFn,
    },
    /// `canonical` appends the command's canonical form. `apply` decodes and applies it, and
    /// returns `None` only for bytes that `canonical` did not produce. `check` reports whether
    /// `apply` can decode bytes, for bytes that another node sent.
    Write {
        code: u16,
        canonical: CanonicalFn,
        check: CheckFn,
        apply: ApplyFn,
    },
    Local {
        run: LocalFn,
    },
    Control {
        run: ControlFn,
    },
    /// `reads` returns the function with which a transaction runs the command, if the command with
    /// these words only reads the keyspace.
    Operate {
        run: OperateFn,
        reads: fn(&[Bytes]) -> Option<ReadFn>,
    },
    Transact {
        step: Step,
    },
}

/// One command of the table.
#[derive(Clone, Copy)]
pub struct Row {
    pub spec: Spec,
    pub flags: Flags,
    pub subcommands: &'static [Subcommand],
    /// The cluster version from which the command is allowed.
    pub since_version: u32,
    pub route: Route,
}

impl Row {
    const fn new<C: Command>(route: Route) -> Row {
        let since_version = C::SINCE_VERSION;
        Row { spec: C::SPEC, flags: C::FLAGS, subcommands: C::SUBCOMMANDS, since_version, route }
    }

    pub const fn read<C: Read>() -> Row {
        let run: ReadFn = |words, context, access| {
            let command = C::parse(&mut Args::new(C::SPEC.name, words), context)?;
            let (scope, steps) = (command.scope(), StepBudget::default());
            command.run(&access.within_own(&steps).client_view(scope, context.now_ms))
        };
        Row::new::<C>(Route::Read { run })
    }

    pub const fn write<C: Write>() -> Row {
        let canonical: CanonicalFn = |words, context, out| {
            let command = C::parse(&mut Args::new(C::SPEC.name, words), context)?;
            let begin = out.len();
            postcard::to_io(&command, &mut *out).expect("encoding into memory succeeds");
            debug_assert!(
                postcard::from_bytes::<C>(&out[begin..]).is_ok_and(|decoded| decoded == command),
                "the canonical form decodes to an equal command"
            );
            Ok(())
        };
        let check: CheckFn = |bytes| decode::<C>(bytes).is_some();
        let apply: ApplyFn = |bytes, access, context| {
            let command = decode::<C>(bytes)?;
            let scope = command.scope();
            let changed = Event { name: C::EVENT, class: C::SPEC.group.class() };
            // If a removal has the same event name as the command, it has the command's class too.
            let own = C::REMOVAL == C::SPEC.name;
            let class = if own { C::SPEC.group.class() } else { Class::Generic };
            let removed = Event { name: C::REMOVAL, class };
            let origin = Origin { changed, removed };
            Some(command.apply(&mut access.writer(scope, context, origin)).into())
        };
        Row::new::<C>(Route::Write { code: C::CODE, canonical, check, apply })
    }

    pub const fn local<C: Local>() -> Row {
        let run: LocalFn = |words, session| C::run(&mut Args::new(C::SPEC.name, words), session);
        Row::new::<C>(Route::Local { run })
    }

    pub const fn control<C: Control>() -> Row {
        let run: ControlFn = |words, session, node| {
            C::run(&mut Args::new(C::SPEC.name, words), session, node).map(Outcome::from)
        };
        Row::new::<C>(Route::Control { run })
    }

    pub const fn manage<C: Manage>() -> Row {
        let run: ControlFn =
            |words, session, node| C::run(&mut Args::new(C::SPEC.name, words), session, node);
        Row::new::<C>(Route::Control { run })
    }

    pub const fn operate<C: Operate>() -> Row {
        let run: OperateFn = |words, session, node| {
            Ok(C::parse(&mut Args::new(C::SPEC.name, words))?.for_session(session).run(node))
        };
        Row::new::<C>(Route::Operate { run, reads: C::reads })
    }

    /// The function with which a transaction runs these words (without the name), if they only read
    /// the keyspace.
    pub fn reads(&self, words: &[Bytes]) -> Option<ReadFn> {
        match self.route {
            Route::Read { run } => Some(run),
            Route::Operate { reads, .. } => reads(words),
            _ => None,
        }
    }

    /// Whether these words take part in a transaction, because they read or write the keyspace.
    pub fn takes_part(&self, words: &[Bytes]) -> bool {
        matches!(self.route, Route::Write { .. }) || self.reads(words).is_some()
    }

    pub const fn transact<C: Transact>() -> Row {
        Row::new::<C>(Route::Transact { step: C::STEP })
    }

    /// All names of the command, each with the row that describes the command under that name.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, Row)> {
        let own = (self.spec.name, *self);
        let row = *self;
        let alias = move |alias: &Alias| {
            let Alias { name, since, complexity, fast } = *alias;
            let (spec, flags) = (Spec { since, complexity, ..row.spec }, Flags { fast, ..row.flags });
            (name, Row { spec, flags, ..row })
        };
        std::iter::once(own).chain(self.spec.aliases.iter().map(alias))
    }

    /// Whether the command only groups subcommands, as `CONFIG` does in Redis. RedisJSON has no
    /// such commands.
    pub fn is_container(&self) -> bool {
        self.has_subcommands() && self.spec.arity < -1
    }

    /// Whether the command may block its connection until an external event.
    pub fn blocks(&self) -> bool {
        self.flags.blocking && !self.flags.without.contains(&"blocking")
    }

    /// Whether the subcommands are counted and measured as commands of their own.
    pub fn has_subcommands(&self) -> bool {
        !self.subcommands.is_empty() && self.spec.group != Group::Json
    }

    /// Whether `CLIENT PAUSE .. WRITE` holds the command back.
    pub fn is_paused_with_writes(&self) -> bool {
        self.flags.paused_with_writes || matches!(self.route, Route::Write { .. })
    }

    /// The error for the command in a cluster of an earlier version; `None` if it is allowed.
    pub fn refused_in(&self, cluster_version: u32) -> Option<CommandError> {
        (self.since_version > cluster_version).then(|| {
            CommandError::new(format!(
                "ERR {} needs cluster version {}, and the cluster has version {cluster_version}: upgrade every node, \
                 then finalize the upgrade (RAFT.CLUSTER FINALIZE)",
                self.spec.name, self.since_version
            ))
        })
    }

    /// Whether a request may have `words` words, including the name.
    pub fn arity_fits(&self, words: usize) -> bool {
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        let arity = i64::from(self.spec.arity);
        if arity < 0 { words >= -arity } else { words == arity }
    }
}
