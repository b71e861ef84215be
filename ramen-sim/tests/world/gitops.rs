//! The GitOps agent, and whole moves of an application driven by hand: what the workload and the storage make of each
//! order of steps.

use futures::FutureExt;
use kube::api::{Patch, PatchParams, PostParams};
use ramen_sim::{
    controllers::kit::{Fields, Kind},
    definitions,
    gitops::{Agent, Application, Destination, decision_kind},
    net::Link,
    world::{RestartPolicy, Run, World},
};
use serde_json::json;

use crate::bed::{Bed, MINUTE, User, bed};

fn application() -> Application {
    Application::new("busybox", "app").claim("data", "1Gi", "kept").pod("writer", &["data"]).placed("app", "placement")
}

/// Starts an agent on the hub that follows decisions in namespace `app`.
pub(crate) async fn agent(bed: &Bed) -> User {
    let hub = bed.user("hub");
    hub.create(&Kind::namespace(), "app", json!({})).await;
    for definition in definitions::placement() {
        let kind = Kind::definition();
        let data = json!({ "spec": definition["spec"] });
        hub.create(&kind, definition["metadata"]["name"].as_str().unwrap(), data).await;
    }
    let nodes = [("dr1", bed.dr1.node().name().to_owned()), ("dr2", bed.dr2.node().name().to_owned())];
    bed.world.spawn("gitops", "hub", RestartPolicy::After(MINUTE / 6), move |context| {
        let nodes = nodes.clone();
        async move {
            let mut destinations = Vec::new();
            for (cluster, node) in nodes {
                destinations.push(Destination {
                    cluster: cluster.to_owned(),
                    client: context.client(cluster).await,
                    node,
                });
            }
            let hub = context.client("hub").await;
            let trace = context.world().trace().clone();
            Agent::new(hub, destinations, vec![application()], MINUTE / 6, trace).run().await;
        }
        .boxed()
    });
    hub
}

/// Lets the decisions of the application list these clusters, each with a reason.
pub(crate) async fn decide(hub: &User, clusters: &[(&str, &str)]) {
    let api = hub.api(&decision_kind());
    if hub.get(&decision_kind(), "placement-decision-1").await.is_none() {
        let mut object = decision_kind().object("app", "placement-decision-1", json!({}));
        object.metadata.labels =
            Some([("cluster.open-cluster-management.io/placement".to_owned(), "placement".to_owned())].into());
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    let list: Vec<_> =
        clusters.iter().map(|(cluster, reason)| json!({ "clusterName": cluster, "reason": reason })).collect();
    let patch = Patch::Merge(json!({ "status": { "decisions": list } }));
    api.patch_status("placement-decision-1", &PatchParams::default(), &patch).await.unwrap();
}

async fn running(world: &World, bed: &Bed, on: &[&str]) -> Result<(), String> {
    let seen = async || {
        [&bed.dr1, &bed.dr2].iter().all(|cluster| cluster.node().running().is_empty() != on.contains(&cluster.name()))
    };
    world.eventually(&format!("the application runs on {on:?} only"), MINUTE * 5, seen).await
}

#[test]
fn an_application_follows_its_decisions_and_comes_back_when_something_of_it_is_deleted() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let hub = agent(&bed).await;
            decide(&hub, &[("dr1", "")]).await;
            running(&world, &bed, &["dr1"]).await?;
            bed.user("dr1").delete(&Kind::pod(), "writer").await;
            tokio::time::sleep(MINUTE).await;
            running(&world, &bed, &["dr1"]).await?;
            decide(&hub, &[("dr2", ""), ("dr1", "RetainedForFailover")]).await;
            running(&world, &bed, &["dr1", "dr2"]).await?;
            decide(&hub, &[("dr2", "")]).await;
            running(&world, &bed, &["dr2"]).await?;
            let user = bed.user("dr1");
            user.until_gone(&world, &Kind::claim(), "data").await
        })
        .unwrap();
}

#[test]
fn an_agent_that_cannot_reach_the_hub_or_a_cluster_removes_nothing() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let hub = agent(&bed).await;
            decide(&hub, &[("dr1", "")]).await;
            running(&world, &bed, &["dr1"]).await?;
            for link in [Link::Cut, Link::Silent, Link::HalfOpen] {
                world.network().set("hub", "hub", link);
                tokio::time::sleep(MINUTE * 3).await;
                world.network().heal();
                running(&world, &bed, &["dr1"]).await?;
            }
            world.network().set("hub", "dr1", Link::Cut);
            decide(&hub, &[("dr2", "")]).await;
            running(&world, &bed, &["dr1", "dr2"]).await?;
            world.network().heal();
            running(&world, &bed, &["dr2"]).await
        })
        .unwrap();
}

#[test]
fn a_retained_volume_can_be_carried_to_the_other_cluster_without_losing_a_write() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let hub = agent(&bed).await;
            decide(&hub, &[("dr1", "")]).await;
            running(&world, &bed, &["dr1"]).await?;
            let user = bed.user("dr1");
            let (volume, handle) = user.volume_of("data").await;
            let storage = world.storage();
            storage.with(|storage| storage.enable("dr1", &handle, None)).unwrap();
            tokio::time::sleep(MINUTE * 2).await;
            world.trace().step("quiesce");
            decide(&hub, &[]).await;
            running(&world, &bed, &[]).await?;
            user.until_phase(&world, &Kind::volume(), &volume, "Released").await?;
            storage.with(|storage| storage.demote("dr1", &handle)).unwrap();
            tokio::time::sleep(MINUTE).await;
            storage.with(|storage| storage.promote("dr2", &handle, false)).unwrap();
            world.trace().step("restore the volume, then let the application follow");
            let spec = user.get(&Kind::volume(), &volume).await.unwrap().at("spec").clone();
            let other = bed.user("dr2");
            other.create(&Kind::volume(), &volume, json!({ "spec": spec })).await;
            let free = json!({ "spec": { "claimRef": { "uid": null, "resourceVersion": null } } });
            other.merge(&Kind::volume(), &volume, free).await;
            other.until_phase(&world, &Kind::volume(), &volume, "Available").await?;
            decide(&hub, &[("dr2", "")]).await;
            running(&world, &bed, &["dr2"]).await?;
            tokio::time::sleep(MINUTE).await;
            assert_eq!(other.volume_of("data").await.1, handle);
            assert!(storage.with(|storage| storage.lost("dr2", &handle)).unwrap().is_empty());
            assert!(storage.with(|storage| storage.dual_writers().is_empty()));
            let lineage = storage.with(|storage| storage.view("dr2", &handle)).unwrap().lineage;
            let writers: Vec<String> =
                storage.with(|storage| storage.acknowledged(lineage)).into_iter().map(|write| write.cluster).collect();
            assert!(writers.is_sorted() && writers.contains(&"dr2".to_owned()), "first one cluster, then the other");
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_discovered_application_stays_until_its_user_removes_it() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let application = Application::new("mine", "app").claim("data", "1Gi", "block").pod("writer", &["data"]);
            let user = bed.user("dr1");
            application.deploy(&user.0, bed.dr1.node().name()).await.unwrap();
            running(&world, &bed, &["dr1"]).await?;
            tokio::time::sleep(MINUTE * 60).await;
            running(&world, &bed, &["dr1"]).await?;
            assert!(application.remove(&user.0).await.unwrap());
            user.until_gone(&world, &Kind::claim(), "data").await?;
            assert!(!application.remove(&user.0).await.unwrap());
            Ok(())
        })
        .unwrap();
}
