//! The shape that every decision of this library has: what is known goes in as plain data, what to do comes out as plain data.
//!
//! The rooms `hub` and `managed` fill it with their own observations and commands. A decision
//! - asks for what it [needs](Decision::needs) to know instead of reading it, so that a pass costs what its decision needs;
//! - orders its [steps](Decision::steps), each with the guard that made it legal, and the status among them where it must be
//!   durable before the next write;
//! - says what it [waits](Decision::waits) for, since when, and what helps;
//! - is total: every combination of what is known has an answer.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::intercluster::{Failure, Observation, Outcome, OutcomeKind};

/// Something that a decision may want to know, as far as it has been read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Item<T> {
    /// Nobody has looked yet. A decision that depends on it asks for it.
    #[default]
    Unread,
    /// Somebody looked.
    Read(T),
}

impl<T> Item<T> {
    /// What was read.
    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Unread => None,
            Self::Read(value) => Some(value),
        }
    }

    /// Whether nobody has looked yet.
    pub fn is_unread(&self) -> bool {
        matches!(self, Self::Unread)
    }
}

/// What is known of an object of a known type: [`Outcome`] after parsing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Sight<T> {
    /// It exists.
    Found(T),
    /// It does not exist: positive evidence.
    Absent,
    /// Its kind does not exist there: confirms a deletion, and nothing else.
    KindAbsent,
    /// It was never observed, or not since what was asked for was applied.
    Pending,
    /// What was seen too long ago; `None` if it was absent then.
    Stale(Option<T>),
    /// It could not be found out. Never means absent.
    Failed(Failure),
}

impl<T> Sight<T> {
    /// The object, if it was found and is not stale.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found(object) => Some(object),
            _ => None,
        }
    }

    /// Whether the cluster answered the question: the object was found, or proven to be absent.
    pub fn is_answered(&self) -> bool {
        matches!(self, Self::Found(_) | Self::Absent)
    }

    /// Which of the outcomes it is.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Found(_) => OutcomeKind::Found,
            Self::Absent => OutcomeKind::Absent,
            Self::KindAbsent => OutcomeKind::KindAbsent,
            Self::Pending => OutcomeKind::Pending,
            Self::Stale(_) => OutcomeKind::Stale,
            Self::Failed(failure) => Outcome::from(failure.clone()).kind(),
        }
    }

    /// Why nothing can be said about the object, in words; `None` if the question was answered.
    pub fn unknown(&self) -> Option<String> {
        match self {
            Self::Found(_) | Self::Absent => None,
            Self::KindAbsent => Some("its kind is not installed there".into()),
            Self::Pending => Some("it has not been observed yet".into()),
            Self::Stale(_) => Some("what was observed of it is too old".into()),
            Self::Failed(failure) => Some(failure.to_string()),
        }
    }

    /// The same about a part of the object, or another form of it.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Sight<U> {
        match self {
            Self::Found(object) => Sight::Found(f(object)),
            Self::Absent => Sight::Absent,
            Self::KindAbsent => Sight::KindAbsent,
            Self::Pending => Sight::Pending,
            Self::Stale(object) => Sight::Stale(object.map(f)),
            Self::Failed(failure) => Sight::Failed(failure),
        }
    }
}

/// How old an observation is. Decisions compare classes, not instants, so that the states they distinguish are finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Age {
    /// The read began after this pass did.
    Live,
    /// Within the bound that the view declares for its steady state.
    Fresh,
    /// Older.
    Old,
}

/// An object on a cluster, as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen<T> {
    /// What was seen.
    pub sight: Sight<T>,
    /// How long ago.
    pub age: Age,
}

impl<T> Seen<T> {
    /// The object, if it was found.
    pub fn found(&self) -> Option<&T> {
        self.sight.found()
    }
}

impl<T: serde::de::DeserializeOwned> Seen<T> {
    /// A typed form of an observation; an object that does not fit its type is a failure that names the field.
    pub fn of(observation: &Observation, age: Age) -> Self {
        let parse = |object: &crate::intercluster::RemoteObject| {
            let about = |f: Failure| f.on(observation.key.cluster.clone()).about(&observation.key);
            object.parse::<T>().map_err(about)
        };
        let sight = match &observation.outcome {
            Outcome::Found(object) => parse(object).map_or_else(Sight::Failed, Sight::Found),
            Outcome::Absent => Sight::Absent,
            Outcome::KindAbsent => Sight::KindAbsent,
            Outcome::Pending => Sight::Pending,
            Outcome::Stale(last) => Sight::Stale(last.as_ref().and_then(|object| parse(object).ok())),
            Outcome::Unreachable(f)
            | Outcome::TimedOut(f)
            | Outcome::Forbidden(f)
            | Outcome::Unauthenticated(f)
            | Outcome::Throttled(f)
            | Outcome::Malformed(f)
            | Outcome::UnknownCluster(f)
            | Outcome::Cancelled(f) => Sight::Failed(f.clone()),
        };
        Self { sight, age }
    }
}

/// What a decision has to say. `N` is what can be asked for, `C` what can be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision<N, C> {
    /// What must be read before more can be said. If there is any, nothing else of the decision is carried out.
    pub needs: Vec<N>,
    /// What to do, in this order; the first one that fails ends the pass.
    pub steps: Vec<Step<C>>,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// Why, sentence by sentence, for a person.
    pub explanation: Vec<String>,
}

impl<N, C> Default for Decision<N, C> {
    fn default() -> Self {
        Self { needs: Vec::new(), steps: Vec::new(), waits: Vec::new(), explanation: Vec::new() }
    }
}

impl<N, C> Decision<N, C> {
    /// A decision that cannot be made before these were read.
    pub fn need(needs: impl IntoIterator<Item = N>) -> Self {
        Self { needs: needs.into_iter().collect(), ..Self::default() }
    }

    /// Adds a step and the guard that makes it legal.
    pub fn step(&mut self, command: C, guard: impl Into<String>) {
        self.steps.push(Step { command, guard: guard.into() });
    }

    /// Adds a sentence to the explanation.
    pub fn because(&mut self, sentence: impl Into<String>) {
        self.explanation.push(sentence.into());
    }

    /// After how long to look again if no event comes; `None` if nothing is waited for.
    pub fn look_again(&self) -> Option<Duration> {
        self.waits.iter().map(|w| w.fallback).min()
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step<C> {
    /// What.
    pub command: C,
    /// What makes it legal now, in words; shown in plans.
    pub guard: String,
}

/// Something that a decision waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// What must come, as a clause: `VolumeReplicationGroup app/busybox on cluster dr2 to become Primary`.
    pub what: String,
    /// What helps if it does not come.
    pub remedy: String,
    /// Since when it is waited for, where that is on record.
    pub since: Option<Timestamp>,
    /// When to look again although no event came.
    pub fallback: Duration,
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Namespace;
    use serde_json::json;

    use super::*;
    use crate::intercluster::{FailureClass, ObjectKey, RemoteObject, Source};

    fn seen(outcome: Outcome) -> Seen<Namespace> {
        let key = ObjectKey::of::<Namespace>("dr1", None, "app");
        Seen::of(&Observation { key, outcome, observed_at: None, source: Source::Live }, Age::Live)
    }

    #[test]
    fn every_outcome_keeps_its_meaning_when_it_is_typed() {
        let failed = |class| Outcome::from(Failure::new(class, "cause"));
        for outcome in [
            Outcome::Found(RemoteObject::new(json!({"metadata": {"name": "app"}}))),
            Outcome::Absent,
            Outcome::KindAbsent,
            Outcome::Pending,
            Outcome::Stale(Some(RemoteObject::new(json!({"metadata": {"name": "app"}})))),
            failed(FailureClass::Unreachable),
            failed(FailureClass::TimedOut),
            failed(FailureClass::Forbidden),
            failed(FailureClass::Unauthenticated),
            failed(FailureClass::Throttled),
            failed(FailureClass::Malformed),
            failed(FailureClass::UnknownCluster),
            failed(FailureClass::Cancelled),
        ] {
            let seen = seen(outcome.clone());
            assert_eq!(seen.sight.kind(), outcome.kind());
            assert_eq!(seen.sight.is_answered(), outcome.is_answered());
            assert_eq!(seen.sight.unknown().is_none(), outcome.is_answered());
        }
    }

    #[test]
    fn an_object_that_does_not_fit_its_type_is_a_failure_and_not_absent() {
        let odd = seen(Outcome::Found(RemoteObject::new(json!({"metadata": {"name": 7}}))));
        let Sight::Failed(failure) = odd.sight else { panic!("{odd:?}") };
        assert_eq!(failure.class(), FailureClass::Malformed);
        assert!(failure.to_string().contains("Namespace app on cluster dr1"), "{failure}");
    }
}
