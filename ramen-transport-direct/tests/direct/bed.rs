//! A hub and clusters in process, a transport between them, virtual time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use ramen_core::{
    intercluster::{
        ClusterName, Delivery, Failure, FailureClass, Intent, IntentId, IntentRecord, Manifest, ObjectKey,
        ObjectTransport, Precondition, Receipt, ResourceType, agent::Signals,
    },
    time::{Deadline, TokioClock},
};
use ramen_sim::apiserver::{ApiServer, Before, Interceptor, RequestInfo};
use ramen_transport_direct::{Connector, DirectTransport, MANIFEST_WORK_CRD};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Makes a cluster unreachable: requests hang until the caller gives up.
#[derive(Debug, Default)]
pub(crate) struct Cut(Mutex<bool>);

#[async_trait]
impl Interceptor for Cut {
    async fn before(&self, _: &RequestInfo) -> Before {
        if *self.0.lock().unwrap() { Before::Hang } else { Before::Continue }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Clients {
    servers: Mutex<BTreeMap<ClusterName, (ApiServer, String)>>,
    changed: Signals<(), ()>,
}

#[async_trait]
impl Connector for Clients {
    async fn clusters(&self, _: Deadline) -> Result<BTreeMap<ClusterName, String>, Failure> {
        Ok(self
            .servers
            .lock()
            .unwrap()
            .iter()
            .map(|(name, (server, token))| (name.clone(), format!("{} {token}", server.name())))
            .collect())
    }

    async fn connect(&self, cluster: &ClusterName, _: Deadline) -> Result<kube::Client, Failure> {
        let servers = self.servers.lock().unwrap();
        let (server, token) = servers.get(cluster).ok_or_else(|| Failure::new(FailureClass::UnknownCluster, "gone"))?;
        Ok(if token.is_empty() { server.client("ramen") } else { server.client_with_token("ramen", token) })
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        self.changed.subscribe().map(|_| ()).boxed()
    }
}

pub(crate) struct Bed {
    pub(crate) hub: ApiServer,
    pub(crate) clusters: BTreeMap<String, ApiServer>,
    pub(crate) cuts: BTreeMap<String, Arc<Cut>>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) transport: DirectTransport,
    pub(crate) running: JoinHandle<()>,
}

impl Bed {
    pub(crate) async fn new(names: &[&str]) -> Self {
        let hub = ApiServer::builder("hub").seed(1).build();
        hub.install_crds(MANIFEST_WORK_CRD).unwrap();
        kube_system(&hub);
        let clients = Arc::new(Clients::default());
        let (mut clusters, mut cuts) = (BTreeMap::new(), BTreeMap::new());
        for (index, name) in names.iter().enumerate() {
            let server = ApiServer::builder(*name).seed(10 + index as u64).build();
            kube_system(&server);
            let cut = Arc::new(Cut::default());
            server.intercept(cut.clone());
            clients.servers.lock().unwrap().insert((*name).into(), (server.clone(), String::new()));
            clusters.insert((*name).to_owned(), server);
            cuts.insert((*name).to_owned(), cut);
        }
        let transport = build(&hub, &clients).await;
        let running = run(&transport);
        let bed = Self { hub, clusters, cuts, clients, transport, running };
        tokio::time::sleep(SECOND).await;
        bed
    }

    /// A second replica over the same hub and clusters, running.
    pub(crate) async fn replica(&self) -> (DirectTransport, JoinHandle<()>) {
        let transport = build(&self.hub, &self.clients).await;
        let running = run(&transport);
        (transport, running)
    }

    /// The process dies and another one starts.
    pub(crate) async fn restart(&mut self) {
        self.running.abort();
        self.transport = build(&self.hub, &self.clients).await;
        self.running = run(&self.transport);
    }

    pub(crate) fn cut(&self, cluster: &str, cut: bool) {
        *self.cuts[cluster].0.lock().unwrap() = cut;
    }

    pub(crate) fn point(&self, cluster: &str, server: &ApiServer, token: &str) {
        self.point_unnoticed(cluster, server, token);
        self.clients.changed.notify(&(), &());
    }

    /// The configuration changes and nobody tells.
    pub(crate) fn point_unnoticed(&self, cluster: &str, server: &ApiServer, token: &str) {
        self.clients.servers.lock().unwrap().insert(cluster.into(), (server.clone(), token.into()));
    }

    pub(crate) fn cluster(&self, name: &str) -> &ApiServer {
        &self.clusters[name]
    }

    pub(crate) fn configmap(&self, cluster: &str, name: &str) -> Option<Value> {
        self.clusters[cluster].object("", "configmaps", "default", name)
    }

    pub(crate) async fn put(&self, intent: &Intent) -> Receipt {
        self.transport.put(intent, &Precondition::None, soon()).await.unwrap()
    }

    pub(crate) async fn record(&self, id: &IntentId) -> Option<IntentRecord> {
        self.transport.get(id, soon()).await.unwrap()
    }

    pub(crate) async fn applied(&self, id: &IntentId, within: Duration) {
        self.until(within, || async { self.record(id).await.is_some_and(|r| r.is_applied()) }).await;
    }

    pub(crate) async fn gone(&self, id: &IntentId, within: Duration) {
        self.until(within, || async { self.record(id).await.is_none() }).await;
    }

    pub(crate) async fn until<F: Future<Output = bool>>(&self, within: Duration, mut condition: impl FnMut() -> F) {
        let deadline = Deadline::after(within);
        while !condition().await {
            assert!(!deadline.has_passed(), "it did not come true within {within:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(crate) async fn failure(&self, id: &IntentId, within: Duration) -> Failure {
        let failure = || async {
            match self.record(id).await.map(|r| r.delivery) {
                Some(Delivery::Failed(failure)) => Some(failure),
                _ => None,
            }
        };
        self.until(within, || async { failure().await.is_some() }).await;
        failure().await.unwrap()
    }
}

async fn build(hub: &ApiServer, clients: &Arc<Clients>) -> DirectTransport {
    DirectTransport::builder(hub.client("ramen"))
        .connector(clients.clone())
        .clock(Arc::new(TokioClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap())))
        .rng_seed(3)
        .build()
        .await
        .unwrap()
}

fn run(transport: &DirectTransport) -> JoinHandle<()> {
    let transport = transport.clone();
    tokio::spawn(async move { transport.run(std::future::pending()).await })
}

pub(crate) fn kube_system(server: &ApiServer) {
    if !server.exists("", "namespaces", "", "kube-system") {
        server.install(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})).unwrap();
    }
}

pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

pub(crate) fn settings(cluster: &str, record: &str, name: &str, data: impl Into<Value>) -> Intent {
    let object = json!({"metadata": {"name": name, "namespace": "default"}, "data": data.into()});
    let manifest = Manifest::new(ResourceType::of::<ConfigMap>(), object).unwrap();
    Intent::new(IntentId::new(cluster, record), "test", manifest)
}

pub(crate) fn key(cluster: &str, name: &str) -> ObjectKey {
    ObjectKey::of::<ConfigMap>(cluster, Some("default"), name)
}

pub(crate) fn api(server: &ApiServer) -> kube::Api<ConfigMap> {
    kube::Api::namespaced(server.client("user"), "default")
}
