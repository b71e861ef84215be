//! No replication: highly available storage that both clusters see.

use std::time::Duration;

use async_trait::async_trait;
use ramen_core::{
    api::{PeerClass, names::labels::STORAGE_ID},
    intercluster::Failure,
    protection::{
        VolumeFacts,
        replication::{
            Claim, ClusterClasses, DataProtected, DataReady, Destination, DriverCapabilities, DriverCommand,
            DriverDecision, DriverObservation, FinalSyncVerdict, OwnedVolume, PeerMatch, ProtectionFacts,
            ReplicationDriver, ReplicationRequest, Role, Verdict, VolumeVerdict,
        },
    },
    time::Deadline,
};

use super::gates::not_ready_for_secondary;

/// The driver for storage that needs none: one storage, seen by both clusters, keeps what was written whichever cluster fails
/// (Ramen's "Metro", synchronous protection).
///
/// It owns the volumes of a group without a scheduling interval. Nothing is read and nothing is written: a volume is ready as
/// primary at once, and as secondary as soon as nobody on the cluster can write it any more. What keeps a lost cluster from
/// writing is [fencing](ramen_core::protection::fencing::FenceProvider), which the hub demands before a failover.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoReplication;

impl NoReplication {
    /// The driver.
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl ReplicationDriver for NoReplication {
    fn capabilities(&self) -> DriverCapabilities {
        DriverCapabilities {
            name: "none".into(),
            groups: None,
            offloaded: true,
            test_clone: false,
            resync_progress: false,
            reports_rpo: false,
            destination_ids: false,
            restores_claims: false,
            final_sync: false,
            max_peer_info_bytes: 0,
            watches: Vec::new(),
            stuck_after: Duration::from_secs(300),
        }
    }

    /// Every volume of a synchronously protected group whose storage both clusters share: with peer classes, the storage id of
    /// the volume's class must be among those of the last peer class of its name.
    fn claims(&self, volume: &VolumeFacts, protection: &ProtectionFacts) -> Claim {
        let not_mine = |why: String| Claim::NotMine(format!("PVC {}: {why}", volume.id));
        if protection.scheduling_interval.is_some() {
            return not_mine("the group is protected asynchronously".into());
        }
        if protection.peer_classes.is_empty() {
            return Claim::Own { group: None };
        }
        let Some(class) = &volume.storage_class else { return not_mine("its storage class is not known".into()) };
        let Some(id) = class.labels.get(STORAGE_ID) else {
            return not_mine(format!("StorageClass {} has no label {STORAGE_ID}", class.name));
        };
        match protection.peer_classes.iter().rev().find(|peer| peer.storage_class_name == class.name) {
            Some(peer) if peer.storage_id.contains(id) => Claim::Own { group: None },
            Some(_) => not_mine(format!("no peer class of StorageClass {} has the storage id {id}", class.name)),
            None => not_mine(format!("the policy has no peer class for StorageClass {}", class.name)),
        }
    }

    fn peer_class(&self, a: &ClusterClasses, b: &ClusterClasses) -> PeerMatch {
        let (ours, theirs) = (&a.storage_class, &b.storage_class);
        if ours.name != theirs.name {
            return PeerMatch::No(format!("StorageClass {} and {} differ in name", ours.name, theirs.name));
        }
        let id = |labels: &std::collections::BTreeMap<String, String>| {
            labels.get(STORAGE_ID).filter(|id| !id.is_empty()).cloned()
        };
        match (id(&ours.labels), id(&theirs.labels)) {
            (Some(a_id), Some(b_id)) if a_id == b_id => PeerMatch::Peers(PeerClass {
                storage_class_name: ours.name.clone(),
                storage_id: vec![a_id],
                cluster_ids: vec![a.cluster_id.clone(), b.cluster_id.clone()],
                ..PeerClass::default()
            }),
            (Some(a_id), Some(b_id)) => {
                PeerMatch::No(format!("StorageClass {}: storage {a_id} and {b_id} are not the same", ours.name))
            }
            _ => {
                PeerMatch::No(format!("StorageClass {} lacks the label {STORAGE_ID} on one of the clusters", ours.name))
            }
        }
    }

    async fn observe(&self, _: &ReplicationRequest, _: Deadline) -> Result<DriverObservation, Failure> {
        Ok(DriverObservation::default())
    }

    fn decide(&self, request: &ReplicationRequest, _: &DriverObservation) -> DriverDecision {
        let mut decision = DriverDecision {
            final_sync: FinalSyncVerdict { prepared: true, complete: true },
            ..DriverDecision::default()
        };
        for OwnedVolume { volume, .. } in &request.volumes {
            let verdict = verdict(request, volume);
            if verdict.data_ready.state == DataReady::Progressing {
                decision.waits.push(format!("PVC {}: {}", volume.id, verdict.data_ready.message));
            }
            decision.volumes.insert(volume.id.clone(), verdict);
        }
        for OwnedVolume { volume, .. } in &request.release {
            let message = "PVC is no longer protected";
            let ready = Verdict::new(DataReady::Ready, message);
            let protected = Verdict::new(DataProtected::Replicating, message);
            decision.volumes.insert(volume.id.clone(), state(ready, protected, true));
        }
        decision
    }

    fn expect(&self, observed: &DriverObservation, _: &DriverCommand) -> DriverObservation {
        observed.clone()
    }

    async fn execute(&self, _: &DriverCommand, _: Deadline) -> Result<(), Failure> {
        Ok(())
    }
}

fn verdict(request: &ReplicationRequest, volume: &VolumeFacts) -> VolumeVerdict {
    match request.role {
        Role::Primary => {
            // Upstream's words and states: a primary's data is "Replicating", never "DataProtected".
            let message = "PVC in the VolumeReplicationGroup is ready for use";
            let ready = Verdict::new(DataReady::Ready, message);
            state(ready, Verdict::new(DataProtected::Replicating, message), request.deleting)
        }
        Role::Secondary => match not_ready_for_secondary(volume, request.action.as_ref()) {
            Some(why) => {
                let ready = Verdict::new(DataReady::Progressing, why.clone());
                state(ready, Verdict::new(DataProtected::Progressing, why), false)
            }
            None => {
                let message = "Volume is shared by the clusters and not in use on this one";
                let ready = Verdict::new(DataReady::Replicated, message);
                state(ready, Verdict::new(DataProtected::Protected, message), true)
            }
        },
        Role::Test => {
            let why = "a test failover needs a copy of the volume, which shared storage does not make by itself";
            state(Verdict::new(DataReady::Error, why), Verdict::new(DataProtected::Error, why), false)
        }
    }
}

fn state(data_ready: Verdict<DataReady>, data_protected: Verdict<DataProtected>, released: bool) -> VolumeVerdict {
    VolumeVerdict {
        data_ready,
        data_protected,
        restored: None,
        destination: Destination::Same,
        last_sync: None,
        released,
    }
}

#[cfg(test)]
mod tests;
