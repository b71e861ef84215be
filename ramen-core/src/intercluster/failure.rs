//! Why something across clusters could not be done, and what helps.

use std::{error::Error, fmt};

use serde::{Deserialize, Serialize};

use super::{ClusterName, redact::redact};

/// The closed list of reasons for which a call across clusters fails.
///
/// Decisions branch on the class, never on text. Implementors map whatever their stack reports to exactly one class; when
/// in doubt between a claim about the object and a claim about the path to it, the claim about the path is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FailureClass {
    /// The cluster, hub or store cannot be reached: its liveness is lost.
    Unreachable,
    /// No answer came by the deadline on a connection that is not known to be dead.
    TimedOut,
    /// The credentials are valid and do not suffice.
    Forbidden,
    /// The credentials are missing, expired or revoked.
    Unauthenticated,
    /// The other side, or a bound of our own, asks to come back later.
    Throttled,
    /// An answer or an input that cannot be understood.
    Malformed,
    /// No such cluster is known, or the endpoint leads to another cluster than the one expected.
    UnknownCluster,
    /// The caller gave up. A cancelled write is wholly recorded or not at all.
    Cancelled,
    /// The precondition does not hold (an outdated revision, an object that exists or is gone), or another writer holds
    /// what was to be written.
    Conflict,
    /// Something that must come first is missing on the cluster: a namespace, a CustomResourceDefinition.
    Prerequisite,
    /// The object exists and belongs to somebody else.
    Ownership,
    /// The object, its size or its name was refused for what it is: repeating the call changes nothing.
    Invalid,
    /// The implementation does not offer this; its declared capabilities say so too.
    Unsupported,
}

impl FailureClass {
    /// All classes.
    pub const ALL: [Self; 13] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Forbidden,
        Self::Unauthenticated,
        Self::Throttled,
        Self::Malformed,
        Self::UnknownCluster,
        Self::Cancelled,
        Self::Conflict,
        Self::Prerequisite,
        Self::Ownership,
        Self::Invalid,
        Self::Unsupported,
    ];

    /// When a repetition of the call can help.
    pub fn retry(self) -> Retry {
        match self {
            Self::Unreachable | Self::TimedOut | Self::Throttled | Self::Cancelled => Retry::Backoff,
            Self::Forbidden | Self::Unauthenticated | Self::Prerequisite => Retry::Slow,
            Self::Conflict => Retry::AfterReread,
            Self::Malformed | Self::UnknownCluster | Self::Ownership | Self::Invalid => Retry::OnChange,
            Self::Unsupported => Retry::Never,
        }
    }

    /// Whether the failure lies in the path to the cluster (a breaker counts it), not in what was asked of it.
    pub fn is_transport(self) -> bool {
        matches!(self, Self::Unreachable | Self::TimedOut)
    }

    /// What the class means, as the verb of a sentence about a cluster or object.
    fn verb(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be reached",
            Self::TimedOut => "did not answer in time",
            Self::Forbidden => "refused the request for lack of rights",
            Self::Unauthenticated => "did not accept the credentials",
            Self::Throttled => "asked to slow down",
            Self::Malformed => "could not be understood",
            Self::UnknownCluster => "is not a known cluster",
            Self::Cancelled => "was given up by the caller",
            Self::Conflict => "was changed by another writer",
            Self::Prerequisite => "lacks something that must exist first",
            Self::Ownership => "belongs to another owner",
            Self::Invalid => "was refused as invalid",
            Self::Unsupported => "is not supported here",
        }
    }

    fn default_remedy(self) -> &'static str {
        match self {
            Self::Unreachable => "check that the cluster runs and that the network between it and the hub is open",
            Self::TimedOut => "check the load of the API server and the network to it",
            Self::Forbidden => "grant the missing right to the identity that the hub uses on this cluster",
            Self::Unauthenticated => "renew the credentials in the cluster's kubeconfig",
            Self::Throttled => "none needed: the call is repeated with a growing delay",
            Self::Malformed => "correct the named object or the software that wrote it",
            Self::UnknownCluster => "register the cluster, or correct the kubeconfig that leads to another one",
            Self::Cancelled => "none needed: the call is repeated if it is still wanted",
            Self::Conflict => "none needed: the object is read again before the next attempt",
            Self::Prerequisite => "create the missing namespace or install the missing CustomResourceDefinition",
            Self::Ownership => "remove the object, or hand it over by its ownership label",
            Self::Invalid => "correct the object as the cause says",
            Self::Unsupported => "use an implementation that declares the capability",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Retry {
    /// Soon, with a delay that grows.
    Backoff,
    /// Rarely (minutes): it takes an operator, and nothing tells when it is mended.
    Slow,
    /// At once, after what changed was read again.
    AfterReread,
    /// Only once the input, the configuration or the object changes.
    OnChange,
    /// Never: the answer cannot become another one.
    Never,
}

/// A failed call: which cluster, which object, what class of failure, the cause, the remedy and whether a retry can help.
///
/// `Display` reads as a sentence. Credentials never appear: cause and remedy are [redacted](super::redact()) as they come in,
/// and no source error is kept that could print them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure(Box<Fields>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fields {
    class: FailureClass,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster: Option<ClusterName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Failure {
    /// A failure of this class with this cause (a clause without a final stop).
    pub fn new(class: FailureClass, cause: impl fmt::Display) -> Self {
        let cause = redact(&cause.to_string());
        Self(Box::new(Fields { class, cluster: None, object: None, cause, remedy: None }))
    }

    /// Names the cluster.
    #[must_use]
    pub fn on(mut self, cluster: impl Into<ClusterName>) -> Self {
        self.0.cluster = Some(cluster.into());
        self
    }

    /// Names the object: a [key](super::ObjectKey), an intent, or a description such as `Secret ops/dr1, key kubeconfig`.
    #[must_use]
    pub fn about(mut self, object: impl fmt::Display) -> Self {
        self.0.object = Some(redact(&object.to_string()));
        self
    }

    /// Says what helps, where that is known better than by the class alone.
    #[must_use]
    pub fn remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.0.remedy = Some(redact(&remedy.to_string()));
        self
    }

    /// The class.
    pub fn class(&self) -> FailureClass {
        self.0.class
    }

    /// The cluster, if the failure concerns one.
    pub fn cluster(&self) -> Option<&ClusterName> {
        self.0.cluster.as_ref()
    }

    /// The object, in words.
    pub fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// What went wrong.
    pub fn cause(&self) -> &str {
        &self.0.cause
    }

    /// What the operator can do about it.
    pub fn what_helps(&self) -> &str {
        self.0.remedy.as_deref().unwrap_or_else(|| self.0.class.default_remedy())
    }

    /// When a retry can help.
    pub fn retry(&self) -> Retry {
        self.0.class.retry()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fields { class, cluster, object, cause, .. } = &*self.0;
        match (object, cluster) {
            (Some(object), Some(cluster)) if object.contains(cluster.as_str()) => write!(f, "{object}")?,
            (Some(object), Some(cluster)) => write!(f, "{object} on cluster {cluster}")?,
            (Some(object), None) => write!(f, "{object}")?,
            (None, Some(cluster)) => write!(f, "cluster {cluster}")?,
            (None, None) => write!(f, "the request")?,
        }
        write!(f, " {}: {cause} (remedy: {})", class.verb(), self.what_helps())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({:?}: {self})", self.0.class)
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_as_a_sentence_that_names_cluster_object_cause_and_remedy() {
        let failure = Failure::new(FailureClass::Forbidden, "namespaces is forbidden: cannot patch resource")
            .on("dr2")
            .about("Namespace busybox");
        assert_eq!(
            failure.to_string(),
            "Namespace busybox on cluster dr2 refused the request for lack of rights: namespaces is forbidden: cannot patch \
             resource (remedy: grant the missing right to the identity that the hub uses on this cluster)"
        );
    }

    #[test]
    fn every_class_says_when_a_retry_helps_and_what_to_do() {
        for class in FailureClass::ALL {
            let failure = Failure::new(class, "cause").on("dr1");
            assert!(!failure.what_helps().is_empty());
            assert_eq!(failure.retry() == Retry::Never, class == FailureClass::Unsupported, "{class}");
        }
    }

    #[test]
    fn credentials_in_cause_object_or_remedy_never_appear() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyYW1lbiJ9.c2lnbmF0dXJl";
        let failure = Failure::new(FailureClass::Unauthenticated, format!("bearer {token} was refused"))
            .about(format!("https://admin:{token}@dr1:6443"))
            .remedy(format!("replace token: {token}"));
        let stored = serde_json::to_string(&failure).unwrap();
        for shown in [failure.to_string(), format!("{failure:?}"), format!("{failure:#?}"), stored] {
            assert!(!shown.contains("c2lnbmF0dXJl"), "{shown}");
        }
    }
}
