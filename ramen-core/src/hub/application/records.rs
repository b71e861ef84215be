//! The records that an application has on the hub, one for each object on each cluster, and how they are read.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::Namespace,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{Resource, ResourceExt};

use crate::{
    api::{
        DRPlacementControl, VolumeReplicationGroup,
        foreign::{Placement, PlacementRule},
        names::{annotations, labels, object_names::transport},
    },
    intercluster::{
        ClusterName, DeletePolicy, Failure, FailureClass, Intent, IntentId, IntentRecord, Manifest, PlacementKind,
        PlacementState, RemoteObject,
    },
};

/// The record of the application's VolumeReplicationGroup for a cluster. Deleting it deletes the object.
pub(super) fn vrg(
    drpc: &DRPlacementControl,
    cluster: &ClusterName,
    vrg: &VolumeReplicationGroup,
) -> Result<Intent, Failure> {
    let name = transport::vrg_work(&drpc.name_any(), &vrg.namespace().unwrap_or_default());
    let mut intent = record(drpc, IntentId::new(cluster.clone(), name), Manifest::of(vrg)?);
    intent.annotations = BTreeMap::from([
        (annotations::DRPC_NAME.into(), drpc.name_any()),
        (annotations::DRPC_NAMESPACE.into(), drpc.namespace().unwrap_or_default()),
    ]);
    Ok(intent)
}

/// The record of the application's namespace for a cluster. Deleting it leaves the namespace, and all that is in it.
///
/// The object is the same for every application of the namespace, so that their records agree.
pub(super) fn namespace(drpc: &DRPlacementControl, cluster: &ClusterName, namespace: &str) -> Result<Intent, Failure> {
    let metadata = ObjectMeta { name: Some(namespace.into()), labels: Some(created_by()), ..ObjectMeta::default() };
    let object = Namespace { metadata, ..Namespace::default() };
    let name = transport::namespace_work(&drpc.name_any(), namespace);
    let mut intent = record(drpc, IntentId::new(cluster.clone(), name), Manifest::of(&object)?);
    intent.on_delete = DeletePolicy::Orphan;
    intent.annotations = BTreeMap::from([
        (annotations::DRPC_NAME.into(), drpc.name_any()),
        (annotations::DRPC_NAMESPACE.into(), drpc.namespace().unwrap_or_default()),
    ]);
    Ok(intent)
}

fn record(drpc: &DRPlacementControl, id: IntentId, manifest: Manifest) -> Intent {
    let owner = format!("drpc/{}/{}", drpc.namespace().unwrap_or_default(), drpc.name_any());
    let mut intent = Intent::new(id, owner, manifest);
    intent.labels = created_by();
    intent
}

/// The label of everything that the hub creates.
pub(super) fn created_by() -> BTreeMap<String, String> {
    BTreeMap::from([(labels::CREATED_BY_RAMEN.into(), labels::TRUE.into())])
}

/// The VolumeReplicationGroup of a record.
///
/// # Errors
/// `Malformed` if the record holds no such object: somebody else wrote it.
pub(super) fn vrg_of(record: &IntentRecord) -> Result<VolumeReplicationGroup, Failure> {
    let lacks = || Failure::new(FailureClass::Malformed, "it holds no manifest").about(&record.intent.id);
    let manifest = record.intent.manifests.first().ok_or_else(lacks)?;
    RemoteObject::new(manifest.object.clone()).parse().map_err(|failure| failure.about(&record.intent.id))
}

/// The placement as owner of the DRPlacementControl, which goes with it. `None` for kinds that are not ours to know.
pub(super) fn owner(placement: &PlacementState) -> Option<OwnerReference> {
    let (api_version, kind) = match placement.kind {
        PlacementKind::Placement => (Placement::api_version(&()), Placement::kind(&())),
        PlacementKind::PlacementRule => (PlacementRule::api_version(&()), PlacementRule::kind(&())),
        PlacementKind::Other => return None,
    };
    Some(OwnerReference {
        api_version: api_version.into_owned(),
        kind: kind.into_owned(),
        name: placement.reference.name.clone(),
        uid: placement.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    })
}
