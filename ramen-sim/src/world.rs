//! A world: clusters, a network, a storage system and processes on one runtime with virtual time, grown from one seed.
//!
//! ```
//! use std::time::Duration;
//! use ramen_sim::world::{Failure, Run};
//!
//! # fn main() -> Result<(), Failure> {
//! let outcome = Run::new(7).world(|world| async move {
//!     world.trace().step("an hour passes at once");
//!     tokio::time::sleep(Duration::from_secs(3600)).await;
//!     Ok(())
//! })?;
//! assert_eq!(outcome.virtual_time, Duration::from_secs(3600));
//! # Ok(())
//! # }
//! ```
//!
//! With clusters, storage and a fault it reads like this:
//!
//! ```
//! use std::time::Duration;
//! use ramen_sim::{
//!     gitops::Application,
//!     net::Link,
//!     storage::ArrayConfig,
//!     world::{Failure, Run},
//! };
//!
//! # fn main() -> Result<(), Failure> {
//! Run::new(1).world(|world| async move {
//!     world.storage().with(|storage| {
//!         storage.add_array("east", ArrayConfig::new("block.example.com"));
//!         storage.connect("dr1", "east", ["10.1.0.1"]);
//!     });
//!     let cluster = world.add_cluster("dr1");
//!     let class = serde_json::json!({
//!         "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "block" }, "provisioner": "block.example.com",
//!     });
//!     cluster.api().install(&class).map_err(|error| error.to_string())?;
//!
//!     let user = world.user("me", "dr1").ok_or("no such cluster")?;
//!     let application = Application::new("busybox", "app").claim("data", "1Gi", "block").pod("writer", &["data"]);
//!     application.deploy(&user, cluster.node().name()).await.map_err(|error| error.to_string())?;
//!     let runs = async || cluster.node().running() == ["app/writer"];
//!     world.eventually("the application runs", Duration::from_secs(300), runs).await?;
//!
//!     // A cluster that is cut off goes on writing.
//!     world.network().set_server("dr1", Link::Cut);
//!     tokio::time::sleep(Duration::from_secs(60)).await;
//!     let written = world.storage().with(|storage| {
//!         storage.lineages().into_iter().map(|lineage| storage.acknowledged(lineage).len()).sum::<usize>()
//!     });
//!     assert!(written > 50);
//!     Ok(())
//! })?;
//! # Ok(())
//! # }
//! ```

mod cluster;
mod run;
mod supervisor;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use kube::Client;

pub use cluster::{Cluster, ClusterSettings};
pub use run::{Failure, Outcome, Run};
pub use supervisor::{Process, ProcessContext, RestartPolicy};

use crate::{
    clock::Clock,
    entropy::Entropy,
    fault::{Disturbance, Faults, Schedule, Server, Transit},
    net::Network,
    process::Incarnation,
    shared::Shared,
    storage::{Driver, StorageSystem},
    trace::{Kind, Trace},
};

/// How long a request or an answer is under way, unless a link says otherwise.
const LATENCY: Duration = Duration::from_millis(1);

type Hook = Arc<dyn Fn(bool) + Send + Sync>;

#[derive(Default)]
struct State {
    servers: BTreeMap<String, Server>,
    processes: BTreeMap<String, Process>,
    hooks: BTreeMap<String, Hook>,
    failure: Option<String>,
}

/// A handle on a world. Clones share it.
#[derive(Clone)]
pub struct World {
    clock: Clock,
    entropy: Entropy,
    trace: Trace,
    network: Network,
    faults: Faults,
    storage: Driver,
    state: Shared<State>,
    failed: Arc<tokio::sync::Notify>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.entropy.seed())
            .field("elapsed", &self.clock.elapsed())
            .finish_non_exhaustive()
    }
}

impl World {
    /// An empty world. Must be called inside a tokio runtime; [`Run`] brings one whose time is paused.
    pub fn new(seed: u64) -> Self {
        let clock = Clock::start();
        let trace = Trace::new(clock);
        Self {
            clock,
            entropy: Entropy::new(seed),
            network: Network::new(LATENCY, trace.clone()),
            faults: Faults::new(),
            storage: Driver::new(StorageSystem::new(), clock, trace.clone()),
            trace,
            state: Shared::default(),
            failed: Arc::new(tokio::sync::Notify::new()),
        }
    }

    /// The clock of the world.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The randomness of the world: take a child or a stream of your own name.
    pub fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    /// The timeline.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The network between the sites.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The faults that requests meet.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The storage system that the clusters use.
    pub fn storage(&self) -> &Driver {
        &self.storage
    }

    /// Adds the API server of a cluster, known by its name to links, rules and clients.
    pub fn add_server(&self, server: Server) {
        self.state.with(|state| state.servers.insert(server.name().to_owned(), server));
    }

    /// The names of all API servers, in order.
    pub fn servers(&self) -> Vec<String> {
        self.state.with(|state| state.servers.keys().cloned().collect())
    }

    /// A client by which a life of a process reaches a server, through the network and its faults. `None` if there is
    /// no such server.
    pub fn client(&self, from: &Incarnation, server: &str) -> Option<Client> {
        let to = self.state.with(|state| state.servers.get(server).cloned())?;
        let transit = Transit {
            from: from.clone(),
            to,
            network: self.network.clone(),
            faults: self.faults.clone(),
            trace: self.trace.clone(),
            clock: self.clock,
        };
        Some(transit.client())
    }

    /// A client of an observer, such as the test itself or a user with `kubectl` beside the server: its requests meet
    /// no faults and no broken links. `None` if there is no such server.
    pub fn user(&self, name: &str, server: &str) -> Option<Client> {
        self.client(&Incarnation::observer(name, server), server)
    }

    /// Starts a process at a site. It is killed with [`Process::kill`], by a fault, or by a schedule, and started again
    /// as its policy says.
    pub fn spawn<F>(&self, name: &str, site: &str, policy: RestartPolicy, body: F) -> Process
    where
        F: Fn(ProcessContext) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        let process = supervisor::start(self.clone(), name, site, policy, body);
        self.state.with(|state| state.processes.insert(name.to_owned(), process.clone()));
        process
    }

    /// A process by its name.
    pub fn process(&self, name: &str) -> Option<Process> {
        self.state.with(|state| state.processes.get(name).cloned())
    }

    /// Registers what [`Disturbance::Hook`] of this name calls, with `true` when disturbed and `false` when well again.
    /// By this an object store, or whatever else the world does not know of, takes part in a schedule.
    pub fn hook(&self, name: &str, hook: impl Fn(bool) + Send + Sync + 'static) {
        self.state.with(|state| state.hooks.insert(name.to_owned(), Arc::new(hook)));
    }

    /// Lets a schedule happen from now on, its times counted from the world's beginning. Returns when it is over.
    pub async fn play(&self, schedule: &Schedule) {
        for (at, disturbance) in schedule.entries() {
            tokio::time::sleep(at.saturating_sub(self.clock.elapsed())).await;
            self.disturb(disturbance);
        }
    }

    /// Lets a disturbance happen now.
    pub fn disturb(&self, disturbance: &Disturbance) {
        self.trace.record(Kind::Fault, "schedule", disturbance.to_string());
        match disturbance {
            Disturbance::Link { from, to, link } => self.network.set(from, to, *link),
            Disturbance::Server { name, link } => self.network.set_server(name, *link),
            Disturbance::Crash { process } => {
                if let Some(process) = self.process(process) {
                    process.kill();
                }
            }
            Disturbance::ArrayLink { one, other, up } => {
                self.storage.with(|system| system.set_link_up(one, other, *up));
            }
            Disturbance::Stall { one, other, stalled } => {
                self.storage.with(|system| system.set_link_stalled(one, other, *stalled));
            }
            Disturbance::Array { name, up } => self.storage.with(|system| system.set_array_up(name, *up)),
            Disturbance::Hook { name, disturbed } => {
                // The hook runs outside the lock: it may well ask the world for something.
                if let Some(hook) = self.state.with(|state| state.hooks.get(name).cloned()) {
                    hook(*disturbed);
                }
            }
        }
    }

    /// Ends the run as failed, with this reason; the first one counts. For checks that run beside the scenario.
    pub fn fail(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.trace.record(Kind::Step, "FAILURE", &reason);
        self.state.with(|state| {
            state.failure.get_or_insert(reason);
        });
        self.failed.notify_waiters();
    }

    /// Waits until `check` holds, looking again every second of virtual time.
    ///
    /// # Errors
    /// After `limit`, with what was waited for.
    pub async fn eventually(
        &self,
        what: &str,
        limit: Duration,
        mut check: impl AsyncFnMut() -> bool,
    ) -> Result<(), String> {
        let deadline = self.clock.elapsed() + limit;
        while !check().await {
            if self.clock.elapsed() >= deadline {
                return Err(format!("after {limit:?} still not true: {what}"));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.trace.step(format!("seen: {what}"));
        Ok(())
    }

    async fn failure(&self) -> String {
        loop {
            let mut failed = std::pin::pin!(self.failed.notified());
            failed.as_mut().enable();
            if let Some(reason) = self.state.with(|state| state.failure.clone()) {
                return reason;
            }
            failed.await;
        }
    }
}
