//! D9-D15: a writer of an older epoch has lost its place.

use super::{
    StoreCase,
    lab::{ONE, PV, Store, StoreLab, TWO, entry, must_be_superseded, soon},
};
use crate::{
    protection::cluster_data::Epoch,
    testing::conformance::{kit::kit_cases, lab::ensure, report::CaseOutcome},
};

pub(super) const CASES: &[StoreCase] = kit_cases![StoreLab;
    "D9": "raising an epoch again changes nothing, a lower one and another holder's are refused",
        "a primary that restarts loses its place, or one that lost it takes it back", raising;
    "D10": "a writer of an older epoch does not overwrite",
        "a partitioned old primary replaces the metadata of the new one", existing_key;
    "D11": "a writer of an older epoch does not add",
        "volumes that the old primary made after the failover are restored at the next one", new_key;
    "D12": "a writer of an older epoch does not delete",
        "a partitioned old primary that cleans up removes the last copy of the metadata", old_delete;
    "D13": "a writer of an older epoch does not seal or remove the group",
        "what the new primary stored is declared outdated, or is removed whole", old_seal_and_clear;
    "D14": "a predecessor's entries count until the new primary has sealed, and no longer",
        "a failover during a failover finds no metadata, or that of volumes long gone", sealing;
    "D15": "a removed group leaves a tombstone that fences; only a higher epoch starts over it",
        "a late writer brings a removed group back", tombstone;
];

async fn raising(lab: &StoreLab<'_>) -> CaseOutcome {
    let group = lab.group();
    let store = lab.open(0, "dr1").await?;
    let first = store.raise_epoch(&group, TWO, "dr1", soon()).await?;
    lab.bed.wait(std::time::Duration::from_secs(2)).await;
    let again = lab.open(0, "dr1").await?.raise_epoch(&group, TWO, "dr1", soon()).await?;
    ensure(first == again, format_args!("raised again it is {again:?} instead of {first:?}"))?;
    let recorded = store.epoch(&group, soon()).await?;
    ensure(recorded.as_ref() == Some(&first), format_args!("recorded is {recorded:?}"))?;
    let other = lab.open(0, "dr2").await?;
    must_be_superseded("a lower epoch", store.raise_epoch(&group, ONE, "dr1", soon()).await)?;
    must_be_superseded("another holder of the same epoch", other.raise_epoch(&group, TWO, "dr2", soon()).await)?;
    ensure(store.epoch(&group, soon()).await?.as_ref() == Some(&first), "a refused attempt changed the record")?;
    Ok("the same record; the others are Superseded".into())
}

/// A group that dr1 stored under epoch 1 and dr2 under epoch 2, and the store as each has it open.
async fn failed_over(lab: &StoreLab<'_>) -> Result<(Store, Store), crate::testing::conformance::Unmet> {
    let old = lab.protected().await?;
    let new = lab.open(0, "dr2").await?;
    lab.protect(&new, "dr2", TWO, "two").await?;
    Ok((old, new))
}

async fn existing_key(lab: &StoreLab<'_>) -> CaseOutcome {
    let (old, new) = failed_over(lab).await?;
    must_be_superseded("a write", old.put(&lab.group(), ONE, &[entry(PV, "late")], soon()).await)?;
    lab.must_hold(&new, PV, "two").await?;
    Ok("Superseded, and the new primary's entry stayed".into())
}

async fn new_key(lab: &StoreLab<'_>) -> CaseOutcome {
    let (old, new) = failed_over(lab).await?;
    let ghost = entry("v1.PersistentVolume/ghost", "late");
    must_be_superseded("a write", old.put(&lab.group(), ONE, &[ghost], soon()).await)?;
    lab.must_list(&new, "", &[PV]).await?;
    Ok("Superseded, and nothing was added".into())
}

async fn old_delete(lab: &StoreLab<'_>) -> CaseOutcome {
    let (old, new) = failed_over(lab).await?;
    must_be_superseded("a deletion", old.delete(&lab.group(), ONE, &[PV.into()], soon()).await)?;
    lab.must_hold(&new, PV, "two").await?;
    Ok("Superseded, and the entry stayed".into())
}

async fn old_seal_and_clear(lab: &StoreLab<'_>) -> CaseOutcome {
    let (old, new) = failed_over(lab).await?;
    must_be_superseded("a seal", old.seal(&lab.group(), ONE, soon()).await)?;
    must_be_superseded("a removal", old.clear(&lab.group(), ONE, soon()).await)?;
    let record = new.epoch(&lab.group(), soon()).await?;
    let kept = record.as_ref().is_some_and(|r| r.epoch == TWO && r.sealed == TWO && r.holder == "dr2" && !r.tombstone);
    ensure(kept, format_args!("the record is {record:?}"))?;
    lab.must_hold(&new, PV, "two").await?;
    Ok("Superseded, and the group stayed the new primary's".into())
}

async fn sealing(lab: &StoreLab<'_>) -> CaseOutcome {
    let (group, old) = (lab.group(), lab.protected().await?);
    old.put(&group, ONE, &[entry("v1.PersistentVolume/old", "one")], soon()).await?;
    let new = lab.open(0, "dr2").await?;
    new.raise_epoch(&group, TWO, "dr2", soon()).await?;
    new.put(&group, TWO, &[entry(PV, "two")], soon()).await?;
    let profile = new.profile();
    let before = format!("v1.PersistentVolume/old=one {PV}=two of {profile}");
    // Nothing of the new epoch is known to be whole yet.
    lab.must_believe(&[&new], ONE, &before).await?;
    for _ in 0..2 {
        new.seal(&group, TWO, soon()).await?;
    }
    lab.must_believe(&[&new], TWO, &format!("{PV}=two of {profile}")).await?;
    Ok("counted before the seal, superseded after".into())
}

async fn tombstone(lab: &StoreLab<'_>) -> CaseOutcome {
    let (group, store) = (lab.group(), lab.protected().await?);
    for _ in 0..2 {
        store.clear(&group, ONE, soon()).await?;
    }
    lab.must_list(&store, "", &[]).await?;
    let record = store.epoch(&group, soon()).await?;
    ensure(record.as_ref().is_some_and(|r| r.tombstone && r.epoch == ONE), format_args!("what is left is {record:?}"))?;
    must_be_superseded("a write", store.put(&group, ONE, &[entry(PV, "late")], soon()).await)?;
    must_be_superseded("raising again", store.raise_epoch(&group, ONE, "dr1", soon()).await)?;
    must_be_superseded("raising a lower one", store.raise_epoch(&group, Epoch::NONE, "dr1", soon()).await)?;
    lab.must_list(&store, "", &[]).await?;
    lab.protect(&store, "dr1", TWO, "again").await?;
    lab.must_hold(&store, PV, "again").await?;
    Ok("fenced by the tombstone; protected again under a higher epoch".into())
}
