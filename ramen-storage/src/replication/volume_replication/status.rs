//! What the status of a VolumeReplication says about its volume.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use ramen_core::{
    api::{
        self,
        foreign::{ReportedState, VolumeReplication, VolumeReplicationState, VolumeReplicationStatus},
        names::csi_addons::{
            COMPLETED, DEGRADED, DESTINATION_INFO_AVAILABLE, REASON_DEMOTED, REASON_HEALTHY, REASON_NOT_RESYNCING,
            REASON_PROMOTED, RESYNCING, VALIDATED,
        },
    },
    protection::replication::{DataProtected, DataReady, Destination, LastSync, Verdict},
};

/// How far a volume is in the state that its VolumeReplication asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub(super) data_ready: Verdict<DataReady>,
    pub(super) data_protected: Verdict<DataProtected>,
    /// The state is reached, as far as csi-addons can tell: for a secondary also while it still receives data.
    pub(super) reached: bool,
}

impl Standing {
    pub(super) fn new(ready: DataReady, protected: DataProtected, reached: bool, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            data_ready: Verdict::new(ready, message.clone()),
            data_protected: Verdict::new(protected, message),
            reached,
        }
    }

    pub(super) fn progressing(message: impl Into<String>) -> Self {
        Self::new(DataReady::Progressing, DataProtected::Progressing, false, message)
    }

    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::new(DataReady::Error, DataProtected::Error, false, message)
    }

    pub(super) fn unknown(message: impl Into<String>) -> Self {
        Self::new(DataReady::Unknown, DataProtected::Unknown, false, message)
    }
}

/// What one condition says of the present generation. csi-addons leaves conditions behind, and `status.state` too: what is of
/// an older generation says nothing.
enum Says<'a> {
    Yes(&'a str),
    No(&'a str),
    Nothing(&'static str),
}

impl Says<'_> {
    fn explain(&self, condition: &str) -> String {
        match self {
            Self::Yes(message) | Self::No(message) if !message.is_empty() => (*message).to_owned(),
            Self::Yes(_) => format!("{condition} is True in status of VolumeReplication resource."),
            Self::No(_) => format!("{condition} is False in status of VolumeReplication resource."),
            Self::Nothing(how) => format!("{how} {condition} from status of VolumeReplication resource."),
        }
    }
}

const MISSING: &str = "Failed to get the condition";
const STALE: &str = "Stale generation for condition";
const UNKNOWN: &str = "Unknown status for condition";

fn find<'a>(status: &'a VolumeReplicationStatus, condition: &str) -> Option<&'a Condition> {
    status.conditions.iter().flatten().find(|one| one.type_ == condition)
}

fn says<'a>(replication: &VolumeReplication, status: &'a VolumeReplicationStatus, condition: &str) -> Says<'a> {
    let Some(found) = find(status, condition) else { return Says::Nothing(MISSING) };
    if found.observed_generation != replication.metadata.generation {
        return Says::Nothing(STALE);
    }
    match found.status.as_str() {
        "True" => Says::Yes(&found.message),
        "False" => Says::No(&found.message),
        _ => Says::Nothing(UNKNOWN),
    }
}

/// Reads the status of a VolumeReplication whose spec asks for what is wanted.
///
/// `leaving` says that replication is to end: a volume whose replication could never begin then counts as reached, since there
/// is nothing to stop.
pub(super) fn standing(replication: &VolumeReplication, wanted: &VolumeReplicationState, leaving: bool) -> Standing {
    let seen = replication.status.as_ref().filter(|status| {
        status.observed_generation.is_some() && status.observed_generation == replication.metadata.generation
    });
    let Some(status) = seen else {
        return Standing::progressing("VolumeReplication generation not updated in status");
    };
    if *wanted == VolumeReplicationState::Primary {
        primary(replication, status, leaving)
    } else {
        secondary(replication, status)
    }
}

fn primary(replication: &VolumeReplication, status: &VolumeReplicationStatus, leaving: bool) -> Standing {
    let completed = says(replication, status, COMPLETED);
    let promoted = matches!(completed, Says::Yes(_));
    // A failed Enable leaves Validated behind, False or of an older generation, also after the volume was promoted in the end.
    // Only together with a promotion that is not confirmed does it say something.
    let confirmed = promoted && status.state == Some(ReportedState::Primary);
    if !confirmed && find(status, VALIDATED).is_some() {
        let validated = says(replication, status, VALIDATED);
        match validated {
            Says::No(_) => return Standing { reached: leaving, ..Standing::error(validated.explain(VALIDATED)) },
            Says::Nothing(_) if promoted => return Standing::error(validated.explain(VALIDATED)),
            Says::Nothing(_) | Says::Yes(_) => {}
        }
    }
    if !promoted {
        return Standing::error(completed.explain(COMPLETED));
    }
    let message = "PVC in the VolumeReplicationGroup is ready for use";
    Standing::new(DataReady::Ready, DataProtected::Replicating, true, message)
}

fn secondary(replication: &VolumeReplication, status: &VolumeReplicationStatus) -> Standing {
    let completed = says(replication, status, COMPLETED);
    if !matches!(completed, Says::Yes(_)) {
        return Standing::error(completed.explain(COMPLETED));
    }
    let (resyncing, degraded) = (says(replication, status, RESYNCING), says(replication, status, DEGRADED));
    match (&resyncing, &degraded) {
        (Says::Yes(_), Says::Yes(_)) => {
            let message = "VolumeReplication resource for the pvc is syncing as Secondary";
            Standing::new(DataReady::Replicating, DataProtected::Replicating, true, message)
        }
        (Says::No(_), Says::No(_)) if status.state == Some(ReportedState::Secondary) => {
            let message = "VolumeReplication resource for the pvc is in sync as Secondary";
            Standing::new(DataReady::Replicated, DataProtected::Protected, true, message)
        }
        (Says::No(_), Says::No(_)) => Standing::error("VolumeReplication resource does not report state Secondary"),
        (Says::Nothing(_), _) => Standing::error(resyncing.explain(RESYNCING)),
        // Degraded and not resyncing is also what stands there for a moment after each demotion.
        _ => Standing::error(degraded.explain(DEGRADED)),
    }
}

/// Whether the handle of the volume on the peer is known, where there is one.
///
/// The condition that announces one is written in the first status of all. Before there is any status, the metadata of the
/// volume must not be stored: a peer could restore it with a handle that does not exist there.
pub(super) fn destination(replication: &VolumeReplication) -> Destination {
    let Some(status) = replication.status.as_ref().filter(|status| status.observed_generation.is_some()) else {
        return Destination::Pending("VolumeReplication resource has no status yet".into());
    };
    let Some(condition) = find(status, DESTINATION_INFO_AVAILABLE) else { return Destination::Same };
    let handle = status.destination_volume_id.as_deref().filter(|handle| !handle.is_empty());
    match (condition.status.as_str(), handle) {
        ("True", Some(handle)) => Destination::Handle(handle.to_owned()),
        ("True", None) => Destination::Pending("the handle of the volume on the peer is reported empty".into()),
        _ => Destination::Pending(format!("the handle of the volume on the peer is not known: {}", condition.message)),
    }
}

/// The last synchronisation, if one was reported.
pub(super) fn last_sync(replication: &VolumeReplication) -> Option<LastSync> {
    let status = replication.status.as_ref()?;
    let duration = status.last_sync_duration.as_deref().and_then(|text| text.parse::<api::Duration>().ok());
    let sync = LastSync {
        time: status.last_sync_time.as_ref().map(|time| time.0),
        duration: duration.and_then(|span| span.try_into().ok()),
        bytes: status.last_sync_bytes,
    };
    (sync.time.is_some() || sync.duration.is_some() || sync.bytes.is_some()).then_some(sync)
}

/// The status once csi-addons has done what the spec asks for, at this generation.
pub(super) fn accomplished(
    before: Option<VolumeReplicationStatus>,
    state: &VolumeReplicationState,
    generation: i64,
) -> VolumeReplicationStatus {
    let primary = *state == VolumeReplicationState::Primary;
    let condition = |type_: &str, holds: bool, reason: &str| Condition {
        type_: type_.into(),
        status: if holds { "True" } else { "False" }.into(),
        reason: reason.into(),
        message: String::new(),
        observed_generation: Some(generation),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
    };
    let mut status = before.unwrap_or_default();
    let kept = status.conditions.take().unwrap_or_default().into_iter();
    let own = [COMPLETED, DEGRADED, RESYNCING];
    let mut conditions: Vec<_> = kept.filter(|one| !own.contains(&one.type_.as_str())).collect();
    conditions.extend([
        condition(COMPLETED, true, if primary { REASON_PROMOTED } else { REASON_DEMOTED }),
        condition(DEGRADED, false, REASON_HEALTHY),
        condition(RESYNCING, false, REASON_NOT_RESYNCING),
    ]);
    status.conditions = Some(conditions);
    status.state = Some(if primary { ReportedState::Primary } else { ReportedState::Secondary });
    status.observed_generation = Some(generation);
    status
}

#[cfg(test)]
mod tests;
