//! The work of a controller.
//!
//! kube-runtime's scheduler is not used: its order depends on hashing and it knows neither priorities nor lanes. This one is
//! deterministic: the same calls at the same (virtual) times with the same seed give the same order.

mod backoff;
mod state;

use std::{
    collections::BTreeSet,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

pub use backoff::Backoff;
use state::State;

/// Why a key is to be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Somebody waits for it: a changed spec, an action under way.
    Action,
    /// Nobody does: a refresh, a changed status, a retry of background work.
    Background,
}

/// How a queue behaves.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// How many keys are worked on at a time in one lane.
    pub per_lane: usize,
    /// How many keys are worked on at a time altogether.
    pub total: usize,
    /// While actions keep coming, every so many of them one key of background work is let through.
    pub background_after: u32,
    /// Delays of keys whose work failed.
    pub backoff: Backoff,
}

impl Default for QueueConfig {
    /// 50 at a time, 10 in a lane, one background key after eight actions, delays from half a second to a minute.
    fn default() -> Self {
        Self { per_lane: 10, total: 50, background_after: 8, backoff: Backoff::default() }
    }
}

/// A queue of keys.
///
/// # Guarantees
/// - A key is worked on by one worker at a time, and waits once however often it is added.
/// - A key that is added while it is worked on is worked on again afterwards: no change is lost.
/// - The earlier of several delays of a key wins; an immediate addition replaces a delay.
/// - Actions come before background work, in the order in which they were added; background work is not starved.
/// - No more keys of one lane are worked on at a time than configured, and a full lane does not hold back the others.
///
/// # Caveats
/// A key that waits for its lane keeps its place in the order.
pub struct Queue<K> {
    shared: Arc<Shared<K>>,
}

/// Names the lanes that work on a key occupies.
type LanesOf<K> = dyn Fn(&K) -> BTreeSet<String> + Send + Sync;

struct Shared<K> {
    state: Mutex<State<K>>,
    changed: Notify,
    lanes: Box<LanesOf<K>>,
}

impl<K: Clone + Ord + Hash + Send + 'static> Queue<K> {
    /// A queue whose jitter comes from `seed`. `lanes` names the lanes (for example the clusters) that work on a key occupies.
    pub fn new(config: QueueConfig, seed: u64, lanes: impl Fn(&K) -> BTreeSet<String> + Send + Sync + 'static) -> Self {
        let state = Mutex::new(State::new(config, seed));
        Self { shared: Arc::new(Shared { state, changed: Notify::new(), lanes: Box::new(lanes) }) }
    }

    /// Work on the key as soon as possible. A failure's delay ends: something has changed.
    pub fn add(&self, key: K, priority: Priority) {
        self.with(|state| state.add(key, priority));
    }

    /// Work on the key after this time, unless it is added earlier.
    pub fn add_after(&self, key: K, delay: Duration, priority: Priority) {
        self.with(|state| state.add_at(key, Instant::now() + delay, priority));
    }

    /// Work on the key again after a delay that grows with each failure in a row; answers with the delay.
    pub fn add_failed(&self, key: K, priority: Priority) -> Duration {
        self.with(|state| {
            let delay = state.next_delay(&key);
            state.add_at(key, Instant::now() + delay, priority);
            delay
        })
    }

    /// The work on the key succeeded: its next failure is the first one again.
    pub fn forget_failures(&self, key: &K) {
        self.with(|state| state.forget(key));
    }

    /// How many keys wait (also those whose time has not come) and how many are worked on.
    pub fn depth(&self) -> (usize, usize) {
        self.with(|state| state.depth())
    }

    /// No key is handed out any more; workers that wait get `None`.
    pub fn shut_down(&self) {
        self.with(State::shut_down);
        self.shared.changed.notify_waiters();
    }

    /// The next key to work on; `None` once the queue is shut down.
    pub async fn next(&self) -> Option<Work<K>> {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // Registers for notifications before looking, so that none between the look and the wait is missed.
            changed.as_mut().enable();
            let (found, due) = {
                let mut state = self.lock();
                if state.is_shut_down() {
                    return None;
                }
                (state.take(Instant::now(), &*self.shared.lanes), state.next_due())
            };
            if let Some((key, priority)) = found {
                // Another worker may find one more.
                self.shared.changed.notify_one();
                return Some(Work { key, priority, queue: self.clone() });
            }
            match due {
                Some(due) => drop(tokio::time::timeout_at(due, changed).await),
                None => changed.await,
            }
        }
    }

    fn finish(&self, key: &K) {
        self.with(|state| state.finish(key));
    }

    fn with<R>(&self, change: impl FnOnce(&mut State<K>) -> R) -> R {
        let result = change(&mut self.lock());
        self.shared.changed.notify_one();
        result
    }

    /// A panic while the lock was held left no half-made change: each is a few assignments.
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K> fmt::Debug for Queue<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

/// A key that is being worked on. Dropping it ends the work, whichever way.
#[must_use = "dropping it ends the work on the key"]
pub struct Work<K: Clone + Ord + Hash + Send + 'static> {
    key: K,
    priority: Priority,
    queue: Queue<K>,
}

impl<K: Clone + Ord + Hash + Send + 'static> Work<K> {
    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Why it is worked on.
    pub fn priority(&self) -> Priority {
        self.priority
    }
}

impl<K: Clone + Ord + Hash + Send + 'static> Drop for Work<K> {
    fn drop(&mut self) {
        self.queue.finish(&self.key);
    }
}

impl<K: Clone + Ord + Hash + Send + fmt::Debug + 'static> fmt::Debug for Work<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("key", &self.key).field("priority", &self.priority).finish()
    }
}

#[cfg(test)]
mod tests;
