//! A replication driver from nothing, for the arrays that `ramen_sim::storage` simulates.
//!
//! docs/write-a-replication-driver.md walks through it. What is peculiar to these arrays is in [`observe`](ArrayReplication::observe)
//! and [`execute`](ArrayReplication::execute), a call or two each; everything else is about volumes, roles and what a loss would be.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use ramen_core::{
    api::{DRAction, PeerClass},
    intercluster::{Failure, FailureClass},
    protection::{
        VolumeFacts, VolumeUse,
        replication::{
            Claim, ClusterClasses, DataProtected, DataReady, Destination, DriverCapabilities, DriverCommand,
            DriverDecision, DriverObservation, FinalSyncVerdict, LastSync, OwnedVolume, PeerMatch, ProtectionFacts,
            ReplicationDriver, ReplicationRequest, Role, Verdict, VolumeVerdict,
        },
    },
    time::Deadline,
};
use ramen_sim::{
    clock::EPOCH,
    storage::{self, Code, DriverError, Health, Operation, StorageSystem},
};
use serde::{Deserialize, Serialize};

/// Replicates volumes of one cluster's array to the array's pair.
#[derive(Debug, Clone)]
pub struct ArrayReplication {
    cluster: String,
    provisioner: String,
    array: storage::Driver,
}

impl ArrayReplication {
    /// The driver for the array of this cluster, whose StorageClasses name this provisioner.
    pub fn new(cluster: impl Into<String>, provisioner: impl Into<String>, array: storage::Driver) -> Self {
        Self { cluster: cluster.into(), provisioner: provisioner.into(), array }
    }

    /// One call to the array, which must answer by the deadline.
    async fn call<R>(
        &self,
        operation: Operation,
        volume: &str,
        deadline: Deadline,
        act: impl FnOnce(&mut StorageSystem) -> Result<R, DriverError>,
    ) -> Result<Result<R, DriverError>, Failure> {
        let about = |failure: Failure| failure.on(self.cluster.as_str()).about(format!("volume {volume}"));
        match tokio::time::timeout_at(deadline.instant(), self.array.call(&self.cluster, operation, volume, act)).await
        {
            Err(_) => Err(about(Failure::new(FailureClass::TimedOut, format!("{operation} was not answered")))),
            Ok(Err(error)) if error.code == Code::Unavailable => {
                Err(about(Failure::new(FailureClass::Unreachable, error)))
            }
            Ok(answer) => Ok(answer),
        }
    }

    async fn see(&self, owned: &OwnedVolume, deadline: Deadline) -> Result<Seen, Failure> {
        let (id, handle) = (owned.volume.id.to_string(), handle(&owned.volume));
        let info = self.call(Operation::GetInfo, &id, deadline, |s| s.info(&self.cluster, handle)).await?;
        let info = match info {
            Ok(info) => info,
            // The array's word that it does not replicate such a volume.
            Err(error) if error.code == Code::NotFound => return Ok(Seen::NotReplicated),
            Err(error) => return Err(Failure::new(FailureClass::Unreachable, error).about(format!("volume {id}"))),
        };
        if info.role == storage::Role::Primary {
            let last_sync = info.last_sync.map(|sync| LastSync {
                time: EPOCH.checked_add(sync.cut_at).ok(),
                duration: Some(sync.duration),
                bytes: i64::try_from(sync.bytes).ok(),
            });
            return Ok(Seen::Primary { healthy: info.health == Health::Healthy, last_sync });
        }
        // Without force it changes nothing: the answer is whether both sides hold the same.
        Ok(match self.call(Operation::Resync, &id, deadline, |s| s.resync(&self.cluster, handle, false)).await? {
            Ok(synced) => Seen::Secondary { synced, diverged: false },
            Err(_) => Seen::Secondary { synced: false, diverged: true },
        })
    }
}

/// What is seen of a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Seen {
    NotReplicated,
    Primary { healthy: bool, last_sync: Option<LastSync> },
    Secondary { synced: bool, diverged: bool },
    OutOfReach(Failure),
}

/// By `<namespace>/<name>` of the claim.
type Observed = BTreeMap<String, Seen>;

/// What a command does; its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Do {
    volume: String,
    handle: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum What {
    Enable { every_seconds: u64 },
    Promote { force: bool },
    Demote,
    DiscardAndResync,
    Disable,
}

#[async_trait]
impl ReplicationDriver for ArrayReplication {
    fn capabilities(&self) -> DriverCapabilities {
        DriverCapabilities {
            name: "sample-array".into(),
            groups: None,
            offloaded: false,
            test_clone: false,
            resync_progress: false,
            reports_rpo: true,
            destination_ids: false,
            restores_claims: false,
            final_sync: false,
            max_peer_info_bytes: 0,
            watches: Vec::new(),
            stuck_after: Duration::from_secs(600),
        }
    }

    fn claims(&self, volume: &VolumeFacts, protection: &ProtectionFacts) -> Claim {
        let not_mine = |why: &str| Claim::NotMine(format!("PVC {}: {why}", volume.id));
        if protection.scheduling_interval.as_deref().and_then(seconds).is_none() {
            return not_mine("the policy has no scheduling interval in minutes, hours or days");
        }
        if volume.storage_class.as_ref().is_none_or(|class| class.provisioner != self.provisioner) {
            return not_mine("its storage class is not one of this array's");
        }
        if handle(volume).is_empty() {
            not_mine("it is not bound to a volume with a handle")
        } else {
            Claim::Own { group: None }
        }
    }

    fn peer_class(&self, a: &ClusterClasses, b: &ClusterClasses) -> PeerMatch {
        let (ours, theirs) = (&a.storage_class, &b.storage_class);
        if ours.name != theirs.name || ours.provisioner != self.provisioner || theirs.provisioner != self.provisioner {
            let why =
                format!("StorageClasses {} and {} are not one class of {}", ours.name, theirs.name, self.provisioner);
            return PeerMatch::No(why);
        }
        PeerMatch::Peers(PeerClass {
            storage_class_name: ours.name.clone(),
            cluster_ids: vec![a.cluster_id.clone(), b.cluster_id.clone()],
            ..PeerClass::default()
        })
    }

    async fn observe(&self, request: &ReplicationRequest, deadline: Deadline) -> Result<DriverObservation, Failure> {
        let mut observed = Observed::new();
        for owned in request.volumes.iter().chain(&request.release) {
            let seen = self.see(owned, deadline).await.unwrap_or_else(Seen::OutOfReach);
            observed.insert(owned.volume.id.to_string(), seen);
        }
        DriverObservation::of(&observed)
    }

    fn decide(&self, request: &ReplicationRequest, observed: &DriverObservation) -> DriverDecision {
        let observed: Result<Observed, Failure> = observed.read();
        let mut decision = DriverDecision {
            final_sync: FinalSyncVerdict { prepared: true, complete: true },
            look_again: Some(Duration::from_secs(30)),
            ..DriverDecision::default()
        };
        let leaving = |owned| (owned, true);
        let staying = |owned| (owned, request.deleting);
        for (owned, leaving) in request.volumes.iter().map(staying).chain(request.release.iter().map(leaving)) {
            let id = owned.volume.id.to_string();
            let seen = match &observed {
                Ok(volumes) => volumes.get(&id).cloned(),
                Err(failure) => Some(Seen::OutOfReach(failure.clone())),
            };
            let step = match (seen, leaving, request.role) {
                (None, ..) => Step::unknown("it was not looked at"),
                (Some(Seen::OutOfReach(failure)), ..) => Step::unknown(failure.to_string()),
                (Some(seen), true, _) => leave(&seen),
                (Some(seen), false, Role::Primary) => primary(request, seen),
                (Some(seen), false, Role::Secondary) => secondary(request, owned, &seen),
                (Some(_), false, Role::Test) => Step::stuck("this array makes no test copies"),
            };
            if let Some((what, guard)) = step.command {
                decision.commands.push(command(owned, what, guard));
            }
            if let Some(wait) = step.waits {
                decision.waits.push(format!("PVC {id}: {wait}"));
            }
            decision.volumes.insert(owned.volume.id.clone(), step.verdict);
        }
        decision
    }

    fn expect(&self, observed: &DriverObservation, command: &DriverCommand) -> DriverObservation {
        let (Ok(mut volumes), Ok(Do { volume, what, .. })) =
            (observed.read::<Observed>(), serde_json::from_value(command.body.clone()))
        else {
            return observed.clone();
        };
        let seen = match what {
            What::Enable { .. } | What::Promote { .. } => Seen::Primary { healthy: true, last_sync: None },
            What::Demote | What::DiscardAndResync => Seen::Secondary { synced: true, diverged: false },
            What::Disable => Seen::NotReplicated,
        };
        volumes.insert(volume, seen);
        DriverObservation::of(&volumes).unwrap_or_else(|_| observed.clone())
    }

    async fn execute(&self, command: &DriverCommand, deadline: Deadline) -> Result<(), Failure> {
        let Do { volume, handle, what } =
            serde_json::from_value(command.body.clone()).map_err(|e| Failure::new(FailureClass::Malformed, e))?;
        let (cluster, handle) = (self.cluster.as_str(), handle.as_str());
        let operation = match what {
            What::Enable { .. } => Operation::Enable,
            What::Promote { .. } => Operation::Promote,
            What::Demote => Operation::Demote,
            What::DiscardAndResync => Operation::Resync,
            What::Disable => Operation::Disable,
        };
        let act = |s: &mut StorageSystem| match what {
            What::Enable { every_seconds } => s.enable(cluster, handle, Some(Duration::from_secs(every_seconds))),
            What::Promote { force } => s.promote(cluster, handle, force),
            What::Demote => s.demote(cluster, handle),
            What::DiscardAndResync => s.resync(cluster, handle, true).map(drop),
            What::Disable => s.disable(cluster, handle),
        };
        self.call(operation, &volume, deadline, act)
            .await?
            .map_err(|error| Failure::new(FailureClass::Conflict, error).on(cluster).about(format!("volume {volume}")))
    }
}

/// What follows for one volume.
struct Step {
    command: Option<(What, &'static str)>,
    waits: Option<String>,
    verdict: VolumeVerdict,
}

impl Step {
    fn new(ready: DataReady, protected: DataProtected, message: impl Into<String>) -> Self {
        let message = message.into();
        let verdict = VolumeVerdict {
            data_ready: Verdict::new(ready, message.clone()),
            data_protected: Verdict::new(protected, message),
            restored: None,
            destination: Destination::Same,
            last_sync: None,
            released: false,
        };
        Self { command: None, waits: None, verdict }
    }

    fn unknown(why: impl Into<String>) -> Self {
        Self::new(DataReady::Unknown, DataProtected::Unknown, why).waiting()
    }

    fn stuck(why: impl Into<String>) -> Self {
        Self::new(DataReady::Error, DataProtected::Error, why).waiting()
    }

    fn on_its_way(why: impl Into<String>) -> Self {
        Self::new(DataReady::Progressing, DataProtected::Progressing, why).waiting()
    }

    fn waiting(mut self) -> Self {
        self.waits = Some(self.verdict.data_ready.message.clone());
        self
    }

    fn to(mut self, what: What, guard: &'static str) -> Self {
        self.command = Some((what, guard));
        self
    }
}

fn primary(request: &ReplicationRequest, seen: Seen) -> Step {
    let interval = request.protection.scheduling_interval.as_deref().and_then(seconds);
    match (seen, interval) {
        (Seen::NotReplicated, Some(every_seconds)) => Step::on_its_way("replication is being set up")
            .to(What::Enable { every_seconds }, "the volume is to be primary here, and is not replicated"),
        (Seen::Secondary { .. }, _) => {
            // Only a failover may leave behind what the peer still holds.
            let force = request.action == Some(DRAction::Failover);
            Step::on_its_way("the volume is being promoted")
                .to(What::Promote { force }, "the hub made this cluster primary")
        }
        (Seen::Primary { healthy, last_sync }, _) => {
            let protected = if healthy { DataProtected::Replicating } else { DataProtected::Progressing };
            let mut step = Step::new(DataReady::Ready, protected, "the volume is primary");
            step.verdict.last_sync = last_sync;
            step
        }
        (Seen::NotReplicated | Seen::OutOfReach(_), _) => Step::stuck("the scheduling interval cannot be read"),
    }
}

fn secondary(request: &ReplicationRequest, owned: &OwnedVolume, seen: &Seen) -> Step {
    match seen {
        Seen::Primary { .. } => match in_the_way(request, &owned.volume) {
            Some(why) => Step::on_its_way(why),
            None => Step::on_its_way("the volume is being demoted").to(What::Demote, "nobody uses the volume any more"),
        },
        Seen::Secondary { diverged: true, .. } => Step::on_its_way("writes that never left this cluster are discarded")
            .to(What::DiscardAndResync, "the peer was promoted and is primary: its content counts"),
        Seen::Secondary { synced: true, .. } => {
            let why = in_the_way(request, &owned.volume);
            let mut step = Step::new(DataReady::Replicated, DataProtected::Protected, "both sides hold the same");
            step.verdict.released = true;
            why.map_or(step, Step::on_its_way)
        }
        Seen::Secondary { .. } => {
            Step::new(DataReady::Replicating, DataProtected::Replicating, "the last writes are on their way").waiting()
        }
        Seen::NotReplicated | Seen::OutOfReach(_) => Step::on_its_way("there is no replica here yet"),
    }
}

/// What keeps a volume from being demoted: only proof that nobody writes it any more will do.
fn in_the_way(request: &ReplicationRequest, volume: &VolumeFacts) -> Option<String> {
    match &volume.in_use {
        VolumeUse::Free if volume.deleting || request.action == Some(DRAction::Failover) => None,
        VolumeUse::Free => Some("the claim is not deleted: the application may come back".into()),
        VolumeUse::Pods(pods) => Some(format!("pods use it: {}", pods.join(", "))),
        VolumeUse::Attached(nodes) => Some(format!("it is attached to: {}", nodes.join(", "))),
        VolumeUse::Unknown(failure) => Some(format!("whether it is in use is not known: {failure}")),
    }
}

/// A volume that leaves protection: its data stays, its replication ends. A secondary is its primary's to end.
fn leave(seen: &Seen) -> Step {
    let mut step = Step::new(DataReady::Ready, DataProtected::Replicating, "the volume leaves protection");
    match seen {
        Seen::Primary { .. } => step.to(What::Disable, "the volume is no longer to be protected"),
        _ => {
            step.verdict.released = true;
            step
        }
    }
}

fn command(owned: &OwnedVolume, what: What, guard: &str) -> DriverCommand {
    let id = owned.volume.id.to_string();
    let body = Do { volume: id.clone(), handle: handle(&owned.volume).to_owned(), what };
    DriverCommand {
        summary: format!("{what:?} {id}"),
        guard: guard.to_owned(),
        volumes: vec![owned.volume.id.clone()],
        body: serde_json::to_value(body).unwrap_or_default(),
    }
}

fn handle(volume: &VolumeFacts) -> &str {
    volume.volume.as_ref().and_then(|pv| pv.handle.as_deref()).unwrap_or_default()
}

/// A scheduling interval as policies spell it: a number of minutes, hours or days.
fn seconds(interval: &str) -> Option<u64> {
    let (number, unit) = interval.split_at_checked(interval.len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    number.parse::<u64>().ok().filter(|n| *n > 0)?.checked_mul(unit)
}
