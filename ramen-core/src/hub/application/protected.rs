//! Condition `Protected`: whether a disaster now would lose no more than the interval. Summed up from the primary's copy.
//!
//! First match: what is an error says so before what is only under way; that metadata are in every store is looked at last,
//! since with the peer down it would hide the real cause.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    conditions::{FALSE, TRUE, UNKNOWN},
    member::{condition, is_primary, is_settled, state},
};
use crate::{
    api::{
        DRAction, State, VolumeReplicationGroup,
        names::conditions::{drpc as names, vrg},
    },
    intercluster::ClusterName,
};

/// Status, reason and message of the condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// Reasons of a False condition that are errors; any other is work under way.
const ERRORS: [&str; 6] = [
    vrg::REASON_ERROR,
    vrg::REASON_UNKNOWN_ERROR,
    vrg::REASON_UPLOAD_ERROR,
    vrg::REASON_ANNOTATION_FAILED,
    vrg::REASON_CLUSTER_DATA_CONFLICT_PRIMARY,
    vrg::REASON_CLUSTER_DATA_CONFLICT_SECONDARY,
];

/// What a condition is about, in the words of messages: not reported, in error, under way.
struct Words(&'static str, &'static str, &'static str);

fn words(type_: &str) -> Words {
    match type_ {
        vrg::CLUSTER_DATA_READY => {
            Words("workload resources readiness", "restoring workload resources", "restoring workload resources")
        }
        vrg::DATA_READY => Words("workload data readiness", "readying workload data", "readying workload data"),
        vrg::DATA_PROTECTED => {
            Words("workload data protection", "protecting workload data", "protecting workload data")
        }
        vrg::DESTINATION_INFO_AVAILABLE => {
            Words("destination info availability", "destination info", "waiting for destination info")
        }
        vrg::NO_CLUSTER_DATA_CONFLICT => {
            Words("workload data protection", "conflicting workload data", "checking for workload data conflict")
        }
        _ => Words("workload resource protection", "protecting workload resources", "protecting workload resources"),
    }
}

/// The copy that is judged, where it is.
struct Judged<'a> {
    vrg: &'a VolumeReplicationGroup,
    subject: String,
}

/// Whether the application is protected, by the copy on this cluster.
pub(super) fn verdict(
    vrg: &VolumeReplicationGroup,
    cluster: &ClusterName,
    action: Option<DRAction>,
    is_async: bool,
) -> Verdict {
    let meta = &vrg.metadata;
    let name = meta.name.as_deref().unwrap_or_default();
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    let judged = Judged { vrg, subject: format!("VolumeReplicationGroup ({namespace}/{name}) on cluster {cluster}") };
    judged
        .first_objection(action, is_async)
        .unwrap_or_else(|| judged.says(TRUE, names::REASON_PROTECTED, "is protecting required resources and data"))
}

impl Judged<'_> {
    fn first_objection(&self, action: Option<DRAction>, is_async: bool) -> Option<Verdict> {
        let primary = is_primary(self.vrg);
        self.hooks()
            .or_else(|| if primary { self.generic(vrg::CLUSTER_DATA_READY) } else { None })
            .or_else(|| self.data(primary, is_async, action))
            .or_else(|| self.generic_if_present(vrg::DESTINATION_INFO_AVAILABLE))
            .or_else(|| self.generic(vrg::NO_CLUSTER_DATA_CONFLICT))
            .or_else(|| self.reporting(is_async))
            .or_else(|| if primary { self.generic(vrg::CLUSTER_DATA_PROTECTED) } else { None })
    }

    fn hooks(&self) -> Option<Verdict> {
        let hooks = condition(self.vrg, vrg::HOOKS_READY).filter(|c| self.is_now(c))?;
        (hooks.status == FALSE && hooks.reason == vrg::REASON_HOOK_FAILED)
            .then(|| self.says(FALSE, names::REASON_ERROR, &format!("hook execution failed: {}", hooks.message)))
    }

    fn data(&self, primary: bool, is_async: bool, action: Option<DRAction>) -> Option<Verdict> {
        let replicating = |type_| {
            condition(self.vrg, type_)
                .is_some_and(|c| self.is_now(c) && c.status == FALSE && c.reason == vrg::REASON_REPLICATING)
        };
        if primary {
            return self.generic(vrg::DATA_READY).or_else(|| {
                // A primary that replicates without end never says that all of it has arrived.
                if replicating(vrg::DATA_PROTECTED) { None } else { self.generic(vrg::DATA_PROTECTED) }
            });
        }
        let resyncing = is_async && action == Some(DRAction::Failover) && replicating(vrg::DATA_READY);
        let ready = if resyncing { None } else { self.generic_if_present(vrg::DATA_READY) };
        ready.or_else(|| self.generic_if_present(vrg::DATA_PROTECTED))
    }

    fn reporting(&self, is_async: bool) -> Option<Verdict> {
        let spec = self.vrg.spec.replication_state.as_str();
        let lacks = |status, reason, what: &str| {
            let text = format!("is not reporting {what} as {spec}, retrying till status is met");
            Some(self.says(status, reason, &text))
        };
        let matches = match state(self.vrg) {
            Some(State::Primary) => is_primary(self.vrg),
            Some(State::Secondary) => !is_primary(self.vrg),
            _ => false,
        };
        if !is_settled(self.vrg) {
            return lacks(FALSE, names::REASON_UNKNOWN, "status for current generation");
        }
        if !matches {
            return lacks(FALSE, names::REASON_PROGRESSING, "status");
        }
        let synced = self.vrg.status.as_ref().is_some_and(|s| s.last_group_sync_time.is_some());
        if is_async && !synced {
            return lacks(FALSE, names::REASON_PROGRESSING, "any lastGroupSyncTime");
        }
        None
    }

    fn generic_if_present(&self, type_: &str) -> Option<Verdict> {
        condition(self.vrg, type_).and_then(|_| self.generic(type_))
    }

    /// What a condition objects to: nothing only if it is True for the present generation.
    fn generic(&self, type_: &str) -> Option<Verdict> {
        let Words(unknown, error, progress) = words(type_);
        let till = format!("retrying till {type_} condition is met");
        let Some(found) = condition(self.vrg, type_).filter(|c| self.is_now(c) && c.status != UNKNOWN) else {
            let text = format!("is not reporting any status about {unknown}, {till}");
            return Some(self.says(UNKNOWN, names::REASON_UNKNOWN, &text));
        };
        if found.status == TRUE {
            return None;
        }
        Some(if ERRORS.contains(&found.reason.as_str()) {
            let text = format!("is reporting errors ({}) {error}, {till}", found.message);
            self.says(FALSE, names::REASON_ERROR, &text)
        } else {
            let text = format!("is progressing on {progress} ({}), {till}", found.message);
            self.says(FALSE, names::REASON_PROGRESSING, &text)
        })
    }

    fn is_now(&self, condition: &Condition) -> bool {
        condition.observed_generation == self.vrg.metadata.generation
    }

    fn says(&self, status: &'static str, reason: &'static str, text: &str) -> Verdict {
        Verdict { status, reason, message: format!("{} {text}", self.subject) }
    }
}

#[cfg(test)]
mod tests;
