//! The shell around [`StorageSystem`]: takes time from the world, tells the timeline, and misbehaves on demand.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{
    error::{Code, DriverError},
    system::StorageSystem,
};
use crate::{
    clock::Clock,
    shared::Shared,
    trace::{Kind, Trace},
};

/// What a cluster's storage driver can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Create a volume.
    CreateVolume,
    /// Delete a volume.
    DeleteVolume,
    /// Grow a volume.
    Resize,
    /// Attach a volume to a node.
    Attach,
    /// Detach a volume from a node.
    Detach,
    /// Create, change or delete a volume group.
    Group,
    /// Start replication.
    Enable,
    /// End replication.
    Disable,
    /// Promote.
    Promote,
    /// Demote.
    Demote,
    /// Resync.
    Resync,
    /// Ask for the state of replication.
    GetInfo,
    /// Ask for the handle of the replica.
    GetDestination,
    /// Fence or unfence.
    Fence,
    /// Begin or end maintenance.
    Maintenance,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How a driver misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Acts after a while.
    Slow(Duration),
    /// Does nothing and answers with this code.
    Fail(Code),
    /// Acts, and answers with this code all the same.
    FailAfterwards(Code),
    /// Never answers; whoever asks must have a deadline of their own.
    Never,
}

#[derive(Clone, Debug)]
struct Misbehaviour {
    cluster: Option<String>,
    operation: Operation,
    behaviour: Behaviour,
    times: u32,
}

/// A handle on the storage system of a world. Clones share it.
#[derive(Clone, Debug)]
pub struct Driver {
    system: Shared<StorageSystem>,
    misbehaviours: Shared<Vec<Misbehaviour>>,
    clock: Clock,
    trace: Trace,
    changed: Arc<Notify>,
}

impl Driver {
    /// A handle on `system`, whose time is that of `clock` and whose events go to `trace`.
    pub fn new(system: StorageSystem, clock: Clock, trace: Trace) -> Self {
        let (system, misbehaviours) = (Shared::new(system), Shared::new(Vec::new()));
        Self { system, misbehaviours, clock, trace, changed: Arc::new(Notify::new()) }
    }

    /// Runs `f` on the storage system as it is now, past any misbehaviour: for a test's set-up and checks, and for what
    /// needs no driver call.
    pub fn with<R>(&self, f: impl FnOnce(&mut StorageSystem) -> R) -> R {
        let answer = self.apply(f);
        self.changed.notify_one();
        answer
    }

    fn apply<R>(&self, f: impl FnOnce(&mut StorageSystem) -> R) -> R {
        let now = self.clock.elapsed();
        let (answer, events) = self.system.with(|system| {
            system.advance(now);
            let answer = f(system);
            // What the call made due at this very moment happens at once.
            system.advance(now);
            (answer, system.take_events())
        });
        for event in events {
            self.trace.record(Kind::Storage, event.subject, event.text);
        }
        answer
    }

    /// Lets the next `times` calls of an operation misbehave, on one cluster or on all. The oldest order that matches
    /// is used up first.
    pub fn misbehave(&self, cluster: Option<&str>, operation: Operation, behaviour: Behaviour, times: u32) {
        let order = Misbehaviour { cluster: cluster.map(str::to_owned), operation, behaviour, times };
        self.misbehaviours.with(|all| all.push(order));
    }

    /// Ends all misbehaviour that is still ordered.
    pub fn behave(&self) {
        self.misbehaviours.with(Vec::clear);
    }

    /// Asks the driver of a cluster to do something to `subject`, as a controller does: with whatever misbehaviour is
    /// ordered.
    ///
    /// # Errors
    /// What the storage system answers, or the code that was ordered.
    pub async fn call<R>(
        &self,
        cluster: &str,
        operation: Operation,
        subject: &str,
        act: impl FnOnce(&mut StorageSystem) -> Result<R, DriverError>,
    ) -> Result<R, DriverError> {
        let ordered = |code| Err(DriverError::new(code, format!("{operation} of {subject} fails as ordered")));
        let answer = match self.next_behaviour(cluster, operation) {
            None => self.with(act),
            Some(Behaviour::Slow(time)) => {
                tokio::time::sleep(time).await;
                self.with(act)
            }
            Some(Behaviour::Fail(code)) => ordered(code),
            Some(Behaviour::FailAfterwards(code)) => self.with(act).and_then(|_| ordered(code)),
            Some(Behaviour::Never) => {
                self.trace.record(Kind::Fault, cluster, format!("{operation} {subject} never answers"));
                std::future::pending().await
            }
        };
        let outcome = answer.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
        self.trace.record(Kind::Storage, cluster, format!("{operation} {subject}: {outcome}"));
        answer
    }

    /// Lets copies start and arrive as time passes, so that the timeline shows them when they happen. Runs until
    /// dropped.
    pub async fn run(&self) {
        loop {
            let next = self.apply(|system| system.next_event());
            let changed = self.changed.notified();
            let wait = next.map(|at| at.saturating_sub(self.clock.elapsed()));
            match wait {
                Some(wait) => {
                    let _ = tokio::time::timeout(wait, changed).await;
                }
                None => changed.await,
            }
        }
    }

    fn next_behaviour(&self, cluster: &str, operation: Operation) -> Option<Behaviour> {
        self.misbehaviours.with(|all| {
            let index = all.iter().position(|order| {
                order.operation == operation && order.cluster.as_deref().is_none_or(|wanted| wanted == cluster)
            })?;
            let order = all.get_mut(index)?;
            order.times = order.times.saturating_sub(1);
            let behaviour = order.behaviour;
            if order.times == 0 {
                all.remove(index);
            }
            Some(behaviour)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{ArrayConfig, LinkConfig};

    fn driver() -> (Driver, Trace, String) {
        let clock = Clock::start();
        let trace = Trace::new(clock);
        let mut system = StorageSystem::new();
        for (array, cluster) in [("east", "dr1"), ("west", "dr2")] {
            system.add_array(array, ArrayConfig::new("block.example.com"));
            system.connect(cluster, array, ["10.0.0.1"]);
        }
        system.pair("east", "west", LinkConfig::default());
        let handle = system.create_volume("dr1", 1 << 20).unwrap().handle;
        (Driver::new(system, clock, trace.clone()), trace, handle)
    }

    #[tokio::test(start_paused = true)]
    async fn copies_show_in_the_timeline_when_they_arrive() {
        let (driver, trace, handle) = driver();
        driver.with(|system| system.enable("dr1", &handle, None)).unwrap();
        let background = tokio::spawn(async move { driver.run().await });
        tokio::time::sleep(Duration::from_secs(600)).await;
        background.abort();
        let arrived: Vec<Duration> =
            trace.entries().iter().filter(|entry| entry.text.contains("full copy")).map(|entry| entry.at).collect();
        assert_eq!(arrived, [Duration::from_secs(2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn misbehaviour_is_used_up_in_order_and_says_whether_the_call_acted() {
        let (driver, _, handle) = driver();
        let enable = || driver.call("dr1", Operation::Enable, &handle, |system| system.enable("dr1", &handle, None));
        let replicated = || driver.with(|system| system.info("dr1", &handle)).is_ok();
        driver.misbehave(Some("dr2"), Operation::Enable, Behaviour::Never, 1);
        driver.misbehave(Some("dr1"), Operation::Enable, Behaviour::Fail(Code::Unavailable), 1);
        driver.misbehave(None, Operation::Enable, Behaviour::FailAfterwards(Code::DeadlineExceeded), 1);
        assert_eq!(enable().await.unwrap_err().code, Code::Unavailable);
        assert!(!replicated());
        assert_eq!(enable().await.unwrap_err().code, Code::DeadlineExceeded);
        assert!(replicated());
        enable().await.unwrap();
        let other = driver.call("dr2", Operation::Enable, "x", |system| system.array_of("dr2"));
        assert!(tokio::time::timeout(Duration::from_secs(86_400), other).await.is_err(), "never answers");
    }
}
