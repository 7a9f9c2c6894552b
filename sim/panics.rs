//! Panics of the nodes: tokio keeps them from the thread, and each of them is a broken promise.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

static HOOK: Once = Once::new();

/// Begins to watch this thread, if need be, and forgets what it has seen.
pub fn forget() {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            SEEN.with_borrow_mut(|seen| seen.push(panic.to_string()));
            before(panic);
        }));
    });
    SEEN.take();
}

/// The first panic since.
pub fn first() -> Option<String> {
    SEEN.with_borrow(|seen| seen.first().cloned())
}
