//! Starts processes, notices their end and starts them again.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{
    FutureExt,
    future::{BoxFuture, Either, select},
};
use kube::Client;
use tokio::sync::Notify;

use super::World;
use crate::{process::Incarnation, shared::Shared, trace::Kind};

/// When a process that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// After this long, whether it crashed or returned: as a Deployment does.
    After(Duration),
    /// Only by [`Process::start`].
    Never,
}

/// What a process knows of itself.
#[derive(Clone, Debug)]
pub struct ProcessContext {
    world: World,
    incarnation: Incarnation,
}

impl ProcessContext {
    /// The world it lives in.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// This life of it.
    pub fn incarnation(&self) -> &Incarnation {
        &self.incarnation
    }

    /// A client for a server, through the network and its faults, that dies with this life. A server that does not
    /// exist fails the run: the process then waits for ever.
    pub async fn client(&self, server: &str) -> Client {
        match self.world.client(&self.incarnation, server) {
            Some(client) => client,
            None => {
                self.world
                    .fail(format!("process {} asks for server {server}, which was not added", self.incarnation.name()));
                std::future::pending().await
            }
        }
    }
}

/// A process that a world keeps. Clones are handles on the same one.
#[derive(Clone, Debug)]
pub struct Process {
    life: Shared<Incarnation>,
    started: Arc<Notify>,
}

impl Process {
    /// The life it is in, or the last one if it is dead.
    pub fn incarnation(&self) -> Incarnation {
        self.life.with(|life| life.clone())
    }

    /// Whether it runs now.
    pub fn is_alive(&self) -> bool {
        self.incarnation().is_alive()
    }

    /// Lets it crash now. Nothing it asks for after this reaches any server.
    pub fn kill(&self) {
        self.incarnation().kill();
    }

    /// Starts it if it is dead, without waiting for its policy.
    pub fn start(&self) {
        self.started.notify_one();
    }
}

pub(super) fn start<F>(world: World, name: &str, site: &str, policy: RestartPolicy, body: F) -> Process
where
    F: Fn(ProcessContext) -> BoxFuture<'static, ()> + Send + Sync + 'static,
{
    let process = Process { life: Shared::new(Incarnation::first(name, site)), started: Arc::new(Notify::new()) };
    let handle = process.clone();
    tokio::spawn(async move {
        loop {
            let incarnation = process.incarnation();
            live(&world, incarnation.clone(), &body).await;
            let wait = process.started.notified();
            match policy {
                RestartPolicy::After(time) => drop(tokio::time::timeout(time, wait).await),
                RestartPolicy::Never => wait.await,
            }
            process.life.with(|life| *life = incarnation.next());
        }
    });
    handle
}

/// Runs a process until it dies, returns or panics; a panic fails the run.
async fn live(world: &World, incarnation: Incarnation, body: &impl Fn(ProcessContext) -> BoxFuture<'static, ()>) {
    let tell = |text: &str| world.trace.record(Kind::Process, format!("{incarnation:?}"), text);
    tell(&format!("starts at {}", incarnation.site()));
    let context = ProcessContext { world: world.clone(), incarnation: incarnation.clone() };
    let running = AssertUnwindSafe(body(context)).catch_unwind();
    match select(running, std::pin::pin!(incarnation.died())).await {
        Either::Left((Ok(()), _)) => tell("returns"),
        Either::Left((Err(panic), _)) => {
            let text =
                panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            world.fail(format!("process {} panicked: {}", incarnation.name(), text.unwrap_or("(no text)")));
        }
        Either::Right(((), _)) => tell("crashes"),
    }
    // Whatever the process left behind must not act for it any more.
    incarnation.kill();
}
