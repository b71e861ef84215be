//! The VolumeReplication driver against the simulated csi-addons and storage: what a user relies on when an application moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "volume_replication/bed.rs"]
mod bed;

use ramen_core::{
    api::{DRAction, names::annotations::VR_HANDED_OVER},
    intercluster::FailureClass,
    protection::replication::{DataProtected, DataReady, ReplicationDriver, Role},
    time::Deadline,
};
use ramen_sim::{
    controllers::kit::{Fields, Kind},
    storage,
    world::Run,
};

use bed::{Bed, MINUTE, Side, bed, replication};

const RELOCATE: Option<DRAction> = Some(DRAction::Relocate);
const FAILOVER: Option<DRAction> = Some(DRAction::Failover);

/// Moves the application away from a side in order, and says what the driver said on the way.
async fn leave(bed: &Bed, side: &Side) -> Result<(), String> {
    let kept = side.pass(Role::Secondary, RELOCATE).await;
    assert_eq!(kept.data_ready.state, DataReady::Progressing);
    assert!(kept.data_ready.message.contains("PVC is not deleted"), "{}", kept.data_ready.message);
    side.delete(&Kind::claim(), "data").await;
    let used = side.pass(Role::Secondary, RELOCATE).await;
    assert!(used.data_ready.message.contains("in use by a pod (writer)"), "{}", used.data_ready.message);
    assert_eq!(side.get(&replication(), "data").await.unwrap().text("spec.replicationState"), "primary");
    side.delete(&Kind::pod(), "writer").await;
    let released = side.until(&bed.world, Role::Secondary, RELOCATE, |verdict| verdict.released).await?;
    assert_eq!(
        (released.data_ready.state, released.data_protected.state),
        (DataReady::Replicated, DataProtected::Protected)
    );
    assert!(side.get(&replication(), "data").await.is_none());
    assert!(!side.get(&Kind::claim(), "data").await.unwrap().annotation(VR_HANDED_OVER).is_empty());
    side.let_claim_go(&bed.world).await
}

/// Starts the application on a side where volume and claim were restored, and waits until it has written.
async fn arrive(bed: &Bed, side: &Side, volume: &str, handle: &str) -> Result<(), String> {
    side.restore(&bed.world, volume, handle).await?;
    side.until(&bed.world, Role::Primary, RELOCATE, |verdict| verdict.data_ready.state == DataReady::Ready).await?;
    let lost = bed.world.storage().with(|storage| storage.lost(side.name, handle)).unwrap();
    assert!(lost.is_empty(), "{} writes were lost on the way to {}", lost.len(), side.name);
    side.start_writer(&bed.world).await?;
    tokio::time::sleep(MINUTE).await;
    Ok(())
}

#[test]
fn an_application_moves_there_and_back_without_losing_a_write() {
    Run::new(1)
        .world(|world| async move {
            let bed = bed(&world).await;
            let (volume, handle) = bed.dr1.deploy(&world).await?;
            let synced = |verdict: &ramen_core::protection::replication::VolumeVerdict| verdict.last_sync.is_some();
            bed.dr1.until(&world, Role::Primary, None, synced).await?;
            leave(&bed, &bed.dr1).await?;
            arrive(&bed, &bed.dr2, &volume, &handle).await?;
            leave(&bed, &bed.dr2).await?;
            arrive(&bed, &bed.dr1, &volume, &handle).await?;
            assert!(world.storage().with(|storage| storage.dual_writers().is_empty()));
            assert!(!world.trace().timeline().contains("by force"));
            Ok(())
        })
        .unwrap();
}

#[test]
fn after_a_failover_the_old_side_follows_the_new_one_and_keeps_its_claim() {
    Run::new(2)
        .world(|world| async move {
            let bed = bed(&world).await;
            let (volume, handle) = bed.dr1.deploy(&world).await?;
            bed.dr1.until(&world, Role::Primary, None, |verdict| verdict.last_sync.is_some()).await?;
            world.storage().with(|storage| storage.set_link_up("east", "west", false));
            bed.dr2.restore(&world, &volume, &handle).await?;
            let ready = |verdict: &ramen_core::protection::replication::VolumeVerdict| {
                verdict.data_ready.state == DataReady::Ready
            };
            bed.dr2.until(&world, Role::Primary, FAILOVER, ready).await?;
            let used = bed.dr1.pass(Role::Secondary, FAILOVER).await;
            assert!(used.data_ready.message.contains("in use by a pod"), "{}", used.data_ready.message);
            bed.dr1.delete(&Kind::pod(), "writer").await;
            tokio::time::sleep(MINUTE).await;
            world.storage().with(|storage| storage.set_link_up("east", "west", true));
            bed.dr1.until(&world, Role::Secondary, FAILOVER, |verdict| verdict.released).await?;
            assert!(!bed.dr1.get(&Kind::claim(), "data").await.unwrap().is_deleting());
            let role = world.storage().with(|storage| storage.view("dr1", &handle)).unwrap().role;
            assert_eq!(role, Some(storage::Role::Secondary));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_volume_whose_replication_was_taken_away_is_not_released_for_a_relocate() {
    Run::new(3)
        .world(|world| async move {
            let bed = bed(&world).await;
            bed.dr1.deploy(&world).await?;
            bed.dr1.delete(&Kind::pod(), "writer").await;
            bed.dr1.delete(&replication(), "data").await;
            bed.dr1.until_gone(&world, &replication(), "data").await?;
            bed.dr1.delete(&Kind::claim(), "data").await;
            tokio::time::sleep(MINUTE).await;
            let verdict = bed.dr1.pass(Role::Secondary, RELOCATE).await;
            assert_eq!((verdict.data_ready.state, verdict.released), (DataReady::Error, false));
            assert!(
                verdict.data_ready.message.contains("fail over to accept the loss"),
                "{}",
                verdict.data_ready.message
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_was_decided_upon_another_version_is_not_done() {
    Run::new(4)
        .world(|world| async move {
            let bed = bed(&world).await;
            bed.dr1.deploy(&world).await?;
            bed.dr1.delete(&Kind::pod(), "writer").await;
            tokio::time::sleep(MINUTE).await;
            let mut request = bed.dr1.request(Role::Secondary, FAILOVER).await;
            let deadline = || Deadline::after(MINUTE);
            let seen = bed.dr1.driver.observe(&request, deadline()).await.unwrap();
            let demote = bed.dr1.driver.decide(&request, &seen).commands.remove(0);
            request.role = Role::Primary;
            request.deleting = true;
            let delete = bed.dr1.driver.decide(&request, &seen).commands.remove(0);
            assert_eq!(demote.summary, "update VolumeReplication app/data to secondary");
            assert_eq!(delete.summary, "delete VolumeReplication app/data");
            let label = serde_json::json!({ "metadata": { "labels": { "touched": "yes" } } });
            bed.dr1.merge(&replication(), "data", label).await;
            for command in [demote, delete] {
                let refused = bed.dr1.driver.execute(&command, deadline()).await.unwrap_err();
                assert_eq!(refused.class(), FailureClass::Conflict, "{refused}");
            }
            let kept = bed.dr1.get(&replication(), "data").await.unwrap();
            assert_eq!((kept.text("spec.replicationState"), kept.is_deleting()), ("primary", false));
            assert_eq!(kept.label("ramendr.openshift.io/owner-name"), "vrg");
            Ok(())
        })
        .unwrap();
}
