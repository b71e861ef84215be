//! How long it takes until a change on a cluster is known on the hub.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::StreamExt;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use ramen_core::api::VolumeReplicationGroup;
use ramen_core::intercluster::{ClusterView, Freshness, Registration, ResourceType};
use ramen_core::time::Deadline;
use ramen_transport_direct::DirectTransport;
use serde_json::json;

use super::objects::{NAMESPACE, group, key, status};
use super::{Measure, World, spread};

const LOST: Duration = Duration::from_secs(60);
const NAME: &str = "observed";

/// Changes the status of a watched group again and again, and measures from before each change is written until a read has
/// returned it: the read that follows a [`ViewChange`](ramen_core::intercluster::ViewChange), answered from the watch. Live reads
/// beside it.
///
/// # Errors
/// A request fails, or a change is never told.
pub async fn latency(world: &World, transport: &DirectTransport, samples: usize) -> anyhow::Result<Vec<Measure>> {
    let cluster = &world.clusters()[0];
    let resource = ResourceType::of::<VolumeReplicationGroup>().api_resource();
    let groups = Api::<DynamicObject>::namespaced_with(world.admin(cluster)?.clone(), NAMESPACE, &resource);
    let object = group(NAME, 0);
    groups.patch(NAME, &PatchParams::apply("bench"), &Patch::Apply(&object)).await?;

    let key = key(cluster, NAME);
    let mut changes = ClusterView::changes(transport);
    let registration = Registration { key: key.clone(), registrant: "bench".to_owned(), labels: Default::default() };
    transport.register(&registration, Deadline::after(LOST)).await?;
    tokio::time::timeout(LOST, changes.next()).await.context("the watch never told its first list")?;

    let (mut answered, mut observed, mut live) = (Vec::new(), Vec::new(), Vec::new());
    for sync in 1..=samples {
        let change = json!({"status": status(sync)});
        let began = Instant::now();
        let write = async {
            groups.patch_status(NAME, &PatchParams::default(), &Patch::Merge(&change)).await?;
            anyhow::Ok(began.elapsed())
        };
        let see = async {
            let wanted = status(sync);
            loop {
                let change = tokio::time::timeout(LOST, changes.next()).await.context("a change was never told")?;
                ensure!(change.is_some(), "the view ended");
                let fresh = Freshness::within(Duration::from_secs(90));
                let seen = transport.read(&key, &fresh, Deadline::after(LOST)).await;
                if seen
                    .outcome
                    .found()
                    .is_some_and(|o| o.json()["status"]["lastGroupSyncBytes"] == wanted["lastGroupSyncBytes"])
                {
                    return anyhow::Ok(began.elapsed());
                }
            }
        };
        let (written, seen) = tokio::try_join!(write, see)?;
        answered.push(written);
        observed.push(seen);
        let began = Instant::now();
        let read = transport.read(&key, &Freshness::live(), Deadline::after(LOST)).await;
        ensure!(read.outcome.found().is_some(), "a live read answered {:?}", read.outcome.kind());
        live.push(began.elapsed());
    }
    let mut measures = spread("change on the cluster: write sent until answered", answered);
    measures.extend(spread("change on the cluster: write sent until observed", observed));
    measures.extend(spread("live read", live));
    Ok(measures)
}
