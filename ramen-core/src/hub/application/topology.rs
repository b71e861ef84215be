//! What follows from the policy and its clusters: how data are replicated, and which stores are used.

use std::collections::BTreeSet;

use super::pass::Pass;
use crate::{
    api::{DRCluster, DRPolicy, names::annotations},
    decision::Sight,
    intercluster::ClusterName,
};

/// How data get from one cluster to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replication {
    /// Both clusters reach the same storage: a write is there as soon as it is acknowledged.
    Sync,
    /// Data are sent at an interval.
    Async,
}

/// How data are replicated under this policy: as its status says of the storage that was found; before anything was found,
/// as its interval says.
///
/// # Errors
/// The interval as it stands, if it is none.
pub(super) fn replication(policy: &DRPolicy) -> Result<Replication, String> {
    let status = policy.status.as_ref();
    if status.is_some_and(|s| !s.sync.peer_classes.is_empty()) {
        return Ok(Replication::Sync);
    }
    if status.is_some_and(|s| !s.async_.peer_classes.is_empty()) {
        return Ok(Replication::Async);
    }
    let interval = &policy.spec.scheduling_interval;
    if interval.is_empty() {
        return Ok(Replication::Sync);
    }
    let number: Option<u64> = interval.strip_suffix(['m', 'h', 'd']).and_then(|digits| digits.parse().ok());
    match number {
        Some(0) => Ok(Replication::Sync),
        Some(_) => Ok(Replication::Async),
        None => Err(interval.clone()),
    }
}

impl Pass {
    /// The policy; it has been read before any rule asks for it.
    pub(super) fn policy(&self) -> Option<&DRPolicy> {
        match self.seen.policy.read() {
            Some(Sight::Found(policy)) => Some(policy),
            _ => None,
        }
    }

    /// A cluster's DRCluster, if it is there.
    pub(super) fn drcluster(&self, cluster: &ClusterName) -> Option<&DRCluster> {
        self.seen.clusters.get(cluster)?.drcluster.read()?.found()
    }

    /// The profiles of the stores, of all clusters that are to stay.
    pub(super) fn profiles(&self) -> Vec<String> {
        let names: BTreeSet<_> = self
            .clusters()
            .iter()
            .filter_map(|cluster| self.drcluster(cluster))
            .filter(|cluster| cluster.metadata.deletion_timestamp.is_none())
            .map(|cluster| cluster.spec.s3_profile_name.clone())
            .collect();
        names.into_iter().collect()
    }

    /// Whether the administrator has said that the cluster is gone for ever.
    pub(super) fn is_lost(&self, cluster: &ClusterName) -> bool {
        let keys = self.drcluster(cluster).and_then(|c| c.metadata.annotations.as_ref());
        keys.and_then(|keys| keys.get(annotations::DECLARED_LOST)).is_some_and(|value| value == "true")
    }
}
