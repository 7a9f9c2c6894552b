//! What is true of a command beside its route.

/// Properties that whoever runs commands looks at; the usual command has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Runs at once between MULTI and EXEC, and is not queued.
    pub at_once: bool,
    /// Is refused between MULTI and EXEC.
    pub not_in_multi: bool,
    /// May be used by a RESP2 connection that has subscribed to something.
    pub while_subscribed: bool,
    /// Is let through while clients are paused: it may end the pause.
    pub while_paused: bool,
    /// Waits with the writes while those are paused, though it is none.
    pub paused_with_writes: bool,
    /// A client may send it before it has said who it is.
    pub before_login: bool,
    /// Its arguments are nobody else's business: they are in no MONITOR.
    pub secret: bool,
}

impl Flags {
    pub const NONE: Flags = Flags {
        at_once: false,
        not_in_multi: false,
        while_subscribed: false,
        while_paused: false,
        paused_with_writes: false,
        before_login: false,
        secret: false,
    };
}
