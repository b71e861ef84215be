//! What the hub may know when it decides about one application.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::{Deserialize, Serialize};

use crate::{
    api::{DRCluster, DRPlacementControl, DRPolicy, VolumeReplicationGroup},
    decision::{Age, Item, Seen, Sight},
    intercluster::{ClusterName, Failure, IntentRecord, PlacementState},
    protection::cluster_data::Epoch,
};

/// Everything that [`decide`](super::decide) may look at. Plain data: it can be recorded, sent and decided upon elsewhere.
///
/// The DRPlacementControl is read uncached; the rest is read when a decision [asks](Need) for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Time of the pass. Written into the status; compared with nothing.
    pub now: Timestamp,
    /// The application.
    pub drpc: DRPlacementControl,
    /// What of the configuration matters here; a failure says why it cannot be used.
    pub config: Item<Result<Settings, Failure>>,
    /// The policy that the application names.
    pub policy: Item<Sight<DRPolicy>>,
    /// The placement that the application names. `Prerequisite`: there is none.
    pub placement: Item<Result<PlacementState, Failure>>,
    /// Namespace into which a GitOps controller deploys the placement's application, where one says so (the destination of
    /// an ApplicationSet). `None`: nobody does, it is the placement's own.
    pub destination_namespace: Item<Result<Option<String>, Failure>>,
    /// The other applications that may want the same volumes or the same placement.
    pub neighbours: Item<Result<Vec<Neighbour>, Failure>>,
    /// What the stores of cluster data hold of the application.
    pub stored: Item<Vec<Stored>>,
    /// The clusters, by name. One that is missing here has not been looked at.
    pub clusters: BTreeMap<ClusterName, ClusterFacts>,
}

/// What of RamenConfig decides about an application.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Namespace of applications that span namespaces; empty: none.
    pub ramen_ops_namespace: String,
}

/// What is known of an application on one cluster.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClusterFacts {
    /// The cluster's DRCluster on the hub.
    pub drcluster: Item<Sight<DRCluster>>,
    /// The VolumeReplicationGroup, as seen on the cluster.
    pub vrg: Item<Seen<VolumeReplicationGroup>>,
    /// What was asked for: the record of the VolumeReplicationGroup on the hub.
    pub vrg_intent: Item<Result<Option<IntentRecord>, Failure>>,
    /// What was asked for: the record of the application's namespace on the hub.
    pub namespace_intent: Item<Result<Option<IntentRecord>, Failure>>,
}

/// Another DRPlacementControl, as far as it can be in the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// When it was created: of two that collide the older one goes on.
    pub created_at: Option<Timestamp>,
    /// Namespace of its volumes.
    pub vrg_namespace: String,
    /// Which PVCs it protects.
    pub pvc_selector: LabelSelector,
    /// Name of its placement, which is in its namespace.
    pub placement: String,
    /// Clusters of its policy.
    pub clusters: Vec<ClusterName>,
}

/// What one store of cluster data says of the application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Profile of the store.
    pub profile: String,
    /// What it holds; a failure is no answer, never an empty store.
    pub content: Result<StoredGroup, Failure>,
}

/// What a store that answered holds of the application.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StoredGroup {
    /// The newest epoch recorded there, tombstones included; [`Epoch::NONE`] if there is none.
    pub epoch: Epoch,
    /// The VolumeReplicationGroup of the primary that stored last; `None` if there is none that counts.
    pub vrg: Option<VolumeReplicationGroup>,
}

/// Something to read before more can be said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// What.
    pub key: NeedKey,
    /// How old it may be. What is older is given as [`Sight::Stale`].
    pub greatest_age: Age,
}

/// What can be asked for; each is the field of [`Observation`] or [`ClusterFacts`] of that name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NeedKey {
    /// [`Observation::config`].
    Config,
    /// [`Observation::policy`].
    Policy,
    /// [`Observation::placement`].
    Placement,
    /// [`Observation::destination_namespace`].
    DestinationNamespace,
    /// [`Observation::neighbours`].
    Neighbours,
    /// [`Observation::stored`].
    Stored,
    /// [`ClusterFacts::drcluster`].
    DRCluster(ClusterName),
    /// [`ClusterFacts::vrg`]. Who asks is interested in it from then on: changes of it are to wake the application.
    Vrg(ClusterName),
    /// [`ClusterFacts::vrg_intent`].
    VrgIntent(ClusterName),
    /// [`ClusterFacts::namespace_intent`].
    NamespaceIntent(ClusterName),
}

impl Observation {
    /// An observation of an application of which nothing else has been read.
    pub fn new(now: Timestamp, drpc: DRPlacementControl) -> Self {
        Self {
            now,
            drpc,
            config: Item::Unread,
            policy: Item::Unread,
            placement: Item::Unread,
            destination_namespace: Item::Unread,
            neighbours: Item::Unread,
            stored: Item::Unread,
            clusters: BTreeMap::new(),
        }
    }

    /// Whether it says what is needed. An outcome without an answer counts: asking again in the same pass does not help.
    pub fn satisfies(&self, need: &Need) -> bool {
        let facts = |cluster: &ClusterName| self.clusters.get(cluster);
        match &need.key {
            NeedKey::Config => !self.config.is_unread(),
            NeedKey::Policy => !self.policy.is_unread(),
            NeedKey::Placement => !self.placement.is_unread(),
            NeedKey::DestinationNamespace => !self.destination_namespace.is_unread(),
            NeedKey::Neighbours => !self.neighbours.is_unread(),
            NeedKey::Stored => !self.stored.is_unread(),
            NeedKey::DRCluster(c) => facts(c).is_some_and(|f| !f.drcluster.is_unread()),
            NeedKey::VrgIntent(c) => facts(c).is_some_and(|f| !f.vrg_intent.is_unread()),
            NeedKey::NamespaceIntent(c) => facts(c).is_some_and(|f| !f.namespace_intent.is_unread()),
            NeedKey::Vrg(c) => facts(c)
                .and_then(|f| f.vrg.read())
                .is_some_and(|seen| !seen.sight.is_answered() || seen.age <= need.greatest_age),
        }
    }

    /// What is known of a cluster.
    pub fn cluster(&self, name: &ClusterName) -> Option<&ClusterFacts> {
        self.clusters.get(name)
    }
}
