//! Binding, protection, attachment, garbage collection and the end of namespaces.

use std::time::Duration;

use kube::api::DeleteParams;
use ramen_sim::{
    controllers::kit::{Fields, Kind},
    fault::{Action, Matcher, Rule},
    process::Incarnation,
    storage::{Behaviour, Code, Operation},
    world::Run,
};
use serde_json::{Value, json};

use crate::bed::{MINUTE, User, bed};

#[test]
fn a_claim_gets_a_volume_of_its_class_and_deleting_it_deletes_the_content() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "block").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            let (volume, handle) = user.volume_of("data").await;
            assert_eq!(user.phase(&Kind::volume(), &volume).await, "Bound");
            assert_eq!(user.get(&Kind::claim(), "data").await.unwrap().text("status.capacity.storage"), "1Gi");
            user.delete(&Kind::claim(), "data").await;
            user.until_gone(&world, &Kind::claim(), "data").await?;
            user.until_gone(&world, &Kind::volume(), &volume).await?;
            let gone = world.storage().with(|storage| storage.destroyed().to_vec());
            assert_eq!(gone.iter().map(|one| one.volume.handle.as_str()).collect::<Vec<_>>(), [handle]);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_retained_volume_outlives_its_claim_and_takes_only_the_claim_it_is_promised_to() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "kept").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            let (volume, handle) = user.volume_of("data").await;
            user.delete(&Kind::claim(), "data").await;
            user.until_phase(&world, &Kind::volume(), &volume, "Released").await?;
            user.claim("data", "kept").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            assert_ne!(user.volume_of("data").await.1, handle, "a claim of that name is not that claim");
            // What a restore does: the reference keeps its name and loses its uid.
            user.delete(&Kind::claim(), "data").await;
            user.until_gone(&world, &Kind::claim(), "data").await?;
            user.merge(
                &Kind::volume(),
                &volume,
                json!({ "spec": { "claimRef": { "uid": null, "resourceVersion": null } } }),
            )
            .await;
            user.until_phase(&world, &Kind::volume(), &volume, "Available").await?;
            user.claim("data", "kept").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            assert_eq!(user.volume_of("data").await.1, handle);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_provisioner_that_fails_is_asked_again_and_makes_one_volume() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            world.storage().misbehave(Some("dr1"), Operation::CreateVolume, Behaviour::Fail(Code::Unavailable), 2);
            world.storage().misbehave(
                Some("dr1"),
                Operation::CreateVolume,
                Behaviour::FailAfterwards(Code::DeadlineExceeded),
                1,
            );
            user.claim("data", "block").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            assert_eq!(world.storage().with(|storage| storage.lineages().len()), 1);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_pod_writes_once_attached_and_holds_its_claim_until_it_is_gone() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "block").await;
            user.pod("writer", bed.dr1.node().name(), "data").await;
            user.until_phase(&world, &Kind::pod(), "writer", "Running").await?;
            let handle = user.volume_of("data").await.1;
            tokio::time::sleep(MINUTE).await;
            let view = world.storage().with(|storage| storage.view("dr1", &handle)).unwrap();
            assert!((55..=61).contains(&view.writes), "{view:?}");
            user.delete(&Kind::claim(), "data").await;
            tokio::time::sleep(MINUTE).await;
            assert!(user.get(&Kind::claim(), "data").await.unwrap().is_deleting(), "a pod uses it");
            user.delete(&Kind::pod(), "writer").await;
            user.until_gone(&world, &Kind::claim(), "data").await?;
            world.eventually("the attachment is gone", MINUTE, async || attachments(&user).await == 0).await?;
            world
                .eventually("the content is gone", MINUTE * 5, async || {
                    world.storage().with(|storage| storage.lineages().is_empty())
                })
                .await
        })
        .unwrap();
}

async fn attachments(user: &User) -> usize {
    user.api(&Kind::attachment()).list(&Default::default()).await.unwrap().items.len()
}

#[test]
fn a_node_goes_on_writing_when_its_api_server_is_gone_and_stops_when_its_power_is() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "block").await;
            user.pod("writer", bed.dr1.node().name(), "data").await;
            user.until_phase(&world, &Kind::pod(), "writer", "Running").await?;
            let handle = user.volume_of("data").await.1;
            let writes = || world.storage().with(|storage| storage.view("dr1", &handle)).unwrap().writes;
            world.network().set_server("dr1", ramen_sim::net::Link::Cut);
            let before = writes();
            tokio::time::sleep(MINUTE).await;
            assert!(writes() > before + 50);
            bed.dr1.node().set_powered(false);
            let before = writes();
            tokio::time::sleep(MINUTE).await;
            assert_eq!(writes(), before);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_claim_that_asks_for_more_gets_it_on_both_sides() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "block").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            let (volume, handle) = user.volume_of("data").await;
            world.storage().with(|storage| storage.enable("dr1", &handle, None)).unwrap();
            tokio::time::sleep(MINUTE).await;
            user.merge(
                &Kind::claim(),
                "data",
                json!({ "spec": { "resources": { "requests": { "storage": "3Gi" } } } }),
            )
            .await;
            let told =
                async || user.get(&Kind::claim(), "data").await.unwrap().text("status.capacity.storage") == "3Gi";
            world.eventually("the claim tells of it", MINUTE, told).await?;
            assert_eq!(user.get(&Kind::volume(), &volume).await.unwrap().text("spec.capacity.storage"), "3Gi");
            tokio::time::sleep(MINUTE * 2).await;
            let sizes = ["dr1", "dr2"]
                .map(|cluster| world.storage().with(|storage| storage.view(cluster, &handle)).unwrap().capacity);
            assert_eq!(sizes, [3 << 30; 2]);
            Ok(())
        })
        .unwrap();
}

fn config_map() -> Kind {
    Kind::namespaced("", "v1", "ConfigMap", "configmaps")
}

async fn owned(user: &User, name: &str, owner: &str, blocks: bool) {
    let uid = user.get(&config_map(), owner).await.unwrap().uid().to_owned();
    let references =
        json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid, "blockOwnerDeletion": blocks }]);
    let mut object = config_map().object("app", name, json!({}));
    object.metadata.owner_references = serde_json::from_value(references).unwrap();
    user.api(&config_map()).create(&Default::default(), &object).await.unwrap();
}

#[test]
fn dependents_follow_their_owner_as_its_deletion_asks() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            for (propagation, params) in [
                ("background", DeleteParams::background()),
                ("foreground", DeleteParams::foreground()),
                ("orphan", DeleteParams::orphan()),
            ] {
                let (owner, dependent) = (format!("{propagation}-owner"), format!("{propagation}-dependent"));
                user.create(&config_map(), &owner, json!({})).await;
                owned(&user, &dependent, &owner, true).await;
                tokio::time::sleep(MINUTE).await;
                let held = json!({ "metadata": { "finalizers": ["example.com/held"] } });
                user.merge(&config_map(), &dependent, held).await;
                user.delete_with(&config_map(), &owner, &params).await;
                tokio::time::sleep(MINUTE).await;
                let (owner_left, left) =
                    (user.get(&config_map(), &owner).await, user.get(&config_map(), &dependent).await.unwrap());
                assert_eq!(
                    owner_left.is_some(),
                    propagation == "foreground",
                    "{propagation}: the owner waits for what blocks it"
                );
                assert_eq!(left.is_deleting(), propagation != "orphan", "{propagation}");
                assert_eq!(
                    left.metadata.owner_references.is_none_or(|all| all.is_empty()),
                    propagation == "orphan",
                    "{propagation}"
                );
                user.merge(&config_map(), &dependent, json!({ "metadata": { "finalizers": null } })).await;
                user.until_gone(&world, &config_map(), &owner).await?;
                tokio::time::sleep(MINUTE).await;
                assert_eq!(
                    user.get(&config_map(), &dependent).await.is_some(),
                    propagation == "orphan",
                    "{propagation}"
                );
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_dependent_outlives_one_of_two_owners_and_custom_kinds_are_collected_too() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            for name in ["one", "other"] {
                user.create(&config_map(), name, json!({})).await;
            }
            let uids = [user.get(&config_map(), "one").await.unwrap(), user.get(&config_map(), "other").await.unwrap()];
            let references: Vec<Value> = uids
                .iter()
                .map(|owner| json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": owner.metadata.name, "uid": owner.uid() }))
                .collect();
            let fence = Kind::namespaced("replication.storage.openshift.io", "v1alpha1", "VolumeReplication", "volumereplications");
            let spec = json!({ "spec": { "autoResync": false, "replicationState": "primary", "volumeReplicationClass": "none",
                "dataSource": { "kind": "PersistentVolumeClaim", "name": "none" } } });
            let mut object = fence.object("app", "dependent", spec);
            object.metadata.owner_references = serde_json::from_value(json!(references)).unwrap();
            user.api(&fence).create(&Default::default(), &object).await.unwrap();
            user.delete(&config_map(), "one").await;
            tokio::time::sleep(MINUTE).await;
            assert!(user.get(&fence, "dependent").await.is_some());
            user.delete(&config_map(), "other").await;
            user.until_gone(&world, &fence, "dependent").await
        })
        .unwrap();
}

#[test]
fn a_namespace_goes_when_its_content_has_gone_and_no_sooner() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "block").await;
            user.create(&config_map(), "plain", json!({})).await;
            user.create(&config_map(), "held", json!({})).await;
            user.merge(&config_map(), "held", json!({ "metadata": { "finalizers": ["example.com/held"] } })).await;
            user.delete(&Kind::namespace(), "app").await;
            tokio::time::sleep(Duration::from_secs(300)).await;
            assert!(user.get(&config_map(), "plain").await.is_none());
            assert!(user.get(&Kind::claim(), "data").await.is_none());
            assert!(user.get(&Kind::namespace(), "app").await.is_some(), "a finalizer holds a part of it");
            user.merge(&config_map(), "held", json!({ "metadata": { "finalizers": null } })).await;
            user.until_gone(&world, &Kind::namespace(), "app").await
        })
        .unwrap();
}

#[test]
fn a_stale_read_shows_the_past_and_a_skewed_clock_another_time() {
    Run::new(1)
        .world(|world| async move {
            let _hub = world.add_hub("hub");
            let ahead = world.add_cluster_with("dr1", |mut settings| {
                settings.skew = jiff::SignedDuration::from_hours(2);
                settings
            });
            let client = world.client(&Incarnation::first("operator", "hub"), "dr1").unwrap();
            let user = User(client);
            ahead
                .api()
                .install(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "app" } }))
                .unwrap();
            let made = user.create(&config_map(), "x", json!({ "data": { "is": "old" } })).await;
            let stamp = made.metadata.creation_timestamp.unwrap().0;
            assert!(stamp > world.clock().now() + jiff::SignedDuration::from_mins(119), "{stamp}");
            tokio::time::sleep(MINUTE).await;
            user.merge(&config_map(), "x", json!({ "data": { "is": "new" } })).await;
            let read = async || user.get(&config_map(), "x").await.map(|object| object.text("data.is").to_owned());
            let stale = |age| Rule::once(Matcher::process("operator").verb("get"), Action::Stale(age));
            world.faults().add(stale(MINUTE / 2));
            assert_eq!(read().await.as_deref(), Some("old"));
            world.faults().add(stale(MINUTE * 2));
            assert_eq!(read().await.as_deref(), None, "before it was created");
            assert_eq!(read().await.as_deref(), Some("new"));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_lost_site_is_silent_and_comes_back_with_what_it_had() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "block").await;
            user.pod("writer", bed.dr1.node().name(), "data").await;
            user.until_phase(&world, &Kind::pod(), "writer", "Running").await?;
            let handle = user.volume_of("data").await.1;
            let operator = world.client(&Incarnation::first("operator", "hub"), "dr1").unwrap();
            let reachable = async || Kind::claim().api(operator.clone(), "app").get("data").await.is_ok();
            assert!(reachable().await);
            world.lose_site(&bed.dr1);
            tokio::time::sleep(MINUTE * 10).await;
            assert!(!reachable().await);
            world.restore_site(&bed.dr1);
            assert!(reachable().await);
            let view = || world.storage().with(|storage| storage.view("dr1", &handle)).unwrap();
            assert!(view().writes < 60, "nothing was written meanwhile");
            let before = view().writes;
            world.process("kubelet@dr1").unwrap().kill();
            tokio::time::sleep(MINUTE).await;
            assert!(view().writes > before, "the kubelet starts what should run");
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_world_at_rest_writes_nothing() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "block").await;
            user.pod("writer", bed.dr1.node().name(), "data").await;
            user.until_phase(&world, &Kind::pod(), "writer", "Running").await?;
            tokio::time::sleep(MINUTE).await;
            let before = [bed.dr1.api().revision(), bed.dr2.api().revision()];
            tokio::time::sleep(MINUTE * 60).await;
            assert_eq!([bed.dr1.api().revision(), bed.dr2.api().revision()], before);
            Ok(())
        })
        .unwrap();
}
