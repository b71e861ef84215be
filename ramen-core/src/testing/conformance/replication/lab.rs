//! What a case works with: two clusters, the hub's part between them, and the steps that cases are made of.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;

use super::bed::{DriverFault, ReplicationBed, Side};
use crate::{
    api::DRAction,
    intercluster::Failure,
    protection::{
        VolumeId, VolumeUse,
        replication::{
            Claim, DataProtected, DataReady, DriverCapabilities, DriverDecision, FinalSync, GroupRef, OwnedVolume,
            ReplicationDriver, ReplicationRequest, Role, StoredObject, VolumeVerdict,
        },
    },
    testing::conformance::{
        lab::{broken, ensure},
        report::Unmet,
    },
    time::Deadline,
};

/// How long a call may take.
pub(super) const CALL: Duration = Duration::from_secs(10);

/// How many passes it takes at most until a driver has nothing left to do.
const PASSES: usize = 40;

pub(super) type Driver = Arc<dyn ReplicationDriver>;

pub(super) fn soon() -> Deadline {
    Deadline::after(CALL)
}

/// Whether a verdict says that something was reached.
pub(super) fn is_positive(verdict: &VolumeVerdict) -> bool {
    matches!(verdict.data_ready.state, DataReady::Ready | DataReady::Replicated)
        || verdict.data_protected.state == DataProtected::Protected
        || verdict.released
}

/// Whether all volumes of a decision are in this state.
pub(super) fn all(decision: &DriverDecision, state: DataReady) -> bool {
    !decision.volumes.is_empty() && decision.volumes.values().all(|verdict| verdict.data_ready.state == state)
}

/// The states of a decision, in words.
pub(super) fn states(decision: &DriverDecision) -> String {
    let one = |(id, v): (&VolumeId, &VolumeVerdict)| {
        let released = if v.released { ", released" } else { "" };
        format!("{id} {:?}/{:?}{released} ({})", v.data_ready.state, v.data_protected.state, v.data_ready.message)
    };
    decision.volumes.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A bed that was reset, for one case.
#[derive(Debug)]
pub(super) struct DriverLab<'b> {
    pub(super) bed: &'b dyn ReplicationBed,
    /// What each side published, as the hub mirrors it.
    published: RefCell<BTreeMap<Side, Value>>,
    /// What was stored with the cluster data.
    stored: RefCell<Vec<StoredObject>>,
    generation: RefCell<i64>,
    /// Whether the driver dies after each command, which its successor repeats.
    pub(super) crashing: RefCell<bool>,
}

impl<'b> DriverLab<'b> {
    pub(super) async fn set_up(bed: &'b dyn ReplicationBed, _: &'static str) -> Result<Self, Unmet> {
        for side in [Side::First, Side::Second] {
            bed.heal(side).await?;
        }
        bed.reset().await?;
        if bed.volumes(Side::First).len() < 2 {
            return Err(Unmet::NotTried("the test bed has fewer than two volumes".into()));
        }
        let (published, stored) = (RefCell::default(), RefCell::default());
        Ok(Self { bed, published, stored, generation: RefCell::new(0), crashing: RefCell::new(false) })
    }

    pub(super) fn driver(&self, side: Side) -> Result<Driver, Unmet> {
        Ok(self.bed.driver(side)?)
    }

    pub(super) fn caps(&self) -> Result<DriverCapabilities, Unmet> {
        Ok(self.driver(Side::First)?.capabilities())
    }

    /// The volumes of a side that its driver claims, which must be all.
    pub(super) fn owned(&self, side: Side) -> Result<Vec<OwnedVolume>, Unmet> {
        let (driver, protection) = (self.driver(side)?, self.bed.protection());
        let own = |volume| match driver.claims(&volume, &protection) {
            Claim::Own { group } => Ok(OwnedVolume { volume, consistency_group: group }),
            Claim::NotMine(why) => {
                broken(format_args!("volume {} of the {side:?} side is not owned: {why}", volume.id))
            }
        };
        self.bed.volumes(side).into_iter().map(own).collect()
    }

    /// What the engine would ask on this side, of a generation of its own.
    pub(super) fn request(
        &self,
        side: Side,
        role: Role,
        action: Option<DRAction>,
    ) -> Result<ReplicationRequest, Unmet> {
        let generation = {
            let mut generation = self.generation.borrow_mut();
            *generation += 1;
            *generation
        };
        let mut volumes = self.owned(side)?;
        if role == Role::Secondary {
            // As when the application was removed.
            volumes.iter_mut().for_each(|owned| owned.volume.deleting = true);
        }
        Ok(ReplicationRequest {
            group: GroupRef {
                namespace: "kit".into(),
                name: "busybox".into(),
                uid: "kit".into(),
                generation,
                may_own: true,
            },
            epoch: u64::try_from(generation).unwrap_or(1),
            role,
            action,
            final_sync: FinalSync::No,
            protection: self.bed.protection(),
            volumes,
            release: Vec::new(),
            deleting: false,
            peer_input: Value::Null,
            restore: Vec::new(),
        })
    }

    pub(super) fn primary(&self, side: Side, action: Option<DRAction>) -> Result<ReplicationRequest, Unmet> {
        self.request(side, Role::Primary, action)
    }

    pub(super) fn secondary(&self, side: Side, action: DRAction) -> Result<ReplicationRequest, Unmet> {
        self.request(side, Role::Secondary, Some(action))
    }

    /// The request with what the hub mirrors and what was stored.
    pub(super) fn complete(&self, side: Side, request: &ReplicationRequest) -> ReplicationRequest {
        let other = if side == Side::First { Side::Second } else { Side::First };
        let peer_input = self.published.borrow().get(&other).cloned().unwrap_or_default();
        ReplicationRequest { peer_input, restore: self.stored.borrow().clone(), ..request.clone() }
    }

    /// Observes and decides, executing nothing.
    pub(super) async fn look(&self, side: Side, request: &ReplicationRequest) -> Result<DriverDecision, Unmet> {
        let (driver, request) = (self.driver(side)?, self.complete(side, request));
        let observed = driver.observe(&request, soon()).await?;
        Ok(driver.decide(&request, &observed))
    }

    /// One pass as the engine does it. A command that fails ends the pass; the failure is the second part.
    pub(super) async fn pass(
        &self,
        side: Side,
        request: &ReplicationRequest,
    ) -> Result<(DriverDecision, Option<Failure>), Unmet> {
        let (driver, request) = (self.driver(side)?, self.complete(side, request));
        let observed = driver.observe(&request, soon()).await?;
        let decision = driver.decide(&request, &observed);
        if !decision.peer_info.is_null() {
            self.published.borrow_mut().insert(side, decision.peer_info.clone());
        }
        if !decision.store.is_empty() {
            self.stored.borrow_mut().clone_from(&decision.store);
        }
        let crashing = *self.crashing.borrow();
        for command in &decision.commands {
            if let Err(failure) = driver.execute(command, soon()).await {
                return Ok((decision, Some(failure)));
            }
            if crashing {
                // Nobody knows any more that it was executed: a successor does it again, and starts over after that.
                let again = self.driver(side)?.execute(command, soon()).await;
                again.map_err(|f| {
                    Unmet::Broken(format!("{:?}, done again after a crash, failed: {f}", command.summary))
                })?;
                break;
            }
        }
        Ok((decision, None))
    }

    /// Passes until the decision is as wanted and nothing is left to do.
    pub(super) async fn settle(
        &self,
        side: Side,
        request: &ReplicationRequest,
        what: &str,
        wanted: impl Fn(&DriverDecision) -> bool,
    ) -> Result<DriverDecision, Unmet> {
        let mut last = (DriverDecision::default(), None);
        for _ in 0..PASSES {
            last = self.pass(side, request).await?;
            if wanted(&last.0) && last.0.commands.is_empty() {
                return Ok(last.0);
            }
            self.bed.wait(self.bed.settles_within() / 8).await;
        }
        let failed = last.1.map(|f| format!("; the last command failed: {f}")).unwrap_or_default();
        let left: Vec<_> = last.0.commands.iter().map(|command| command.summary.as_str()).collect();
        broken(format_args!("it never came about that {what}: {}; still to do: {left:?}{failed}", states(&last.0)))
    }

    pub(super) async fn become_primary(
        &self,
        side: Side,
        action: Option<DRAction>,
    ) -> Result<(ReplicationRequest, DriverDecision), Unmet> {
        let request = self.primary(side, action)?;
        let what = format!("the volumes are primary on the {side:?} side");
        let decision = self.settle(side, &request, &what, |d| all(d, DataReady::Ready)).await?;
        Ok((request, decision))
    }

    /// Lets the volumes be given up for a relocate, with the last synchronisation where the driver has one.
    pub(super) async fn give_up(&self, side: Side) -> Result<(), Unmet> {
        for (step, done) in [(FinalSync::Prepare, "prepared"), (FinalSync::Run, "complete")] {
            let mut request = self.primary(side, Some(DRAction::Relocate))?;
            request.final_sync = step;
            self.settle(side, &request, &format!("the last synchronisation is {done}"), |d| match step {
                FinalSync::Run => d.final_sync.complete,
                _ => d.final_sync.prepared,
            })
            .await?;
        }
        let request = self.secondary(side, DRAction::Relocate)?;
        let released = |d: &DriverDecision| !d.volumes.is_empty() && d.volumes.values().all(|v| v.released);
        self.settle(side, &request, "the volumes are released", released).await.map(drop)
    }

    /// The first side protects: its volumes are primary and replicated, and hold a write each.
    pub(super) async fn protect(&self) -> Result<ReplicationRequest, Unmet> {
        let (request, _) = self.become_primary(Side::First, None).await?;
        self.must_write(Side::First).await?;
        self.settled().await;
        Ok(request)
    }

    /// Lets the storage do its part.
    pub(super) async fn settled(&self) {
        self.bed.wait(self.bed.settles_within()).await;
    }

    pub(super) fn ids(&self) -> Vec<VolumeId> {
        self.bed.volumes(Side::First).into_iter().map(|volume| volume.id).collect()
    }

    /// An application writes to each volume, which a ready primary must accept.
    pub(super) async fn must_write(&self, side: Side) -> Result<(), Unmet> {
        for id in self.ids() {
            let accepted = self.bed.write(side, &id).await?;
            ensure(accepted, format_args!("volume {id} on the {side:?} side is called ready and cannot be written"))?;
        }
        Ok(())
    }

    pub(super) async fn digests(&self, side: Side) -> Result<Vec<Option<String>>, Unmet> {
        let mut digests = Vec::new();
        for id in self.ids() {
            digests.push(self.bed.digest(side, &id).await?);
        }
        Ok(digests)
    }

    pub(super) async fn inflict(&self, side: Side, fault: DriverFault) -> Result<(), Unmet> {
        Ok(self.bed.inflict(side, fault).await?)
    }
}

/// The ways in which a volume is not free.
pub(super) fn in_use() -> [VolumeUse; 3] {
    let unknown = Failure::new(crate::intercluster::FailureClass::TimedOut, "the list of attachments was not read");
    [VolumeUse::Pods(vec!["app-0".into()]), VolumeUse::Attached(vec!["node-1".into()]), VolumeUse::Unknown(unknown)]
}
