//! What the hub can do for one application, and what is then known.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::{Deserialize, Serialize};

use super::{observation::Observation, records};
use crate::{
    api::{DRPlacementControlStatus, VolumeReplicationGroup},
    decision::Item,
    intercluster::{
        ClusterName, Decision as Placed, DecisionsVersion, DeletePolicy, Delivery, Failure, Intent, IntentRecord,
        PlacementOwner, Precondition, Revision,
    },
};

/// One thing to do. Each is one call of a trait or of the hub's API, and safe to repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Merge-patch labels, annotations, finalizer and owner of the DRPlacementControl; nothing of its spec or status.
    PatchMetadata(MetadataPatch),
    /// Hold the placement.
    ClaimPlacement(PlacementOwner),
    /// Let go of the placement; its decisions stay.
    ReleasePlacement(PlacementOwner),
    /// Replace the whole list of decisions in one write.
    SetDecisions {
        /// The list.
        decisions: Vec<Placed>,
        /// The version that was read; the write fails if it is no longer that.
        version: DecisionsVersion,
    },
    /// Record what the VolumeReplicationGroup of a cluster is to be.
    PutVrg {
        /// The cluster.
        cluster: ClusterName,
        /// The object.
        vrg: Box<VolumeReplicationGroup>,
        /// The record that this was decided upon.
        precondition: Precondition,
    },
    /// Record that the application's namespace is to exist on a cluster.
    PutNamespace {
        /// The cluster.
        cluster: ClusterName,
        /// The namespace.
        namespace: String,
        /// The record that this was decided upon.
        precondition: Precondition,
    },
    /// End the record of the VolumeReplicationGroup of a cluster, and with it the object.
    DeleteVrg {
        /// The cluster.
        cluster: ClusterName,
        /// The record that this was decided upon.
        precondition: Precondition,
    },
    /// End the record of the application's namespace; the namespace stays.
    OrphanNamespace {
        /// The cluster.
        cluster: ClusterName,
        /// The record that this was decided upon.
        precondition: Precondition,
    },
    /// No longer keep the VolumeReplicationGroup of a cluster observed.
    Unregister(ClusterName),
    /// Write the status, if it is not so already. Its place among the commands is part of the protocol.
    PersistStatus(Box<DRPlacementControlStatus>),
    /// Tell the user.
    EmitEvent(Event),
}

/// A change of the DRPlacementControl's metadata. `None` as a value removes the key.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetadataPatch {
    /// Labels.
    pub labels: BTreeMap<String, Option<String>>,
    /// Annotations.
    pub annotations: BTreeMap<String, Option<String>>,
    /// Whether our finalizer is to be there; `None`: as it is.
    pub finalizer: Option<bool>,
    /// Owner to add; `None`: as it is.
    pub owner: Option<OwnerReference>,
}

impl MetadataPatch {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A Kubernetes Event on the DRPlacementControl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Whether it is a warning.
    pub warning: bool,
    /// Reason, one of [`events`](crate::api::names::events).
    pub reason: String,
    /// Message.
    pub message: String,
}

impl Command {
    /// The record that the command writes, for those that write one.
    ///
    /// # Errors
    /// `Invalid` if the object cannot be written as JSON.
    pub fn intent(&self, observation: &Observation) -> Option<Result<Intent, Failure>> {
        match self {
            Self::PutVrg { cluster, vrg, .. } => Some(records::vrg(&observation.drpc, cluster, vrg)),
            Self::PutNamespace { cluster, namespace, .. } => {
                Some(records::namespace(&observation.drpc, cluster, namespace))
            }
            _ => None,
        }
    }

    /// The delete policy of the commands that end a record.
    pub fn delete_policy(&self) -> Option<DeletePolicy> {
        match self {
            Self::DeleteVrg { .. } => Some(DeletePolicy::Delete),
            Self::OrphanNamespace { .. } => Some(DeletePolicy::Orphan),
            _ => None,
        }
    }
}

/// What is known once the command has succeeded, and nothing more: a write that was accepted is not yet applied, so that
/// nothing changes on any cluster here. Observations from before a write are not taken for observations of it.
#[must_use]
pub fn expect(mut observation: Observation, command: &Command) -> Observation {
    take_effect(&mut observation, command);
    observation
}

/// [`expect`] in place.
pub(super) fn take_effect(observation: &mut Observation, command: &Command) {
    match command {
        Command::PatchMetadata(patch) => patch_metadata(observation, patch),
        Command::ClaimPlacement(owner) => {
            if let Item::Read(Ok(placement)) = &mut observation.placement {
                placement.held_by = Some((owner.namespace.clone(), owner.name.clone()));
            }
        }
        Command::ReleasePlacement(_) => {
            if let Item::Read(Ok(placement)) = &mut observation.placement {
                placement.held_by = None;
            }
        }
        Command::SetDecisions { decisions, version } => {
            if let Item::Read(Ok(placement)) = &mut observation.placement {
                placement.decisions.clone_from(decisions);
                placement.version = DecisionsVersion(format!("{}+", version.0));
            }
        }
        Command::PutVrg { cluster, .. } => {
            if let Some(Ok(intent)) = command.intent(observation) {
                let facts = observation.clusters.entry(cluster.clone()).or_default();
                facts.vrg_intent = Item::Read(Ok(Some(put(&facts.vrg_intent, intent))));
            }
        }
        Command::PutNamespace { cluster, .. } => {
            if let Some(Ok(intent)) = command.intent(observation) {
                let facts = observation.clusters.entry(cluster.clone()).or_default();
                facts.namespace_intent = Item::Read(Ok(Some(put(&facts.namespace_intent, intent))));
            }
        }
        Command::DeleteVrg { cluster, .. } => {
            deleting(&mut observation.clusters.entry(cluster.clone()).or_default().vrg_intent);
        }
        Command::OrphanNamespace { cluster, .. } => {
            deleting(&mut observation.clusters.entry(cluster.clone()).or_default().namespace_intent);
        }
        Command::PersistStatus(status) => observation.drpc.status = Some((**status).clone()),
        Command::Unregister(_) | Command::EmitEvent(_) => {}
    }
}

fn put(before: &Item<Result<Option<IntentRecord>, Failure>>, intent: Intent) -> IntentRecord {
    let before = before.read().and_then(|read| read.as_ref().ok()).and_then(Option::as_ref);
    let revision = match before {
        Some(record) => {
            Revision { incarnation: record.revision.incarnation.clone(), number: record.revision.number + 1 }
        }
        None => Revision { incarnation: format!("expected {}", intent.id.name), number: 1 },
    };
    let objects = before.map(|record| record.objects.clone()).unwrap_or_default();
    IntentRecord { intent, revision, delivery: Delivery::Accepted, objects }
}

fn deleting(record: &mut Item<Result<Option<IntentRecord>, Failure>>) {
    if let Item::Read(Ok(Some(record))) = record {
        record.delivery = Delivery::Deleting;
    }
}

fn patch_metadata(observation: &mut Observation, patch: &MetadataPatch) {
    let meta = &mut observation.drpc.metadata;
    apply(meta.labels.get_or_insert_default(), &patch.labels);
    apply(meta.annotations.get_or_insert_default(), &patch.annotations);
    let ours = crate::api::names::finalizers::DRPC;
    if let Some(wanted) = patch.finalizer {
        let finalizers = meta.finalizers.get_or_insert_default();
        finalizers.retain(|f| f != ours);
        if wanted {
            finalizers.push(ours.into());
        }
    }
    meta.owner_references.get_or_insert_default().extend(patch.owner.clone());
}

fn apply(keys: &mut BTreeMap<String, String>, patch: &BTreeMap<String, Option<String>>) {
    for (key, value) in patch {
        match value {
            Some(value) => keys.insert(key.clone(), value.clone()),
            None => keys.remove(key),
        };
    }
}
