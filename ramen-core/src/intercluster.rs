//! The Inter-Cluster State API: delivering objects to managed clusters, observing them there, knowing the clusters, placing the
//! application and carrying Secrets.
//!
//! Five roles, five traits. Who has an own Object Transport System implements [`ObjectTransport`] and [`ClusterView`] and takes
//! the kube-backed defaults for the others.
//!
//! | Role | Trait |
//! |---|---|
//! | desired state, durable on the hub and readable while a cluster is down; its delivery | [`ObjectTransport`] |
//! | observation, with its age | [`ClusterView`] |
//! | which clusters there are, and that each is the one it was | [`ClusterRegistry`] |
//! | where the application runs | [`Placement`] |
//! | Secrets | [`SecretPropagator`] |
//!
//! Three rules hold throughout: unreachable is not absent, a stale view is not a view, and a write that was accepted is not yet
//! applied.

pub mod agent;
mod failure;
mod intent;
mod key;
pub mod kube;
mod outcome;
mod placement;
mod redact;
mod registry;
mod secrets;
mod transport;
mod view;

pub use failure::{Failure, FailureClass, Retry};
pub use intent::{
    ApplyStrategy, DeletePolicy, Delivery, ExistingPolicy, Intent, IntentId, IntentRecord, Manifest, ObjectResult,
    Receipt, Revision,
};
pub use key::{ClusterName, ObjectKey, ResourceType, ScopeOf};
pub use outcome::{Observation, Outcome, OutcomeKind, RemoteObject, Source};
pub use placement::{
    Decision, DecisionsVersion, Placement, PlacementKind, PlacementOwner, PlacementRef, PlacementState,
};
pub use redact::{REDACTED, redact};
pub use registry::{ClusterInfo, ClusterRegistry, Identity, Reachability};
pub use secrets::{SecretDelivery, SecretDeliveryName, SecretForm, SecretPropagator};
pub use transport::{
    DifferingIntents, IntentSelector, ObjectTransport, ObjectTransportExt, Precondition, PutWhileDeleting,
    TransportCapabilities,
};
pub use view::{ClusterView, ClusterViewExt, Freshness, Registration, Seen, ViewCapabilities, ViewChange};

#[cfg(feature = "mock")]
pub use {
    placement::MockPlacement, registry::MockClusterRegistry, secrets::MockSecretPropagator,
    transport::MockObjectTransport, view::MockClusterView,
};
