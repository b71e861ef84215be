//! D1-D8: what is stored, and what a reader finds.

use serde_json::json;

use super::{
    StoreCase,
    bed::StoreFault,
    lab::{ONE, PV, StoreLab, TWO, entry, must_be_out_of_reach, soon},
};
use crate::{
    intercluster::FailureClass,
    protection::cluster_data::{Entry, Epoch, StoreError},
    testing::conformance::{kit::kit_cases, lab::ensure, report::CaseOutcome},
};

pub(super) const CASES: &[StoreCase] = kit_cases![StoreLab;
    "D1": "an entry comes back as it was stored, with its epoch",
        "a volume is restored without the fields that the library does not know", round_trip;
    "D2": "keys and bodies are those of upstream, and its entries are read as of no epoch",
        "what Ramen stored cannot be restored after an upgrade, nor what we stored after a rollback", compatible;
    "D3": "absent is proven: a store out of reach never has nothing",
        "the last copy of a volume's metadata is taken for missing, and an empty volume is made", absent_is_proven;
    "D4": "nothing is written under an epoch that was not raised",
        "a cluster that was never made primary writes the group", not_before_raised;
    "D5": "a path names whole segments, and a group is not another whose name begins alike",
        "claims are restored as volumes, and one group's removal takes another's entries", whole_segments;
    "D6": "deleting removes what is named and nothing else; what is not there is fine",
        "a released volume's neighbours lose their metadata, or its release never ends", deleting;
    "D7": "the groups of the store are listed in order, those that have entries",
        "protected applications are not found after the hub was lost", groups;
    "D8": "a damaged entry is an error that names its key, and hides no other",
        "one damaged object is taken for a volume that never existed", damaged;
];

async fn round_trip(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.protected().await?;
    let object = json!({"kind": "PersistentVolume", "unknown": [1, null, -0.5, {"deep": "ü ☃"}], "empty": {}, "none": null,
        "metadata": {"name": "odd"}, "large": "x".repeat(1 << 20)});
    let path = "v1.PersistentVolume/odd";
    store.put(&lab.group(), ONE, &[Entry { path: path.into(), object: object.clone() }], soon()).await?;
    let back = store.get(&lab.group(), path, soon()).await?;
    let whole = back.as_ref().is_some_and(|entry| entry.object == object);
    ensure(whole, "the object that came back differs")?;
    ensure(back.is_some_and(|entry| entry.epoch == ONE), "it came back with another epoch")?;
    lab.must_list(&store, "", &["v1.PersistentVolume/odd", PV]).await?;
    Ok("a megabyte with nulls, numbers and unknown fields came back equal".into())
}

async fn compatible(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.protected().await?;
    let raw = lab.bed.read_as_ramen(0, &lab.key(PV)).await?;
    let expected = entry(PV, "one").object;
    ensure(raw.as_ref() == Some(&expected), format_args!("upstream reads {raw:?} at {}", lab.key(PV)))?;
    let theirs = "v1.PersistentVolumeClaim/app/data";
    lab.bed.write_as_ramen(0, &lab.key(theirs), &entry(theirs, "theirs").object).await?;
    let read = store.get(&lab.group(), theirs, soon()).await?;
    ensure(
        read.as_ref().is_some_and(|e| e.epoch == Epoch::NONE && e.object == entry(theirs, "theirs").object),
        format_args!("what upstream stored is read as {read:?}"),
    )?;
    lab.must_list(&store, "v1.PersistentVolumeClaim", &[theirs]).await?;
    Ok("upstream reads ours at its key; we read its entry, as of no epoch".into())
}

async fn absent_is_proven(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.protected().await?;
    let (group, nobody) = (lab.group(), lab.group_named("nobody"));
    ensure(store.get(&group, "v1.PersistentVolume/other", soon()).await?.is_none(), "an entry that nobody stored")?;
    ensure(store.list(&nobody, "", soon()).await?.is_empty(), "a group that nobody stored has entries")?;
    ensure(store.epoch(&nobody, soon()).await?.is_none(), "a group that nobody stored has an epoch")?;
    for fault in [StoreFault::Dead, StoreFault::Silent] {
        lab.inflict(0, fault).await?;
        must_be_out_of_reach("get", store.get(&group, PV, soon()).await)?;
        must_be_out_of_reach("list", store.list(&group, "", soon()).await)?;
        must_be_out_of_reach("epoch", store.epoch(&group, soon()).await)?;
        must_be_out_of_reach("groups", store.groups(soon()).await)?;
        lab.heal(0).await?;
    }
    Ok("nothing where nothing was stored; out of reach while dead and while silent".into())
}

async fn not_before_raised(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.open(0, "dr1").await?;
    let group = lab.group();
    for (what, answer) in [
        ("put", store.put(&group, ONE, &[entry(PV, "early")], soon()).await),
        ("seal", store.seal(&group, ONE, soon()).await),
        ("delete", store.delete(&group, ONE, &[PV.into()], soon()).await),
    ] {
        let refused = matches!(&answer, Err(StoreError::Failed(f)) if f.class() == FailureClass::Conflict);
        ensure(refused, format_args!("{what} before the epoch was raised: {answer:?}"))?;
    }
    lab.must_list(&store, "", &[]).await?;
    store.raise_epoch(&group, ONE, "dr1", soon()).await?;
    let answer = store.put(&group, TWO, &[entry(PV, "early")], soon()).await;
    ensure(answer.is_err(), "a write under an epoch above the recorded one was accepted")?;
    lab.must_list(&store, "", &[]).await?;
    Ok("Conflict, and nothing was stored".into())
}

async fn whole_segments(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.protected().await?;
    let claim = "v1.PersistentVolumeClaim/app/data";
    store.put(&lab.group(), ONE, &[entry(claim, "one")], soon()).await?;
    lab.must_list(&store, "v1.PersistentVolume", &[PV]).await?;
    lab.must_list(&store, "v1.PersistentVolumeClaim/app", &[claim]).await?;
    lab.must_list(&store, "v1.PersistentVolumeClaim/ap", &[]).await?;
    let alike = lab.group_named("busy");
    ensure(store.list(&alike, "", soon()).await?.is_empty(), "entries of busybox are listed for busy")?;
    store.raise_epoch(&alike, ONE, "dr1", soon()).await?;
    store.clear(&alike, ONE, soon()).await?;
    lab.must_hold(&store, PV, "one").await?;
    Ok("types, namespaces and groups whose names begin alike are kept apart".into())
}

async fn deleting(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.protected().await?;
    let other = "v1.PersistentVolume/pv-10";
    store.put(&lab.group(), ONE, &[entry(other, "one")], soon()).await?;
    for _ in 0..2 {
        store.delete(&lab.group(), ONE, &[PV.into(), "v1.PersistentVolume/never".into()], soon()).await?;
    }
    lab.must_list(&store, "", &[other]).await?;
    Ok("the named entry is gone, twice; its neighbour stayed".into())
}

async fn groups(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.protected().await?;
    let [first, removed, empty] = ["a-first", "removed", "raised-only"].map(|name| lab.group_named(name));
    for group in [&first, &removed, &empty] {
        store.raise_epoch(group, ONE, "dr1", soon()).await?;
    }
    for group in [&first, &removed] {
        store.put(group, ONE, &[entry(PV, "one")], soon()).await?;
    }
    store.clear(&removed, ONE, soon()).await?;
    let mut listed = store.groups(soon()).await?;
    ensure(listed.is_sorted(), format_args!("not in order: {listed:?}"))?;
    listed.retain(|group| group.namespace == first.namespace);
    ensure(listed == [first, lab.group()], format_args!("listed are {listed:?}"))?;
    Ok("two with entries; neither the removed one nor the one without".into())
}

async fn damaged(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.protected().await?;
    let bad = "v1.PersistentVolume/bad";
    store.put(&lab.group(), ONE, &[entry(bad, "one")], soon()).await?;
    lab.bed.damage(0, &lab.key(bad)).await?;
    match store.get(&lab.group(), bad, soon()).await {
        Err(StoreError::Failed(f)) if f.class() == FailureClass::Malformed && f.to_string().contains(bad) => {}
        other => {
            return Err(crate::testing::conformance::Unmet::Broken(format!("a damaged entry is read as {other:?}")));
        }
    }
    lab.must_hold(&store, PV, "one").await?;
    lab.must_believe(&[&store], ONE, "unproven").await?;
    store.put(&lab.group(), ONE, &[entry(bad, "mended")], soon()).await?;
    lab.must_hold(&store, bad, "mended").await?;
    Ok("Malformed, with its key; the other entry is readable; writing it again mends it".into())
}
