//! What to do about each volume, and how far it is.

use std::time::Duration;

use ramen_core::{
    api::{
        DRAction,
        foreign::{VolumeReplication, VolumeReplicationState},
    },
    decision::Sight,
    protection::{
        VolumeFacts,
        replication::{
            DataProtected, DataReady, Destination, DriverCommand, DriverDecision, DriverObservation, FinalSyncVerdict,
            LastSync, ProtectionFacts, ReplicationRequest, Verdict, VolumeVerdict,
        },
    },
};

use super::{
    classes,
    observed::{Action, Command, Observed},
    status::{Standing, destination, last_sync, standing},
    wish::Wish,
};
use crate::replication::gates::not_ready_for_secondary;

/// When to look again at a volume that is on its way: pods and attachments that go wake nobody.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What to do for the volumes of the request, and how far each is.
pub(super) fn decide(request: &ReplicationRequest, observed: &DriverObservation) -> DriverDecision {
    let mut decision =
        DriverDecision { final_sync: FinalSyncVerdict { prepared: true, complete: true }, ..DriverDecision::default() };
    let seen = if observed.0.is_null() { Ok(Observed::default()) } else { observed.read::<Observed>() };
    let all = request.volumes.iter().map(|owned| (&owned.volume, request.deleting));
    for (volume, leaving) in all.chain(request.release.iter().map(|owned| (&owned.volume, true))) {
        let Some(wish) = Wish::of(request) else {
            decision.volumes.insert(volume.id.clone(), no_copy());
            continue;
        };
        let sight = match &seen {
            Ok(seen) => seen.replications.get(&volume.id).map_or(Sight::Pending, borrowed),
            Err(failure) => Sight::Failed(failure.clone()),
        };
        let handed_over = seen.as_ref().is_ok_and(|seen| seen.handed_over.contains(&volume.id));
        let (protection, action) = (&request.protection, request.action.as_ref());
        Subject { volume, protection, wish, action, seen: sight, handed_over, leaving }.add_to(&mut decision);
    }
    decision.look_again = (!decision.waits.is_empty()).then_some(LOOK_AGAIN);
    decision
}

fn borrowed<T>(sight: &Sight<T>) -> Sight<&T> {
    match sight {
        Sight::Found(object) => Sight::Found(object),
        Sight::Absent => Sight::Absent,
        Sight::KindAbsent => Sight::KindAbsent,
        Sight::Pending => Sight::Pending,
        Sight::Stale(object) => Sight::Stale(object.as_ref()),
        Sight::Failed(failure) => Sight::Failed(failure.clone()),
    }
}

fn no_copy() -> VolumeVerdict {
    let why = "a test failover needs a copy of the volume, which VolumeReplication does not make; leave the test and fail \
               over, or protect the PVC with VolSync";
    VolumeVerdict {
        data_ready: Verdict::new(DataReady::Error, why),
        data_protected: Verdict::new(DataProtected::Error, why),
        restored: None,
        destination: Destination::Pending("a test stores no metadata".into()),
        last_sync: None,
        released: false,
    }
}

/// One volume, what is wanted of it, and what was seen of it.
struct Subject<'a> {
    volume: &'a VolumeFacts,
    protection: &'a ProtectionFacts,
    wish: Wish<'a>,
    action: Option<&'a DRAction>,
    seen: Sight<&'a VolumeReplication>,
    /// The claim is marked: all writes had reached the peer.
    handed_over: bool,
    /// Replication is to end: the volume leaves the group, or the group goes.
    leaving: bool,
}

/// The verdict about one volume, and what to do about it, each step with what makes it legal.
struct Answer {
    standing: Standing,
    steps: Vec<(Action, String)>,
    /// Replication has ended in order, and nothing of it is left.
    released: bool,
}

impl Answer {
    fn of(standing: Standing) -> Self {
        Self { standing, steps: Vec::new(), released: false }
    }

    fn released(standing: Standing) -> Self {
        Self { released: true, ..Self::of(standing) }
    }

    fn step(mut self, action: Action, guard: impl Into<String>) -> Self {
        self.steps.push((action, guard.into()));
        self
    }
}

impl Subject<'_> {
    /// Adds what there is to say and to do about the volume.
    fn add_to(&self, decision: &mut DriverDecision) {
        let answer = if self.wish.state == VolumeReplicationState::Primary { self.primary() } else { self.secondary() };
        let Answer { standing, steps, released } = answer;
        if !released
            && matches!(standing.data_ready.state, DataReady::Progressing | DataReady::Error | DataReady::Unknown)
        {
            decision.waits.push(format!("PVC {}: {}", self.volume.id, standing.data_ready.message));
        } else if !released && (self.leaving || self.wish.state == VolumeReplicationState::Secondary) {
            decision.waits.push(format!("PVC {}: its VolumeReplication is still there", self.volume.id));
        }
        for (action, guard) in steps {
            decision.commands.push(self.command(action, guard));
        }
        let verdict = VolumeVerdict {
            data_ready: standing.data_ready,
            data_protected: standing.data_protected,
            restored: None,
            destination: self.destination(),
            last_sync: self.last_sync(standing.reached),
            released,
        };
        decision.volumes.insert(self.volume.id.clone(), verdict);
    }

    fn command(&self, action: Action, guard: String) -> DriverCommand {
        let id = &self.volume.id;
        let state = &self.wish.state;
        let summary = match &action {
            Action::Create(_) => format!("create VolumeReplication {id} as {state}"),
            Action::Update(_) => format!("update VolumeReplication {id} to {state}"),
            Action::Delete { .. } => format!("delete VolumeReplication {id}"),
            Action::HandOver { .. } => format!("mark PVC {id} as handed over"),
            Action::TakeBack { .. } => format!("remove the mark of PVC {id} as handed over"),
        };
        let command = Command { volume: id.clone(), action };
        // The command is plain data of types that JSON can hold; if it were not, executing it would fail as malformed.
        let body = serde_json::to_value(command).unwrap_or_default();
        DriverCommand { summary, guard, volumes: vec![id.clone()], body }
    }

    fn destination(&self) -> Destination {
        match &self.seen {
            Sight::Found(found) => destination(found),
            other => Destination::Pending(
                other.unknown().unwrap_or_else(|| "there is no VolumeReplication resource yet".into()),
            ),
        }
    }

    fn last_sync(&self, reached: bool) -> Option<LastSync> {
        let primary = self.wish.state == VolumeReplicationState::Primary;
        self.seen.found().filter(|_| reached && primary).and_then(|found| last_sync(found))
    }

    /// Primary: the VolumeReplication exists and asks for primary. Leaving: it is removed once it is primary, which leaves the
    /// data as the application knows it.
    fn primary(&self) -> Answer {
        match &self.seen {
            Sight::Absent | Sight::KindAbsent if self.leaving => {
                let message = "PVC is not replicated";
                Answer::released(Standing::new(DataReady::Ready, DataProtected::Replicating, true, message))
            }
            Sight::Absent => self.create(),
            Sight::Found(found) => {
                if let Some(answer) = self.not_for_us(found) {
                    return answer;
                }
                self.as_primary(found)
            }
            other => Answer::of(unread(other)),
        }
    }

    fn create(&self) -> Answer {
        if self.volume.deleting {
            return Answer::of(Standing::progressing("Skipping pvc marked for deletion"));
        }
        if !self.volume.bound {
            return Answer::of(Standing::progressing("PVC is not bound to a volume yet"));
        }
        let class = match classes::choose(self.volume, self.protection) {
            Ok(class) => class,
            Err(why) => return Answer::of(Standing::error(why)),
        };
        let guard = format!("the PVC is bound and has no VolumeReplication; {class} is the class that fits it");
        let object = Box::new(self.wish.create(&self.volume.id, class));
        self.taken_back(Standing::progressing("Created VolumeReplication resource for PVC"))
            .step(Action::Create(object), guard)
    }

    fn as_primary(&self, found: &VolumeReplication) -> Answer {
        if !self.wish.is_asked(found) {
            return self
                .taken_back(Standing::progressing("Updated VolumeReplication resource for PVC"))
                .step(self.update(found), "the group is primary on this cluster");
        }
        let standing = standing(found, &self.wish.state, self.leaving);
        if self.leaving {
            let reached = standing.reached;
            let answer = Answer::of(standing);
            let guard = "the PVC is no longer protected, and its volume is primary";
            return if reached { answer.step(delete(found), guard) } else { answer };
        }
        let answer = self.taken_back(standing);
        if self.wish.is_labelled(&self.volume.id, found) {
            return answer;
        }
        answer.step(self.update(found), "it replicates a PVC of this group and does not say so")
    }

    /// Secondary: nobody uses the volume, it is demoted, the peer has all of it (on a failover: follows the peer), and the
    /// VolumeReplication is removed.
    fn secondary(&self) -> Answer {
        match &self.seen {
            Sight::Absent | Sight::KindAbsent => self.gone(),
            Sight::Found(found) => {
                if let Some(answer) = self.not_for_us(found) {
                    return answer;
                }
                self.as_secondary(found)
            }
            other => Answer::of(unread(other)),
        }
    }

    /// Without VolumeReplication the volume may be let go: if all writes had reached the peer, or if nobody asks for them.
    fn gone(&self) -> Answer {
        if self.handed_over {
            let message = "All that was written has reached the peer, and replication has ended on this cluster";
            return Answer::released(Standing::new(DataReady::Replicated, DataProtected::Protected, true, message));
        }
        if self.leaving || self.is_failover() {
            let message = "PVC is not replicated from this cluster any more";
            return Answer::released(Standing::new(DataReady::Replicating, DataProtected::Replicating, true, message));
        }
        Answer::of(Standing::error(
            "VolumeReplication of the PVC was removed before it was in sync as Secondary, so the last writes may be missing \
             on the peer; let the group be primary on this cluster again, or fail over to accept the loss",
        ))
    }

    fn as_secondary(&self, found: &VolumeReplication) -> Answer {
        if let Some(why) = not_ready_for_secondary(self.volume, self.action) {
            return Answer::of(Standing::progressing(why));
        }
        if !self.wish.is_asked(found) {
            let standing = Standing::progressing("Updated VolumeReplication resource for PVC");
            return Answer::of(standing).step(self.update(found), "nobody on this cluster uses the volume");
        }
        let standing = standing(found, &self.wish.state, self.leaving);
        let in_sync = standing.reached && standing.data_ready.state == DataReady::Replicated;
        if in_sync && self.must_be_in_sync() && !self.handed_over {
            let mark = Action::HandOver {
                claim_uid: self.volume.uid.clone(),
                replication: found.metadata.uid.clone().unwrap_or_default(),
            };
            let guard = "the demoted volume is in sync with its peer";
            return Answer::of(standing).step(mark, guard).step(delete(found), guard);
        }
        let enough = in_sync || (standing.reached && !self.must_be_in_sync());
        let answer = Answer::of(standing);
        let guard = "the volume is demoted and follows its peer";
        if enough { answer.step(delete(found), guard) } else { answer }
    }

    /// A relocate loses no write. On a failover, what this side has of its own is given up anyway; a group that is removed
    /// without any action under way asks for nothing.
    fn must_be_in_sync(&self) -> bool {
        let nobody_moves = self.leaving && self.action.is_none();
        !self.is_failover() && !nobody_moves
    }

    fn is_failover(&self) -> bool {
        self.action == Some(&DRAction::Failover)
    }

    fn not_for_us(&self, found: &VolumeReplication) -> Option<Answer> {
        if let Some(why) = self.wish.foreign(&self.volume.id, found) {
            return Some(Answer::of(Standing::error(why)));
        }
        let deleting = found.metadata.deletion_timestamp.is_some();
        deleting.then(|| Answer::of(Standing::progressing("VolumeReplication resource of the PVC is being deleted")))
    }

    fn update(&self, found: &VolumeReplication) -> Action {
        Action::Update(self.wish.update(&self.volume.id, found))
    }

    /// An answer whose first step removes the mark of an earlier hand-over, which new writes make untrue.
    fn taken_back(&self, standing: Standing) -> Answer {
        let answer = Answer::of(standing);
        if !self.handed_over {
            return answer;
        }
        let claim_uid = self.volume.uid.clone();
        answer.step(Action::TakeBack { claim_uid }, "the volume is to be written on this cluster again")
    }
}

fn delete(found: &VolumeReplication) -> Action {
    let metadata = &found.metadata;
    Action::Delete { uid: metadata.uid.clone().unwrap_or_default(), version: metadata.resource_version.clone() }
}

fn unread(seen: &Sight<&VolumeReplication>) -> Standing {
    let message = format!("Failed to get VolumeReplication resource: {}", seen.unknown().unwrap_or_default());
    match seen {
        Sight::KindAbsent => {
            Standing::error(format!("{message}; install csi-addons and its CustomResourceDefinitions"))
        }
        _ => Standing::unknown(message),
    }
}

#[cfg(test)]
mod tests;
