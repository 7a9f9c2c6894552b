//! Runs the background tasks of a group until the group ends.
//!
//! Invariant: after [`Tasks::end`] no task runs and none is started, so nothing that a task holds
//! outlives the group.

use parking_lot::Mutex;
use tokio::task::JoinHandle;

/// `None` after [`Tasks::end`].
pub struct Tasks(Mutex<Option<Vec<JoinHandle<()>>>>);

impl Default for Tasks {
    fn default() -> Tasks {
        Tasks(Mutex::new(Some(Vec::new())))
    }
}

impl Tasks {
    /// Runs a task until [`Tasks::end`].
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = self.0.lock().as_mut() {
            tasks.retain(|task| !task.is_finished());
            tasks.push(tokio::spawn(task));
        }
    }

    /// Ends all tasks, and returns when they have released everything that they hold.
    pub async fn end(&self) {
        let tasks = self.0.lock().take().unwrap_or_default();
        tasks.iter().for_each(JoinHandle::abort);
        futures_util::future::join_all(tasks).await;
    }
}
