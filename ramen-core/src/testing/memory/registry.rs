//! Knowledge of the clusters in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};

use super::{InMemoryTransport, records::locked};
use crate::{
    intercluster::{ClusterInfo, ClusterName, ClusterRegistry, Failure, FailureClass, Identity, Reachability},
    time::Deadline,
};

#[async_trait]
impl ClusterRegistry for InMemoryTransport {
    async fn clusters(&self, deadline: Deadline) -> Result<Vec<ClusterInfo>, Failure> {
        let mut all = Vec::new();
        for name in self.side.fleet.links.keys().filter(|name| self.side.fleet.is_registered(name)) {
            all.push(self.cluster(name, deadline).await?);
        }
        Ok(all)
    }

    async fn cluster(&self, name: &ClusterName, _: Deadline) -> Result<ClusterInfo, Failure> {
        if !self.side.fleet.is_registered(name) {
            return Err(Failure::new(FailureClass::UnknownCluster, "no such cluster is registered").on(name.clone()));
        }
        let recorded = self.side.fleet.records.lock().identities.get(name).cloned();
        let health = locked(&self.side.health).get(name).cloned().unwrap_or_default();
        let identity = match (recorded.clone(), health.elsewhere) {
            (Some(expected), Some(found)) => Identity::Mismatch { expected, found },
            (Some(id), None) => Identity::Verified(id),
            (None, _) => Identity::Unverified,
        };
        let reachability = match (health.since, health.failure) {
            (None, _) => Reachability::Unknown,
            (Some(since), None) => Reachability::Reachable { since },
            (Some(since), Some(failure)) => Reachability::Unreachable { since, failure },
        };
        Ok(ClusterInfo {
            name: name.clone(),
            identity,
            joined: recorded.is_some(),
            reachability,
            claims: BTreeMap::new(),
        })
    }

    fn changes(&self) -> BoxStream<'static, ClusterName> {
        // The fleet is fixed and health is polled: there is nothing to tell beyond what a look at the registry shows.
        stream::pending().boxed()
    }
}
