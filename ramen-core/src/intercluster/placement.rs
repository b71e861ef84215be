//! The contract of placing the application.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::{ClusterName, Failure};
use crate::time::Deadline;

/// Says on which clusters a GitOps controller deploys an application.
///
/// # Flow
/// 1. [`resolve`](Self::resolve) finds the placement object that a DRPlacementControl names and its present decisions.
/// 2. [`claim`](Self::claim) makes it ours: no other scheduler decides, no other DRPlacementControl takes it, and it is not
///    deleted without us.
/// 3. [`set`](Self::set) replaces the whole list of decisions.
/// 4. [`release`](Self::release) gives it back. The decisions stay: the application keeps running.
///
/// # Guarantees
/// - `set` is one write: a controller that watches sees the list before or the list after, nothing between. It fails with
///   `Conflict` and changes nothing if the list is not at the version that the caller read.
/// - A decision that says [`RetainedForFailover`](Decision::retained) keeps the workload where it is without being the
///   current decision.
/// - Setting what is set already writes nothing.
///
/// # Assumptions
/// GitOps controllers delete the workload from a cluster as soon as it leaves the list.
///
/// # Errors
/// `Invalid` for a placement that some other scheduler drives, or that names several objects; `Ownership` for one that another
/// DRPlacementControl holds; `Prerequisite` if it does not exist.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Placement: fmt::Debug + Send + Sync + 'static {
    /// The placement of this name: its kind, its state and its decisions. `Prerequisite` if there is none.
    async fn resolve(&self, reference: &PlacementRef, deadline: Deadline) -> Result<PlacementState, Failure>;

    /// Marks the placement as held by `owner`. Doing it again changes nothing.
    async fn claim(
        &self,
        reference: &PlacementRef,
        owner: &PlacementOwner,
        deadline: Deadline,
    ) -> Result<PlacementState, Failure>;

    /// Takes back what [`claim`](Self::claim) did that holds the object back from being deleted. A placement that is gone, or that
    /// `owner` does not hold, is left alone and counts as released.
    async fn release(
        &self,
        reference: &PlacementRef,
        owner: &PlacementOwner,
        deadline: Deadline,
    ) -> Result<(), Failure>;

    /// Replaces the whole list of decisions in one write, if it is at `version`.
    async fn set(
        &self,
        reference: &PlacementRef,
        decisions: &[Decision],
        version: &DecisionsVersion,
        deadline: Deadline,
    ) -> Result<PlacementState, Failure>;

    /// Placements that changed (decisions, deletion, annotations), from now on; may coalesce. Ends only with the implementation.
    fn changes(&self) -> BoxStream<'static, PlacementRef>;
}

/// Names a placement on the hub. The kind is not part of a DRPlacementControl's reference: a Placement is preferred to a
/// PlacementRule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlacementRef {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for PlacementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "placement {}/{}", self.namespace, self.name)
    }
}

/// Who holds a placement: a DRPlacementControl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementOwner {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The finalizer that holds the placement back from being deleted without it.
    pub finalizer: String,
}

/// The kinds of placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlacementKind {
    /// OCM's Placement, with its decisions in PlacementDecision objects: can retain a decision.
    Placement,
    /// OCM's PlacementRule (deprecated), with its decisions in its status: cannot retain one.
    PlacementRule,
    /// Something else that an embedder plugs in.
    Other,
}

/// One cluster on which the application is, or is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The cluster.
    pub cluster: ClusterName,
    /// Why; empty for an ordinary decision.
    pub reason: String,
}

impl Decision {
    /// The reason that keeps a workload in place without making its cluster the current decision.
    pub const RETAINED: &'static str = "RetainedForFailover";

    /// The application runs here.
    pub fn live(cluster: impl Into<ClusterName>) -> Self {
        let cluster = cluster.into();
        // Upstream writes the cluster's name as the reason of a live decision; readers only look for RETAINED.
        Self { reason: cluster.to_string(), cluster }
    }

    /// The application is kept here until its volumes are secondary.
    pub fn retained(cluster: impl Into<ClusterName>) -> Self {
        Self { cluster: cluster.into(), reason: Self::RETAINED.into() }
    }

    /// Whether it is kept only.
    pub fn is_retained(&self) -> bool {
        self.reason == Self::RETAINED
    }
}

/// The state of a list of decisions; opaque, compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionsVersion(pub String);

/// A placement and its decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementState {
    /// Which one.
    pub reference: PlacementRef,
    /// Of which kind.
    pub kind: PlacementKind,
    /// Its uid.
    pub uid: String,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Whether `owner` of the last [`claim`](Placement::claim) holds it: namespace and name as recorded on it.
    pub held_by: Option<(String, String)>,
    /// Whether its decisions may carry [`Decision::RETAINED`].
    pub can_retain: bool,
    /// The decisions, in their order.
    pub decisions: Vec<Decision>,
    /// What [`set`](Placement::set) takes as its precondition.
    pub version: DecisionsVersion,
}

impl PlacementState {
    /// The cluster of the one decision that is not retained; `None` if there is no such decision.
    pub fn current(&self) -> Option<&ClusterName> {
        self.decisions.iter().find(|d| !d.is_retained()).map(|d| &d.cluster)
    }
}
