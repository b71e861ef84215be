//! Secrets carried straight to the clusters.
//!
//! A delivery is a ConfigMap on the hub that says which Secret goes where; the content is read from its source for each pass and is
//! neither recorded nor reported. The [engine of delivery](crate::intercluster::agent) does the rest, as for other objects.

mod record;
mod store;

use std::{fmt, future::Future, sync::Arc};

use async_trait::async_trait;

use self::{record::Record, store::Deliveries};
use crate::{
    intercluster::{
        ClusterName, Delivery, Failure, FailureClass, SecretDelivery, SecretDeliveryName, SecretPropagator,
        agent::{Agent, AgentSettings, ClusterAccess, HubId, RecordStore},
    },
    time::{Clock, Deadline},
};

/// [`SecretPropagator`] over the clients of a [`ClusterAccess`].
///
/// Deliveries are accepted from the moment it is made; they are carried out while [`run`](Self::run) does. It needs the right to
/// read and watch Secrets on the hub and to write them on the clusters.
///
/// # Assumptions
/// It is created on a tokio runtime; its watches end when it is dropped.
pub struct KubeSecrets {
    deliveries: Arc<Deliveries>,
    agent: Agent,
}

impl fmt::Debug for KubeSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubeSecrets").finish_non_exhaustive()
    }
}

impl KubeSecrets {
    /// Carries Secrets of this hub, whose id is `id`, to the clusters of `access`.
    pub fn new(
        hub: kube::Client,
        id: HubId,
        access: Arc<dyn ClusterAccess>,
        clock: Arc<dyn Clock>,
        settings: AgentSettings,
    ) -> Self {
        let deliveries = Arc::new(Deliveries::new(hub, &clock, settings.request_timeout));
        let store: Arc<dyn RecordStore> = deliveries.clone();
        Self { deliveries, agent: Agent::new(store, access, clock, id, settings) }
    }

    /// Carries out deliveries until `shutdown` completes; to be run by the replica that leads.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        self.agent.run(shutdown).await;
    }
}

#[async_trait]
impl SecretPropagator for KubeSecrets {
    async fn propagate(&self, delivery: &SecretDelivery, deadline: Deadline) -> Result<(), Failure> {
        if self.deliveries.source(&delivery.name.namespace, &delivery.source, deadline).await?.is_none() {
            return Err(source_missing(delivery));
        }
        self.deliveries.edit(&delivery.name, None, deadline, |record| record.wish(delivery)).await
    }

    async fn withdraw(&self, name: &SecretDeliveryName, deadline: Deadline) -> Result<(), Failure> {
        self.deliveries.edit(name, None, deadline, Record::withdraw).await
    }

    async fn status(
        &self,
        name: &SecretDeliveryName,
        deadline: Deadline,
    ) -> Result<Vec<(ClusterName, Delivery)>, Failure> {
        let Some((_, record)) = self.deliveries.read(name, deadline).await? else { return Ok(Vec::new()) };
        let missing = match &record.delivery {
            Some(d) if self.deliveries.source(&name.namespace, &d.source, deadline).await?.is_none() => {
                Some(Delivery::Failed(source_missing(d)))
            }
            _ => None,
        };
        let clusters = record.delivery.iter().flat_map(|d| &d.clusters);
        let wanted = clusters.map(|c| (c.clone(), missing.clone().unwrap_or_else(|| record.delivery_on(c))));
        let leaving = record.leaving.iter().map(|c| (c.clone(), Delivery::Deleting));
        Ok(wanted.chain(leaving).collect())
    }
}

fn source_missing(delivery: &SecretDelivery) -> Failure {
    let SecretDelivery { name, source, .. } = delivery;
    Failure::new(FailureClass::Prerequisite, "the source does not exist")
        .about(format!("Secret {}/{source} of {name}", name.namespace))
        .remedy("create the Secret on the hub; what was delivered stays until then")
}
