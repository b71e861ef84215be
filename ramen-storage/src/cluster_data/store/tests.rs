use std::time::Duration;

use object_store::memory::InMemory;
use ramen_core::{
    protection::cluster_data::{Belief, StoreSet},
    time::TokioClock,
};
use serde_json::json;

use super::*;

fn open(objects: &Arc<InMemory>, writer: &str) -> ObjectStoreClusterData {
    let clock = TokioClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    ObjectStoreClusterData::new("west", objects.clone(), writer, Arc::new(clock))
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

fn group() -> GroupPrefix {
    GroupPrefix::new("app", "busybox")
}

fn entry(path: &str, mark: &str) -> Entry {
    Entry { path: path.into(), object: json!({"metadata": {"name": mark}}) }
}

/// A store that has been probed, holding the group under epoch 1 of dr1.
async fn protected() -> (Arc<InMemory>, ObjectStoreClusterData) {
    let objects = Arc::new(InMemory::new());
    let store = open(&objects, "dr1");
    assert!(store.probe(soon()).await.unwrap().conditional_writes);
    store.raise_epoch(&group(), Epoch(1), "dr1", soon()).await.unwrap();
    store.put(&group(), Epoch(1), &[entry("v1.PersistentVolume/pv", "one")], soon()).await.unwrap();
    store.seal(&group(), Epoch(1), soon()).await.unwrap();
    (objects, store)
}

fn is_superseded<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Superseded { .. }))
}

#[tokio::test]
async fn keys_are_byte_equal_to_ramens() {
    let (objects, store) = protected().await;
    store.put(&group(), Epoch(1), &[entry("v1.PersistentVolumeClaim/app/data", "pvc")], soon()).await.unwrap();
    let mut keys: Vec<String> = objects.list(None).map_ok(|m| m.location.to_string()).try_collect().await.unwrap();
    keys.sort();
    assert_eq!(
        keys,
        ["app/busybox/epoch/a", "app/busybox/v1.PersistentVolume/pv", "app/busybox/v1.PersistentVolumeClaim/app/data"]
    );
}

#[tokio::test]
async fn a_partitioned_old_primary_neither_overwrites_nor_adds_nor_deletes() {
    let (objects, old) = protected().await;
    let new = open(&objects, "dr2");
    new.probe(soon()).await.unwrap();
    new.raise_epoch(&group(), Epoch(2), "dr2", soon()).await.unwrap();
    new.put(&group(), Epoch(2), &[entry("v1.PersistentVolume/pv", "two")], soon()).await.unwrap();

    assert!(is_superseded(&old.put(&group(), Epoch(1), &[entry("v1.PersistentVolume/pv", "late")], soon()).await));
    assert!(is_superseded(&old.put(&group(), Epoch(1), &[entry("v1.PersistentVolume/new", "late")], soon()).await));
    assert!(is_superseded(&old.delete(&group(), Epoch(1), &["v1.PersistentVolume/pv".into()], soon()).await));
    assert!(is_superseded(&old.seal(&group(), Epoch(1), soon()).await));
    assert!(is_superseded(&old.clear(&group(), Epoch(1), soon()).await));
    assert!(is_superseded(&old.raise_epoch(&group(), Epoch(1), "dr1", soon()).await));

    let stored = new.get(&group(), "v1.PersistentVolume/pv", soon()).await.unwrap().unwrap();
    assert_eq!((stored.object["metadata"]["name"].as_str(), stored.epoch), (Some("two"), Epoch(2)));
    assert_eq!(new.list(&group(), "v1.PersistentVolume", soon()).await.unwrap(), ["v1.PersistentVolume/pv"]);
}

/// The late write was checked before the epoch was raised and is sent after: only the condition on the version holds it back.
#[tokio::test]
async fn a_write_that_was_under_way_when_the_epoch_was_raised_does_not_overwrite() {
    let (objects, old) = protected().await;
    let seen_by_old = old.versions(&group(), "", soon()).await.unwrap();
    let new = open(&objects, "dr2");
    new.probe(soon()).await.unwrap();
    new.raise_epoch(&group(), Epoch(2), "dr2", soon()).await.unwrap();
    new.put(&group(), Epoch(2), &[entry("v1.PersistentVolume/pv", "two")], soon()).await.unwrap();

    let late = entry("v1.PersistentVolume/pv", "late");
    let version = seen_by_old.get(&late.path).cloned();
    assert!(version.is_some());
    assert!(is_superseded(&old.put_entry(&group(), Epoch(1), &late, version, soon()).await));
    let stored = new.get(&group(), "v1.PersistentVolume/pv", soon()).await.unwrap().unwrap();
    assert_eq!(stored.object["metadata"]["name"], "two");
}

#[tokio::test]
async fn a_late_entry_under_a_new_key_shadows_nothing_once_the_new_primary_has_sealed() {
    let (objects, old) = protected().await;
    let new = Arc::new(open(&objects, "dr2"));
    new.probe(soon()).await.unwrap();
    new.raise_epoch(&group(), Epoch(2), "dr2", soon()).await.unwrap();
    old.put_entry(&group(), Epoch(1), &entry("v1.PersistentVolume/ghost", "late"), None, soon()).await.unwrap();
    let stores = StoreSet::new(vec![new.clone()]);

    // Before the new primary has stored everything, what its predecessor stored is the last good copy.
    let survey = stores.survey(&group(), "v1.PersistentVolume", soon()).await;
    let Belief::Entries(found) = survey.newest(Epoch(1)) else { panic!("{survey:?}") };
    assert!(found[0].entries.contains_key("v1.PersistentVolume/pv"));

    new.put(&group(), Epoch(2), &[entry("v1.PersistentVolume/pv", "two")], soon()).await.unwrap();
    new.seal(&group(), Epoch(2), soon()).await.unwrap();
    let survey = stores.survey(&group(), "v1.PersistentVolume", soon()).await;
    let Belief::Entries(found) = survey.newest(Epoch(2)) else { panic!("{survey:?}") };
    assert_eq!(found[0].entries.keys().collect::<Vec<_>>(), ["v1.PersistentVolume/pv"]);
}

#[tokio::test]
async fn two_writers_that_race_for_an_epoch_have_one_winner() {
    let objects = Arc::new(InMemory::new());
    let stores: Vec<_> = ["dr1", "dr2"].map(|w| open(&objects, w)).into_iter().collect();
    for store in &stores {
        store.probe(soon()).await.unwrap();
    }
    let answers = futures::join!(async { stores[0].raise_epoch(&group(), Epoch(3), "dr1", soon()).await }, async {
        stores[1].raise_epoch(&group(), Epoch(3), "dr2", soon()).await
    });
    assert_ne!(answers.0.is_ok(), answers.1.is_ok(), "{answers:?}");
}

#[tokio::test]
async fn writing_twice_changes_nothing_and_a_retry_after_a_lost_answer_succeeds() {
    let (_objects, store) = protected().await;
    for _ in 0..2 {
        store.put(&group(), Epoch(1), &[entry("v1.PersistentVolume/pv", "two")], soon()).await.unwrap();
    }
    // As after a write that was accepted while its answer was lost: the version is not the one that was seen.
    store.put_entry(&group(), Epoch(1), &entry("v1.PersistentVolume/pv", "three"), None, soon()).await.unwrap();
    let stored = store.get(&group(), "v1.PersistentVolume/pv", soon()).await.unwrap().unwrap();
    assert_eq!(stored.object["metadata"]["name"], "three");
}

#[tokio::test]
async fn writing_before_the_epoch_was_raised_is_refused() {
    let objects = Arc::new(InMemory::new());
    let store = open(&objects, "dr1");
    let answer = store.put(&group(), Epoch(1), &[entry("v1.PersistentVolume/pv", "x")], soon()).await;
    assert!(matches!(answer, Err(StoreError::Failed(f)) if f.class() == FailureClass::Conflict));
    assert_eq!(store.list(&group(), "", soon()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_removed_group_leaves_a_tombstone_that_still_fences() {
    let (objects, store) = protected().await;
    store.clear(&group(), Epoch(1), soon()).await.unwrap();
    store.clear(&group(), Epoch(1), soon()).await.unwrap();
    assert_eq!(store.list(&group(), "", soon()).await.unwrap(), Vec::<String>::new());
    assert_eq!(store.groups(soon()).await.unwrap(), []);
    assert!(is_superseded(&store.put(&group(), Epoch(1), &[entry("v1.PersistentVolume/pv", "x")], soon()).await));
    assert!(is_superseded(&store.raise_epoch(&group(), Epoch(1), "dr1", soon()).await));

    // Protected again: a higher epoch starts over the tombstone.
    let again = open(&objects, "dr1");
    again.probe(soon()).await.unwrap();
    again.raise_epoch(&group(), Epoch(2), "dr1", soon()).await.unwrap();
    again.put(&group(), Epoch(2), &[entry("v1.PersistentVolume/pv", "x")], soon()).await.unwrap();
    assert_eq!(again.groups(soon()).await.unwrap(), [group()]);
}

#[tokio::test]
async fn a_path_is_whole_segments_so_that_volumes_are_not_taken_for_claims() {
    let (_objects, store) = protected().await;
    store.put(&group(), Epoch(1), &[entry("v1.PersistentVolumeClaim/app/data", "pvc")], soon()).await.unwrap();
    assert_eq!(store.list(&group(), "v1.PersistentVolume", soon()).await.unwrap(), ["v1.PersistentVolume/pv"]);
    assert_eq!(
        store.list(&GroupPrefix::new("app", "busy"), "", soon()).await.unwrap(),
        Vec::<String>::new(),
        "another group whose name begins alike"
    );
}

#[tokio::test]
async fn a_damaged_entry_is_an_error_that_names_its_key_and_not_an_absent_one() {
    let (objects, store) = protected().await;
    objects.put(&Path::from("app/busybox/v1.PersistentVolume/bad"), Bytes::new().into()).await.unwrap();
    let error = store.get(&group(), "v1.PersistentVolume/bad", soon()).await.unwrap_err().to_string();
    assert!(error.contains("app/busybox/v1.PersistentVolume/bad") && error.contains("empty"), "{error}");
    let survey = StoreSet::new(vec![Arc::new(store)]).survey(&group(), "v1.PersistentVolume", soon()).await;
    assert!(matches!(survey.newest(Epoch(1)), Belief::Unproven(_)), "{survey:?}");
}

#[tokio::test]
async fn the_removal_of_a_group_does_not_remove_what_was_stored_after_it_was_protected_again() {
    let (objects, old) = protected().await;
    old.clear(&group(), Epoch(1), soon()).await.unwrap();
    let new = open(&objects, "dr1");
    new.raise_epoch(&group(), Epoch(2), "dr1", soon()).await.unwrap();
    new.put(&group(), Epoch(2), &[entry("v1.PersistentVolume/pv", "new")], soon()).await.unwrap();
    // The removal that is repeated, or that was held up between its tombstone and its deletions.
    assert!(is_superseded(&old.clear(&group(), Epoch(1), soon()).await));
    assert!(is_superseded(&old.is_buried(&group(), Epoch(1), soon()).await));
    assert_eq!(new.list(&group(), "", soon()).await.unwrap(), ["v1.PersistentVolume/pv"]);
}

#[tokio::test]
async fn a_store_that_was_away_when_a_group_was_removed_does_not_bring_it_back() {
    let (_here, present) = protected().await;
    let (_there, away) = protected().await;
    present.clear(&group(), Epoch(1), soon()).await.unwrap();
    for store in [&present, &away] {
        store.raise_epoch(&group(), Epoch(2), "dr1", soon()).await.unwrap();
    }
    let survey = StoreSet::new(vec![Arc::new(away), Arc::new(present)]).survey(&group(), "", soon()).await;
    assert_eq!(survey.newest(Epoch::NONE), Belief::Nothing, "{survey:?}");
}

#[tokio::test]
async fn probes_that_run_at_once_do_not_take_the_store_for_one_without_conditions() {
    let objects = Arc::new(InMemory::new());
    let (a, b) = (open(&objects, "same"), open(&objects, "same"));
    let found = futures::join!(a.probe(soon()), b.probe(soon()), a.probe(soon()));
    for found in [found.0, found.1, found.2] {
        assert!(found.unwrap().conditional_writes);
    }
    assert_eq!(objects.list(None).try_collect::<Vec<_>>().await.unwrap(), [], "probes leave nothing behind");
}

#[tokio::test]
async fn the_first_write_finds_out_by_itself_whether_it_can_be_conditional() {
    let objects = Arc::new(InMemory::new());
    let store = open(&objects, "dr1");
    store.raise_epoch(&group(), Epoch(1), "dr1", soon()).await.unwrap();
    assert!(store.capabilities().conditional_writes);
}
