//! The direct transport over simulated API servers, in virtual time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::{SignedDuration, Timestamp};
use ramen_core::{
    intercluster::{ClusterName, Failure, FailureClass, IntentId},
    testing::conformance::{Admin, BedError, ClientAdmin, Fault, HubSide, RecordsEvent, TransportBed},
    time::Deadline,
};
use ramen_sim::{apiserver::ApiServer, clock::Clock};
use ramen_transport_direct::{Connector, DirectTransport, MANIFEST_WORK_CRD};
use serde_json::Value;
use tokio::{sync::watch, task::AbortHandle};

use super::wire::{Way, Wire};

const WORKS: (&str, &str) = ("work.open-cluster-management.io", "manifestworks");

/// Ten simulated clusters and a simulated hub.
#[derive(Debug)]
pub struct SimBed(Mutex<Present>);

#[derive(Debug)]
struct Present {
    clock: Clock,
    hub: ApiServer,
    /// How many hubs there were before this one.
    generation: u64,
    backup: Vec<Value>,
    ways: BTreeMap<ClusterName, Arc<Way>>,
    registered: Arc<Registered>,
    sides: Vec<Side>,
}

#[derive(Debug)]
struct Side {
    transport: DirectTransport,
    alive: Arc<AtomicBool>,
    task: AbortHandle,
}

/// Which clusters there are, as the hub's configuration has it.
#[derive(Debug)]
struct Registered(watch::Sender<BTreeSet<ClusterName>>);

/// The world's clock, as the hub side takes one.
#[derive(Debug)]
pub(super) struct HubClock(pub(super) Clock);

impl ramen_core::time::Clock for HubClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// What one life of a hub side connects by.
#[derive(Debug)]
struct SimConnector {
    ways: BTreeMap<ClusterName, Arc<Way>>,
    registered: Arc<Registered>,
    alive: Arc<AtomicBool>,
}

#[async_trait]
impl Connector for SimConnector {
    async fn clusters(&self, _: Deadline) -> Result<BTreeMap<ClusterName, String>, Failure> {
        let registered = self.registered.0.borrow().clone();
        let leads_to = |name: &ClusterName| self.ways.get(name).and_then(|way| elsewhere(way)).unwrap_or(name.clone());
        Ok(registered.into_iter().map(|name| (name.clone(), leads_to(&name).to_string())).collect())
    }

    async fn connect(&self, cluster: &ClusterName, _: Deadline) -> Result<kube::Client, Failure> {
        let way = self.ways.get(cluster).filter(|_| self.registered.0.borrow().contains(cluster));
        let way =
            way.ok_or_else(|| Failure::new(FailureClass::UnknownCluster, "not registered").on(cluster.clone()))?;
        let server = match elsewhere(way).and_then(|other| self.ways.get(&other)) {
            Some(other) => {
                other.server.grant_token(&way.token, "hub", &["system:masters"]);
                other.server.clone()
            }
            None => way.server.clone(),
        };
        Ok(Wire { way: way.clone(), server, alive: self.alive.clone() }.client())
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        let registered = self.registered.0.subscribe();
        stream::unfold(registered, async |mut registered| registered.changed().await.ok().map(|()| ((), registered)))
            .boxed()
    }
}

/// The other cluster to which the configuration of this one leads.
fn elsewhere(way: &Way) -> Option<ClusterName> {
    way.faults.borrow().iter().find_map(|fault| match fault {
        Fault::LeadsTo(other) => Some(other.clone()),
        _ => None,
    })
}

impl SimBed {
    /// Fresh clusters, a fresh hub, and a hub side on it.
    ///
    /// # Errors
    /// As building the transport.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn new() -> Result<Self, BedError> {
        Ok(Self(Mutex::new(fresh().await?)))
    }

    /// Fresh clusters, for a bed that brings a hub side of its own.
    pub(super) async fn without_hub_side() -> Result<Self, BedError> {
        let bed = Self::new().await?;
        bed.kill();
        Ok(bed)
    }

    /// Fresh clusters again.
    pub(super) async fn reset_clusters(&self) -> Result<(), BedError> {
        self.reset().await?;
        self.kill();
        Ok(())
    }

    /// The world's clock.
    pub(super) fn clock(&self) -> Clock {
        self.present().clock
    }

    /// A client of one life of a hub side to this cluster, wherever its configuration leads at the moment of each request.
    pub(super) fn client(&self, cluster: &ClusterName, alive: Arc<AtomicBool>) -> kube::Client {
        let (ways, registered) = {
            let present = self.present();
            (present.ways.clone(), present.registered.clone())
        };
        let (connector, cluster) = (Arc::new(SimConnector { ways, registered, alive }), cluster.clone());
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (connector, cluster) = (connector.clone(), cluster.clone());
            let sent: futures::future::BoxFuture<'static, _> = Box::pin(async move {
                let deadline = Deadline::after(std::time::Duration::from_secs(5));
                connector.connect(&cluster, deadline).await?.send(request).await.map_err(tower::BoxError::from)
            });
            sent
        });
        kube::Client::new(service, "default")
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a hub side beside those that run.
    async fn start(&self) -> Result<HubSide, BedError> {
        let (hub, ways, registered, clock) = {
            let present = self.present();
            (present.hub.clone(), present.ways.clone(), present.registered.clone(), present.clock)
        };
        let side = start(&hub, ways, registered, clock).await?;
        let running = running(&side);
        self.present().sides.push(side);
        Ok(running)
    }

    fn kill(&self) {
        for side in self.present().sides.drain(..) {
            side.kill();
        }
    }

    async fn replace_hub(&self, objects: &[Value]) -> Result<(), BedError> {
        self.kill();
        let (clock, generation) = {
            let present = self.present();
            (present.clock, present.generation + 1)
        };
        let hub = new_hub(clock, generation)?;
        for object in objects {
            hub.install(object).map_err(BedError::failed)?;
        }
        {
            let mut present = self.present();
            present.hub = hub;
            present.generation = generation;
        }
        self.start().await.map(drop)
    }

    fn way(&self, cluster: &ClusterName) -> Result<Arc<Way>, BedError> {
        self.present().ways.get(cluster).cloned().ok_or_else(|| BedError::failed("no such cluster"))
    }
}

impl Side {
    fn kill(&self) {
        self.alive.store(false, Ordering::Relaxed);
        self.task.abort();
    }
}

fn running(side: &Side) -> HubSide {
    let shared = Arc::new(side.transport.clone());
    HubSide { transport: shared.clone(), view: shared.clone(), registry: Some(shared) }
}

/// Each hub that takes another's place is another cluster, with a `kube-system` of its own.
fn new_hub(clock: Clock, generation: u64) -> Result<ApiServer, BedError> {
    let hub = ApiServer::builder("hub").seed(1000 * (1 + generation)).clock(clock).build();
    hub.install_crds(MANIFEST_WORK_CRD).map_err(BedError::failed)?;
    Ok(hub)
}

async fn start(
    hub: &ApiServer,
    ways: BTreeMap<ClusterName, Arc<Way>>,
    registered: Arc<Registered>,
    clock: Clock,
) -> Result<Side, BedError> {
    let alive = Arc::new(AtomicBool::new(true));
    let own = Arc::new(Way::new(&"hub".into(), hub.clone(), clock));
    let hub = Wire { way: own, server: hub.clone(), alive: alive.clone() }.client();
    let transport = DirectTransport::builder(hub)
        .connector(Arc::new(SimConnector { ways, registered, alive: alive.clone() }))
        .clock(Arc::new(HubClock(clock)))
        .rng_seed(3)
        .build()
        .await
        .map_err(BedError::failed)?;
    let leading = transport.clone();
    let task = tokio::spawn(async move { leading.run(std::future::pending()).await }).abort_handle();
    Ok(Side { transport, alive, task })
}

async fn fresh() -> Result<Present, BedError> {
    let clock = Clock::start();
    let hub = new_hub(clock, 0)?;
    let names = (1..=10).map(|n| ClusterName::new(format!("dr{n}")));
    let ways: BTreeMap<_, _> = names
        .zip(10..)
        .map(|(name, seed)| {
            let server = ApiServer::builder(name.as_str()).seed(seed).clock(clock).build();
            let way = Way::new(&name, server, clock);
            (name, Arc::new(way))
        })
        .collect();
    let registered = Arc::new(Registered(watch::channel(ways.keys().cloned().collect()).0));
    let side = start(&hub, ways.clone(), registered.clone(), clock).await?;
    Ok(Present { clock, hub, generation: 0, backup: Vec::new(), ways, registered, sides: vec![side] })
}

#[async_trait]
impl TransportBed for SimBed {
    fn clusters(&self) -> Vec<ClusterName> {
        let mut names: Vec<_> = self.present().ways.keys().cloned().collect();
        names.sort_by_key(|name| (name.as_str().len(), name.clone()));
        names
    }

    async fn reset(&self) -> Result<(), BedError> {
        self.kill();
        let fresh = fresh().await?;
        *self.present() = fresh;
        Ok(())
    }

    async fn hub(&self) -> Result<HubSide, BedError> {
        self.present().sides.first().map(running).ok_or_else(|| BedError::failed("no hub side runs"))
    }

    fn admin(&self, cluster: &ClusterName) -> Result<Arc<dyn Admin>, BedError> {
        Ok(Arc::new(ClientAdmin::new(self.way(cluster)?.server.client("kit"))))
    }

    async fn inflict(&self, cluster: &ClusterName, fault: Fault) -> Result<(), BedError> {
        let way = self.way(cluster)?;
        if let Fault::ClockOff(seconds) = fault {
            way.server.set_clock(self.present().clock.skewed(SignedDuration::from_secs(seconds)));
        }
        way.faults.send_modify(|faults| faults.push(fault));
        self.present().registered.0.send_modify(|_| {});
        Ok(())
    }

    async fn heal(&self, cluster: &ClusterName) -> Result<(), BedError> {
        let way = self.way(cluster)?;
        way.server.set_clock(self.present().clock);
        way.faults.send_modify(Vec::clear);
        self.present().registered.0.send_modify(|_| {});
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.present().clock.now()
    }

    fn credentials(&self) -> Vec<String> {
        self.present().ways.values().map(|way| way.token.clone()).collect()
    }

    async fn kill_hub(&self) -> Result<HubSide, BedError> {
        self.kill();
        self.start().await
    }

    async fn second_hub(&self) -> Result<HubSide, BedError> {
        self.start().await
    }

    async fn records(&self, event: RecordsEvent) -> Result<(), BedError> {
        match event {
            RecordsEvent::Lost => self.replace_hub(&[]).await,
            RecordsEvent::BackedUp => {
                // As Velero backs up: without what only the API server sets, and without status.
                let mut present = self.present();
                let mut objects = present.hub.objects("", "namespaces");
                objects.retain(work_space);
                objects.extend(present.hub.objects(WORKS.0, WORKS.1));
                for object in &mut objects {
                    object.as_object_mut().map(|object| object.remove("status"));
                    for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
                        object["metadata"].as_object_mut().map(|metadata| metadata.remove(field));
                    }
                }
                present.backup = objects;
                Ok(())
            }
            RecordsEvent::Restored => {
                let backup = self.present().backup.clone();
                self.replace_hub(&backup).await
            }
        }
    }

    async fn unregister(&self, cluster: &ClusterName) -> Result<(), BedError> {
        self.present().registered.0.send_modify(|registered| {
            registered.remove(cluster);
        });
        Ok(())
    }

    async fn attempts(&self, cluster: &ClusterName) -> Result<Vec<Timestamp>, BedError> {
        Ok(self.way(cluster)?.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn record_version(&self, id: &IntentId) -> Result<Option<String>, BedError> {
        let work = self.present().hub.object(WORKS.0, WORKS.1, id.cluster.as_str(), &id.name);
        Ok(work.and_then(|work| work["metadata"]["resourceVersion"].as_str().map(ToOwned::to_owned)))
    }
}

/// Namespaces that a new hub does not have by itself.
fn work_space(namespace: &Value) -> bool {
    let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
    name != "default" && !name.starts_with("kube-")
}
