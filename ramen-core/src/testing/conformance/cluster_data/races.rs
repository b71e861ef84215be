//! D16-D19: two writers at once.

use super::{
    StoreCase,
    bed::StoreFault,
    lab::{CALL, ONE, PV, Store, StoreLab, TWO, entry, must_be_out_of_reach, must_be_superseded, soon},
};
use crate::{
    protection::cluster_data::{Epoch, StoreError},
    testing::conformance::{
        Unmet,
        kit::kit_cases,
        lab::{broken, ensure},
        report::CaseOutcome,
    },
    time::Deadline,
};

pub(super) const CASES: &[StoreCase] = kit_cases![StoreLab;
    "D16": "of two writers that race for an epoch one wins, and both know which",
        "two clusters both write as primary", race;
    "D17": "a write under way when the epoch was raised does not overwrite",
        "the old primary's last write replaces the new primary's metadata", late_over_existing;
    "D18": "a write under way when the epoch was raised is not reported as done, and shadows nothing once sealed",
        "a volume that only the old primary had is restored, or its protection is reported", late_under_new_key;
    "D19": "probing finds out whether writes can depend on what is stored; before, nothing is promised",
        "a store that cannot fence is trusted to", probing;
];

/// Excludes a case that only a store with conditional writes can keep.
fn needs_conditional_writes(store: &Store) -> Result<(), Unmet> {
    if store.capabilities().conditional_writes {
        return Ok(());
    }
    Err(Unmet::NotApplicable("the store has no conditional writes: two writers may both succeed for a moment".into()))
}

async fn race(lab: &StoreLab<'_>) -> CaseOutcome {
    let group = lab.group();
    let stores = [lab.open(0, "dr1").await?, lab.open(0, "dr2").await?];
    needs_conditional_writes(&stores[0])?;
    for epoch in (1..=5).map(Epoch) {
        let (one, two) = futures::join!(
            stores[0].raise_epoch(&group, epoch, "dr1", soon()),
            stores[1].raise_epoch(&group, epoch, "dr2", soon())
        );
        let (winner, loser) = match (one, two) {
            (Ok(_), lost) => ("dr1", lost),
            (lost, Ok(_)) => ("dr2", lost),
            (one, two) => return broken(format_args!("nobody won {epoch}: {one:?}, {two:?}")),
        };
        must_be_superseded("the other", loser)?;
        let record = stores[0].epoch(&group, soon()).await?;
        ensure(
            record.as_ref().is_some_and(|r| r.holder == winner && r.epoch == epoch),
            format_args!("{winner} was told that it won {epoch}; recorded is {record:?}"),
        )?;
    }
    Ok("one winner in each of five rounds, on record".into())
}

/// The old primary's write passes its checks and is held on its way; meanwhile the new primary takes over and stores `theirs`;
/// then the write goes on. The old writer's answer.
async fn overtaken(lab: &StoreLab<'_>, late: &str, old: &Store, new: &Store) -> Result<Result<(), StoreError>, Unmet> {
    let group = lab.group();
    lab.inflict(0, StoreFault::HoldsKey(late.to_owned())).await?;
    let entries = [entry(late, "late")];
    let write = old.put(&group, ONE, &entries, Deadline::after(CALL * 6));
    let meanwhile = async {
        lab.until_held(0).await?;
        new.raise_epoch(&group, TWO, "dr2", soon()).await?;
        // The key itself is held for everybody: what the new primary has there came over another way.
        if late == PV {
            lab.bed.write_as_ramen(0, &lab.key(PV), &entry(PV, "two").object).await?;
        } else {
            new.put(&group, TWO, &[entry(PV, "two")], soon()).await?;
        }
        lab.heal(0).await
    };
    let (answer, meanwhile) = futures::join!(write, meanwhile);
    meanwhile.map(|()| answer)
}

async fn late_over_existing(lab: &StoreLab<'_>) -> CaseOutcome {
    let old = lab.protected().await?;
    let new = lab.open(0, "dr2").await?;
    needs_conditional_writes(&new)?;
    must_be_superseded("the late write", overtaken(lab, PV, &old, &new).await?)?;
    lab.must_hold(&new, PV, "two").await?;
    Ok("Superseded, and what came meanwhile stayed".into())
}

async fn late_under_new_key(lab: &StoreLab<'_>) -> CaseOutcome {
    let old = lab.protected().await?;
    let new = lab.open(0, "dr2").await?;
    must_be_superseded("the late write", overtaken(lab, "v1.PersistentVolume/ghost", &old, &new).await?)?;
    new.seal(&lab.group(), TWO, soon()).await?;
    lab.must_believe(&[&new], TWO, &format!("{PV}=two of {}", new.profile())).await?;
    Ok("Superseded; a reader does not see it".into())
}

async fn probing(lab: &StoreLab<'_>) -> CaseOutcome {
    let store = lab.bed.open(0, "dr1").await?;
    ensure(!store.capabilities().conditional_writes, "conditional writes are promised before the store was asked")?;
    let found = store.probe(soon()).await?;
    ensure(found == store.capabilities(), "what was found is not what is declared")?;
    let (found, real) = (found.conditional_writes, lab.bed.conditional_writes());
    ensure(found == real, format_args!("conditional writes: declared {found}, in truth {real}"))?;
    let listed = store.groups(soon()).await?;
    ensure(listed.iter().all(|g| g.namespace.starts_with("kit-")), format_args!("the probe left a group: {listed:?}"))?;
    lab.inflict(0, StoreFault::Dead).await?;
    must_be_out_of_reach("a probe", lab.bed.open(0, "dr1").await?.probe(soon()).await)?;
    lab.heal(0).await?;
    Ok(if real {
        "has conditional writes, as probed"
    } else {
        "has no conditional writes, as probed: the weaker promise"
    }
    .into())
}
