//! The contract of observation.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{ClusterName, Failure, IntentId, ObjectKey, Observation, Outcome, Revision, ScopeOf};
use crate::time::Deadline;

/// Observes objects on managed clusters.
///
/// # Flow
/// 1. [`register`](Self::register) says that somebody is interested in an object: from then on the view keeps it fresh within
///    its [steady bound](ViewCapabilities::steady_within) and reports changes.
/// 2. [`read`](Self::read) answers with what is known, as fresh as the caller asks for.
/// 3. [`changes`](Self::changes) tells when another read is worth it.
/// 4. [`unregister`](Self::unregister) ends the interest; the last one out ends the view of the object.
///
/// # Guarantees
/// The numbers are those of the cases of the conformance kit.
/// - *An observation is an outcome*, never a bare object. `Found` carries the whole object (V1), is of the object that was asked
///   for (V8), and was seen no longer ago than the caller allowed (V3).
/// - *`Absent` is positive evidence* about this very object (V5, V6). Every failure has its own outcome.
/// - *Freshness is honest*: `observed_at` is the hub's time at which the read began, or the watch's last proof of being current
///   (V2); after a disconnection no read with a finite greatest age returns `Found` for longer than the
///   [detection bound](ViewCapabilities::detect_within) (V7); a failed read never yields `Found` (V9).
/// - *Read your writes*: a read that asks for a revision of an intent returns `Found` only if it was observed after that
///   revision was applied (V4).
/// - *Changes notify* within a bound (V15), at least once (V16), also when an object becomes stale or unreachable (V18) and
///   once for each view after a reconnection (V17).
/// - *Registrations are counted* per registrant (V10) and do not outlive a crashed hub for longer than
///   [declared](ViewCapabilities::collect_within) (V11).
///
/// # Assumptions
/// The hub's clock runs on; clusters' clocks may be wrong by minutes, nothing depends on them (C7).
///
/// # Caveats
/// A read may be answered from a watch. Who decides something irreversible asks for age zero: a read that begins after the
/// call. Secrets are never returned (V13), and an object larger than [declared](ViewCapabilities::max_object_bytes) is
/// `Malformed` with a cause that says so, not cut (V12).
///
/// # Errors
/// Reads have none: what went wrong is the outcome. Registrations fail as writes of the hub do.
///
/// # Example
/// ```
/// # use ramen_core::{intercluster::*, time::Deadline};
/// # use std::time::Duration;
/// # use k8s_openapi::api::core::v1::Namespace;
/// /// May the application be deployed for the first time? Only if nothing of it is there, seen just now.
/// async fn is_free(view: &dyn ClusterView, cluster: &str, namespace: &str) -> bool {
///     let key = ObjectKey::of::<Namespace>(cluster, None, namespace);
///     let seen = view.read(&key, &Freshness::live(), Deadline::after(Duration::from_secs(10))).await;
///     matches!(seen.outcome, Outcome::Absent) // not: "we could not find it"
/// }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ClusterView: Debug + Send + Sync + 'static {
    /// What this view offers and within which bounds. Constant for the life of the value.
    fn capabilities(&self) -> ViewCapabilities;

    /// What is known of the object, as fresh as asked for. Returns by the deadline.
    async fn read(&self, key: &ObjectKey, freshness: &Freshness, deadline: Deadline) -> Observation;

    /// Keeps the object observed on behalf of the registrant. Registering the same object again replaces the labels.
    async fn register(&self, registration: &Registration, deadline: Deadline) -> Result<(), Failure>;

    /// Ends the registrant's interest in the object. Ending what is not there succeeds.
    async fn unregister(&self, key: &ObjectKey, registrant: &str, deadline: Deadline) -> Result<(), Failure>;

    /// The registrations that have all of these labels, ordered by object and registrant.
    async fn registrations(
        &self,
        labels: &BTreeMap<String, String>,
        deadline: Deadline,
    ) -> Result<Vec<Registration>, Failure>;

    /// Changes of registered objects, from now on: at least once each, changes of one object may coalesce into the last one.
    /// Ends only with the view.
    fn changes(&self) -> BoxStream<'static, ViewChange>;
}

/// Interest in an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The object.
    pub key: ObjectKey,
    /// Who is interested, for example `drpc/busybox/app`.
    pub registrant: String,
    /// What [`registrations`](ClusterView::registrations) selects by.
    pub labels: BTreeMap<String, String>,
}

/// How fresh an observation must be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Freshness {
    /// Greatest age; zero: the read begins after the call; `None`: whatever is known, however old.
    pub max_age: Option<Duration>,
    /// At least this revision of this intent must have been applied before the read.
    pub after: Option<(IntentId, Revision)>,
}

impl Freshness {
    /// A read that begins after the call.
    pub fn live() -> Self {
        Self::within(Duration::ZERO)
    }

    /// No older than this.
    pub fn within(max_age: Duration) -> Self {
        Self { max_age: Some(max_age), after: None }
    }

    /// Whatever is known.
    pub fn any() -> Self {
        Self::default()
    }

    /// The same, and after this revision of the intent was applied.
    #[must_use]
    pub fn after(mut self, id: IntentId, revision: Revision) -> Self {
        self.after = Some((id, revision));
        self
    }
}

/// Something changed in what is known of a registered object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewChange {
    /// Which object.
    pub key: ObjectKey,
    /// What is known of it now, by name; read it for the rest.
    pub outcome: super::OutcomeKind,
    /// Opaque version of the object, compared for equality only; `None` unless it was found.
    pub version: Option<String>,
}

/// What a view offers, as data (C11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewCapabilities {
    /// The name under which results are published.
    pub name: String,
    /// A registered object on a reachable cluster is never older than this.
    pub steady_within: Duration,
    /// A lost cluster is noticed within this time.
    pub detect_within: Duration,
    /// A change notifies within this time.
    pub notify_within: Duration,
    /// Registrations that nobody claims after a crash are gone after this time.
    pub collect_within: Duration,
    /// Reads of age zero are possible.
    pub live_reads: bool,
    /// Changes are pushed by a watch; otherwise objects are polled.
    pub watches: bool,
    /// Largest object that can be returned, in bytes of JSON.
    pub max_object_bytes: usize,
}

/// An observation whose object is of a known type.
#[derive(Debug, Clone)]
pub struct Seen<K> {
    /// The object, if it was found.
    pub object: Option<K>,
    /// The observation; `Malformed` if an object was found that does not fit the type.
    pub observation: Observation,
}

/// Helpers for callers, on top of any view.
#[async_trait]
pub trait ClusterViewExt: ClusterView {
    /// Reads an object of a known type.
    async fn read_as<K>(
        &self,
        cluster: &ClusterName,
        namespace: Option<&str>,
        name: &str,
        freshness: &Freshness,
        deadline: Deadline,
    ) -> Seen<K>
    where
        K: kube::Resource<DynamicType = ()> + DeserializeOwned,
        K::Scope: ScopeOf,
    {
        let key = ObjectKey::of::<K>(cluster.clone(), namespace, name);
        let mut observation = self.read(&key, freshness, deadline).await;
        let parsed = observation.outcome.found().map(super::RemoteObject::parse::<K>);
        let object = match parsed {
            Some(Err(failure)) => {
                observation.outcome = Outcome::Malformed(failure.on(cluster.clone()).about(&key));
                None
            }
            parsed => parsed.and_then(Result::ok),
        };
        Seen { object, observation }
    }
}

impl<T: ClusterView + ?Sized> ClusterViewExt for T {}
