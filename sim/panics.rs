//! Records panics in the nodes. tokio catches them, but each one means that an invariant is broken.

use std::cell::{Cell, RefCell};
use std::sync::Once;

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs a simulation and records its panics.
pub fn watched<T>(simulate: impl FnOnce() -> T) -> T {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Panics during a simulation are recorded; any other is reported as usual.
            match WATCHED.get() {
                true => SEEN.with_borrow_mut(|seen| seen.push(panic.to_string())),
                false => before(panic),
            }
        }));
    });
    SEEN.take();
    WATCHED.set(true);
    let simulated = std::panic::catch_unwind(std::panic::AssertUnwindSafe(simulate));
    WATCHED.set(false);
    simulated.unwrap_or_else(|_| panic!("the simulation itself panicked: {:?}", first()))
}

/// The first panic of a node in this simulation.
pub fn first() -> Option<String> {
    SEEN.with_borrow(|seen| seen.first().cloned())
}
