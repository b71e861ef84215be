//! The kit for [`Placement`]: cases P1-P12.

mod bed;

pub use bed::PlacementBed;

use std::{sync::Arc, time::Duration};

use futures::StreamExt;

use super::{
    kit::{self, KitCase, kit_cases},
    lab::{broken, ensure},
    report::{CaseOutcome, Report, Unmet},
};
use crate::{
    intercluster::{Decision, Failure, FailureClass, Placement, PlacementOwner, PlacementRef, PlacementState},
    time::Deadline,
};

/// A case for placements.
pub type PlacementCase = KitCase<dyn PlacementBed>;

/// All cases, in the order of their numbers.
pub fn cases() -> Vec<PlacementCase> {
    CASES.to_vec()
}

/// Runs all cases on a bed.
pub async fn run(bed: &(dyn PlacementBed + 'static)) -> Report {
    kit::run(bed.name(), bed, cases(), None).await
}

/// Runs the cases of these numbers on a bed.
pub async fn run_some(bed: &(dyn PlacementBed + 'static), ids: &[&str]) -> Report {
    kit::run(bed.name(), bed, cases(), Some(ids)).await
}

const CASES: &[PlacementCase] = kit_cases![PlacementLab;
    "P1": "a placement is found with its identity and no decisions; a missing one is a prerequisite",
        "an application is deployed nowhere, and nobody says that its placement is missing", resolving;
    "P2": "setting replaces the whole list in one write, and GitOps controllers read it",
        "between two writes a GitOps controller deletes the application", one_write;
    "P3": "a list that was changed since it was read is not replaced",
        "two leaders undo each other's placement", outdated;
    "P4": "setting what is set already writes nothing",
        "every pass wakes every GitOps controller", idle;
    "P5": "a retained decision keeps its place without being the current one, or is refused",
        "the application is removed before its volumes are secondary", retained;
    "P6": "a claim is made once and by one owner",
        "two DRPlacementControls move one application", claims;
    "P7": "releasing keeps the decisions, and what is gone or another's is left alone",
        "disabling DR stops the application", release;
    "P8": "a claimed placement is not deleted without its owner",
        "the application is removed everywhere before DR has let go", deletion;
    "P9": "a placement that another scheduler drives is refused",
        "two schedulers move one application", foreign;
    "P10": "a change by anybody is told",
        "a deletion or a change by hand is noticed hours later", changes;
    "P11": "a hub out of reach is not a missing placement, and every call ends by its deadline",
        "an outage of the hub is taken for the end of an application", unreachable;
    "P12": "of two who set from the same version one wins",
        "the list that counts is not the one that was reported", race;
];

const CALL: Duration = Duration::from_secs(10);

fn soon() -> Deadline {
    Deadline::after(CALL)
}

fn must_be<T: std::fmt::Debug>(what: &str, answer: Result<T, Failure>, class: FailureClass) -> Result<(), Unmet> {
    match answer {
        Err(failure) if failure.class() == class => Ok(()),
        other => broken(format_args!("{what}: instead of {class} came {other:?}")),
    }
}

/// A bed that was reset, for one case.
#[derive(Debug)]
struct PlacementLab<'b> {
    bed: &'b dyn PlacementBed,
    id: &'static str,
}

impl<'b> PlacementLab<'b> {
    async fn set_up(bed: &'b dyn PlacementBed, id: &'static str) -> Result<Self, Unmet> {
        bed.reset().await?;
        Ok(Self { bed, id })
    }

    fn open(&self) -> Result<Arc<dyn Placement>, Unmet> {
        Ok(self.bed.placement()?)
    }

    fn reference(&self) -> PlacementRef {
        PlacementRef { namespace: "default".into(), name: format!("kit-{}", self.id.to_lowercase()) }
    }

    fn owner(&self, name: &str) -> PlacementOwner {
        PlacementOwner { namespace: "default".into(), name: name.into(), finalizer: "drpc.example.com/kit".into() }
    }

    /// A placement of this case, as it was found.
    async fn created(&self) -> Result<(Arc<dyn Placement>, PlacementRef, PlacementState), Unmet> {
        let (placement, reference) = (self.open()?, self.reference());
        self.bed.create(&reference, true).await?;
        let state = placement.resolve(&reference, soon()).await?;
        Ok((placement, reference, state))
    }

    /// One with a live decision for dr1.
    async fn decided(&self) -> Result<(Arc<dyn Placement>, PlacementRef, PlacementState), Unmet> {
        let (placement, reference, state) = self.created().await?;
        let state = placement.set(&reference, &[Decision::live("dr1")], &state.version, soon()).await?;
        Ok((placement, reference, state))
    }

    async fn must_read(&self, expected: &[&str]) -> Result<(), Unmet> {
        let read = self.bed.decisions(&self.reference()).await?;
        ensure(read == expected, format_args!("a GitOps controller reads {read:?} instead of {expected:?}"))
    }
}

async fn resolving(lab: &PlacementLab<'_>) -> CaseOutcome {
    let placement = lab.open()?;
    must_be("a missing placement", placement.resolve(&lab.reference(), soon()).await, FailureClass::Prerequisite)?;
    let (_, reference, state) = lab.created().await?;
    let whole = state.reference == reference && !state.uid.is_empty() && state.decisions.is_empty() && !state.deleting;
    ensure(whole && state.current().is_none() && state.held_by.is_none(), format_args!("found as {state:?}"))?;
    Ok("Prerequisite, then found".into())
}

async fn one_write(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, first) = lab.decided().await?;
    lab.must_read(&["dr1"]).await?;
    let before = lab.bed.writes().await?;
    let both = [Decision::live("dr2"), Decision::live("dr1")];
    let second = placement.set(&reference, &both, &first.version, soon()).await?;
    let writes = lab.bed.writes().await? - before;
    ensure(writes == 1, format_args!("it took {writes} writes"))?;
    lab.must_read(&["dr2", "dr1"]).await?;
    let read = lab.open()?.resolve(&reference, soon()).await?;
    let same = read.decisions == second.decisions && read.version == second.version && second.version != first.version;
    ensure(same, format_args!("set answered {second:?}, another reads {read:?}"))?;
    let named: Vec<_> = read.decisions.iter().map(|d| d.cluster.as_str()).collect();
    ensure(named == ["dr2", "dr1"], format_args!("decisions are {named:?}"))?;
    Ok("one write; two decisions in their order".into())
}

async fn outdated(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, first) = lab.decided().await?;
    lab.open()?.set(&reference, &[Decision::live("dr2")], &first.version, soon()).await?;
    let late = placement.set(&reference, &[Decision::live("dr3")], &first.version, soon()).await;
    must_be("an outdated version", late, FailureClass::Conflict)?;
    lab.must_read(&["dr2"]).await?;
    Ok("Conflict, and the list stayed".into())
}

async fn idle(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, first) = lab.decided().await?;
    let before = lab.bed.writes().await?;
    let again = placement.set(&reference, &[Decision::live("dr1")], &first.version, soon()).await?;
    ensure(lab.bed.writes().await? == before, "setting the same list wrote")?;
    ensure(again.version == first.version, "the version of an unchanged list changed")?;
    Ok("no write".into())
}

async fn retained(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, first) = lab.decided().await?;
    let list = [Decision::retained("dr1"), Decision::live("dr2")];
    let answer = placement.set(&reference, &list, &first.version, soon()).await;
    if !first.can_retain {
        ensure(answer.is_err(), "declared unable to retain, it did")?;
        return lab.must_read(&["dr1"]).await.map(|()| "refused, as declared; the list stayed".into());
    }
    let state = answer?;
    ensure(
        state.current().is_some_and(|c| c.as_str() == "dr2"),
        format_args!("the current one is {:?}", state.current()),
    )?;
    lab.must_read(&["dr1", "dr2"]).await?;
    let read = placement.resolve(&reference, soon()).await?;
    ensure(
        read.decisions.first().is_some_and(Decision::is_retained),
        format_args!("read back as {:?}", read.decisions),
    )?;
    Ok("kept beside the current one".into())
}

async fn claims(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, _) = lab.created().await?;
    let held = placement.claim(&reference, &lab.owner("one"), soon()).await?;
    ensure(held.held_by == Some(("default".into(), "one".into())), format_args!("held by {:?}", held.held_by))?;
    let before = lab.bed.writes().await?;
    lab.open()?.claim(&reference, &lab.owner("one"), soon()).await?;
    ensure(lab.bed.writes().await? == before, "claiming again wrote")?;
    let other = lab.open()?.claim(&reference, &lab.owner("two"), soon()).await;
    must_be("another owner's claim", other, FailureClass::Ownership)?;
    ensure(placement.resolve(&reference, soon()).await?.held_by == held.held_by, "the holder changed")?;
    Ok("once; another is refused as Ownership".into())
}

async fn release(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, _) = lab.decided().await?;
    placement.claim(&reference, &lab.owner("one"), soon()).await?;
    placement.release(&reference, &lab.owner("two"), soon()).await?;
    let refused = placement.claim(&reference, &lab.owner("two"), soon()).await;
    must_be("a claim after somebody else's release", refused, FailureClass::Ownership)?;
    for _ in 0..2 {
        placement.release(&reference, &lab.owner("one"), soon()).await?;
    }
    lab.must_read(&["dr1"]).await?;
    placement.claim(&reference, &lab.owner("two"), soon()).await?;
    placement.release(&reference, &lab.owner("two"), soon()).await?;
    let gone = PlacementRef { name: "gone".into(), ..reference };
    placement.release(&gone, &lab.owner("one"), soon()).await?;
    Ok("the decisions stayed; another's and a missing one were left alone; it can be held again".into())
}

async fn deletion(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, _) = lab.decided().await?;
    placement.claim(&reference, &lab.owner("one"), soon()).await?;
    lab.bed.delete(&reference).await?;
    let state = placement.resolve(&reference, soon()).await?;
    ensure(state.deleting, "its deletion is not told")?;
    lab.must_read(&["dr1"]).await?;
    placement.release(&reference, &lab.owner("one"), soon()).await?;
    must_be("once released", placement.resolve(&reference, soon()).await, FailureClass::Prerequisite)?;
    Ok("it stayed, marked as being deleted, until it was released".into())
}

async fn foreign(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference) = (lab.open()?, lab.reference());
    lab.bed.create(&reference, false).await?;
    let before = lab.bed.writes().await?;
    must_be("resolving it", placement.resolve(&reference, soon()).await, FailureClass::Invalid)?;
    must_be("claiming it", placement.claim(&reference, &lab.owner("one"), soon()).await, FailureClass::Invalid)?;
    ensure(lab.bed.writes().await? == before, "it was written all the same")?;
    Ok("Invalid, and nothing was written".into())
}

async fn changes(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, first) = lab.decided().await?;
    let mut told = placement.changes();
    lab.bed.wait(CALL).await;
    while let Some(Some(_)) = futures::FutureExt::now_or_never(told.next()) {}
    let mut version = first.version;
    for what in ["decisions", "deletion"] {
        if what == "decisions" {
            version = lab.open()?.set(&reference, &[Decision::live("dr2")], &version, soon()).await?.version;
        } else {
            lab.bed.delete(&reference).await?;
        }
        let next = async {
            while let Some(changed) = told.next().await {
                if changed == reference {
                    return true;
                }
            }
            false
        };
        let heard = tokio::select! { heard = next => heard, () = lab.bed.wait(lab.bed.told_within()) => false };
        ensure(heard, format_args!("nothing told of a change of its {what}"))?;
    }
    Ok("decisions of another writer, and the deletion".into())
}

async fn unreachable(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (placement, reference, first) = lab.decided().await?;
    lab.bed.cut(true).await?;
    let owner = lab.owner("one");
    let start = tokio::time::Instant::now();
    let answers = [
        ("resolve", placement.resolve(&reference, soon()).await.err()),
        ("claim", placement.claim(&reference, &owner, soon()).await.err()),
        ("release", placement.release(&reference, &owner, soon()).await.err()),
        ("set", placement.set(&reference, &[Decision::live("dr2")], &first.version, soon()).await.err()),
    ];
    let took = start.elapsed();
    lab.bed.cut(false).await?;
    for (what, failure) in answers {
        match failure {
            Some(failure) if failure.class().is_transport() => {}
            other => return broken(format_args!("{what} on a hub out of reach ended with {other:?}")),
        }
    }
    let late = took.saturating_sub(CALL * 4 + lab.bed.slack());
    ensure(late.is_zero(), format_args!("four calls outstayed their deadlines by {late:?}"))?;
    Ok("Unreachable or TimedOut, in time".into())
}

async fn race(lab: &PlacementLab<'_>) -> CaseOutcome {
    let (one, reference, first) = lab.decided().await?;
    let two = lab.open()?;
    let (list_one, list_two) = ([Decision::live("dr2")], [Decision::live("dr3")]);
    let (a, b) = futures::join!(
        one.set(&reference, &list_one, &first.version, soon()),
        two.set(&reference, &list_two, &first.version, soon())
    );
    let winner = match (a, b) {
        (Ok(_), lost) => must_be("the other", lost, FailureClass::Conflict).map(|()| "dr2")?,
        (lost, Ok(_)) => must_be("the other", lost, FailureClass::Conflict).map(|()| "dr3")?,
        (a, b) => return broken(format_args!("nobody won: {a:?}, {b:?}")),
    };
    lab.must_read(&[winner]).await?;
    Ok("one; the other was told".into())
}
