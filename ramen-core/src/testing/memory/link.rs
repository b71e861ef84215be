//! The way from the hub side to one cluster, and what can go wrong on it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::cluster::{ApiError, Cluster};
use crate::{
    intercluster::{ClusterName, Failure, FailureClass, ObjectKey, ResourceType},
    testing::conformance::{Fault, Verb},
    time::Clock,
};

/// No answer for this long is a timeout.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Name of the ClusterRole that carries the right to delete, on a cluster that ever had it.
pub(super) const RIGHTS: &str = "in-memory-transport";

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    Delete,
}

#[derive(Debug)]
pub(crate) struct Link {
    name: ClusterName,
    clock: Arc<dyn Clock>,
    own: Arc<Cluster>,
    state: Mutex<LinkState>,
}

#[derive(Debug, Default)]
struct LinkState {
    faults: Vec<Fault>,
    elsewhere: Option<Arc<Cluster>>,
    attempts: Vec<Timestamp>,
    had_rights: bool,
}

impl Link {
    pub(crate) fn new(name: ClusterName, own: Arc<Cluster>, clock: Arc<dyn Clock>) -> Self {
        Self { name, clock, own, state: Mutex::default() }
    }

    /// The cluster that is meant, whatever is wrong with the way to it.
    pub(crate) fn own(&self) -> &Arc<Cluster> {
        &self.own
    }

    pub(crate) fn inflict(&self, fault: Fault, elsewhere: Option<Arc<Cluster>>) {
        if let Fault::ClockOff(seconds) = fault {
            self.own.set_clock_off(seconds);
        }
        let mut state = self.state();
        state.faults.push(fault);
        state.elsewhere = elsewhere.or(state.elsewhere.take());
    }

    pub(crate) fn heal(&self) {
        self.own.set_clock_off(0);
        let mut state = self.state();
        state.faults.clear();
        state.elsewhere = None;
    }

    pub(crate) fn attempts(&self) -> Vec<Timestamp> {
        self.state().attempts.clone()
    }

    /// A request: what `action` answers, or how the way to it failed. An action whose answer comes too late still happens.
    pub(crate) async fn call<T, F>(&self, access: Access, resource: &ResourceType, action: F) -> Result<T, CallError>
    where
        T: Send + 'static,
        F: Fn(&Cluster) -> Result<T, ApiError> + Send + Sync + 'static,
    {
        let (faults, cluster) = {
            let mut state = self.state();
            state.attempts.push(self.clock.now());
            (state.faults.clone(), state.elsewhere.clone().unwrap_or_else(|| self.own.clone()))
        };
        let lost_rights = self.lost_its_rights(&cluster);
        let mut delay = Duration::ZERO;
        let mut repeated = false;
        for fault in &faults {
            match fault {
                Fault::Stopped => return Err(self.broken(FailureClass::Unreachable, "connection refused")),
                Fault::Cut => {
                    tokio::time::sleep(ANSWER_WITHIN).await;
                    return Err(self.broken(FailureClass::TimedOut, "no answer within 5 s"));
                }
                Fault::Slow(by) => delay += *by,
                Fault::CredentialsRevoked => {
                    return Err(self.broken(FailureClass::Unauthenticated, "the token is not accepted"));
                }
                Fault::Forbidden(verb, of) if of == resource && matches_verb(*verb, access) => {
                    let cause = format!("{} is forbidden: cannot {verb:?}", of.plural);
                    return Err(self.broken(FailureClass::Forbidden, &cause));
                }
                Fault::ForeignNotFound => {
                    return Err(self.broken(FailureClass::Malformed, "a 404 without a Kubernetes Status"));
                }
                Fault::NotFoundOfAnother if access == Access::Read => {
                    return Err(CallError::Api(ApiError::NotFound { name: "another-object".into() }));
                }
                Fault::RepeatsWrites => repeated = access != Access::Read,
                _ => {}
            }
        }
        if access == Access::Delete && lost_rights && resource.kind != "ClusterRole" {
            return Err(self.broken(FailureClass::Forbidden, "the role with the right to delete is gone"));
        }
        let action = Arc::new(action);
        if repeated {
            let (cluster, action) = (cluster.clone(), action.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(30)).await;
                let _ = action(&cluster);
            });
        }
        if delay.is_zero() {
            return action(&cluster).map_err(CallError::Api);
        }
        // The request travels for the first half of the delay, its answer for the second.
        let answer = tokio::spawn(async move {
            tokio::time::sleep(delay / 2).await;
            let answer = action(&cluster);
            tokio::time::sleep(delay / 2).await;
            answer
        });
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(answer)) => answer.map_err(CallError::Api),
            _ => Err(self.broken(FailureClass::TimedOut, "no answer within 5 s")),
        }
    }

    fn lost_its_rights(&self, cluster: &Cluster) -> bool {
        let role = ResourceType::of::<k8s_openapi::api::rbac::v1::ClusterRole>();
        let held = cluster.get(&ObjectKey::new(self.name.clone(), role, None, RIGHTS)).is_ok();
        let mut state = self.state();
        state.had_rights |= held;
        state.had_rights && !held
    }

    fn broken(&self, class: FailureClass, cause: &str) -> CallError {
        CallError::Way(Failure::new(class, cause).on(self.name.clone()))
    }

    fn state(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matches_verb(verb: Verb, access: Access) -> bool {
    matches!((verb, access), (Verb::Read, Access::Read) | (Verb::Delete, Access::Delete))
}

/// How a request failed.
#[derive(Debug, Clone)]
pub(crate) enum CallError {
    /// The right API server answered, with a refusal.
    Api(ApiError),
    /// Something on the way to it.
    Way(Failure),
}
