//! Runs the tasks of consensus on a strand: each as a task of the runtime while the strand is wide,
//! or all in one task while it is narrow.
//!
//! A write passes through several tasks: the proposer, openraft's core, the completion of the
//! append, the state machine. As tasks of the runtime they run on several threads, which serves
//! many clients best. For a single client each hop to another thread only adds to the latency, so
//! while the strand is narrow, a wake-up is a push to a queue, and the thread that runs the first
//! task runs the others too. (`docs/decisions/0016-a-strand-for-one-client.md` has the
//! measurements.)
//!
//! Invariants:
//! * a task is polled by one thread at a time;
//! * a task that was woken is polled after that, in either mode and across a change of the mode;
//! * once the strand has ended, all its tasks are dropped, and further ones are dropped at once.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::{self, Debug, Display, Formatter};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::coop::unconstrained;

/// How many polls the strand makes before other tasks of the runtime get their turn.
const POLLS_MAX: usize = 256;

thread_local! {
    /// The strand whose tasks this thread is polling or starting.
    static CURRENT: RefCell<Option<Strand>> = const { RefCell::new(None) };
}

/// Runs tasks. Clones are handles on the same strand.
#[derive(Clone)]
pub struct Strand(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    is_narrow: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The tasks that were woken while the strand was narrow.
    ready: VecDeque<Arc<Task>>,
    /// All tasks, so that they can be dropped at the end.
    tasks: Vec<Weak<Task>>,
    /// Wakes the driver, the runtime's task that runs [`Inner::turn`]; `None` while the driver
    /// still has tasks to poll.
    idle: Option<Waker>,
    ended: bool,
}

struct Task {
    /// `None` once the task has completed, or the strand has ended.
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    /// Whether the task was woken since its last poll began.
    is_ready: AtomicBool,
    strand: Arc<Inner>,
    /// Wakes the runtime's task that polls this one while the strand is wide.
    own: AtomicWaker,
}

impl Wake for Task {
    fn wake(self: Arc<Task>) {
        Task::wake_by_ref(&self);
    }

    fn wake_by_ref(self: &Arc<Task>) {
        if self.is_ready.swap(true, Ordering::AcqRel) {
            return;
        }
        match self.strand.is_narrow.load(Ordering::Relaxed) {
            true => self.strand.push(self.clone()),
            false => self.own.wake(),
        }
    }
}

impl Inner {
    fn push(&self, task: Arc<Task>) {
        let driver = {
            let mut state = self.state.lock();
            if state.ended {
                return;
            }
            state.ready.push_back(task);
            state.idle.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Polls the tasks that were woken while the strand was narrow.
    fn turn(&self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..POLLS_MAX {
            let task = {
                let mut state = self.state.lock();
                match state.ready.pop_front() {
                    Some(task) => task,
                    None if state.ended => return Poll::Ready(()),
                    None => {
                        state.idle = Some(context.waker().clone());
                        return Poll::Pending;
                    }
                }
            };
            // Outside of the runtime's budget: all tasks of this turn would share one, and a task
            // that used it up would stop the others.
            let mut polled = pin!(unconstrained(async { task.poll() }));
            let _ = polled.as_mut().poll(context);
            if task.is_done() {
                // The runtime's task for it ends too.
                task.own.wake();
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Task {
    fn poll(self: &Arc<Task>) {
        // Before the poll: a wake-up during it counts.
        if !self.is_ready.swap(false, Ordering::AcqRel) {
            return;
        }
        let waker = Waker::from(self.clone());
        let mut future = self.future.lock();
        if let Some(polled) = future.as_mut()
            && polled.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        {
            *future = None;
        }
    }

    fn is_done(&self) -> bool {
        self.future.lock().is_none()
    }

    /// Called by the task of the runtime that belongs to this one, and is woken while the strand is
    /// wide.
    fn poll_wide(self: &Arc<Task>, context: &Context<'_>) -> Poll<()> {
        self.own.register(context.waker());
        self.poll();
        if self.is_done() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Strand {
    /// Starts a wide strand in the current runtime, until [`Strand::end`].
    pub fn start() -> Strand {
        let strand = Strand(Arc::default());
        let driven = strand.clone();
        tokio::spawn(std::future::poll_fn(move |context| driven.entered(|| driven.0.turn(context))));
        strand
    }

    /// The strand of the task that is running, if it is on one.
    pub fn current() -> Option<Strand> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs `run` with this as the current strand.
    fn entered<T>(&self, run: impl FnOnce() -> T) -> T {
        struct Restore(Option<Strand>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        run()
    }

    /// Polls `future` in the caller's task. What consensus starts meanwhile runs on this strand.
    pub fn adopt<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        let strand = self.clone();
        let mut future = Box::pin(future);
        std::future::poll_fn(move |context| strand.entered(|| future.as_mut().poll(context)))
    }

    pub fn spawn<T>(&self, future: T) -> JoinHandle<T::Output>
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        let (future, handle) = joined(future);
        let task = Arc::new(Task {
            future: Mutex::new(Some(future.boxed())),
            is_ready: AtomicBool::new(true),
            strand: self.0.clone(),
            own: AtomicWaker::new(),
        });
        {
            let mut state = self.0.state.lock();
            if state.ended {
                return handle;
            }
            state.tasks.retain(|task| task.strong_count() > 0);
            state.tasks.push(Arc::downgrade(&task));
        }
        let strand = self.clone();
        tokio::spawn(std::future::poll_fn(move |context| strand.entered(|| task.poll_wide(context))));
        handle
    }

    /// Makes the strand narrow or wide: from the next wake-ups on, its tasks run on one thread, or
    /// on several.
    pub fn set_narrow(&self, is_narrow: bool) {
        self.0.is_narrow.store(is_narrow, Ordering::Relaxed);
    }

    /// Drops all tasks.
    pub fn end(&self) {
        let (tasks, driver) = {
            let mut state = self.0.state.lock();
            state.ended = true;
            state.ready.clear();
            (std::mem::take(&mut state.tasks), state.idle.take())
        };
        for task in tasks.iter().filter_map(Weak::upgrade) {
            drop(task.future.lock().take());
            task.own.wake();
        }
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

/// Runs a task in the surrounding runtime.
pub fn spawn<T>(future: T) -> JoinHandle<T::Output>
where
    T: Future + Send + 'static,
    T::Output: Send + 'static,
{
    let (future, handle) = joined(future);
    tokio::spawn(future);
    handle
}

/// A future that runs `future`, and a handle on its outcome.
fn joined<T>(future: T) -> (impl Future<Output = ()> + Send, JoinHandle<T::Output>)
where
    T: Future + Send + 'static,
    T::Output: Send + 'static,
{
    let (sender, outcome) = oneshot::channel();
    let run = async move {
        let outcome = AssertUnwindSafe(future).catch_unwind().await;
        // The handle may have been dropped.
        let _ = sender.send(outcome.map_err(|_| JoinError::Panicked));
    };
    (run, JoinHandle(outcome))
}

/// Waits for the outcome of a task. Dropping it leaves the task running.
pub struct JoinHandle<T>(oneshot::Receiver<Result<T, JoinError>>);

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context).map(|outcome| outcome.unwrap_or(Err(JoinError::Dropped)))
    }
}

/// Why a task has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    Panicked,
    /// The strand or the runtime ended first.
    Dropped,
}

impl Display for JoinError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            JoinError::Panicked => "the task panicked",
            JoinError::Dropped => "the task was dropped",
        })
    }
}

impl Debug for Strand {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Strand")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread::ThreadId;

    use tokio::sync::mpsc;

    use super::*;

    /// Two tasks that send a number to and fro. Returns the threads that ran them.
    async fn to_and_fro(strand: &Strand, turns: usize, each: impl Fn(usize)) -> Vec<ThreadId> {
        let (to, mut arrived) = mpsc::unbounded_channel::<usize>();
        let (fro, mut returned) = mpsc::unbounded_channel::<usize>();
        let echo = strand.spawn(async move {
            while let Some(turn) = arrived.recv().await {
                let _ = fro.send(turn);
            }
        });
        let (done, mut threads) = mpsc::unbounded_channel();
        let player = strand.spawn(async move {
            for turn in 0..turns {
                to.send(turn).expect("the echo runs");
                assert_eq!(returned.recv().await, Some(turn));
                done.send((turn, std::thread::current().id())).expect("the test listens");
            }
        });
        let mut seen = Vec::new();
        while let Some((turn, thread)) = threads.recv().await {
            each(turn);
            seen.push(thread);
        }
        assert_eq!((player.await, echo.await), (Ok(()), Ok(())));
        seen
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn no_wakeup_is_lost_when_the_mode_changes() {
        let strand = Strand::start();
        let changes = AtomicUsize::new(0);
        let seen = to_and_fro(&strand, 20_000, |turn| {
            if turn % 7 == 0 {
                changes.fetch_add(1, Ordering::Relaxed);
                strand.set_narrow(turn % 2 == 0);
            }
        });
        assert_eq!((seen.await.len(), changes.into_inner()), (20_000, 2_858));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn narrow_tasks_share_the_thread_that_runs_the_first() {
        let strand = Strand::start();
        strand.set_narrow(true);
        let running = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let running = running.clone();
                strand.spawn(async move {
                    // The first poll of a task may still be wide.
                    tokio::task::yield_now().await;
                    for _ in 0..1000 {
                        assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "one task runs at a time");
                        std::hint::spin_loop();
                        running.fetch_sub(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await, Ok(()));
        }
    }

    #[tokio::test]
    async fn a_panic_ends_only_its_task() {
        let strand = Strand::start();
        for narrow in [false, true] {
            strand.set_narrow(narrow);
            let outcome = strand.spawn(async { panic!("as the test wants") }).await;
            assert_eq!(outcome, Err::<(), _>(JoinError::Panicked));
            assert_eq!(strand.spawn(async { 7 }).await, Ok(7));
        }
    }

    #[tokio::test]
    async fn the_end_drops_all_tasks() {
        let strand = Strand::start();
        let held = Arc::new(());
        let tasks: Vec<_> = [false, true]
            .into_iter()
            .map(|narrow| {
                strand.set_narrow(narrow);
                let held = held.clone();
                strand.spawn(async move {
                    std::future::pending::<()>().await;
                    drop(held);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        strand.end();
        assert_eq!(Arc::strong_count(&held), 1);
        for task in tasks {
            assert_eq!(task.await, Err(JoinError::Dropped));
        }
        assert_eq!(strand.spawn(async {}).await, Err(JoinError::Dropped));
    }

    #[tokio::test]
    async fn what_a_task_starts_is_on_its_strand() {
        let strand = Strand::start();
        let inner = strand.spawn(async { Strand::current().is_some() }).await;
        assert_eq!((inner, Strand::current().is_some()), (Ok(true), false));
        assert!(strand.adopt(async { Strand::current().is_some() }).await);
    }
}
