//! The paths to all clusters.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use ramen_core::{
    intercluster::{
        ClusterInfo, ClusterName, ClusterRegistry, Failure, FailureClass,
        agent::{ClusterAccess, LinkState},
    },
    time::Deadline,
};
use tokio::task::JoinSet;

use crate::{
    connector::Connector,
    link::{Environment, Link},
};

/// The connectors are asked again after this time, also if they told of no change.
const REFRESH: Duration = Duration::from_secs(60);
/// After a connector that could not answer.
const REFRESH_FAILED: Duration = Duration::from_secs(5);

/// The links, by cluster.
#[derive(Debug)]
pub(crate) struct Links {
    connectors: Vec<Arc<dyn Connector>>,
    environment: Arc<Environment>,
    seed: u64,
    known: Mutex<BTreeMap<ClusterName, Known>>,
}

/// A cluster that a connector lists.
#[derive(Debug)]
struct Known {
    link: Arc<Link>,
    fingerprint: String,
    /// Position of the connector that lists it.
    source: usize,
    _keeper: JoinSet<()>,
}

impl Links {
    pub(crate) fn new(connectors: Vec<Arc<dyn Connector>>, environment: Arc<Environment>, seed: u64) -> Self {
        Self { connectors, environment, seed, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ClusterName, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, cluster: &ClusterName) -> Result<Arc<Link>, Failure> {
        let link = self.known().get(cluster).map(|known| known.link.clone());
        link.ok_or_else(|| {
            Failure::new(FailureClass::UnknownCluster, "no kubeconfig is known for it")
                .on(cluster.clone())
                .remedy(format!("add a Secret named {cluster} with its kubeconfig, or correct the name"))
        })
    }

    /// Follows the connectors for as long as it is polled.
    pub(crate) async fn follow(self: Arc<Self>) {
        let rings = stream::select_all(self.connectors.iter().map(|c| c.changes()));
        let mut rings = rings.chain(stream::pending());
        loop {
            let wait = if self.refresh().await { REFRESH } else { REFRESH_FAILED };
            tokio::select! {
                _ = rings.next() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Asks every connector for its clusters; `false` if one could not answer, whose clusters then stay as they are.
    pub(crate) async fn refresh(&self) -> bool {
        let mut all_answered = true;
        for (source, connector) in self.connectors.iter().enumerate() {
            match connector.clusters(Deadline::after(Duration::from_secs(10))).await {
                Ok(clusters) => self.take(source, connector, clusters),
                Err(failure) => {
                    tracing::warn!(%failure, "the clusters cannot be listed");
                    all_answered = false;
                }
            }
        }
        all_answered
    }

    fn take(&self, source: usize, connector: &Arc<dyn Connector>, clusters: BTreeMap<ClusterName, String>) {
        let mut known = self.known();
        let mut changed = Vec::new();
        // Nothing is done on a cluster that is no longer listed: its path is given up, that is all.
        known.retain(|name, k| {
            let keep = k.source != source || clusters.contains_key(name);
            if !keep {
                changed.push(name.clone());
            }
            keep
        });
        for (name, fingerprint) in clusters {
            match known.get_mut(&name) {
                Some(k) if k.source != source => {
                    tracing::warn!(cluster = %name, "two sources have a kubeconfig for it; the first is used");
                }
                Some(k) if k.fingerprint != fingerprint => {
                    k.fingerprint = fingerprint;
                    k.link.rotate();
                }
                Some(_) => {}
                None => {
                    let link = Link::new(name.clone(), connector.clone(), self.environment.clone());
                    let mut keeper = JoinSet::new();
                    keeper.spawn(link.clone().keep(self.seed));
                    known.insert(name.clone(), Known { link, fingerprint, source, _keeper: keeper });
                    changed.push(name);
                }
            }
        }
        drop(known);
        for name in changed {
            self.environment.changed.notify(&name, &());
        }
    }
}

#[async_trait]
impl ClusterAccess for Links {
    fn clusters(&self) -> Vec<ClusterName> {
        self.known().keys().cloned().collect()
    }

    fn client(&self, cluster: &ClusterName) -> Result<kube::Client, Failure> {
        Ok(self.link(cluster)?.client())
    }

    fn state(&self, cluster: &ClusterName) -> LinkState {
        self.link(cluster).map_or_else(LinkState::Down, |link| link.state())
    }

    async fn probe(&self, cluster: &ClusterName) -> LinkState {
        match self.link(cluster) {
            Ok(link) => link.check().await,
            Err(failure) => LinkState::Down(failure),
        }
    }

    fn changes(&self) -> BoxStream<'static, ClusterName> {
        self.environment.changed.subscribe().map(|(name, ())| name).boxed()
    }
}

#[async_trait]
impl ClusterRegistry for Links {
    async fn clusters(&self, _: Deadline) -> Result<Vec<ClusterInfo>, Failure> {
        Ok(self.known().values().map(|known| known.link.info()).collect())
    }

    async fn cluster(&self, name: &ClusterName, _: Deadline) -> Result<ClusterInfo, Failure> {
        Ok(self.link(name)?.info())
    }

    fn changes(&self) -> BoxStream<'static, ClusterName> {
        ClusterAccess::changes(self)
    }
}
