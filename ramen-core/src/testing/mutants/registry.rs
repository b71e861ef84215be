//! Broken knowledge of the clusters.

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};

use super::{Bend, Bent};
use crate::{
    intercluster::{ClusterInfo, ClusterName, ClusterRegistry, Failure, FailureClass, Reachability},
    time::Deadline,
};

impl Bent {
    fn bend_info(&self, mut info: ClusterInfo) -> ClusterInfo {
        if self.bend == Bend::JoinedMeansReachable {
            info.joined = matches!(info.reachability, Reachability::Reachable { .. });
        }
        info
    }
}

#[async_trait]
impl ClusterRegistry for Bent {
    async fn clusters(&self, deadline: Deadline) -> Result<Vec<ClusterInfo>, Failure> {
        let Some(registry) = &self.hub.registry else { return Ok(Vec::new()) };
        Ok(registry.clusters(deadline).await?.into_iter().map(|info| self.bend_info(info)).collect())
    }

    async fn cluster(&self, name: &ClusterName, deadline: Deadline) -> Result<ClusterInfo, Failure> {
        match &self.hub.registry {
            Some(registry) => registry.cluster(name, deadline).await.map(|info| self.bend_info(info)),
            None => Err(Failure::new(FailureClass::Unsupported, "there is no registry").on(name.clone())),
        }
    }

    fn changes(&self) -> BoxStream<'static, ClusterName> {
        self.hub.registry.as_ref().map_or_else(|| stream::pending().boxed(), |registry| registry.changes())
    }
}
