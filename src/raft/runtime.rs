//! The runtime for openraft: tokio's, on a strand, and without its two sources of randomness.
//!
//! openraft starts its tasks on the [`Strand`] that is current, or else in tokio's runtime.
//!
//! openraft derives its election timeouts and the moment of its first tick from the runtime's
//! random numbers. Here these numbers come from [`Random`], which a simulation seeds. tokio's watch
//! channel is the second source, because it wakes its waiters in random order; [`super::watch`]
//! replaces it. Clock and timers are tokio's, which a simulation may pause.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use openraft::OptionalSend;
use openraft::impls::TokioRuntime;
use openraft::rt::AsyncRuntime;

use super::strand::{self, JoinError, JoinHandle, Strand};
use super::watch::Watch;
use crate::env::random_u64;

/// Implements openraft's runtime interface. openraft never starts a runtime of its own: it runs in
/// its caller's.
#[derive(Debug)]
pub struct Runtime(TokioRuntime);

/// Random numbers from the calling thread's [`Random`].
#[derive(Clone, Copy, Debug)]
pub struct ThreadRandom;

impl rand_core::TryRng for ThreadRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((random_u64() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(random_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&random_u64().to_le_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

impl AsyncRuntime for Runtime {
    type JoinError = JoinError;
    type JoinHandle<T: OptionalSend + 'static> = JoinHandle<T>;
    type Sleep = <TokioRuntime as AsyncRuntime>::Sleep;
    type Instant = <TokioRuntime as AsyncRuntime>::Instant;
    type TimeoutError = <TokioRuntime as AsyncRuntime>::TimeoutError;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = <TokioRuntime as AsyncRuntime>::Timeout<R, T>;
    type ThreadLocalRng = ThreadRandom;
    type Mpsc = <TokioRuntime as AsyncRuntime>::Mpsc;
    type Watch = Watch;
    type Oneshot = <TokioRuntime as AsyncRuntime>::Oneshot;
    type Mutex<T: OptionalSend + 'static> = <TokioRuntime as AsyncRuntime>::Mutex<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        match Strand::current() {
            Some(strand) => strand.spawn(future),
            None => strand::spawn(future),
        }
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        TokioRuntime::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        TokioRuntime::sleep_until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout_at(deadline, future)
    }

    fn is_panic(join_error: &Self::JoinError) -> bool {
        *join_error == JoinError::Panicked
    }

    fn thread_rng() -> ThreadRandom {
        ThreadRandom
    }

    fn new(threads: usize) -> Self {
        Runtime(TokioRuntime::new(threads))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        self.0.block_on(future)
    }
}

#[cfg(test)]
mod tests {
    use openraft::rt::testing::Suite;

    #[test]
    fn openrafts_suite_for_runtimes_passes() {
        Suite::<super::Runtime>::test_all();
    }
}
