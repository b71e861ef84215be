//! The order of work on one cluster.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::sync::lock;

/// Names that are due at a time. A name is handed out once at a time; what is asked for meanwhile is due when it comes back.
///
/// Memory is bounded by the number of names, however often each is pushed.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    due: BTreeMap<String, Instant>,
    order: BTreeSet<(Instant, u64, String)>,
    sequence: BTreeMap<String, u64>,
    next: u64,
    running: BTreeSet<String>,
    attempts: BTreeMap<String, u32>,
}

impl Inner {
    fn schedule(&mut self, name: &str, at: Instant) {
        if let Some(present) = self.due.get(name).copied() {
            if present <= at {
                return;
            }
            self.unschedule(name);
        }
        self.next += 1;
        self.due.insert(name.to_owned(), at);
        self.sequence.insert(name.to_owned(), self.next);
        self.order.insert((at, self.next, name.to_owned()));
    }

    fn unschedule(&mut self, name: &str) {
        if let (Some(at), Some(sequence)) = (self.due.remove(name), self.sequence.remove(name)) {
            self.order.remove(&(at, sequence, name.to_owned()));
        }
    }
}

impl Queue {
    /// Asks for the name now.
    pub(super) fn push(&self, name: &str) {
        lock(&self.inner).schedule(name, Instant::now());
        self.notify.notify_one();
    }

    /// The name that has been due longest, if one is due.
    pub(super) fn take(&self) -> Option<String> {
        let mut inner = lock(&self.inner);
        let now = Instant::now();
        let due = inner.order.iter().take_while(|(at, ..)| *at <= now);
        let name = due.map(|(.., name)| name).find(|name| !inner.running.contains(*name))?.clone();
        inner.unschedule(&name);
        inner.running.insert(name.clone());
        Some(name)
    }

    /// The name was looked at and need not be looked at again before it is asked for.
    pub(super) fn forget(&self, name: &str) {
        let mut inner = lock(&self.inner);
        inner.running.remove(name);
        inner.attempts.remove(name);
        drop(inner);
        self.notify.notify_one();
    }

    /// The name was looked at with success; it is due again after this time at the latest.
    pub(super) fn settle(&self, name: &str, after: Duration) {
        let mut inner = lock(&self.inner);
        inner.running.remove(name);
        inner.attempts.remove(name);
        inner.schedule(name, Instant::now() + after);
        drop(inner);
        self.notify.notify_one();
    }

    /// The name was looked at in vain; it is due again after a delay that doubles from `first` to `most`.
    pub(super) fn retry(&self, name: &str, first: Duration, most: Duration) {
        let mut inner = lock(&self.inner);
        inner.running.remove(name);
        let attempt = inner.attempts.entry(name.to_owned()).or_default();
        let delay = first.saturating_mul(1 << (*attempt).min(16)).min(most);
        *attempt += 1;
        inner.schedule(name, Instant::now() + delay);
        drop(inner);
        self.notify.notify_one();
    }

    /// All names that wait for a later time, made due now.
    pub(super) fn wake_all(&self) {
        let mut inner = lock(&self.inner);
        inner.attempts.clear();
        let names: Vec<_> = inner.due.keys().cloned().collect();
        let now = Instant::now();
        for name in names {
            inner.schedule(&name, now);
        }
        drop(inner);
        self.notify.notify_one();
    }

    /// Returns when a name may be due.
    pub(super) async fn wait(&self) {
        let next = {
            let inner = lock(&self.inner);
            inner.order.iter().find(|(.., name)| !inner.running.contains(name)).map(|(at, ..)| *at)
        };
        match next {
            Some(at) => tokio::select! {
                () = self.notify.notified() => {}
                () = tokio::time::sleep_until(at) => {}
            },
            None => self.notify.notified().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_is_never_worked_on_twice_at_once_and_no_request_is_lost() {
        let queue = Queue::default();
        for _ in 0..1000 {
            queue.push("a");
        }
        queue.push("b");
        assert_eq!(queue.take().as_deref(), Some("a"));
        queue.push("a");
        assert_eq!(queue.take().as_deref(), Some("b"));
        assert_eq!(queue.take(), None);
        queue.settle("a", Duration::from_secs(60));
        assert_eq!(queue.take().as_deref(), Some("a"));
        queue.settle("a", Duration::from_secs(60));
        assert_eq!(queue.take(), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(queue.take().as_deref(), Some("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn delays_grow_to_a_bound_and_end_when_the_cluster_is_back() {
        let queue = Queue::default();
        queue.push("a");
        let (first, most) = (Duration::from_secs(1), Duration::from_secs(4));
        for expected in [1, 2, 4, 4] {
            queue.wait().await;
            assert_eq!(queue.take().as_deref(), Some("a"));
            queue.retry("a", first, most);
            tokio::time::advance(Duration::from_secs(expected) - Duration::from_millis(1)).await;
            assert_eq!(queue.take(), None);
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(queue.take().as_deref(), Some("a"));
        queue.retry("a", Duration::from_secs(100), Duration::from_secs(100));
        queue.wake_all();
        assert_eq!(queue.take().as_deref(), Some("a"));
    }
}
