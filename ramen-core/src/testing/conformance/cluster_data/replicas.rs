//! D20-D24: several stores, of which any may be gone.

use super::{
    StoreCase,
    bed::StoreFault,
    lab::{ONE, PV, StoreLab, THREE, TWO, entry, soon},
};
use crate::{
    protection::cluster_data::StoreSet,
    testing::conformance::{kit::kit_cases, lab::ensure, report::CaseOutcome},
};

pub(super) const CASES: &[StoreCase] = kit_cases![StoreLab;
    "D20": "a dead store among two holds nothing back, and is named",
        "the loss of one store stops protection, or is hidden", one_dead;
    "D21": "the store that missed the last failover is not believed",
        "an application is restored from metadata that its new primary had replaced", missed_failover;
    "D22": "nothing found is only nothing if every store answered",
        "a group is taken for never protected because its only live store never had it", unproven;
    "D23": "leftovers in a store that was down during the removal do not bring the group back",
        "a removed group, with volumes that are gone, is restored", leftovers;
    "D24": "what was stored in one store is not taken for stored in another",
        "a store that was never written counts as a copy", separate;
];

async fn one_dead(lab: &StoreLab<'_>) -> CaseOutcome {
    let (a, b) = lab.both("dr1").await?;
    let set = StoreSet::new(vec![a.clone(), b.clone()]);
    for store in [&a, &b] {
        lab.protect(store, "dr1", ONE, "one").await?;
    }
    for fault in [StoreFault::Dead, StoreFault::Silent] {
        lab.inflict(1, fault).await?;
        let outcome = set.put(&lab.group(), ONE, &[entry(PV, "newer")], soon()).await;
        ensure(
            outcome.stored == [a.profile()] && outcome.failed.contains_key(b.profile()),
            format_args!("with {} out of reach the write did {outcome:?}", b.profile()),
        )?;
        lab.must_believe(&[&a, &b], ONE, &format!("{PV}=newer of {}", a.profile())).await?;
        lab.heal(1).await?;
    }
    Ok("stored in the live one, the dead one named; read from the live one".into())
}

async fn missed_failover(lab: &StoreLab<'_>) -> CaseOutcome {
    let (a, b) = lab.both("dr1").await?;
    for store in [&a, &b] {
        lab.protect(store, "dr1", ONE, "one").await?;
    }
    lab.inflict(1, StoreFault::Dead).await?;
    lab.protect(&lab.open(0, "dr2").await?, "dr2", TWO, "two").await?;
    lab.heal(1).await?;
    let b = lab.open(1, "dr1").await?;
    let newest = format!("{PV}=two of {}", a.profile());
    lab.must_believe(&[&a, &b], ONE, &newest).await?;
    lab.inflict(0, StoreFault::Dead).await?;
    lab.must_believe(&[&a, &b], TWO, "outdated: epoch 1, not epoch 2").await?;
    lab.heal(0).await?;
    // The next primary raises the epoch in both before it reads: that does not make the data of either newer.
    let a = lab.open(0, "dr3").await?;
    for store in [&b, &a] {
        store.raise_epoch(&lab.group(), THREE, "dr3", soon()).await?;
    }
    lab.must_believe(&[&b, &a], TWO, &newest).await?;
    Ok("the other is believed; alone it is called outdated".into())
}

async fn unproven(lab: &StoreLab<'_>) -> CaseOutcome {
    let (a, b) = lab.both("dr1").await?;
    lab.must_believe(&[&a, &b], crate::protection::cluster_data::Epoch::NONE, "nothing").await?;
    lab.protect(&a, "dr1", ONE, "one").await?;
    lab.inflict(0, StoreFault::Dead).await?;
    lab.must_believe(&[&a, &b], crate::protection::cluster_data::Epoch::NONE, "unproven").await?;
    lab.heal(0).await?;
    Ok("unproven while a store is dead, nothing when both say so".into())
}

async fn leftovers(lab: &StoreLab<'_>) -> CaseOutcome {
    let (a, b) = lab.both("dr1").await?;
    let set = StoreSet::new(vec![a.clone(), b.clone()]);
    for store in [&a, &b] {
        lab.protect(store, "dr1", ONE, "one").await?;
    }
    lab.inflict(1, StoreFault::Dead).await?;
    let outcome = set.clear(&lab.group(), ONE, soon()).await;
    ensure(outcome.failed.contains_key(b.profile()), "the dead store is said to have removed the group")?;
    lab.heal(1).await?;
    let b = lab.open(1, "dr1").await?;
    lab.must_hold(&b, PV, "one").await?;
    lab.must_believe(&[&a, &b], ONE, "nothing").await?;
    // Once it can be reached the removal is done there too.
    b.clear(&lab.group(), ONE, soon()).await?;
    lab.must_list(&b, "", &[]).await?;
    Ok("the tombstone outweighs entries of its own epoch; they can still be removed".into())
}

async fn separate(lab: &StoreLab<'_>) -> CaseOutcome {
    let (a, b) = lab.both("dr1").await?;
    ensure(a.profile() != b.profile(), "both stores have one name")?;
    lab.protect(&a, "dr1", ONE, "one").await?;
    lab.must_list(&b, "", &[]).await?;
    ensure(b.epoch(&lab.group(), soon()).await?.is_none(), "the epoch of one store is reported by the other")?;
    lab.must_believe(&[&a, &b], ONE, &format!("{PV}=one of {}", a.profile())).await?;
    Ok("each holds what was stored in it".into())
}
