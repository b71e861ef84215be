//! Gauges of one application, computed from its object and its policy: nothing is counted, so nothing can drift.

use kube::ResourceExt;

use super::{
    conditions,
    topology::{Replication, replication},
};
use crate::api::{
    DRPlacementControl, DRPolicy, ProgressionStatus,
    names::{annotations, conditions::drpc, metrics},
};

/// One value of one gauge.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name of the metric.
    pub name: &'static str,
    /// Labels with their values, in the order of their declaration.
    pub labels: Vec<(&'static str, String)>,
    /// Value.
    pub value: f64,
}

/// The gauges of an application; none while it is being deleted, so that they end with it.
///
/// Those of the last sync, and of the progression, exist only where data are sent at an interval.
#[must_use]
pub fn samples(drpc: &DRPlacementControl, policy: &DRPolicy) -> Vec<Sample> {
    if drpc.metadata.deletion_timestamp.is_some() {
        return Vec::new();
    }
    let status = drpc.status.clone().unwrap_or_default();
    let mut samples = Vec::new();
    let object = || {
        vec![
            (metrics::LABEL_OBJ_TYPE, metrics::OBJ_TYPE_DRPC.to_owned()),
            (metrics::LABEL_OBJ_NAME, drpc.name_any()),
            (metrics::LABEL_OBJ_NAMESPACE, drpc.namespace().unwrap_or_default()),
        ]
    };
    let mut gauge = |name, more: Vec<(&'static str, String)>, value| {
        samples.push(Sample { name, labels: object().into_iter().chain(more).collect(), value });
    };
    let is = |truth| if truth { 1.0 } else { 0.0 };
    if replication(policy) == Ok(Replication::Async) {
        let interval = (metrics::LABEL_SCHEDULING_INTERVAL, policy.spec.scheduling_interval.clone());
        let named = (metrics::LABEL_POLICY_NAME, policy.name_any());
        let time = status.last_group_sync_time.as_ref().map_or(0, |time| time.0.as_second());
        #[allow(clippy::cast_precision_loss)] // a gauge is a float; seconds and bytes stay exact up to 2^53
        gauge(metrics::LAST_SYNC_TIMESTAMP_SECONDS, vec![named, interval.clone()], time as f64);
        let duration = status.last_group_sync_duration.map_or(0.0, crate::api::Duration::as_secs_f64);
        gauge(metrics::LAST_SYNC_DURATION_SECONDS, vec![interval.clone()], duration);
        #[allow(clippy::cast_precision_loss)]
        gauge(metrics::LAST_SYNC_DATA_BYTES, vec![interval], status.last_group_sync_bytes.unwrap_or_default() as f64);
        let waits = status.progression == Some(ProgressionStatus::WaitOnUserToCleanUp);
        let state = ProgressionStatus::WaitOnUserToCleanUp.as_str().to_owned();
        gauge(metrics::PROGRESSION_STATE, vec![(metrics::LABEL_STATE, state)], is(waits));
    }
    let protected = conditions::get(&status.conditions, drpc::PROTECTED).is_some_and(|c| c.status == conditions::TRUE);
    gauge(metrics::WORKLOAD_PROTECTION_STATUS, Vec::new(), is(protected));
    let grouped = drpc.annotations().get(annotations::IS_CG_ENABLED).is_some_and(|value| value == "true");
    gauge(metrics::UNSUPPORTED_CONSISTENCY_GROUPING_ENABLED, Vec::new(), is(grouped));
    samples
}

#[cfg(test)]
mod tests;
