//! One question to the group for everybody who waits for its answer.
//!
//! A read has to know that this node's state, or which index of it, is the newest. Asking costs a round of messages, so
//! it is asked once for all who came before it was asked.
//!
//! Invariant: an answer is given only to those who waited before its question was asked; later ones wait for the next.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

/// The rounds of one kind of question. A clone joins the same rounds.
pub struct ReadIndexBatcher<T> {
    inner: Arc<BatcherInner<T>>,
}

struct BatcherInner<T> {
    waiting: Mutex<Vec<oneshot::Sender<T>>>,
    wake: Notify,
}

impl<T> Clone for ReadIndexBatcher<T> {
    fn clone(&self) -> Self {
        ReadIndexBatcher { inner: self.inner.clone() }
    }
}

impl<T: Clone + Send + 'static> ReadIndexBatcher<T> {
    pub fn new() -> ReadIndexBatcher<T> {
        ReadIndexBatcher { inner: Arc::new(BatcherInner { waiting: Mutex::default(), wake: Notify::new() }) }
    }

    /// Asks whenever somebody waits. Runs until it is dropped.
    pub async fn run<A>(self, ask: impl Fn() -> A)
    where
        A: Future<Output = T>,
    {
        loop {
            self.inner.wake.notified().await;
            let waiting = std::mem::take(&mut *self.inner.waiting.lock());
            if waiting.is_empty() {
                continue;
            }
            let answer = ask().await;
            for waiter in waiting {
                // Who went away needs no answer.
                let _ = waiter.send(answer.clone());
            }
        }
    }

    /// The answer to a question that is asked after this call; `None` when nobody asks any more.
    pub async fn next(&self) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.inner.waiting.lock().push(answer);
        self.inner.wake.notify_one();
        answered.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn who_waits_shares_a_round_and_who_comes_later_gets_the_next() {
        let batcher = ReadIndexBatcher::new();
        let asked = Arc::new(AtomicU64::new(0));
        let (counter, gate) = (asked.clone(), Arc::new(Notify::new()));
        let opened = gate.clone();
        tokio::spawn(batcher.clone().run(move || {
            let round = counter.fetch_add(1, Ordering::Relaxed) + 1;
            let gate = gate.clone();
            async move {
                gate.notified().await;
                round
            }
        }));
        let first = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.next().await }
        });
        while asked.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let later: Vec<_> = (0..3)
            .map(|_| {
                let batcher = batcher.clone();
                tokio::spawn(async move { batcher.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        opened.notify_one();
        assert_eq!(first.await.unwrap(), Some(1));
        opened.notify_one();
        for waiter in later {
            assert_eq!(waiter.await.unwrap(), Some(2));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
