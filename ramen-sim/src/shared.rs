//! One way to share state inside a world: a lock that is never held across an await and never poisoned for good.

use std::sync::{Arc, Mutex, PoisonError};

/// State shared by the tasks of one world. Access is by closure, so that no guard can live across an `await`.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// Runs `f` on the state. A panic in an earlier holder does not hide the state: the failing test still wants its
    /// timeline.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
