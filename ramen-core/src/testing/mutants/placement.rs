//! Broken placements, for cases P1-P12.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};

use crate::{
    intercluster::{
        Decision, DecisionsVersion, Failure, FailureClass, Placement, PlacementKind, PlacementOwner, PlacementRef,
        PlacementState,
    },
    testing::conformance::{BedError, placement::PlacementBed},
    time::Deadline,
};

/// A promise of a placement that a wrapper breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is documented by the case that notices it")]
pub enum PlacementBend {
    MissingIsEmpty,
    SetsOneByOne,
    IgnoresVersions,
    AlwaysWrites,
    DropsRetained,
    SharesClaims,
    ReleaseClears,
    ReleasesAtOnce,
    TakesForeign,
    TellsNothing,
    DeadIsMissing,
}

/// Broken placements, each with the number of the case that has to notice.
pub const PLACEMENT_MUTANTS: &[(&str, PlacementBend)] = &[
    ("P1", PlacementBend::MissingIsEmpty),
    ("P2", PlacementBend::SetsOneByOne),
    ("P3", PlacementBend::IgnoresVersions),
    ("P4", PlacementBend::AlwaysWrites),
    ("P5", PlacementBend::DropsRetained),
    ("P6", PlacementBend::SharesClaims),
    ("P7", PlacementBend::ReleaseClears),
    ("P8", PlacementBend::ReleasesAtOnce),
    ("P9", PlacementBend::TakesForeign),
    ("P10", PlacementBend::TellsNothing),
    ("P11", PlacementBend::DeadIsMissing),
    ("P12", PlacementBend::IgnoresVersions),
];

/// A bed whose placements break a promise.
#[derive(Debug)]
pub struct MutantPlacementBed {
    inner: Arc<dyn PlacementBed>,
    bend: PlacementBend,
}

impl MutantPlacementBed {
    /// The bed with a wrapper around each placement.
    pub fn new(inner: Arc<dyn PlacementBed>, bend: PlacementBend) -> Self {
        Self { inner, bend }
    }
}

#[async_trait]
impl PlacementBed for MutantPlacementBed {
    fn name(&self) -> String {
        format!("{} with {:?}", self.inner.name(), self.bend)
    }

    async fn reset(&self) -> Result<(), BedError> {
        self.inner.reset().await
    }

    fn placement(&self) -> Result<Arc<dyn Placement>, BedError> {
        Ok(Arc::new(BentPlacement { inner: self.inner.placement()?, bend: self.bend }))
    }

    async fn create(&self, reference: &PlacementRef, ours: bool) -> Result<(), BedError> {
        self.inner.create(reference, ours).await
    }

    async fn delete(&self, reference: &PlacementRef) -> Result<(), BedError> {
        self.inner.delete(reference).await
    }

    async fn decisions(&self, reference: &PlacementRef) -> Result<Vec<String>, BedError> {
        self.inner.decisions(reference).await
    }

    async fn writes(&self) -> Result<u64, BedError> {
        self.inner.writes().await
    }

    async fn cut(&self, cut: bool) -> Result<(), BedError> {
        self.inner.cut(cut).await
    }

    async fn wait(&self, time: Duration) {
        self.inner.wait(time).await;
    }

    fn told_within(&self) -> Duration {
        self.inner.told_within()
    }

    fn slack(&self) -> Duration {
        self.inner.slack()
    }
}

#[derive(Debug)]
struct BentPlacement {
    inner: Arc<dyn Placement>,
    bend: PlacementBend,
}

fn made_up(reference: &PlacementRef) -> PlacementState {
    PlacementState {
        reference: reference.clone(),
        kind: PlacementKind::Other,
        uid: "made-up".into(),
        deleting: false,
        annotations: std::collections::BTreeMap::new(),
        held_by: None,
        can_retain: true,
        decisions: Vec::new(),
        version: DecisionsVersion(String::new()),
    }
}

impl BentPlacement {
    fn pass(
        &self,
        reference: &PlacementRef,
        answer: Result<PlacementState, Failure>,
    ) -> Result<PlacementState, Failure> {
        let failure = match answer {
            Ok(state) => return Ok(state),
            Err(failure) => failure,
        };
        match (self.bend, failure.class()) {
            (PlacementBend::MissingIsEmpty, FailureClass::Prerequisite)
            | (PlacementBend::TakesForeign, FailureClass::Invalid) => Ok(made_up(reference)),
            (PlacementBend::DeadIsMissing, class) if class.is_transport() => {
                Err(Failure::new(FailureClass::Prerequisite, "there is no such placement"))
            }
            _ => Err(failure),
        }
    }
}

#[async_trait]
impl Placement for BentPlacement {
    async fn resolve(&self, reference: &PlacementRef, deadline: Deadline) -> Result<PlacementState, Failure> {
        self.pass(reference, self.inner.resolve(reference, deadline).await)
    }

    async fn claim(
        &self,
        reference: &PlacementRef,
        owner: &PlacementOwner,
        deadline: Deadline,
    ) -> Result<PlacementState, Failure> {
        match self.inner.claim(reference, owner, deadline).await {
            Err(failure) if self.bend == PlacementBend::SharesClaims && failure.class() == FailureClass::Ownership => {
                self.inner.resolve(reference, deadline).await
            }
            Ok(state) if self.bend == PlacementBend::ReleasesAtOnce => {
                self.inner.release(reference, owner, deadline).await.map(|()| state)
            }
            answer => self.pass(reference, answer),
        }
    }

    async fn release(
        &self,
        reference: &PlacementRef,
        owner: &PlacementOwner,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        self.inner.release(reference, owner, deadline).await?;
        if self.bend == PlacementBend::ReleaseClears
            && let Ok(state) = self.inner.resolve(reference, deadline).await
        {
            self.inner.set(reference, &[], &state.version, deadline).await?;
        }
        Ok(())
    }

    async fn set(
        &self,
        reference: &PlacementRef,
        decisions: &[Decision],
        version: &DecisionsVersion,
        deadline: Deadline,
    ) -> Result<PlacementState, Failure> {
        let mut version = version.clone();
        let mut decisions = decisions.to_vec();
        match self.bend {
            PlacementBend::SetsOneByOne if decisions.len() > 1 => {
                version = self.inner.set(reference, &decisions[..1], &version, deadline).await?.version;
            }
            PlacementBend::AlwaysWrites => {
                version = self.inner.set(reference, &[], &version, deadline).await?.version;
            }
            PlacementBend::IgnoresVersions => {
                // However often another is faster.
                for _ in 0..8 {
                    version = self.inner.resolve(reference, deadline).await?.version;
                    match self.inner.set(reference, &decisions, &version, deadline).await {
                        Err(failure) if failure.class() == FailureClass::Conflict => {}
                        answer => return answer,
                    }
                }
            }
            PlacementBend::DropsRetained => decisions.retain(|decision| !decision.is_retained()),
            _ => {}
        }
        self.pass(reference, self.inner.set(reference, &decisions, &version, deadline).await)
    }

    fn changes(&self) -> BoxStream<'static, PlacementRef> {
        match self.bend {
            PlacementBend::TellsNothing => futures::stream::pending().boxed(),
            _ => self.inner.changes(),
        }
    }
}
