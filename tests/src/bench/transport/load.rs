//! Many intents at once, beside plain writes of the same objects.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use ramen_core::api::VolumeReplicationGroup;
use ramen_core::intercluster::{ClusterName, ObjectTransport, Precondition, ResourceType};
use ramen_core::time::Deadline;
use serde_json::{Value, json};

use super::delivery::{Arrivals, arrived, confirmed};
use super::objects::{NAMESPACE, group, intent};
use super::world::RECORDS;
use super::{Measure, Running, World};

/// How much is delivered.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Objects on each cluster.
    pub each: usize,
    /// Writes under way at once for each cluster.
    pub concurrency: usize,
}

/// What one way of writing took.
struct Took {
    there: Duration,
    confirmed: Duration,
}

/// Writes the same objects to these clusters, all at once, in three ways: by plain server-side applies; by the three writes that any
/// durable delivery costs (a record, the object, the record's status) without an engine; through the transport. New objects
/// first, then a change of each.
///
/// # Errors
/// A request fails, or an object never arrives.
pub async fn many(
    world: &World,
    running: &Running,
    clusters: &[ClusterName],
    load: Load,
) -> anyhow::Result<Vec<Measure>> {
    let mut watches = Vec::new();
    for cluster in clusters {
        watches.push(Arrivals::watch(world.admin(cluster)?).await?);
    }
    let title = format!("{} objects on {} cluster(s)", load.each * clusters.len(), clusters.len());
    let run = Run { world, running, clusters, load, arrivals: &watches, prefix: clusters.len().to_string() };
    let mut measures = Vec::new();
    for (round, what) in ["new", "changed"].into_iter().enumerate() {
        let plain = run.plain(round).await?;
        let three = run.three_writes(round).await?;
        let before = world.requests()?;
        let own = run.transport(round).await?;
        let after = world.requests()?;
        let mut say = |name: &str, unit, value| {
            measures.push(Measure { name: format!("{title}, {what}: {name}"), unit, value });
        };
        say("plain server-side applies", "ms", millis(plain));
        say("record, apply and status written plainly", "ms", millis(three));
        say("transport, until on the cluster", "ms", millis(own.there));
        say("transport, until reported as applied", "ms", millis(own.confirmed));
        say("transport to plain applies", "times", own.there.as_secs_f64() / plain.as_secs_f64());
        say("transport to the three writes", "times", own.confirmed.as_secs_f64() / three.as_secs_f64());
        let objects = (load.each * clusters.len()) as f64;
        for (place, (before, after)) in ["hub", "clusters"].into_iter().zip(before.iter().zip(&after)) {
            for (verb, count) in difference(before, after) {
                say(&format!("requests to the {place}, {verb}"), "per object", count as f64 / objects);
            }
        }
    }
    Ok(measures)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn difference(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let more = |(verb, count): (&String, &u64)| (verb.clone(), count - before.get(verb).copied().unwrap_or_default());
    after.iter().map(more).filter(|(_, count)| *count > 0).collect()
}

struct Run<'a> {
    world: &'a World,
    running: &'a Running,
    clusters: &'a [ClusterName],
    load: Load,
    arrivals: &'a [Arrivals],
    /// Keeps the objects of one run apart from those of another.
    prefix: String,
}

impl Run<'_> {
    /// Runs the write for each object, all clusters at once.
    async fn all<F, Fut>(&self, write: F) -> anyhow::Result<()>
    where
        F: Fn(ClusterName, usize) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let one = |cluster: &ClusterName| {
            let (cluster, write) = (cluster.clone(), &write);
            async move {
                stream::iter(0..self.load.each)
                    .map(|index| write(cluster.clone(), index))
                    .buffer_unordered(self.load.concurrency)
                    .try_for_each(|()| async { Ok(()) })
                    .await
            }
        };
        futures::future::try_join_all(self.clusters.iter().map(one)).await.map(drop)
    }

    async fn plain(&self, round: usize) -> anyhow::Result<Duration> {
        let (started, prefix) = (Instant::now(), format!("plain{}-", self.prefix));
        self.all(|cluster, index| {
            let name = format!("{prefix}{index}");
            async move { apply(self.world.admin(&cluster)?, &group(&name, round)).await }
        })
        .await?;
        arrived(self.arrivals, &prefix, round, self.load.each).await?;
        Ok(started.elapsed())
    }

    async fn three_writes(&self, round: usize) -> anyhow::Result<Duration> {
        let (started, prefix) = (Instant::now(), format!("three{}-", self.prefix));
        self.all(|cluster, index| {
            let name = format!("{prefix}{index}");
            async move {
                let object = group(&name, round);
                let works = works(self.world.hub(), &cluster);
                record(&works, &name, &object, round).await?;
                apply(self.world.admin(&cluster)?, &object).await?;
                let done = json!({"status": {"conditions": [{
                    "type": "Applied", "status": "True", "reason": "AppliedManifestWorkComplete", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": round + 1}]}});
                works.patch_status(&name, &PatchParams::default(), &Patch::Merge(&done)).await?;
                Ok(())
            }
        })
        .await?;
        arrived(self.arrivals, &prefix, round, self.load.each).await?;
        Ok(started.elapsed())
    }

    async fn transport(&self, round: usize) -> anyhow::Result<Took> {
        let (started, prefix) = (Instant::now(), format!("own{}-", self.prefix));
        let transport = &self.running.transport;
        self.all(|cluster, index| {
            let name = format!("{prefix}{index}");
            async move {
                let deadline = Deadline::after(Duration::from_secs(60));
                transport.put(&intent(&cluster, &name, round)?, &precondition(round), deadline).await?;
                Ok(())
            }
        })
        .await?;
        arrived(self.arrivals, &prefix, round, self.load.each).await?;
        let there = started.elapsed();
        confirmed(transport, self.clusters, &prefix, self.load.each).await?;
        Ok(Took { there, confirmed: started.elapsed() })
    }
}

async fn apply(client: &Client, object: &Value) -> anyhow::Result<()> {
    let resource = ResourceType::of::<VolumeReplicationGroup>().api_resource();
    let groups = Api::<DynamicObject>::namespaced_with(client.clone(), NAMESPACE, &resource);
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    groups.patch(name, &PatchParams::apply("bench"), &Patch::Apply(object)).await?;
    Ok(())
}

/// A hub that creates a record wants none to be there; one that changes it here takes whatever there is.
pub(super) fn precondition(round: usize) -> Precondition {
    if round == 0 { Precondition::Absent } else { Precondition::None }
}

fn works(hub: &Client, cluster: &ClusterName) -> Api<DynamicObject> {
    let resource = kube::api::ApiResource {
        group: RECORDS.to_owned(),
        version: "v1".to_owned(),
        api_version: format!("{RECORDS}/v1"),
        kind: "ManifestWork".to_owned(),
        plural: "manifestworks".to_owned(),
    };
    Api::namespaced_with(hub.clone(), cluster.as_str(), &resource)
}

async fn record(works: &Api<DynamicObject>, name: &str, object: &Value, round: usize) -> anyhow::Result<()> {
    let work = json!({
        "apiVersion": format!("{RECORDS}/v1"), "kind": "ManifestWork",
        "metadata": {"name": name}, "spec": {"workload": {"manifests": [object]}},
    });
    if round == 0 {
        works.create(&PostParams::default(), &serde_json::from_value(work)?).await?;
    } else {
        works.patch(name, &PatchParams::default(), &Patch::Merge(&work)).await?;
    }
    Ok(())
}
