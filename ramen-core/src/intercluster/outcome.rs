//! What an observation can be. Never a bare object.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;

use super::{Failure, FailureClass, ObjectKey};

/// An object as a cluster returned it: every field, also those that this library has no type for.
///
/// Cheap to clone; the content is shared and never changes.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(from = "Value")]
pub struct RemoteObject(Arc<Value>);

impl From<Value> for RemoteObject {
    fn from(object: Value) -> Self {
        Self::new(object)
    }
}

impl Serialize for RemoteObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl RemoteObject {
    /// Wraps the JSON of a whole object.
    pub fn new(object: Value) -> Self {
        Self(Arc::new(object))
    }

    /// The whole object.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// The object as a type; a failure names the field that does not fit.
    pub fn parse<K: DeserializeOwned>(&self) -> Result<K, Failure> {
        serde_path_to_error::deserialize(&*self.0)
            .map_err(|e| Failure::new(FailureClass::Malformed, format!("field {}: {}", e.path(), e.inner())))
    }

    /// `metadata.uid`: tells an object from a later one of the same name.
    pub fn uid(&self) -> Option<&str> {
        self.0.pointer("/metadata/uid")?.as_str()
    }

    /// `metadata.resourceVersion`: opaque, compared for equality only.
    pub fn version(&self) -> Option<&str> {
        self.0.pointer("/metadata/resourceVersion")?.as_str()
    }

    /// `metadata.generation`.
    pub fn generation(&self) -> Option<i64> {
        self.0.pointer("/metadata/generation")?.as_i64()
    }

    /// `status.observedGeneration`, of the same read as [`generation`](Self::generation).
    pub fn observed_generation(&self) -> Option<i64> {
        self.0.pointer("/status/observedGeneration")?.as_i64()
    }

    /// Whether the object is being deleted.
    pub fn is_deleting(&self) -> bool {
        self.0.pointer("/metadata/deletionTimestamp").is_some_and(|t| !t.is_null())
    }
}

impl fmt::Debug for RemoteObject {
    /// Identity only: contents may be large, and may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RemoteObject(uid {:?}, version {:?}, generation {:?})",
            self.uid(),
            self.version(),
            self.generation()
        )
    }
}

/// What is known of an object on a cluster. The list is closed.
///
/// Only `Found` and `Absent` say something about the object, and only what was true when it was observed. `Absent` needs
/// positive evidence: the right, authenticated API server answered about this very object. A timeout, a 404 that does not
/// name the object, an empty cache and an ended watch are no evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The object exists.
    Found(RemoteObject),
    /// The object does not exist.
    Absent,
    /// The cluster does not know the kind: its CustomResourceDefinition is missing. The object cannot exist, which counts as
    /// the confirmation of a deletion and as nothing else.
    KindAbsent,
    /// Never observed yet, or not since the intent that the caller asked for was applied.
    Pending,
    /// Observed before the age that the caller asked for; what was seen then, `None` if the object was absent then.
    Stale(Option<RemoteObject>),
    /// The cluster's liveness is lost.
    Unreachable(Failure),
    /// No answer by the deadline on a live connection.
    TimedOut(Failure),
    /// The right to read the object is missing.
    Forbidden(Failure),
    /// The credentials were not accepted.
    Unauthenticated(Failure),
    /// Reads are being held back.
    Throttled(Failure),
    /// The answer could not be understood, or was about another object.
    Malformed(Failure),
    /// No such cluster, or its endpoint leads to another cluster.
    UnknownCluster(Failure),
    /// The caller gave up.
    Cancelled(Failure),
}

/// The outcomes by name, without what they carry: what tables branch on and metrics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OutcomeKind {
    /// See [`Outcome::Found`].
    Found,
    /// See [`Outcome::Absent`].
    Absent,
    /// See [`Outcome::KindAbsent`].
    KindAbsent,
    /// See [`Outcome::Pending`].
    Pending,
    /// See [`Outcome::Stale`].
    Stale,
    /// See [`Outcome::Unreachable`].
    Unreachable,
    /// See [`Outcome::TimedOut`].
    TimedOut,
    /// See [`Outcome::Forbidden`].
    Forbidden,
    /// See [`Outcome::Unauthenticated`].
    Unauthenticated,
    /// See [`Outcome::Throttled`].
    Throttled,
    /// See [`Outcome::Malformed`].
    Malformed,
    /// See [`Outcome::UnknownCluster`].
    UnknownCluster,
    /// See [`Outcome::Cancelled`].
    Cancelled,
}

impl OutcomeKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Found,
        Self::Absent,
        Self::KindAbsent,
        Self::Pending,
        Self::Stale,
        Self::Unreachable,
        Self::TimedOut,
        Self::Forbidden,
        Self::Unauthenticated,
        Self::Throttled,
        Self::Malformed,
        Self::UnknownCluster,
        Self::Cancelled,
    ];
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Outcome {
    /// Which of the outcomes it is.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Found(_) => OutcomeKind::Found,
            Self::Absent => OutcomeKind::Absent,
            Self::KindAbsent => OutcomeKind::KindAbsent,
            Self::Pending => OutcomeKind::Pending,
            Self::Stale(_) => OutcomeKind::Stale,
            Self::Unreachable(_) => OutcomeKind::Unreachable,
            Self::TimedOut(_) => OutcomeKind::TimedOut,
            Self::Forbidden(_) => OutcomeKind::Forbidden,
            Self::Unauthenticated(_) => OutcomeKind::Unauthenticated,
            Self::Throttled(_) => OutcomeKind::Throttled,
            Self::Malformed(_) => OutcomeKind::Malformed,
            Self::UnknownCluster(_) => OutcomeKind::UnknownCluster,
            Self::Cancelled(_) => OutcomeKind::Cancelled,
        }
    }

    /// The object, if it was found (not if what is known of it is stale).
    pub fn found(&self) -> Option<&RemoteObject> {
        match self {
            Self::Found(object) => Some(object),
            _ => None,
        }
    }

    /// Whether the cluster answered the question: `Found` or `Absent`.
    pub fn is_answered(&self) -> bool {
        matches!(self, Self::Found(_) | Self::Absent)
    }

    /// The failure, for the outcomes that are one.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Found(_) | Self::Absent | Self::KindAbsent | Self::Pending | Self::Stale(_) => None,
            Self::Unreachable(f)
            | Self::TimedOut(f)
            | Self::Forbidden(f)
            | Self::Unauthenticated(f)
            | Self::Throttled(f)
            | Self::Malformed(f)
            | Self::UnknownCluster(f)
            | Self::Cancelled(f) => Some(f),
        }
    }
}

impl From<Failure> for Outcome {
    /// The outcome of a read that failed. Classes that only writes have mean that the answer made no sense;
    /// `KindAbsent` is a finding, which the reader of the cluster states itself.
    fn from(failure: Failure) -> Self {
        match failure.class() {
            FailureClass::Unreachable => Self::Unreachable(failure),
            FailureClass::TimedOut => Self::TimedOut(failure),
            FailureClass::Forbidden => Self::Forbidden(failure),
            FailureClass::Unauthenticated => Self::Unauthenticated(failure),
            FailureClass::Throttled => Self::Throttled(failure),
            FailureClass::UnknownCluster => Self::UnknownCluster(failure),
            FailureClass::Cancelled => Self::Cancelled(failure),
            FailureClass::Malformed
            | FailureClass::Prerequisite
            | FailureClass::Conflict
            | FailureClass::Ownership
            | FailureClass::Invalid
            | FailureClass::Unsupported => Self::Malformed(failure),
        }
    }
}

/// Where an observation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A read that began after the call.
    Live,
    /// A watch, current as of `observed_at`.
    Watch,
    /// A report that an agent wrote.
    Report,
    /// Nothing was read: the outcome follows from what is known of the path.
    Path,
}

/// What was seen of one object, when and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Which object.
    pub key: ObjectKey,
    /// What was seen.
    pub outcome: Outcome,
    /// Hub time at which the read began, or of the watch's last proof of being current. `None` if nothing was ever seen.
    pub observed_at: Option<Timestamp>,
    /// How it was seen.
    pub source: Source,
}

impl Observation {
    /// An observation that failed before anything could be seen.
    pub fn failed(key: ObjectKey, failure: Failure) -> Self {
        Self { key, outcome: failure.into(), observed_at: None, source: Source::Path }
    }

    /// How old the observation is at `now`; `None` if nothing was ever seen. An observation from the future (the clock went
    /// back) is of age zero.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let seen = self.observed_at?;
        Some(Duration::try_from(now.duration_since(seen)).unwrap_or(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_failure_ever_becomes_absent() {
        for class in FailureClass::ALL {
            let outcome = Outcome::from(Failure::new(class, "cause"));
            assert_ne!(outcome.kind(), OutcomeKind::Absent, "{class}");
            assert!(!outcome.is_answered(), "{class}");
        }
    }

    #[test]
    fn what_is_stale_is_not_found() {
        let object = RemoteObject::new(json!({"metadata": {"uid": "u"}}));
        assert_eq!(Outcome::Stale(Some(object)).found(), None);
    }

    #[test]
    fn an_object_that_does_not_fit_its_type_is_malformed_and_names_the_field() {
        let object = RemoteObject::new(json!({"metadata": {"name": "data"}, "spec": {"volumeName": 7}}));
        let failure = object.parse::<k8s_openapi::api::core::v1::PersistentVolumeClaim>().unwrap_err();
        assert_eq!(failure.class(), FailureClass::Malformed);
        assert!(failure.cause().contains("spec"), "{failure}");
    }

    #[test]
    fn an_observation_survives_being_recorded() {
        let key = ObjectKey::of::<k8s_openapi::api::core::v1::Namespace>("dr1", None, "app");
        for outcome in [
            Outcome::Found(RemoteObject::new(json!({"metadata": {"uid": "u"}, "unknown": [1, null]}))),
            Outcome::Absent,
            Outcome::Stale(None),
            Outcome::from(Failure::new(FailureClass::TimedOut, "no answer").on("dr1")),
        ] {
            let seen = Observation {
                key: key.clone(),
                outcome,
                observed_at: Some(Timestamp::UNIX_EPOCH),
                source: Source::Live,
            };
            let text = serde_json::to_string(&seen).unwrap();
            assert_eq!(serde_json::from_str::<Observation>(&text).unwrap(), seen);
        }
    }
}
