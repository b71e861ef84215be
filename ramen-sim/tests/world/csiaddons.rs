//! csi-addons as disaster recovery meets it: what each controller reports, when, and what it does to the storage.

use std::time::Duration;

use ramen_sim::{
    controllers::kit::{Fields, Kind},
    net::Link,
    storage::{ArrayConfig, Behaviour, Code, LinkConfig, Operation, Role},
    world::{Run, World},
};
use serde_json::{Value, json};

use crate::bed::{Bed, DRIVER, MINUTE, User, bed, prepare};

const GROUP: &str = "replication.storage.openshift.io";

fn replication() -> Kind {
    Kind::namespaced(GROUP, "v1alpha1", "VolumeReplication", "volumereplications")
}

fn group() -> Kind {
    Kind::namespaced(GROUP, "v1alpha1", "VolumeGroupReplication", "volumegroupreplications")
}

fn content() -> Kind {
    Kind::cluster(GROUP, "v1alpha1", "VolumeGroupReplicationContent", "volumegroupreplicationcontents")
}

fn fence() -> Kind {
    Kind::cluster("csiaddons.openshift.io", "v1alpha1", "NetworkFence", "networkfences")
}

async fn replicate(user: &User, claim: &str, state: &str, auto_resync: bool) {
    let source = json!({ "apiGroup": "", "kind": "PersistentVolumeClaim", "name": claim });
    let spec = json!({ "autoResync": auto_resync, "replicationState": state, "volumeReplicationClass": "vrc", "dataSource": source });
    user.create(&replication(), claim, json!({ "spec": spec })).await;
}

async fn wish(user: &User, name: &str, state: &str, auto_resync: bool) {
    user.merge(&replication(), name, json!({ "spec": { "replicationState": state, "autoResync": auto_resync } })).await;
}

/// A condition as `Status/Reason`; empty if there is none, `stale` if it is of another generation.
async fn condition(user: &User, kind: &Kind, name: &str, condition: &str) -> String {
    let Some(object) = user.get(kind, name).await else { return String::new() };
    let all = object.at("status.conditions").as_array().cloned().unwrap_or_default();
    let Some(found) = all.iter().find(|one| one["type"] == condition) else { return String::new() };
    if found["observedGeneration"] != json!(object.generation()) {
        return "stale".into();
    }
    format!("{}/{}", found["status"].as_str().unwrap(), found["reason"].as_str().unwrap())
}

async fn conditions(user: &User, kind: &Kind, name: &str) -> [String; 3] {
    [
        condition(user, kind, name, "Completed").await,
        condition(user, kind, name, "Degraded").await,
        condition(user, kind, name, "Resyncing").await,
    ]
}

async fn until(world: &World, user: &User, name: &str, state: &str, wanted: [&str; 3]) -> Result<(), String> {
    let seen = async || {
        let current = user.get(&replication(), name).await.is_some_and(|one| one.text("status.state") == state);
        current && conditions(user, &replication(), name).await == wanted
    };
    world.eventually(&format!("{name} {state} {wanted:?}"), MINUTE * 10, seen).await
}

const PROMOTED: [&str; 3] = ["True/Promoted", "False/Healthy", "False/NotResyncing"];
const IN_SYNC: [&str; 3] = ["True/Demoted", "False/Healthy", "False/NotResyncing"];

/// A claim on dr1, replicated as primary and copied once.
async fn protected(bed: &Bed) -> Result<(User, String, String), String> {
    let user = bed.user("dr1");
    user.claim("data", "kept").await;
    user.until_phase(&bed.world, &Kind::claim(), "data", "Bound").await?;
    let (volume, handle) = user.volume_of("data").await;
    replicate(&user, "data", "primary", false).await;
    until(&bed.world, &user, "data", "Primary", PROMOTED).await?;
    tokio::time::sleep(MINUTE).await;
    Ok((user, volume, handle))
}

/// What a restore does on the other cluster: the volume, promised to a claim, and the claim.
async fn restored(bed: &Bed, cluster: &str, volume: &str, handle: &str) -> Result<User, String> {
    let user = bed.user(cluster);
    let spec = json!({
        "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "1Gi" }, "storageClassName": "kept",
        "claimRef": { "namespace": "app", "name": "data" }, "csi": { "driver": DRIVER, "volumeHandle": handle },
    });
    user.create(&Kind::volume(), volume, json!({ "spec": spec })).await;
    user.claim("data", "kept").await;
    user.until_phase(&bed.world, &Kind::claim(), "data", "Bound").await?;
    Ok(user)
}

#[test]
fn a_clean_promotion_reports_no_validated_condition_and_the_last_sync() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let (user, _, handle) = protected(&bed).await?;
            assert_eq!(condition(&user, &replication(), "data", "Validated").await, "");
            assert_eq!(condition(&user, &replication(), "data", "DestinationInfoAvailable").await, "");
            let claim = user.get(&Kind::claim(), "data").await.unwrap();
            assert!(claim.has_finalizer("replication.storage.openshift.io/pvc-protection"));
            assert_eq!(claim.annotation("replication.storage.openshift.io/volume-replication-name"), "data");
            world
                .eventually("the last sync is told", MINUTE * 5, async || {
                    let found = user.get(&replication(), "data").await.unwrap();
                    !found.text("status.lastSyncTime").is_empty()
                        && condition(&user, &replication(), "data", "Replicating").await == "True/Replicating"
                })
                .await?;
            user.delete(&replication(), "data").await;
            user.until_gone(&world, &replication(), "data").await?;
            assert!(
                !user
                    .get(&Kind::claim(), "data")
                    .await
                    .unwrap()
                    .has_finalizer("replication.storage.openshift.io/pvc-protection")
            );
            assert!(world.storage().with(|storage| storage.view("dr2", &handle)).is_err(), "the replica went with it");
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_demoted_volume_reads_degraded_for_15_s_and_then_in_sync_and_moves_back_and_forth() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let (user, volume, handle) = protected(&bed).await?;
            wish(&user, "data", "secondary", false).await;
            let degraded = ["True/Demoted", "True/VolumeDegraded", "False/NotResyncing"];
            until(&world, &user, "data", "Secondary", degraded).await?;
            let at = world.clock().elapsed();
            until(&world, &user, "data", "Secondary", IN_SYNC).await?;
            let healed_after = (world.clock().elapsed() - at).as_secs();
            assert!((13..=16).contains(&healed_after), "{healed_after} s of virtual time after the demotion");
            let other = restored(&bed, "dr2", &volume, &handle).await?;
            replicate(&other, "data", "primary", false).await;
            until(&world, &other, "data", "Primary", PROMOTED).await?;
            assert!(!world.trace().timeline().contains("by force"));
            let role = world.storage().with(|storage| storage.view("dr1", &handle)).unwrap().role;
            assert_eq!(role, Some(Role::Secondary));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_failover_promotes_by_force_and_only_auto_resync_heals_the_old_side() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let (user, volume, handle) = protected(&bed).await?;
            user.pod("writer", bed.dr1.node().name(), "data").await;
            user.until_phase(&world, &Kind::pod(), "writer", "Running").await?;
            tokio::time::sleep(MINUTE * 3).await;
            world.storage().with(|storage| storage.set_link_up("east", "west", false));
            let other = restored(&bed, "dr2", &volume, &handle).await?;
            replicate(&other, "data", "primary", false).await;
            until(&world, &other, "data", "Primary", PROMOTED).await?;
            assert!(world.trace().timeline().contains("refused, now by force"));
            other.pod("writer", bed.dr2.node().name(), "data").await;
            other.until_phase(&world, &Kind::pod(), "writer", "Running").await?;
            tokio::time::sleep(MINUTE).await;
            assert!(world.storage().with(
                |storage| storage.dual_writers().iter().all(|one| one.forced) && !storage.dual_writers().is_empty()
            ));

            user.delete(&Kind::pod(), "writer").await;
            world.storage().with(|storage| storage.set_link_up("east", "west", true));
            wish(&user, "data", "secondary", false).await;
            let split = ["False/FailedToResync", "True/Error", "False/FailedToResync"];
            until(&world, &user, "data", "Secondary", split).await?;
            wish(&user, "data", "secondary", true).await;
            until(&world, &user, "data", "Secondary", ["True/Demoted", "True/VolumeDegraded", "True/ResyncTriggered"])
                .await?;
            until(&world, &user, "data", "Secondary", IN_SYNC).await?;
            let equal = world.storage().with(|storage| storage.lost("dr1", &handle)).unwrap();
            assert!(equal.len() > 60, "what was written apart is discarded: {}", equal.len());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_prerequisite_that_is_not_met_stays_on_record_at_its_old_generation() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            user.claim("data", "kept").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            world.storage().misbehave(None, Operation::Enable, Behaviour::Fail(Code::FailedPrecondition), 1);
            replicate(&user, "data", "primary", false).await;
            until(&world, &user, "data", "Primary", PROMOTED).await?;
            assert_eq!(condition(&user, &replication(), "data", "Validated").await, "False/PrerequisiteNotMet");
            wish(&user, "data", "secondary", false).await;
            until(&world, &user, "data", "Secondary", IN_SYNC).await?;
            assert_eq!(condition(&user, &replication(), "data", "Validated").await, "stale");
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_driver_that_does_not_answer_leaves_the_state_and_says_so() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let (user, ..) = protected(&bed).await?;
            world.storage().misbehave(None, Operation::Demote, Behaviour::Never, 1);
            world.storage().misbehave(None, Operation::Demote, Behaviour::Fail(Code::Internal), 12);
            wish(&user, "data", "secondary", false).await;
            until(&world, &user, "data", "Primary", ["False/FailedToDemote", "True/Error", "False/NotResyncing"])
                .await?;
            until(&world, &user, "data", "Secondary", IN_SYNC).await
        })
        .unwrap();
}

#[test]
fn a_destination_handle_that_does_not_come_keeps_the_volume_from_being_reported_primary() {
    Run::new(1)
        .world(|world| async move {
            world.storage().with(|storage| {
                storage.add_array("east", ArrayConfig::new(DRIVER));
                storage.add_array("west", ArrayConfig { own_destination_handles: true, ..ArrayConfig::new(DRIVER) });
                storage.connect("dr1", "east", ["10.1.0.1"]);
                storage.connect("dr2", "west", ["10.2.0.1"]);
                storage.pair("east", "west", LinkConfig::default());
            });
            let cluster = world.add_cluster_with("dr1", |mut settings| {
                settings.csi_addons.destination_info = true;
                settings
            });
            prepare(&cluster);
            let user = User(world.user("user", "dr1").unwrap());
            user.claim("data", "kept").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            world.storage().misbehave(None, Operation::GetDestination, Behaviour::Fail(Code::Unavailable), 8);
            replicate(&user, "data", "primary", false).await;
            let pending = async || {
                condition(&user, &replication(), "data", "DestinationInfoAvailable").await
                    == "False/DestinationInfoPending"
            };
            world.eventually("pending", MINUTE, pending).await?;
            assert_eq!(user.get(&replication(), "data").await.unwrap().text("status.state"), "");
            until(&world, &user, "data", "Primary", PROMOTED).await?;
            let found = user.get(&replication(), "data").await.unwrap();
            assert!(found.text("status.destinationVolumeID").ends_with("-on-west"));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_group_takes_its_role_through_a_content_and_is_unmade_in_order() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let user = bed.user("dr1");
            for name in ["data", "logs"] {
                user.claim(name, "kept").await;
                user.merge(&Kind::claim(), name, json!({ "metadata": { "labels": { "cg": "one" } } })).await;
            }
            let spec = json!({
                "autoResync": false, "replicationState": "primary", "volumeGroupReplicationClassName": "vgrc", "volumeReplicationClassName": "vrc",
                "source": { "selector": { "matchLabels": { "cg": "one" } } },
            });
            user.create(&group(), "app", json!({ "spec": spec })).await;
            let promoted = async || conditions(&user, &group(), "app").await == PROMOTED;
            world.eventually("the group is primary", MINUTE * 10, promoted).await?;
            let found = user.get(&group(), "app").await.unwrap();
            assert_eq!(found.at("status.persistentVolumeClaimsRefList"), &json!([{ "name": "data" }, { "name": "logs" }]));
            let its_content = user.get(&content(), found.text("spec.volumeGroupReplicationContentName")).await.unwrap();
            assert_eq!(its_content.at("status.persistentVolumeMappingList").as_array().unwrap().len(), 2);
            let handle = its_content.text("spec.volumeGroupReplicationHandle").to_owned();
            tokio::time::sleep(MINUTE).await;
            assert_eq!(world.storage().with(|storage| storage.group_members("dr2", &handle)).unwrap().len(), 2);

            user.merge(&Kind::claim(), "logs", json!({ "metadata": { "labels": { "cg": "" } } })).await;
            let one = async || user.get(&group(), "app").await.unwrap().at("status.persistentVolumeClaimsRefList").as_array().map(Vec::len) == Some(1);
            world.eventually("one claim left the group", MINUTE, one).await?;
            assert!(!user.get(&Kind::claim(), "logs").await.unwrap().has_finalizer("replication.storage.openshift.io/vgr-protection"));

            user.delete(&group(), "app").await;
            user.until_gone(&world, &group(), "app").await?;
            assert_eq!(user.get(&content(), &its_content.metadata.name.clone().unwrap()).await, None);
            assert!(!user.get(&Kind::claim(), "data").await.unwrap().has_finalizer("replication.storage.openshift.io/vgr-protection"));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_fence_takes_hold_on_this_clusters_array_and_outlives_its_object() {
    Run::new(1)
        .world(|world| async move {
            world.storage().with(|storage| {
                storage.add_array("metro", ArrayConfig::new(DRIVER));
                storage.connect("dr1", "metro", ["10.1.0.1"]);
                storage.connect("dr2", "metro", ["10.2.0.1"]);
            });
            prepare(&world.add_cluster("dr2"));
            let user = User(world.user("user", "dr2").unwrap());
            let fenced = || world.storage().with(|storage| storage.is_fenced("dr1"));
            let result = async || user.get(&fence(), "dr1").await.map(|one| one.text("status.message").to_owned()).unwrap_or_default();
            let spec = |state: &str, range: &str| json!({ "spec": { "fenceState": state, "cidrs": [range], "driver": DRIVER } });
            user.create(&fence(), "dr1", spec("Fenced", "10.1.0.0/33")).await;
            world.eventually("the range is refused", MINUTE, async || result().await.contains("invalid CIDR")).await?;
            user.merge(&fence(), "dr1", spec("Fenced", "10.1.0.0/16")).await;
            world.eventually("fenced", MINUTE, async || result().await == "fencing operation successful").await?;
            assert!(fenced());
            user.delete(&fence(), "dr1").await;
            user.until_gone(&world, &fence(), "dr1").await?;
            assert!(fenced(), "deleting the object does not unfence");
            user.create(&fence(), "dr1", spec("Unfenced", "10.1.0.0/16")).await;
            world.eventually("unfenced", MINUTE, async || result().await == "unfencing operation successful").await?;
            assert!(!fenced());
            Ok(())
        })
        .unwrap();
}

#[test]
fn maintenance_goes_from_progressing_to_completed_and_ends_with_its_object() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let definition: Value =
                serde_json::to_value(<ramen_core::api::MaintenanceMode as kube::CustomResourceExt>::crd()).unwrap();
            bed.dr2.api().install(&definition).unwrap();
            let kind = Kind::cluster("ramendr.openshift.io", "v1alpha1", "MaintenanceMode", "maintenancemodes");
            let (user, other) = (bed.user("dr1"), bed.user("dr2"));
            user.claim("data", "kept").await;
            user.until_phase(&world, &Kind::claim(), "data", "Bound").await?;
            let handle = user.volume_of("data").await.1;
            let spec = json!({ "storageProvisioner": DRIVER, "targetID": "west-rid", "modes": ["Failover"] });
            other.create(&kind, "west-rid", json!({ "spec": spec })).await;
            let state = async || {
                other.get(&kind, "west-rid").await.map(|one| one.text("status.state").to_owned()).unwrap_or_default()
            };
            world.eventually("progressing", MINUTE, async || state().await == "Progressing").await?;
            world.eventually("completed", MINUTE, async || state().await == "Completed").await?;
            assert_eq!(condition(&other, &kind, "west-rid", "FailoverActivated").await, "True/Activated");
            replicate(&user, "data", "primary", false).await;
            tokio::time::sleep(MINUTE * 5).await;
            let copied = || world.storage().with(|storage| storage.info("dr1", &handle)).unwrap().last_sync.is_some();
            assert!(!copied());
            other.delete(&kind, "west-rid").await;
            other.until_gone(&world, &kind, "west-rid").await?;
            tokio::time::sleep(MINUTE * 5).await;
            assert!(copied());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_crashed_csi_addons_takes_up_where_it_was() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let (user, ..) = protected(&bed).await?;
            wish(&user, "data", "secondary", false).await;
            world.process("csi-addons@dr1").unwrap().kill();
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert_eq!(user.get(&replication(), "data").await.unwrap().text("status.state"), "Primary");
            world.network().set("dr1", "dr1", Link::Slow(Duration::from_millis(200)));
            until(&world, &user, "data", "Secondary", IN_SYNC).await
        })
        .unwrap();
}
