//! Whole clusters: an API server with everything that runs beside it.

use std::time::Duration;

use futures::FutureExt;
use http::Request;
use jiff::SignedDuration;
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
    net::Link,
    node::{Kubelet, Node},
    shared::Shared,
};

/// How soon what crashed is started again.
const RESTART: Duration = Duration::from_secs(10);

/// What a cluster is like.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// How its csi-addons behaves.
    pub csi_addons: Settings,
    /// How far the clock of its API server and controllers is ahead of the world's; negative for behind.
    pub skew: SignedDuration,
    /// How often its pods write.
    pub write_period: Duration,
    /// How long its storage vendor's agent takes to stop replication for maintenance.
    pub maintenance_takes: Duration,
}

/// A cluster with storage: what runs in it can be crashed by the names `controllers@NAME`, `csi-addons@NAME` and
/// `kubelet@NAME`.
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
    /// Adds a cluster without storage or workloads, such as a hub: an API server, garbage collection and namespace
    /// deletion.
    pub fn add_hub(&self, name: &str) -> ApiServer {
        let api = self.add_api_server(name, self.clock());
        self.spawn_manager("controllers", name, self.clock(), |manager| {
            manager.with(Namespaces).with(GarbageCollector)
        });
        api
    }

    /// Adds a cluster whose workloads use the storage array that the storage system connects it with (see
    /// [`StorageSystem::connect`](crate::storage::StorageSystem::connect)), with the definitions of csi-addons
    /// installed.
    pub fn add_cluster(&self, name: &str) -> Cluster {
        self.add_cluster_with(name, |settings| settings)
    }

    /// The same, with other settings: `change` gets those of [`World::add_cluster`] (originals' delays, no skew, a
    /// write each second, five seconds for maintenance).
    pub fn add_cluster_with(&self, name: &str, change: impl FnOnce(ClusterSettings) -> ClusterSettings) -> Cluster {
        let settings = change(ClusterSettings {
            csi_addons: Settings::new(name, self.storage().clone()),
            skew: SignedDuration::ZERO,
            write_period: Duration::from_secs(1),
            maintenance_takes: Duration::from_secs(5),
        });
        let clock = self.clock().skewed(settings.skew);
        let api = self.add_api_server(name, clock);
        for definition in definitions::csi_addons() {
            if let Err(error) = api.install(&definition) {
                self.fail(format!("a built-in definition is refused: {error}"));
            }
        }
        let storage = self.storage().clone();
        let node = Node::new(name, &format!("{name}-node"), storage.clone(), self.trace().clone());
        let binder = (name.to_owned(), storage.clone());
        self.spawn_manager("controllers", name, clock, move |manager| {
            let (cluster, storage) = binder.clone();
            let attacher = Attacher { cluster: cluster.clone(), storage: storage.clone() };
            let all = manager.with(Protection).with(Binder { cluster, storage }).with(attacher);
            all.with(Namespaces).with(GarbageCollector)
        });
        let (csi, takes, period) = (settings.csi_addons, settings.maintenance_takes, settings.write_period);
        self.spawn_manager("csi-addons", name, clock, move |manager| {
            let (contents, groups) = (GroupContents::new(csi.clone()), Groups::new(csi.clone()));
            let fences = Fences::new(csi.clone());
            let maintenance = Maintenance::new(csi.clone(), takes);
            let all =
                manager.with(Replications::new(csi.clone())).with(groups).with(contents).with(fences).with(maintenance);
            all.backoff(Backoff { first: Duration::from_millis(5), last: Duration::from_secs(1000) })
        });
        let kubelet = node.clone();
        self.spawn_manager("kubelet", name, clock, move |manager| manager.with(Kubelet::new(kubelet.clone())));
        let running = node.clone();
        tokio::spawn(async move { running.run(period).await });
        Cluster { name: name.to_owned(), api, node }
    }

    /// Loses a whole site at once: its node, its API server and its array are gone, and nobody reaches anything there.
    /// What was acknowledged stays on the array for the day it is [restored](World::restore_site).
    pub fn lose_site(&self, cluster: &Cluster) {
        cluster.node.set_powered(false);
        self.network().set_server(&cluster.name, Link::Cut);
        self.set_array_of(cluster, false);
    }

    /// Brings a lost site back as it was: with the objects and the content it had.
    pub fn restore_site(&self, cluster: &Cluster) {
        self.set_array_of(cluster, true);
        self.network().set_server(&cluster.name, Link::Up);
        cluster.node.set_powered(true);
    }

    fn set_array_of(&self, cluster: &Cluster, up: bool) {
        self.storage().with(|storage| {
            if let Some(array) = storage.array_name(&cluster.name) {
                storage.set_array_up(&array, up);
            }
        });
    }

    fn add_api_server(&self, name: &str, clock: Clock) -> ApiServer {
        let api = ApiServer::builder(name).seed(self.entropy().seed()).clock(clock).build();
        let seen = Shared::new(vec![(Duration::ZERO, api.revision())]);
        let past = Past { api: api.clone(), clock: self.clock(), seen };
        let service = api.service().map_request(move |request: Request<Body>| past.apply(request));
        self.add_server(server(name, service));
        api
    }

    fn spawn_manager(
        &self,
        role: &str,
        cluster: &str,
        clock: Clock,
        build: impl Fn(Manager) -> Manager + Send + Sync + Clone + 'static,
    ) -> Process {
        let name = format!("{role}@{cluster}");
        let cluster = cluster.to_owned();
        self.spawn(&name.clone(), &cluster.clone(), RestartPolicy::After(RESTART), move |context| {
            let (build, cluster, name) = (build.clone(), cluster.clone(), name.clone());
            async move {
                let client = context.client(&cluster).await;
                let world = context.world();
                build(Manager::new(&name, client, clock, world.trace().clone())).run().await;
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
