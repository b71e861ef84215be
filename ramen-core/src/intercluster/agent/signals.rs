//! Change notifications that coalesce per key and never grow beyond the number of keys.

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, Weak},
    task::{Context, Poll, Waker},
};

use futures::Stream;

use super::sync::lock;

/// A source of notifications. Each subscriber sees the latest value of every key that changed since it last looked, in the
/// order of the keys' first change.
///
/// A slow subscriber costs one entry a key, however many changes there were.
pub struct Signals<K, V> {
    subscribers: Mutex<Vec<WeakInbox<K, V>>>,
}

type WeakInbox<K, V> = Weak<Mutex<Inbox<K, V>>>;

impl<K, V> Default for Signals<K, V> {
    fn default() -> Self {
        Self { subscribers: Mutex::default() }
    }
}

impl<K, V> fmt::Debug for Signals<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals").field("subscribers", &lock(&self.subscribers).len()).finish()
    }
}

struct Inbox<K, V> {
    next: u64,
    order: BTreeMap<u64, K>,
    values: BTreeMap<K, V>,
    waker: Option<Waker>,
    closed: bool,
}

impl<K: Ord + Clone, V: Clone> Signals<K, V> {
    /// Tells every subscriber.
    pub fn notify(&self, key: &K, value: &V) {
        lock(&self.subscribers).retain(|subscriber| {
            let Some(inbox) = subscriber.upgrade() else { return false };
            let mut inbox = lock(&inbox);
            if inbox.values.insert(key.clone(), value.clone()).is_none() {
                let at = inbox.next;
                inbox.next += 1;
                inbox.order.insert(at, key.clone());
            }
            if let Some(waker) = inbox.waker.take() {
                waker.wake();
            }
            true
        });
    }

    /// A stream of what changes from now on. It ends when this source is dropped.
    pub fn subscribe(&self) -> Subscription<K, V> {
        let inbox = Arc::new(Mutex::new(Inbox {
            next: 0,
            order: BTreeMap::new(),
            values: BTreeMap::new(),
            waker: None,
            closed: false,
        }));
        lock(&self.subscribers).push(Arc::downgrade(&inbox));
        Subscription(inbox)
    }
}

impl<K, V> Drop for Signals<K, V> {
    fn drop(&mut self) {
        for subscriber in lock(&self.subscribers).iter().filter_map(Weak::upgrade) {
            let mut inbox = lock(&subscriber);
            inbox.closed = true;
            if let Some(waker) = inbox.waker.take() {
                waker.wake();
            }
        }
    }
}

/// The receiving end of [`Signals`].
pub struct Subscription<K, V>(Arc<Mutex<Inbox<K, V>>>);

impl<K, V> fmt::Debug for Subscription<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("waiting", &lock(&self.0).values.len()).finish()
    }
}

impl<K: Ord, V> Stream for Subscription<K, V> {
    type Item = (K, V);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(K, V)>> {
        let mut inbox = lock(&self.0);
        if let Some((_, key)) = inbox.order.pop_first()
            && let Some(value) = inbox.values.remove(&key)
        {
            return Poll::Ready(Some((key, value)));
        }
        if inbox.closed {
            return Poll::Ready(None);
        }
        inbox.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};

    use super::*;

    #[test]
    fn a_slow_listener_gets_the_last_value_of_each_key_once() {
        let signals = Signals::default();
        let mut heard = signals.subscribe();
        for value in 0..1000 {
            signals.notify(&"b", &value);
        }
        signals.notify(&"a", &7);
        assert_eq!(heard.next().now_or_never(), Some(Some(("b", 999))));
        assert_eq!(heard.next().now_or_never(), Some(Some(("a", 7))));
        assert_eq!(heard.next().now_or_never(), None);
        drop(signals);
        assert_eq!(heard.next().now_or_never(), Some(None));
    }
}
