//! D25-D28: calls that fail on the way.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    StoreCase,
    bed::StoreFault,
    lab::{ONE, PV, StoreLab, TWO, entry, soon},
};
use crate::{
    intercluster::FailureClass,
    protection::cluster_data::StoreError,
    testing::conformance::{
        Unmet,
        kit::kit_cases,
        lab::{broken, ensure},
        report::CaseOutcome,
    },
    time::Deadline,
};

pub(super) const CASES: &[StoreCase] = kit_cases![StoreLab;
    "D25": "a batch of which a part failed is not reported as stored, and its repetition completes it",
        "protection is reported while a volume's metadata is missing", torn_batch;
    "D26": "a call whose answer was lost can be repeated",
        "one lost packet locks the primary out of its own group", lost_answers;
    "D27": "every call ends by its deadline",
        "one silent store holds up every group of the cluster", deadlines;
    "D28": "a failure names the store and what was asked for, and shows no credentials",
        "an operator with ten stores cannot tell which one to mend", named_failures;
];

async fn torn_batch(lab: &StoreLab<'_>) -> CaseOutcome {
    let (group, store) = (lab.group(), lab.protected().await?);
    let paths = [PV, "v1.PersistentVolume/pv-2", "v1.PersistentVolume/pv-3"];
    let batch = paths.map(|path| entry(path, "newer"));
    lab.inflict(0, StoreFault::RefusesKey("pv-2".into())).await?;
    let answer = store.put(&group, ONE, &batch, soon()).await;
    ensure(answer.is_err(), "a batch of three is reported as stored although one entry was refused")?;
    for path in paths {
        let mark = lab.mark(&store, path).await?;
        let whole = matches!(mark.as_deref(), None | Some("one" | "newer"));
        ensure(whole, format_args!("{path} holds {mark:?}: half an object"))?;
    }
    ensure(lab.mark(&store, paths[1]).await?.is_none(), "the refused entry is there")?;
    ensure(lab.mark(&store, PV).await?.is_some(), "the entry that was there before is gone")?;
    lab.heal(0).await?;
    store.put(&group, ONE, &batch, soon()).await?;
    for path in paths {
        lab.must_hold(&store, path, "newer").await?;
    }
    Ok("an error; the repetition stored all three".into())
}

async fn lost_answers(lab: &StoreLab<'_>) -> CaseOutcome {
    let group = lab.group();
    let store = lab.open(0, "dr1").await?;
    let other = "v1.PersistentVolume/other";
    for step in ["raise", "put", "overwrite", "seal", "delete", "clear"] {
        let call = async || match step {
            "raise" => store.raise_epoch(&group, ONE, "dr1", soon()).await.map(drop),
            "put" => store.put(&group, ONE, &[entry(PV, "one"), entry(other, "one")], soon()).await,
            "overwrite" => store.put(&group, ONE, &[entry(PV, "two")], soon()).await,
            "seal" => store.seal(&group, ONE, soon()).await,
            "delete" => store.delete(&group, ONE, &[other.into()], soon()).await,
            _ => store.clear(&group, ONE, soon()).await,
        };
        lab.inflict(0, StoreFault::LosesAnswers).await?;
        let lost = call().await;
        ensure(lost.is_err(), format_args!("{step}: its answer was lost, and it is reported as done"))?;
        let superseded = matches!(lost, Err(StoreError::Superseded { .. }));
        ensure(!superseded, format_args!("{step}: the caller's own write was taken for another writer's"))?;
        lab.heal(0).await?;
        call().await.map_err(|e| Unmet::Broken(format!("{step}, repeated after its answer was lost: {e}")))?;
        if step == "delete" {
            lab.must_believe(&[&store], ONE, &format!("{PV}=two of {}", store.profile())).await?;
        }
    }
    lab.must_list(&store, "", &[]).await?;
    Ok("six calls, each repeated after its answer was lost, have happened once".into())
}

async fn deadlines(lab: &StoreLab<'_>) -> CaseOutcome {
    let (group, store) = (lab.group(), lab.protected().await?);
    let limit = Duration::from_secs(2);
    let in_time = async |what: &str, call: &mut (dyn Future<Output = Option<StoreError>> + Unpin)| {
        let start = Instant::now();
        let error = call.await;
        let late = start.elapsed().saturating_sub(limit + lab.bed.slack());
        ensure(late.is_zero(), format_args!("{what} came back {late:?} after its deadline"))?;
        match error {
            Some(StoreError::Failed(f)) if f.class().is_transport() => Ok(()),
            other => broken(format_args!("{what} of a silent store ended with {other:?}")),
        }
    };
    lab.inflict(0, StoreFault::Silent).await?;
    let by = || Deadline::after(limit);
    let (entries, paths) = ([entry(PV, "x")], [PV.to_owned()]);
    macro_rules! each {
        ($($what:literal: $call:expr;)*) => {
            $(in_time($what, &mut Box::pin(async { $call.await.err() })).await?;)*
        };
    }
    each! {
        "probe": store.probe(by());
        "raise_epoch": store.raise_epoch(&group, TWO, "dr1", by());
        "epoch": store.epoch(&group, by());
        "put": store.put(&group, ONE, &entries, by());
        "seal": store.seal(&group, ONE, by());
        "list": store.list(&group, "", by());
        "get": store.get(&group, PV, by());
        "delete": store.delete(&group, ONE, &paths, by());
        "clear": store.clear(&group, ONE, by());
        "groups": store.groups(by());
    }
    lab.heal(0).await?;
    Ok("ten calls of a silent store ended by their deadlines".into())
}

async fn named_failures(lab: &StoreLab<'_>) -> CaseOutcome {
    let (group, store) = (lab.group(), lab.protected().await?);
    lab.inflict(0, StoreFault::Dead).await?;
    let errors = [
        ("put", store.put(&group, ONE, &[entry(PV, "x")], soon()).await.err()),
        ("get", store.get(&group, PV, soon()).await.err()),
    ];
    lab.heal(0).await?;
    for (what, error) in errors {
        let Some(StoreError::Failed(failure)) = error else { return broken(format_args!("{what} did not fail")) };
        let text = failure.to_string();
        ensure(failure.class() == FailureClass::Unreachable, format_args!("{what} failed as {}", failure.class()))?;
        let named = text.contains(store.profile()) && text.contains(&group.to_string());
        ensure(named, format_args!("{what} failed without naming profile and group: {text}"))?;
        let shown = lab.bed.credentials().into_iter().any(|secret| text.contains(&secret));
        ensure(!shown, format_args!("{what} failed with a message that shows credentials"))?;
    }
    let old = lab.open(0, "dr1").await?;
    lab.protect(&lab.open(0, "dr2").await?, "dr2", TWO, "two").await?;
    let refused = old.put(&group, ONE, &[entry(PV, "late")], soon()).await;
    let text = refused.err().map(|e| e.to_string()).unwrap_or_default();
    let named = [store.profile(), &group.to_string(), "dr2"].iter().all(|part| text.contains(part));
    ensure(named, format_args!("being superseded is told without profile, group and the new holder: {text}"))?;
    Ok("profile and group are named, no credentials shown".into())
}
