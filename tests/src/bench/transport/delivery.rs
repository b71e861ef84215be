//! How long one intent takes, nothing else going on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use ramen_core::api::VolumeReplicationGroup;
use ramen_core::intercluster::{ClusterName, Intent, ObjectTransport, Precondition, ResourceType};
use ramen_core::time::Deadline;
use ramen_transport_direct::DirectTransport;
use tokio::task::JoinSet;

use super::load::precondition;
use super::objects::{NAMESPACE, ROUND, intent};
use super::{Measure, World, spread};

/// A pause after which a write that has not arrived never will.
const LOST: Duration = Duration::from_secs(60);

/// Times at which a cluster's objects were seen there, by name and round.
pub(super) struct Arrivals {
    seen: Arc<Mutex<HashMap<(String, String), Instant>>>,
    _watch: JoinSet<()>,
}

impl Arrivals {
    /// Watches a cluster's groups, beside the transport, from now on.
    pub(super) async fn watch(client: &Client) -> anyhow::Result<Self> {
        let resource = ResourceType::of::<VolumeReplicationGroup>().api_resource();
        let groups = Api::<DynamicObject>::namespaced_with(client.clone(), NAMESPACE, &resource);
        let start = groups.list_metadata(&Default::default()).await?.metadata.resource_version.unwrap_or_default();
        let mut events = groups.watch(&WatchParams::default(), &start).await?.boxed();
        let seen = Arc::<Mutex<HashMap<_, _>>>::default();
        let (noted, mut watch) = (seen.clone(), JoinSet::new());
        watch.spawn(async move {
            while let Ok(Some(event)) = events.try_next().await {
                let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = event else { continue };
                let round = object.metadata.annotations.and_then(|mut a| a.remove(ROUND)).unwrap_or_default();
                let key = (object.metadata.name.unwrap_or_default(), round);
                noted.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert_with(Instant::now);
            }
        });
        Ok(Self { seen, _watch: watch })
    }

    /// How many objects of a round whose names begin like this were seen.
    pub(super) fn count(&self, prefix: &str, round: usize) -> usize {
        let (seen, round) = (self.seen.lock().unwrap_or_else(PoisonError::into_inner), round.to_string());
        seen.keys().filter(|(name, of)| name.starts_with(prefix) && *of == round).count()
    }

    async fn of(&self, name: &str, round: usize) -> anyhow::Result<Instant> {
        let (deadline, key) = (Instant::now() + LOST, (name.to_owned(), round.to_string()));
        loop {
            if let Some(at) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
                return Ok(*at);
            }
            ensure!(Instant::now() < deadline, "round {round} of {name} never arrived");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Puts intents one after another, new ones and then changed ones, and measures from the moment at which each was accepted.
///
/// # Errors
/// A request fails, or a delivery never ends.
pub async fn one_by_one(world: &World, transport: &DirectTransport, samples: usize) -> anyhow::Result<Vec<Measure>> {
    let cluster = &world.clusters()[0];
    let arrivals = Arrivals::watch(world.admin(cluster)?).await?;
    let mut measures = Vec::new();
    for (round, what) in ["new object", "changed object"].into_iter().enumerate() {
        let (mut accepted, mut there, mut applied) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..samples {
            let name = format!("one-{index}");
            let intent = intent(cluster, &name, round)?;
            let began = Instant::now();
            let (at, confirmed) = deliver(transport, &intent, &precondition(round)).await?;
            accepted.push(at - began);
            applied.push(confirmed - at);
            there.push(arrivals.of(&name, round).await?.saturating_duration_since(at));
        }
        measures.extend(spread(&format!("{what}: call until accepted"), accepted));
        measures.extend(spread(&format!("{what}: accepted until on the cluster"), there));
        measures.extend(spread(&format!("{what}: accepted until reported as applied"), applied));
    }
    Ok(measures)
}

/// When the intent was accepted, and when the caller knew that it was applied.
async fn deliver(
    transport: &DirectTransport,
    intent: &Intent,
    precondition: &Precondition,
) -> anyhow::Result<(Instant, Instant)> {
    let mut changes = ObjectTransport::changes(transport);
    let deadline = Deadline::after(LOST);
    transport.put(intent, precondition, deadline).await?;
    let accepted = Instant::now();
    loop {
        let record = transport.get(&intent.id, deadline).await?;
        if record.is_some_and(|record| record.is_applied()) {
            return Ok((accepted, Instant::now()));
        }
        let next = async { while changes.next().await.is_some_and(|id| id != intent.id) {} };
        tokio::time::timeout(LOST, next).await.with_context(|| format!("{} was never applied", intent.id))?;
    }
}

/// Waits until all of these clusters have so many objects of a round.
pub(super) async fn arrived(arrivals: &[Arrivals], prefix: &str, round: usize, each: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + LOST * 4;
    while arrivals.iter().any(|cluster| cluster.count(prefix, round) < each) {
        ensure!(Instant::now() < deadline, "not all of {each} objects {prefix}* arrived on every cluster");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Waits until the records of these intents say that they are applied.
pub(super) async fn confirmed(
    transport: &DirectTransport,
    clusters: &[ClusterName],
    prefix: &str,
    each: usize,
) -> anyhow::Result<()> {
    let deadline = Deadline::after(LOST * 4);
    for cluster in clusters {
        loop {
            let selector =
                ramen_core::intercluster::IntentSelector { cluster: Some(cluster.clone()), ..Default::default() };
            let records = transport.list(&selector, deadline).await?;
            let applied = records.iter().filter(|r| r.intent.id.name.starts_with(prefix) && r.is_applied()).count();
            if applied >= each {
                break;
            }
            ensure!(!deadline.has_passed(), "{applied} of {each} intents for {cluster} are applied");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}
