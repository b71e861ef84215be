//! Clusters and a transport in memory, for unit tests of embedders in virtual time.
//!
//! It keeps every promise of the [traits](crate::intercluster) (the conformance kit runs on it) and needs nothing but tokio. What
//! it does not have: pods, controllers, admission, list maps; for those take the simulator.
//!
//! ```
//! # use std::time::Duration;
//! # use k8s_openapi::api::core::v1::Namespace;
//! use ramen_core::{intercluster::*, testing::{conformance::Fault, memory::InMemoryFleet}, time::Deadline};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Failure> {
//! let fleet = InMemoryFleet::new(["dr1", "dr2"]);
//! let transport = fleet.start();
//! fleet.inflict(&"dr1".into(), Fault::Cut);
//!
//! let namespace: Namespace = serde_json::from_value(serde_json::json!({"metadata": {"name": "app"}})).unwrap();
//! let id = IntentId::new("dr1", "app-ns-mw");
//! let soon = Deadline::after(Duration::from_secs(10));
//! transport.put(&Intent::new(id.clone(), "example", Manifest::of(&namespace)?), &Precondition::None, soon).await?;
//! fleet.heal(&"dr1".into());
//! tokio::time::sleep(Duration::from_secs(90)).await; // takes no time: the clock is paused
//! assert!(transport.get(&id, soon).await?.is_some_and(|record| record.is_applied()));
//! # Ok(())
//! # }
//! ```

mod bed;
mod cluster;
mod deliver;
mod fields;
mod link;
mod mark;
mod records;
mod registry;
mod side;
mod transport;
mod view;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use serde_json::Value;

pub use bed::{InMemoryAdmin, InMemoryBed};
use cluster::Cluster;
use link::Link;
use records::Records;
pub(crate) use records::locked;
use side::{Side, Tasks};

use super::conformance::Fault;
use crate::{
    intercluster::{ClusterName, ObjectKey, ResourceType},
    time::{Clock, TokioClock},
};

/// A promise that an otherwise good hub side does not keep. It shows that the conformance kit notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is documented by the case that notices it")]
pub enum Defect {
    VolatileRecords,
    Reorders,
    ReplacesWhole,
    NeverRepairs,
    AppliesInSpecOrder,
    ChurnsGeneration,
    FirstReleaseDeletes,
    RecreatesOnAdoption,
    ResurrectsDuringDeletion,
    DeletesByName,
    MirrorsLoss,
    RightsFirst,
    KeepsUnclaimed,
    ShowsSecrets,
    QueuesEveryChange,
    Hammers,
    NoRevisionCheck,
    TrustsOldRecords,
    TrustsClusterClock,
    SkipsIdentity,
    DeletesOnUnregister,
}

/// Clusters, the ways to them and the records of a hub, all in memory.
#[derive(Debug)]
pub(crate) struct Fleet {
    clock: Arc<dyn Clock>,
    links: BTreeMap<ClusterName, Arc<Link>>,
    records: Records,
    unregistered: Mutex<BTreeSet<ClusterName>>,
    defect: Option<Defect>,
}

impl Fleet {
    fn is_registered(&self, cluster: &ClusterName) -> bool {
        self.links.contains_key(cluster) && !locked(&self.unregistered).contains(cluster)
    }
}

/// Clusters, the ways to them and the records of a hub, all in memory. Clones are the same fleet.
#[derive(Debug, Clone)]
pub struct InMemoryFleet(Arc<Fleet>);

impl InMemoryFleet {
    /// Empty clusters of these names. Time is tokio's, beginning in January 2026.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new<N: Into<ClusterName>>(clusters: impl IntoIterator<Item = N>) -> Self {
        Self::with_defect(clusters, None)
    }

    fn with_defect<N: Into<ClusterName>>(clusters: impl IntoIterator<Item = N>, defect: Option<Defect>) -> Self {
        let base = Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH);
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(base));
        let links = clusters.into_iter().map(Into::into).map(|name: ClusterName| {
            let cluster = Arc::new(Cluster::new(&format!("id-of-{name}"), clock.clone()));
            (name.clone(), Arc::new(Link::new(name, cluster, clock.clone())))
        });
        let links = links.collect();
        Self(Arc::new(Fleet { clock, links, records: Records::default(), unregistered: Mutex::default(), defect }))
    }

    /// Starts a hub side on the records of the fleet; it ends with the last clone of the handle. Several may run at once.
    pub fn start(&self) -> InMemoryTransport {
        let side = Arc::new(Side::new(self.0.clone(), self.0.records.serial()));
        let clusters = self.0.links.keys();
        let tasks = clusters.map(|cluster| tokio::spawn(side.clone().run(cluster.clone())).abort_handle()).collect();
        InMemoryTransport { side, tasks: Arc::new(Tasks(tasks)) }
    }

    /// Access to a cluster behind the transport's back; `None` if there is no such cluster.
    pub fn admin(&self, cluster: &ClusterName) -> Option<InMemoryAdmin> {
        self.0.links.get(cluster).map(|link| InMemoryAdmin::new(link.own().clone()))
    }

    /// Makes something go wrong on the way to a cluster.
    pub fn inflict(&self, cluster: &ClusterName, fault: Fault) {
        let elsewhere = match &fault {
            Fault::LeadsTo(other) => self.0.links.get(other).map(|link| link.own().clone()),
            _ => None,
        };
        if let Some(link) = self.0.links.get(cluster) {
            link.inflict(fault, elsewhere);
        }
    }

    /// Ends everything that is wrong on the way to a cluster.
    pub fn heal(&self, cluster: &ClusterName) {
        if let Some(link) = self.0.links.get(cluster) {
            link.heal();
        }
    }
}

/// A running hub side: [`ObjectTransport`](crate::intercluster::ObjectTransport), [`ClusterView`](crate::intercluster::ClusterView)
/// and [`ClusterRegistry`](crate::intercluster::ClusterRegistry) over an [`InMemoryFleet`].
#[derive(Debug, Clone)]
pub struct InMemoryTransport {
    side: Arc<Side>,
    tasks: Arc<Tasks>,
}

impl InMemoryTransport {
    /// Ends the hub side at once, as a kill does, also if clones of the handle live on.
    pub fn kill(&self) {
        for task in &self.tasks.0 {
            task.abort();
        }
    }
}

/// The key of an object as it is stored; `None` if it is not an object with a name.
fn key_of(cluster: &ClusterName, object: &Value) -> Option<ObjectKey> {
    let (group, version) = match object["apiVersion"].as_str()?.split_once('/') {
        Some((group, version)) => (group.to_owned(), version.to_owned()),
        None => (String::new(), object["apiVersion"].as_str()?.to_owned()),
    };
    let kind = object["kind"].as_str()?.to_owned();
    let namespace = object["metadata"]["namespace"].as_str();
    let resource = ResourceType {
        group,
        version,
        plural: format!("{}s", kind.to_lowercase()),
        kind,
        namespaced: namespace.is_some(),
    };
    Some(ObjectKey::new(cluster.clone(), resource, namespace, object["metadata"]["name"].as_str()?))
}
