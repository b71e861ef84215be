//! One cluster's copy of the application: what was asked for and what is seen, and what may be concluded from it.
//!
//! | Seen | "it is secondary" | "it is not there" | fail over to it | fail over away from it |
//! |---|---|---|---|---|
//! | found | by role, state and generation | no | by role, state and generation | yes |
//! | absent, seen just now | yes, unless it was asked to be primary | yes | no | yes |
//! | anything else | no | no | no | yes |

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{conditions, epoch};
use crate::{
    api::{ReplicationState, State, VolumeReplicationGroup, names::conditions::vrg as names},
    decision::{Age, Seen, Sight},
    intercluster::{ClusterName, Delivery, IntentRecord, OutcomeKind, Precondition},
    protection::cluster_data::Epoch,
};

/// What was asked of a cluster, as recorded on the hub.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// The record.
    pub(super) record: IntentRecord,
    /// The object in it.
    pub(super) vrg: VolumeReplicationGroup,
}

/// The copy of the application on one cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    /// The cluster.
    pub(super) cluster: ClusterName,
    /// What was asked for.
    pub(super) wanted: Option<Wanted>,
    /// What is seen.
    pub(super) seen: Seen<VolumeReplicationGroup>,
}

impl Member {
    /// The object on the cluster, if the cluster answered and it is there.
    pub(super) fn found(&self) -> Option<&VolumeReplicationGroup> {
        self.seen.found()
    }

    /// Whether the cluster answered: the object is there, or proven not to be.
    pub(super) fn is_answered(&self) -> bool {
        self.seen.sight.is_answered()
    }

    /// Whether the object is proven not to be there, by an answer to this pass.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.seen.sight, Sight::Absent) && self.seen.age == Age::Live
    }

    /// Whether there is positive evidence that nothing is left to delete: the object, or its whole kind, is not there.
    pub(super) fn confirms_deletion(&self) -> bool {
        matches!(self.seen.sight, Sight::Absent | Sight::KindAbsent) && self.seen.age == Age::Live
    }

    /// Whether the object is there, was asked for in exactly the way it now is, and the cluster has acted on that.
    ///
    /// A copy whose last word has not been applied shows what was, not what will be.
    pub(super) fn is_current(&self) -> bool {
        let Some(found) = self.found() else { return false };
        self.wanted.as_ref().is_none_or(|wanted| has_arrived(&wanted.record, found)) && is_settled(found)
    }

    /// Whether the record on the hub asks for the primary role.
    pub(super) fn is_wanted_primary(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| is_primary(&wanted.vrg))
    }

    /// Whether the cluster shows an object with the primary role, not being deleted.
    pub(super) fn is_seen_primary(&self) -> bool {
        self.found().is_some_and(|vrg| is_primary(vrg) && !is_deleting(vrg))
    }

    /// Whether the cluster has the primary role and has taken note of the last word from the hub.
    pub(super) fn is_promoted(&self) -> bool {
        self.is_seen_primary() && self.is_current()
    }

    /// Whether its volumes are secondary, by what was last asked for.
    pub(super) fn is_settled_secondary(&self) -> bool {
        self.is_current()
            && !self.is_wanted_primary()
            && self.found().is_some_and(|vrg| is_secondary(vrg) && state(vrg) == Some(&State::Secondary))
    }

    /// Whether nothing on the cluster writes the volumes, nor will by what was asked for: they are secondary, or it is
    /// proven that the object is not there and the record does not ask for a primary.
    pub(super) fn is_out_of_the_way(&self) -> bool {
        self.is_settled_secondary() || (self.is_absent() && !self.is_wanted_primary())
    }

    /// Whether the application may be started on it: data and metadata are there for the generation it is at.
    pub(super) fn is_ready_primary(&self) -> bool {
        self.is_promoted()
            && self.found().is_some_and(|vrg| {
                state(vrg) == Some(&State::Primary)
                    && holds(vrg, names::DATA_READY)
                    && holds(vrg, names::CLUSTER_DATA_READY)
            })
    }

    /// What keeps the application from being started on it.
    pub(super) fn not_ready(&self) -> String {
        let Some(vrg) = self.found() else { return self.describe() };
        if !self.is_current() {
            return "the last change has not been acted upon".into();
        }
        for type_ in [names::DATA_READY, names::CLUSTER_DATA_READY] {
            if !holds(vrg, type_) {
                return match condition(vrg, type_) {
                    Some(c) => format!("condition {type_} is {} ({}: {})", c.status, c.reason, c.message),
                    None => format!("condition {type_} has not been reported"),
                };
            }
        }
        format!("its state is {}", state(vrg).map_or("not reported", State::as_str))
    }

    /// Whether a condition of the object is True at its generation.
    pub(super) fn holds(&self, type_: &str) -> bool {
        self.found().is_some_and(|vrg| holds(vrg, type_))
    }

    /// The highest epoch that the record or the cluster shows.
    pub(super) fn epoch(&self) -> Epoch {
        let wanted = self.wanted.as_ref().map(|wanted| epoch::of(&wanted.vrg)).unwrap_or_default();
        wanted.max(self.found().map(epoch::of).unwrap_or_default())
    }

    /// What a write of the record is to depend on.
    pub(super) fn precondition(&self) -> Precondition {
        self.wanted.as_ref().map_or(Precondition::Absent, |wanted| Precondition::At(wanted.record.revision.clone()))
    }

    /// Whether the record is being ended.
    pub(super) fn is_ending(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| matches!(wanted.record.delivery, Delivery::Deleting))
    }

    /// What is seen, in words that do not change from pass to pass while nothing else does.
    pub(super) fn describe(&self) -> String {
        let Some(vrg) = self.found() else { return words(self.seen.sight.kind()).into() };
        let role = match &vrg.spec.replication_state {
            ReplicationState::Primary => "primary",
            ReplicationState::Secondary => "secondary",
            ReplicationState::Other(_) => "in no role",
        };
        let state = state(vrg).map_or("not reported", State::as_str);
        let lag = if self.is_current() { "" } else { ", with the last change not acted upon" };
        let deleting = if is_deleting(vrg) { ", being deleted" } else { "" };
        format!("is asked to be {role} and reports state {state}{lag}{deleting}")
    }

    /// What helps to get an answer, or another one.
    pub(super) fn remedy(&self) -> String {
        match &self.seen.sight {
            Sight::Failed(failure) => failure.what_helps().into(),
            Sight::Stale(_) => "check that the cluster runs and that the network between it and the hub is open".into(),
            Sight::KindAbsent => "install the dr-cluster operator and its CustomResourceDefinitions there".into(),
            Sight::Pending => "none needed: it is observed as soon as the cluster answers".into(),
            Sight::Found(_) | Sight::Absent => {
                format!("see the conditions of the VolumeReplicationGroup on cluster {}", self.cluster)
            }
        }
    }
}

/// An outcome in words that stay the same from pass to pass.
pub(super) fn words(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Found => "is there",
        OutcomeKind::Absent => "does not exist there",
        OutcomeKind::KindAbsent => "cannot exist there: its kind is not installed",
        OutcomeKind::Pending => "has not been observed yet",
        OutcomeKind::Stale => "was last observed too long ago",
        OutcomeKind::Unreachable => "is not known: the cluster cannot be reached",
        OutcomeKind::TimedOut => "is not known: the cluster did not answer in time",
        OutcomeKind::Forbidden => "is not known: the right to read it is missing",
        OutcomeKind::Unauthenticated => "is not known: the credentials were not accepted",
        OutcomeKind::Throttled => "is not known: reads are being held back",
        OutcomeKind::Malformed => "could not be understood",
        OutcomeKind::UnknownCluster => "is not known: there is no such cluster",
        OutcomeKind::Cancelled => "is not known: the read was given up",
    }
}

/// Whether what is recorded has been applied, and the object seen is not from before that.
fn has_arrived(record: &IntentRecord, seen: &VolumeReplicationGroup) -> bool {
    let uid = seen.metadata.uid.as_deref();
    record.is_applied()
        && record.objects.first().is_none_or(|object| {
            object.uid.as_deref().is_none_or(|applied| Some(applied) == uid)
                && object.generation.is_none_or(|applied| seen.metadata.generation >= Some(applied))
        })
}

/// Whether the status is about the spec that is there now.
pub(super) fn is_settled(vrg: &VolumeReplicationGroup) -> bool {
    let observed = vrg.status.as_ref().map(|status| status.observed_generation);
    vrg.metadata.generation.is_some() && observed == vrg.metadata.generation
}

/// Whether the spec asks for the primary role.
pub(super) fn is_primary(vrg: &VolumeReplicationGroup) -> bool {
    vrg.spec.replication_state == ReplicationState::Primary
}

/// Whether the spec asks for the secondary role.
pub(super) fn is_secondary(vrg: &VolumeReplicationGroup) -> bool {
    vrg.spec.replication_state == ReplicationState::Secondary
}

/// Whether the object is being deleted.
pub(super) fn is_deleting(vrg: &VolumeReplicationGroup) -> bool {
    vrg.metadata.deletion_timestamp.is_some()
}

/// The state that is reported.
pub(super) fn state(vrg: &VolumeReplicationGroup) -> Option<&State> {
    vrg.status.as_ref()?.state.as_ref()
}

/// A condition of the object.
pub(super) fn condition<'a>(vrg: &'a VolumeReplicationGroup, type_: &str) -> Option<&'a Condition> {
    conditions::get(&vrg.status.as_ref()?.conditions, type_)
}

/// Whether a condition of the object is True at its generation.
pub(super) fn holds(vrg: &VolumeReplicationGroup, type_: &str) -> bool {
    let generation = vrg.metadata.generation.unwrap_or_default();
    vrg.status.as_ref().is_some_and(|status| conditions::is_true_at(&status.conditions, type_, generation))
}

/// The member that is to be the primary: of those that were asked to be, the one of the highest epoch; where none was
/// asked, the one that is seen to be. During a failover two are asked to be, and the later word counts.
pub(super) fn primary(members: &[Member]) -> Option<&Member> {
    let asked = members.iter().filter(|m| m.is_wanted_primary() && !m.is_ending()).max_by_key(|m| m.epoch());
    asked.or_else(|| members.iter().filter(|m| m.is_seen_primary()).max_by_key(|m| m.epoch()))
}
