//! Keeps a dead store from costing every group a whole deadline.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use ramen_core::{
    intercluster::{Failure, FailureClass},
    protection::cluster_data::{
        ClusterDataStore, Entry, Epoch, EpochRecord, GroupPrefix, StoreCapabilities, StoreError, StoredEntry,
    },
    time::Deadline,
};
use tokio::time::Instant;

/// After so many failures in a row to reach the store it is left alone for a while.
const FAILURES: u32 = 3;
/// A call that has less time than this left when it begins may well not be answered by a healthy store.
const FAIR: Duration = Duration::from_secs(3);
/// For how long at first; doubled with each further failure.
const SHORTEST: Duration = Duration::from_secs(5);
/// For how long at most.
const LONGEST: Duration = Duration::from_secs(60);

/// A store that is not asked while it is known to be dead.
///
/// Opens on failures to reach the store only, never on what the store answered. While open every call fails at once with
/// `Unreachable` and says since when; after the time is up one call is let through, and its success closes the breaker.
#[derive(Debug)]
pub struct Breaker {
    store: Arc<dyn ClusterDataStore>,
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
    last: Option<Failure>,
}

impl Breaker {
    /// A breaker, closed, in front of `store`.
    pub fn new(store: Arc<dyn ClusterDataStore>) -> Self {
        Self { store, state: Mutex::default() }
    }

    async fn through<T>(
        &self,
        deadline: Deadline,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let began_after = self.admit()?;
        let fair = deadline.remaining() >= FAIR;
        let answer = call.await;
        self.note(answer.as_ref().err(), began_after, fair);
        answer
    }

    /// Lets the call through, or fails it at once; answers with the failures before it.
    fn admit(&self) -> Result<u32, StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (state.open_until, &state.last) {
            (Some(until), Some(last)) if Instant::now() < until => {
                let cause = format!(
                    "it was not asked, {} calls in a row having failed; the last: {}",
                    state.failures,
                    last.cause()
                );
                let about = format!("S3 profile {}", self.store.profile());
                Err(Failure::new(FailureClass::Unreachable, cause).about(about).remedy(last.what_helps()).into())
            }
            (Some(_), _) => {
                // One call finds out; those that come meanwhile still fail at once.
                state.open_until = Some(Instant::now() + pause(state.failures));
                Ok(state.failures)
            }
            (None, _) => Ok(state.failures),
        }
    }

    /// Calls that were under way together fail together: they count as one failure. A call that was given too little time says
    /// nothing about the store.
    fn note(&self, error: Option<&StoreError>, began_after: u32, fair: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(StoreError::Failed(failure)) if failure.class() == FailureClass::TimedOut && !fair => {}
            Some(StoreError::Failed(failure)) if failure.class().is_transport() && state.failures > began_after => {}
            Some(StoreError::Failed(failure)) if failure.class().is_transport() => {
                state.failures = state.failures.saturating_add(1);
                state.last = Some(failure.clone());
                if state.failures >= FAILURES {
                    state.open_until = Some(Instant::now() + pause(state.failures));
                }
            }
            // Whatever else it is, the store has answered.
            _ => *state = State::default(),
        }
    }
}

fn pause(failures: u32) -> Duration {
    SHORTEST.saturating_mul(1 << failures.saturating_sub(FAILURES).min(8)).min(LONGEST)
}

#[async_trait]
impl ClusterDataStore for Breaker {
    fn profile(&self) -> &str {
        self.store.profile()
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.store.capabilities()
    }

    async fn probe(&self, deadline: Deadline) -> Result<StoreCapabilities, StoreError> {
        self.through(deadline, self.store.probe(deadline)).await
    }

    async fn raise_epoch(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        holder: &str,
        deadline: Deadline,
    ) -> Result<EpochRecord, StoreError> {
        self.through(deadline, self.store.raise_epoch(group, epoch, holder, deadline)).await
    }

    async fn epoch(&self, group: &GroupPrefix, deadline: Deadline) -> Result<Option<EpochRecord>, StoreError> {
        self.through(deadline, self.store.epoch(group, deadline)).await
    }

    async fn put(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        entries: &[Entry],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        self.through(deadline, self.store.put(group, epoch, entries, deadline)).await
    }

    async fn seal(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError> {
        self.through(deadline, self.store.seal(group, epoch, deadline)).await
    }

    async fn list(&self, group: &GroupPrefix, path: &str, deadline: Deadline) -> Result<Vec<String>, StoreError> {
        self.through(deadline, self.store.list(group, path, deadline)).await
    }

    async fn get(
        &self,
        group: &GroupPrefix,
        path: &str,
        deadline: Deadline,
    ) -> Result<Option<StoredEntry>, StoreError> {
        self.through(deadline, self.store.get(group, path, deadline)).await
    }

    async fn delete(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        paths: &[String],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        self.through(deadline, self.store.delete(group, epoch, paths, deadline)).await
    }

    async fn clear(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError> {
        self.through(deadline, self.store.clear(group, epoch, deadline)).await
    }

    async fn groups(&self, deadline: Deadline) -> Result<Vec<GroupPrefix>, StoreError> {
        self.through(deadline, self.store.groups(deadline)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use ramen_core::protection::MockClusterDataStore;
    use tokio::time::advance;

    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    /// A store whose answer to `groups` is the class of the failure, or success, and which counts the calls.
    fn store(class: &Arc<Mutex<Option<FailureClass>>>) -> (Breaker, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut mock = MockClusterDataStore::new();
        mock.expect_profile().return_const("west".to_owned());
        mock.expect_groups().returning({
            let (class, calls) = (class.clone(), calls.clone());
            move |_| {
                calls.fetch_add(1, Ordering::Relaxed);
                class.lock().unwrap().map_or(Ok(Vec::new()), |c| Err(Failure::new(c, "connection refused").into()))
            }
        });
        (Breaker::new(Arc::new(mock)), calls)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_store_is_left_alone_and_comes_back_by_itself() {
        let class = Arc::new(Mutex::new(Some(FailureClass::Unreachable)));
        let (breaker, calls) = store(&class);
        for _ in 0..10 {
            assert!(breaker.groups(soon()).await.is_err());
        }
        assert_eq!(calls.load(Ordering::Relaxed), 3);
        let error = breaker.groups(soon()).await.unwrap_err().to_string();
        assert!(error.contains("west") && error.contains("connection refused"), "{error}");

        *class.lock().unwrap() = None;
        advance(SHORTEST).await;
        assert!(breaker.groups(soon()).await.is_ok());
        assert!(breaker.groups(soon()).await.is_ok());
        assert_eq!(calls.load(Ordering::Relaxed), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn while_one_call_finds_out_the_others_do_not_pile_up_and_the_pause_grows() {
        let class = Arc::new(Mutex::new(Some(FailureClass::TimedOut)));
        let (breaker, calls) = store(&class);
        for _ in 0..3 {
            assert!(breaker.groups(soon()).await.is_err());
        }
        advance(SHORTEST).await;
        for _ in 0..5 {
            assert!(breaker.groups(soon()).await.is_err());
        }
        assert_eq!(calls.load(Ordering::Relaxed), 4);
        advance(SHORTEST).await;
        assert!(breaker.groups(soon()).await.is_err());
        assert_eq!(calls.load(Ordering::Relaxed), 4, "the second pause is longer than the first");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_fail_together_or_were_given_no_time_do_not_open_it() {
        let class = Arc::new(Mutex::new(Some(FailureClass::TimedOut)));
        let (breaker, calls) = store(&class);
        for _ in 0..10 {
            assert!(breaker.groups(Deadline::after(Duration::from_millis(10))).await.is_err());
        }
        assert_eq!(calls.load(Ordering::Relaxed), 10);
        // Ten at once, all admitted before the first failed.
        let before = breaker.admit().unwrap();
        let late = StoreError::from(Failure::new(FailureClass::Unreachable, "connection refused"));
        (0..10).for_each(|_| breaker.note(Some(&late), before, true));
        assert!(breaker.groups(soon()).await.is_err());
        assert_eq!(calls.load(Ordering::Relaxed), 11);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_store_answers_never_opens_the_breaker() {
        let class = Arc::new(Mutex::new(Some(FailureClass::Forbidden)));
        let (breaker, calls) = store(&class);
        for _ in 0..10 {
            assert!(breaker.groups(soon()).await.is_err());
        }
        assert_eq!(calls.load(Ordering::Relaxed), 10);
    }
}
