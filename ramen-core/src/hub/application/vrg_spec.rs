//! What the VolumeReplicationGroup of a cluster is to be.
//!
//! | | first deployment | refresh of the primary | change of role | secondary beside a primary |
//! |---|---|---|---|---|
//! | name, namespace, selector | set | kept | kept | set |
//! | annotations (the whole map), labels, stores | set | set | set | set |
//! | action: sticky once there was one | set | set | set | set |
//! | flags of the final sync | - | dropped | dropped | - |
//! | peer classes | the policy's | merged with the policy's | kept | those of the primary |
//!
//! The secondary gets the primary's peer classes, so that a promotion protects each volume by the same means as before; and
//! what once was chosen for a volume stays, even if the storage later learns something better: only taking protection away
//! and giving it again chooses anew.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use super::{
    epoch,
    pass::Pass,
    records,
    topology::{Replication, replication},
};
use crate::{
    api::{
        DRAction, DRPlacementControl, DRPolicy, PeerClass, PeerClasses, ReplicationState, VRGAsyncSpec, VolSyncSpec,
        VolumeReplicationGroup, VolumeReplicationGroupSpec, names::annotations,
    },
    intercluster::ClusterName,
    protection::cluster_data::Epoch,
};

/// Annotations that go from the DRPlacementControl to the VolumeReplicationGroup as they are; the empty text where absent.
pub(super) const COPIED: [&str; 4] = [
    annotations::IS_CG_ENABLED,
    annotations::IS_SUBMARINER_ENABLED,
    annotations::USE_VOLSYNC,
    annotations::ENABLE_DIFF,
];

/// What the object is made from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    /// The application.
    pub(super) drpc: DRPlacementControl,
    /// Its policy.
    pub(super) policy: DRPolicy,
    /// Namespace of the object.
    pub(super) namespace: String,
    /// Profiles of the stores.
    pub(super) profiles: Vec<String>,
}

impl Pass {
    /// What objects are made from; `None` before the policy is known.
    pub(super) fn source(&self) -> Option<Source> {
        Some(Source {
            drpc: self.drpc().clone(),
            policy: self.policy()?.clone(),
            namespace: self.annotation(annotations::APP_NAMESPACE)?.into(),
            profiles: self.profiles(),
        })
    }
}

impl Source {
    /// The object of a first deployment.
    pub(super) fn primary(&self, cluster: &ClusterName, epoch: Epoch) -> VolumeReplicationGroup {
        let found = self.policy.status.clone().unwrap_or_default();
        self.build(cluster, ReplicationState::Primary, epoch, found.async_.peer_classes, found.sync)
    }

    /// The object of a secondary beside this primary, at this epoch.
    pub(super) fn secondary(
        &self,
        cluster: &ClusterName,
        primary: &VolumeReplicationGroup,
        epoch: Epoch,
    ) -> VolumeReplicationGroup {
        let classes = primary.spec.async_.as_ref().map(|spec| spec.peer_classes.clone()).unwrap_or_default();
        let sync = primary.spec.sync.clone().unwrap_or_default();
        let mut vrg = self.build(cluster, ReplicationState::Secondary, epoch, classes, sync);
        vrg.spec.action = self.action(primary);
        vrg
    }

    /// The object of the running primary, brought up to date. `seen` is the object on the cluster.
    pub(super) fn refreshed(
        &self,
        cluster: &ClusterName,
        wanted: &VolumeReplicationGroup,
        seen: Option<&VolumeReplicationGroup>,
    ) -> VolumeReplicationGroup {
        let mut vrg = self.updated(cluster, wanted, epoch::of(wanted));
        let found = self.policy.status.clone().unwrap_or_default();
        let used = classes_in_use(seen);
        if let Some(spec) = &mut vrg.spec.async_ {
            let grouped = self.copied(annotations::IS_CG_ENABLED) == "true";
            merge(&mut spec.peer_classes, &found.async_.peer_classes, &used, grouped);
        }
        if let Some(spec) = &mut vrg.spec.sync {
            merge(&mut spec.peer_classes, &found.sync.peer_classes, &used, false);
        }
        vrg
    }

    /// The same object in another role, at this epoch.
    pub(super) fn turned(
        &self,
        cluster: &ClusterName,
        wanted: &VolumeReplicationGroup,
        role: ReplicationState,
        epoch: Epoch,
    ) -> VolumeReplicationGroup {
        let mut vrg = self.updated(cluster, wanted, epoch);
        vrg.spec.replication_state = role;
        vrg
    }

    /// The object that is found on a cluster and was not recorded by this hub, made this application's.
    pub(super) fn adopted(&self, cluster: &ClusterName, seen: &VolumeReplicationGroup) -> VolumeReplicationGroup {
        let mut vrg = self.updated(cluster, seen, epoch::of(seen));
        let old = seen.annotations();
        let keys = vrg.metadata.annotations.get_or_insert_default();
        for key in COPIED {
            // What the volumes were set up with stays until this hub decides about them.
            keys.insert(key.into(), old.get(key).cloned().unwrap_or_default());
        }
        // A role, and how far a final sync has come, are not this step's to change.
        vrg.spec = seen.spec.clone();
        vrg
    }

    /// The primary, asked to get ready for its final sync, or to run it.
    pub(super) fn final_sync(
        &self,
        cluster: &ClusterName,
        wanted: &VolumeReplicationGroup,
        run: bool,
    ) -> VolumeReplicationGroup {
        let mut vrg = self.updated(cluster, wanted, epoch::of(wanted));
        vrg.spec.prepare_for_final_sync = !run;
        vrg.spec.run_final_sync = run;
        vrg
    }

    fn build(
        &self,
        cluster: &ClusterName,
        role: ReplicationState,
        epoch: Epoch,
        classes: Vec<PeerClass>,
        sync: PeerClasses,
    ) -> VolumeReplicationGroup {
        let is_sync = replication(&self.policy) == Ok(Replication::Sync);
        let policy = &self.policy.spec;
        let async_ = (!is_sync).then(|| VRGAsyncSpec {
            replication_class_selector: policy.replication_class_selector.clone(),
            volume_snapshot_class_selector: policy.volume_snapshot_class_selector.clone(),
            volume_group_snapshot_class_selector: policy.volume_group_snapshot_class_selector.clone(),
            scheduling_interval: policy.scheduling_interval.clone(),
            peer_classes: classes,
        });
        let spec = VolumeReplicationGroupSpec {
            pvc_selector: self.drpc.spec.pvc_selector.clone(),
            replication_state: role,
            s3_profiles: self.profiles.clone(),
            async_,
            sync: is_sync.then_some(sync),
            vol_sync: VolSyncSpec { disabled: true, ..VolSyncSpec::default() },
            action: self.drpc.spec.action,
            ..VolumeReplicationGroupSpec::default()
        };
        VolumeReplicationGroup { metadata: self.metadata(cluster, epoch), spec, status: None }
    }

    /// The object with all that does not depend on its role brought up to date. An ended final sync leaves no flag.
    fn updated(&self, cluster: &ClusterName, from: &VolumeReplicationGroup, epoch: Epoch) -> VolumeReplicationGroup {
        let mut spec = from.spec.clone();
        spec.s3_profiles.clone_from(&self.profiles);
        spec.vol_sync = VolSyncSpec { disabled: true, ..VolSyncSpec::default() };
        spec.action = self.action(from);
        spec.prepare_for_final_sync = false;
        spec.run_final_sync = false;
        VolumeReplicationGroup { metadata: self.metadata(cluster, epoch), spec, status: None }
    }

    fn action(&self, before: &VolumeReplicationGroup) -> Option<DRAction> {
        self.drpc.spec.action.or(before.spec.action)
    }

    fn copied(&self, key: &str) -> String {
        self.drpc.annotations().get(key).cloned().unwrap_or_default()
    }

    fn metadata(&self, cluster: &ClusterName, epoch: Epoch) -> ObjectMeta {
        let mut keys: BTreeMap<_, _> = COPIED.iter().map(|key| ((*key).to_owned(), self.copied(key))).collect();
        keys.insert(annotations::DESTINATION_CLUSTER.into(), cluster.to_string());
        keys.insert(annotations::DRPC_UID.into(), self.drpc.uid().unwrap_or_default());
        epoch::write(&mut keys, epoch);
        ObjectMeta {
            name: Some(self.drpc.name_any()),
            namespace: Some(self.namespace.clone()),
            labels: Some(records::created_by()),
            annotations: Some(keys),
            ..ObjectMeta::default()
        }
    }
}

/// Storage classes of the volumes that the cluster reports, in its order; volumes without a class have none to match.
fn classes_in_use(seen: Option<&VolumeReplicationGroup>) -> Vec<String> {
    let status = seen.and_then(|vrg| vrg.status.as_ref());
    let pvcs = status.map(|status| status.protected_pvcs.as_slice()).unwrap_or_default();
    pvcs.iter().filter_map(|pvc| pvc.storage_class_name.clone()).filter(|name| !name.is_empty()).collect()
}

/// Brings the peer classes of a primary up to what the policy found, for the storage classes in use. Never removes one.
///
/// A class that is there already is replaced only by one that protects in the same way, and one that is not there is added
/// once.
fn merge(have: &mut Vec<PeerClass>, found: &[PeerClass], used: &[String], grouped: bool) {
    for class in used {
        for candidate in found.iter().filter(|c| &c.storage_class_name == class) {
            match have.iter_mut().find(|c| same_place(c, candidate)) {
                Some(present) => {
                    let replacement = PeerClass { grouping: candidate.grouping || grouped, ..candidate.clone() };
                    if same_way(present, &replacement) {
                        *present = replacement;
                    }
                    break;
                }
                None => have.push(candidate.clone()),
            }
        }
    }
}

fn same_place(a: &PeerClass, b: &PeerClass) -> bool {
    let ids = |class: &PeerClass| class.cluster_ids.iter().cloned().collect::<BTreeSet<_>>();
    a.storage_class_name == b.storage_class_name && ids(a) == ids(b)
}

fn same_way(a: &PeerClass, b: &PeerClass) -> bool {
    a.offloaded == b.offloaded
        && a.global == b.global
        && a.grouping == b.grouping
        && a.replication_id.is_empty() == b.replication_id.is_empty()
}

#[cfg(test)]
mod tests;
