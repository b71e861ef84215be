//! Whole clusters: an API server with everything that runs beside it.

use std::time::Duration;

use futures::FutureExt;
use http::Request;
use kube::client::Body;
use tower::ServiceExt;

use super::{Process, RestartPolicy, World};
use crate::{
    apiserver::{ApiServer, ReadAt},
    clock::Clock,
    controllers::{
        Attacher, Binder, GarbageCollector, Namespaces, Protection,
        csiaddons::{Fences, GroupContents, Groups, Maintenance, Replications, Settings},
        kit::{Backoff, Manager},
    },
    definitions,
    fault::{AnswerAsOf, server},
    node::{Kubelet, Node},
    shared::Shared,
};

/// How often pods write.
const WRITE_PERIOD: Duration = Duration::from_secs(1);
/// How long a simulated storage vendor takes to stop replication for maintenance.
const MAINTENANCE_TAKES: Duration = Duration::from_secs(5);
/// How soon what crashed is started again.
const RESTART: Duration = Duration::from_secs(10);

/// A cluster with storage: what runs in it can be crashed by the names `controllers@NAME`, `csi-addons@NAME` and `kubelet@NAME`.
#[derive(Clone, Debug)]
pub struct Cluster {
    name: String,
    api: ApiServer,
    node: Node,
}

impl Cluster {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its API server, to install and to inspect things without a request.
    pub fn api(&self) -> &ApiServer {
        &self.api
    }

    /// Its node.
    pub fn node(&self) -> &Node {
        &self.node
    }
}

impl World {
    /// Adds a cluster without storage or workloads, such as a hub: an API server, garbage collection and namespace deletion.
    pub fn add_hub(&self, name: &str) -> ApiServer {
        let api = self.add_api_server(name);
        self.spawn_manager("controllers", name, |manager| manager.with(Namespaces).with(GarbageCollector));
        api
    }

    /// Adds a cluster whose workloads use the storage array that the storage system connects it with (see
    /// [`StorageSystem::connect`](crate::storage::StorageSystem::connect)), with the definitions of csi-addons installed.
    pub fn add_cluster(&self, name: &str) -> Cluster {
        self.add_cluster_with(name, |settings| settings)
    }

    /// The same, with other settings for its csi-addons.
    pub fn add_cluster_with(&self, name: &str, change: impl FnOnce(Settings) -> Settings) -> Cluster {
        let api = self.add_api_server(name);
        for definition in definitions::csi_addons() {
            if let Err(error) = api.install(&definition) {
                self.fail(format!("a built-in definition is refused: {error}"));
            }
        }
        let storage = self.storage().clone();
        let node = Node::new(name, &format!("{name}-node"), storage.clone(), self.trace().clone());
        let binder = (name.to_owned(), storage.clone());
        self.spawn_manager("controllers", name, move |manager| {
            let (cluster, storage) = binder.clone();
            let attacher = Attacher { cluster: cluster.clone(), storage: storage.clone() };
            let all = manager.with(Protection).with(Binder { cluster, storage }).with(attacher);
            all.with(Namespaces).with(GarbageCollector)
        });
        let settings = change(Settings::new(name, storage));
        self.spawn_manager("csi-addons", name, move |manager| {
            let (contents, groups) = (GroupContents::new(settings.clone()), Groups::new(settings.clone()));
            let fences = Fences::new(settings.clone());
            let maintenance = Maintenance::new(settings.clone(), MAINTENANCE_TAKES);
            let all = manager
                .with(Replications::new(settings.clone()))
                .with(groups)
                .with(contents)
                .with(fences)
                .with(maintenance);
            all.backoff(Backoff { first: Duration::from_millis(5), last: Duration::from_secs(1000) })
        });
        let kubelet = node.clone();
        self.spawn_manager("kubelet", name, move |manager| manager.with(Kubelet::new(kubelet.clone())));
        let running = node.clone();
        tokio::spawn(async move { running.run(WRITE_PERIOD).await });
        Cluster { name: name.to_owned(), api, node }
    }

    fn add_api_server(&self, name: &str) -> ApiServer {
        let api = ApiServer::builder(name).seed(self.entropy().seed()).clock(self.clock()).build();
        let past = Past { api: api.clone(), clock: self.clock(), seen: Shared::default() };
        let service = api.service().map_request(move |request: Request<Body>| past.apply(request));
        self.add_server(server(name, service));
        api
    }

    fn spawn_manager(
        &self,
        role: &str,
        cluster: &str,
        build: impl Fn(Manager) -> Manager + Send + Sync + Clone + 'static,
    ) -> Process {
        let name = format!("{role}@{cluster}");
        let cluster = cluster.to_owned();
        self.spawn(&name.clone(), &cluster.clone(), RestartPolicy::After(RESTART), move |context| {
            let (build, cluster, name) = (build.clone(), cluster.clone(), name.clone());
            async move {
                let client = context.client(&cluster).await;
                let world = context.world();
                build(Manager::new(&name, client, world.clock(), world.trace().clone())).run().await;
            }
            .boxed()
        })
    }
}

/// Knows which revision a server was at when, so that a read can be answered from the past.
#[derive(Clone)]
struct Past {
    api: ApiServer,
    clock: Clock,
    seen: Shared<Vec<(Duration, u64)>>,
}

impl Past {
    fn apply(&self, mut request: Request<Body>) -> Request<Body> {
        let (now, revision) = (self.clock.elapsed(), self.api.revision());
        self.seen.with(|seen| {
            if seen.last().is_none_or(|(_, last)| *last != revision) {
                seen.push((now, revision));
            }
        });
        if let Some(AnswerAsOf(age)) = request.extensions().get().copied() {
            let then = now.saturating_sub(age);
            let revision =
                self.seen.with(|seen| seen.iter().rev().find(|(at, _)| *at <= then).map(|(_, revision)| *revision));
            if let Some(revision) = revision {
                request.extensions_mut().insert(ReadAt(revision));
            }
        }
        request
    }
}
