//! Native replication of one volume after the other, by csi-addons.

mod classes;
mod cluster;
mod decide;
mod observed;
mod status;
mod wish;

#[cfg(test)]
mod samples;

use std::time::Duration;

use async_trait::async_trait;
use ramen_core::{
    api::foreign,
    intercluster::{ClusterName, Failure, ResourceType, agent::Remote},
    protection::{
        VolumeFacts,
        replication::{
            Claim, ClusterClasses, DriverCapabilities, DriverCommand, DriverDecision, DriverObservation, PeerMatch,
            ProtectionFacts, ReplicationDriver, ReplicationRequest,
        },
    },
    time::Deadline,
};

use self::observed::Command;

/// The longest that one request to the API server may take.
const REQUEST: Duration = Duration::from_secs(30);

/// The driver for asynchronous replication by the storage itself, volume by volume: one csi-addons `VolumeReplication` for each
/// PersistentVolumeClaim, of its name and in its namespace.
///
/// It owns the volumes of a group with a scheduling interval whose StorageClass has a `VolumeReplicationClass`, unless the group
/// asks for VolSync, or the classes say that volumes are replicated in groups or by means of the storage's own.
///
/// # Guarantees
/// - A volume is demoted only when nobody on the cluster uses it, and, except on a failover, its claim is being deleted.
/// - On a relocate a volume is released only after csi-addons has reported it in sync with the peer, demoted, at the present
///   generation. The claim is marked then (annotation `vr-handed-over`), so that a VolumeReplication that somebody else removes
///   is not mistaken for one whose work was done. On a failover it is enough that the volume follows its peer.
/// - A VolumeReplication counts as removed only when the API server itself says that it does not exist.
/// - Changes and deletions carry the version of the object that they were decided upon, and touch only the state, `autoResync`,
///   our labels and our owner reference. The class of a VolumeReplication never changes.
/// - VolumeReplications of other groups or of other sources are left alone, and reported.
///
/// # Assumptions
/// csi-addons and its definitions are installed; without them every volume reports so, except that what is to end has ended.
///
/// # Caveats
/// There is no writable copy for a test failover: the role `Test` is an error.
#[derive(Debug, Clone)]
pub struct VolumeReplication {
    remote: Remote,
}

impl VolumeReplication {
    /// The driver of the cluster that the client leads to; the name of the cluster stands in errors.
    pub fn new(cluster: impl Into<ClusterName>, client: kube::Client) -> Self {
        Self { remote: Remote { cluster: cluster.into(), client, timeout: REQUEST } }
    }
}

#[async_trait]
impl ReplicationDriver for VolumeReplication {
    fn capabilities(&self) -> DriverCapabilities {
        DriverCapabilities {
            name: "volume-replication".into(),
            groups: None,
            offloaded: false,
            test_clone: false,
            resync_progress: false,
            reports_rpo: true,
            destination_ids: true,
            restores_claims: false,
            final_sync: false,
            max_peer_info_bytes: 0,
            watches: vec![ResourceType::of::<foreign::VolumeReplication>()],
            stuck_after: Duration::from_secs(600),
        }
    }

    fn claims(&self, volume: &VolumeFacts, protection: &ProtectionFacts) -> Claim {
        match classes::replicates(volume, protection) {
            Ok(()) => Claim::Own { group: None },
            Err(why) => Claim::NotMine(format!("PVC {}: {why}", volume.id)),
        }
    }

    fn peer_class(&self, a: &ClusterClasses, b: &ClusterClasses) -> PeerMatch {
        classes::peers(a, b).map_or_else(PeerMatch::No, PeerMatch::Peers)
    }

    async fn observe(&self, request: &ReplicationRequest, deadline: Deadline) -> Result<DriverObservation, Failure> {
        DriverObservation::of(&cluster::observe(&self.remote, request, deadline).await?)
    }

    fn decide(&self, request: &ReplicationRequest, observed: &DriverObservation) -> DriverDecision {
        decide::decide(request, observed)
    }

    fn expect(&self, observed: &DriverObservation, command: &DriverCommand) -> DriverObservation {
        observed::expect(observed, command)
    }

    async fn execute(&self, command: &DriverCommand, deadline: Deadline) -> Result<(), Failure> {
        let parsed: Command = DriverObservation(command.body.clone()).read().map_err(|f| f.about(&command.summary))?;
        cluster::execute(&self.remote, parsed, deadline).await
    }
}
