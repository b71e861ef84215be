//! The transport, put together.

use std::{collections::BTreeMap, fmt, future::Future, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;
use ramen_core::{
    intercluster::{
        ClusterInfo, ClusterName, ClusterRegistry, ClusterView, DeletePolicy, Failure, Freshness, Intent, IntentId,
        IntentRecord, IntentSelector, ObjectKey, ObjectTransport, Observation, Precondition, Receipt, Registration,
        TransportCapabilities, ViewCapabilities, ViewChange,
        agent::{
            Agent, AgentSettings, ClusterAccess, HubId, Observer, ObserverSettings, RecordStore, RecordTransport,
            Remote, Signals,
        },
        kube::KubeSecrets,
    },
    time::{Clock, Deadline, SystemClock},
};
use tokio::task::JoinSet;

use crate::{
    breaker,
    connector::Connector,
    identity::{self, Identities},
    kubeconfig::KubeconfigPolicy,
    link::{DETECT, Environment},
    links::Links,
    sources::{FileSource, SecretSource},
    works::Works,
};

/// The name under which results are published.
const NAME: &str = "direct";
/// The longest that one request to the hub may take.
const HUB_TIMEOUT: Duration = Duration::from_secs(15);

/// Delivery and observation over kubeconfigs.
///
/// It is an [`ObjectTransport`], a [`ClusterView`] and a [`ClusterRegistry`]. Cheap to clone; connections and watches end with the
/// last clone. Intents are accepted and objects observed from the moment it is built; delivery happens while [`run`](Self::run)
/// does, which is for the replica that leads.
///
/// ```no_run
/// # use ramen_transport_direct::DirectTransport;
/// # async fn start(hub: kube::Client) -> Result<(), ramen_core::intercluster::Failure> {
/// let transport = DirectTransport::builder(hub).kubeconfig_secrets("ramen-ops").build().await?;
/// transport.run(std::future::pending()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DirectTransport(Arc<Parts>);

struct Parts {
    transport: RecordTransport,
    observer: Observer,
    agent: Agent,
    links: Arc<Links>,
    hub: kube::Client,
    id: HubId,
    clock: Arc<dyn Clock>,
    settings: AgentSettings,
    _tasks: JoinSet<()>,
}

impl fmt::Debug for DirectTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectTransport")
            .field("clusters", &ClusterAccess::clusters(&*self.0.links))
            .finish_non_exhaustive()
    }
}

impl DirectTransport {
    /// A transport that keeps its records on this hub.
    pub fn builder(hub: kube::Client) -> DirectTransportBuilder {
        DirectTransportBuilder {
            hub,
            secrets: Vec::new(),
            files: BTreeMap::new(),
            connectors: Vec::new(),
            policy: KubeconfigPolicy::default(),
            clock: Arc::new(SystemClock),
            seed: None,
            state_namespace: None,
            agent: AgentSettings::default(),
            observer: ObserverSettings::default(),
        }
    }

    /// Delivers until `shutdown` completes; to be run by the replica that leads.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        self.0.agent.run(shutdown).await;
    }

    /// The connections, for roles that need clients of their own.
    pub fn access(&self) -> Arc<dyn ClusterAccess> {
        self.0.links.clone()
    }

    /// Carries Secrets over the same connections. It delivers while it [runs](KubeSecrets::run) itself.
    pub fn secrets(&self) -> KubeSecrets {
        let Parts { hub, id, clock, settings, .. } = &*self.0;
        KubeSecrets::new(hub.clone(), id.clone(), self.access(), clock.clone(), settings.clone())
    }
}

/// Builds a [`DirectTransport`].
#[derive(Clone)]
pub struct DirectTransportBuilder {
    hub: kube::Client,
    secrets: Vec<String>,
    files: BTreeMap<ClusterName, PathBuf>,
    connectors: Vec<Arc<dyn Connector>>,
    policy: KubeconfigPolicy,
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    state_namespace: Option<String>,
    agent: AgentSettings,
    observer: ObserverSettings,
}

impl fmt::Debug for DirectTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectTransportBuilder")
            .field("secrets", &self.secrets)
            .field("files", &self.files)
            .field("connectors", &self.connectors)
            .finish_non_exhaustive()
    }
}

impl DirectTransportBuilder {
    /// Takes kubeconfigs from the Secrets of this namespace that have the label
    /// [`KUBECONFIG_LABEL`](crate::KUBECONFIG_LABEL); a Secret is named like its cluster.
    #[must_use]
    pub fn kubeconfig_secrets(mut self, namespace: impl Into<String>) -> Self {
        self.secrets.push(namespace.into());
        self
    }

    /// Takes the kubeconfig of a cluster from a file.
    #[must_use]
    pub fn kubeconfig_file(mut self, cluster: impl Into<ClusterName>, path: impl Into<PathBuf>) -> Self {
        self.files.insert(cluster.into(), path.into());
        self
    }

    /// Takes clusters from a connector of your own.
    #[must_use]
    pub fn connector(mut self, connector: Arc<dyn Connector>) -> Self {
        self.connectors.push(connector);
        self
    }

    /// What kubeconfigs may do on the hub. By default: nothing.
    #[must_use]
    pub fn kubeconfig_policy(mut self, policy: KubeconfigPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Takes the time of day from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the jitter of reconnections repeatable. By default it differs from start to start.
    #[must_use]
    pub fn rng_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Namespace of the hub in which identities of clusters are recorded: by default that of the first kubeconfig Secrets, else
    /// `default`.
    #[must_use]
    pub fn state_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.state_namespace = Some(namespace.into());
        self
    }

    /// Times and bounds of delivery.
    #[must_use]
    pub fn agent_settings(mut self, settings: AgentSettings) -> Self {
        self.agent = settings;
        self
    }

    /// Times and bounds of observation.
    #[must_use]
    pub fn observer_settings(mut self, settings: ObserverSettings) -> Self {
        self.observer = settings;
        self
    }

    /// Asks the hub for its identity and for the clusters, and starts connecting.
    ///
    /// # Errors
    /// What keeps the hub from answering. A cluster that cannot be reached is no error.
    pub async fn build(self) -> Result<DirectTransport, Failure> {
        let hub = Remote { cluster: ClusterName::new("hub"), client: self.hub.clone(), timeout: HUB_TIMEOUT };
        let id = HubId::new(identity::ask(&hub, Deadline::after(HUB_TIMEOUT)).await?)?;
        let namespace = self.state_namespace.clone().or_else(|| self.secrets.first().cloned());
        let namespace = namespace.unwrap_or_else(|| "default".into());
        let environment = Arc::new(Environment {
            clock: self.clock.clone(),
            identities: Identities { hub: hub.clone(), namespace },
            changed: Signals::default(),
        });
        // The address of an allocation would not do: the wall clock at least differs between replicas started apart.
        let seed = self.seed.unwrap_or_else(|| self.clock.now().as_nanosecond().unsigned_abs() as u64);
        let links = Arc::new(Links::new(self.sources(&hub), environment, seed));
        links.refresh().await;
        let mut tasks = JoinSet::new();
        tasks.spawn(links.clone().follow());

        let store: Arc<dyn RecordStore> = Arc::new(Works::new(hub, self.clock.clone()));
        let access: Arc<dyn ClusterAccess> = links.clone();
        let catch_up = breaker::MOST + self.agent.request_timeout * 2;
        let transport = RecordTransport::new(NAME, store.clone(), access.clone(), self.agent.clone(), catch_up);
        let observer = Observer::new(NAME, access.clone(), store.clone(), self.clock.clone(), self.observer, DETECT);
        let agent = Agent::new(store, access, self.clock.clone(), id.clone(), self.agent.clone());
        Ok(DirectTransport(Arc::new(Parts {
            transport,
            observer,
            agent,
            links,
            hub: self.hub,
            id,
            clock: self.clock,
            settings: self.agent,
            _tasks: tasks,
        })))
    }

    fn sources(&self, hub: &Remote) -> Vec<Arc<dyn Connector>> {
        let mut sources = self.connectors.clone();
        for namespace in &self.secrets {
            let (policy, clock) = (self.policy.clone(), self.clock.clone());
            sources.push(Arc::new(SecretSource::new(hub.clone(), namespace.clone(), policy, clock)));
        }
        if !self.files.is_empty() {
            sources.push(Arc::new(FileSource::new(self.files.clone(), self.policy.clone())));
        }
        sources
    }
}

#[async_trait]
impl ObjectTransport for DirectTransport {
    fn capabilities(&self) -> TransportCapabilities {
        self.0.transport.capabilities()
    }

    async fn put(&self, intent: &Intent, precondition: &Precondition, deadline: Deadline) -> Result<Receipt, Failure> {
        self.0.transport.put(intent, precondition, deadline).await
    }

    async fn get(&self, id: &IntentId, deadline: Deadline) -> Result<Option<IntentRecord>, Failure> {
        self.0.transport.get(id, deadline).await
    }

    async fn list(&self, selector: &IntentSelector, deadline: Deadline) -> Result<Vec<IntentRecord>, Failure> {
        self.0.transport.list(selector, deadline).await
    }

    async fn delete(
        &self,
        id: &IntentId,
        policy: Option<DeletePolicy>,
        precondition: &Precondition,
        deadline: Deadline,
    ) -> Result<Receipt, Failure> {
        self.0.transport.delete(id, policy, precondition, deadline).await
    }

    fn changes(&self) -> BoxStream<'static, IntentId> {
        ObjectTransport::changes(&self.0.transport)
    }
}

#[async_trait]
impl ClusterView for DirectTransport {
    fn capabilities(&self) -> ViewCapabilities {
        self.0.observer.capabilities()
    }

    async fn read(&self, key: &ObjectKey, freshness: &Freshness, deadline: Deadline) -> Observation {
        self.0.observer.read(key, freshness, deadline).await
    }

    async fn register(&self, registration: &Registration, deadline: Deadline) -> Result<(), Failure> {
        self.0.observer.register(registration, deadline).await
    }

    async fn unregister(&self, key: &ObjectKey, registrant: &str, deadline: Deadline) -> Result<(), Failure> {
        self.0.observer.unregister(key, registrant, deadline).await
    }

    async fn registrations(
        &self,
        labels: &BTreeMap<String, String>,
        deadline: Deadline,
    ) -> Result<Vec<Registration>, Failure> {
        self.0.observer.registrations(labels, deadline).await
    }

    fn changes(&self) -> BoxStream<'static, ViewChange> {
        self.0.observer.changes()
    }
}

#[async_trait]
impl ClusterRegistry for DirectTransport {
    async fn clusters(&self, deadline: Deadline) -> Result<Vec<ClusterInfo>, Failure> {
        ClusterRegistry::clusters(&*self.0.links, deadline).await
    }

    async fn cluster(&self, name: &ClusterName, deadline: Deadline) -> Result<ClusterInfo, Failure> {
        self.0.links.cluster(name, deadline).await
    }

    fn changes(&self) -> BoxStream<'static, ClusterName> {
        ClusterRegistry::changes(&*self.0.links)
    }
}
