//! An Object Transport System of one's own, in a few hundred lines: intents are files in a folder that the hub's programs share,
//! and the agent of `ramen-core` does the rest.
//!
//! | Piece | Here | From `ramen-core` |
//! |---|---|---|
//! | where intents are kept | [`FolderStore`], a `RecordStore` | |
//! | how clusters are reached | [`Clusters`], a `ClusterAccess` | |
//! | delivery | | `RecordTransport`, `Agent` |
//! | observation | | `Observer` |
//!
//! `docs/write-a-transport.md` builds it step by step.

mod clusters;
mod store;

use std::{path::Path, sync::Arc, time::Duration};

use ramen_core::{
    intercluster::{
        ClusterView, Failure, ObjectTransport,
        agent::{Agent, AgentSettings, HubId, Observer, ObserverSettings, RecordTransport},
    },
    time::Clock,
};

pub use clusters::Clusters;
pub use store::FolderStore;

/// The name under which results are published.
const NAME: &str = "folder";

/// The transport, put together. Intents are accepted and objects observed from the moment it is opened; delivery happens while
/// [`run`](Self::run) does.
#[derive(Debug)]
pub struct FolderTransport {
    /// Delivery.
    pub transport: Arc<dyn ObjectTransport>,
    /// Observation.
    pub view: Arc<dyn ClusterView>,
    agent: Agent,
}

impl FolderTransport {
    /// Opens the folder, which must exist. `hub` names it among all that may ever deliver to these clusters.
    ///
    /// # Errors
    /// `Invalid` if `hub` cannot be the value of a label; `Unreachable` if the folder cannot be read.
    pub fn open(folder: &Path, hub: &str, clusters: Arc<Clusters>, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let store = Arc::new(FolderStore::open(folder, clock.clone())?);
        let (agent, observer) = (AgentSettings::default(), ObserverSettings::default());
        // A cluster that comes back is noticed by the next probe, and every intent that failed meanwhile is retried then.
        let catch_up = clusters::PROBE_EVERY + agent.retry_most + agent.request_timeout * 2;
        let transport = RecordTransport::new(NAME, store.clone(), clusters.clone(), agent.clone(), catch_up);
        let view =
            Observer::new(NAME, clusters.clone(), store.clone(), clock.clone(), observer, clusters::DETECT_WITHIN);
        let agent = Agent::new(store, clusters, clock, HubId::new(hub)?, agent);
        Ok(Self { transport: Arc::new(transport), view: Arc::new(view), agent })
    }

    /// Delivers until `shutdown` completes; to be run by the replica that leads.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        self.agent.run(shutdown).await;
    }
}

/// How often the folder is looked through for what other programs wrote.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);
