//! What a VolumeReplication tells of how replication fares.

use std::time::Duration;

use kube::api::DynamicObject;
use serde_json::json;

use super::{super::kit::Fields, Settings, conditions, target::Target};
use crate::storage::{Code, DriverError, Health, Operation};

/// How soon to look again where the class names no interval, or one that is not understood.
const WITHOUT_INTERVAL: Duration = Duration::from_secs(3600);
/// Intervals shorter than this are not halved.
const SHORT: Duration = Duration::from_secs(120);

/// Reads the state of replication into a status; answers after how long to look again, if at all.
///
/// # Errors
/// What the driver answered, when it should have told; the status then says that nothing is known.
pub(super) async fn read(
    settings: &Settings,
    now: &str,
    replication: &mut DynamicObject,
    target: &Target,
    period: Option<Duration>,
) -> Result<Option<Duration>, DriverError> {
    let (cluster, source) = (&settings.cluster, &target.source);
    let again = period.map_or(WITHOUT_INTERVAL, |period| if period < SHORT { period } else { period / 2 });
    let info = match settings.call(Operation::GetInfo, target.handle(), |system| system.info(cluster, source)).await {
        Ok(info) => info,
        Err(error) if error.code == Code::NotFound => return Ok(Some(again)),
        Err(error) if error.code == Code::Unimplemented => return Ok(None),
        Err(error) => {
            conditions::set(replication, now, "Replicating", "Unknown", "Unknown", &error.to_string());
            return Err(error);
        }
    };
    let healthy = info.health == Health::Healthy;
    let (status, reason) = if healthy { ("True", "Replicating") } else { ("False", "NotReplicating") };
    conditions::set(replication, now, "Replicating", status, reason, "replication state as the storage reports it");
    if let Some(sync) = info.last_sync {
        let at = crate::clock::EPOCH + sync.cut_at;
        replication.set_status("lastSyncTime", json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
        replication.set_status("lastSyncBytes", json!(sync.bytes));
        replication.set_status("lastSyncDuration", json!(format!("{}s", sync.duration.as_secs())));
    }
    Ok(Some(again))
}
