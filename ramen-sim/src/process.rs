//! Processes that can crash: restartable tasks whose requests stop counting the moment they die.
//!
//! A crash drops the task. Whatever it had spawned beside itself may go on running, as no runtime lets one task end
//! another's children; it is cut off instead: a request, or anything else that asks [`Incarnation::gate`], never
//! returns in a dead incarnation. So a crash between two commands is exact: nothing after it reaches any server.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

#[derive(Debug)]
struct Life {
    dead: AtomicBool,
    killed: Notify,
}

/// One life of a process. Its clients hold it; when it is dead their requests neither arrive nor return.
#[derive(Clone)]
pub struct Incarnation {
    name: Arc<str>,
    site: Arc<str>,
    number: u64,
    life: Arc<Life>,
    requests: Arc<AtomicU64>,
    spared: bool,
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.number)
    }
}

impl Incarnation {
    /// The first life of a process that runs at a site.
    pub fn first(name: &str, site: &str) -> Self {
        let life = Arc::new(Life { dead: AtomicBool::new(false), killed: Notify::new() });
        Self {
            name: name.into(),
            site: site.into(),
            number: 1,
            life,
            requests: Arc::new(AtomicU64::new(0)),
            spared: false,
        }
    }

    /// Somebody whose requests meet no faults and no broken links: the test itself, which must be able to look whatever
    /// happens.
    pub fn observer(name: &str, site: &str) -> Self {
        Self { spared: true, ..Self::first(name, site) }
    }

    /// Whether requests meet no faults.
    pub fn is_observer(&self) -> bool {
        self.spared
    }

    /// The next life, which goes on counting requests where the last one ended.
    #[must_use]
    pub fn next(&self) -> Self {
        let life = Arc::new(Life { dead: AtomicBool::new(false), killed: Notify::new() });
        Self { number: self.number + 1, life, ..self.clone() }
    }

    /// The name of the process.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it runs: the name of a cluster.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// Which life this is, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many requests the process has made in all of its lives.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        !self.life.dead.load(Ordering::Relaxed)
    }

    /// Ends this life, now.
    pub fn kill(&self) {
        self.life.dead.store(true, Ordering::Relaxed);
        self.life.killed.notify_waiters();
    }

    /// Returns when this life has ended.
    pub async fn died(&self) {
        let mut killed = std::pin::pin!(self.life.killed.notified());
        killed.as_mut().enable();
        if self.is_alive() {
            killed.await;
        }
    }

    /// Passes if the process is alive and never returns if it is dead. For side effects that are no Kubernetes
    /// requests, such as writes to an object store: asked before and after each, it makes them crash-exact too.
    pub async fn gate(&self) {
        if !self.is_alive() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes the number of the next request, from 1.
    pub(crate) fn count_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }
}
