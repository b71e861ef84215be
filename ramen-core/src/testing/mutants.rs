//! Implementations that break one promise each, to show that the kit notices.
//!
//! Most are wrappers around a transport, view or registry, whichever: [`MutantBed`] puts one around everything that a bed starts.
//! What can only be broken inside is a [`Defect`] of the transport in memory.

mod cluster_data;
mod placement;
mod registry;
mod replication;
mod transport;
mod view;

pub use cluster_data::{MutantStoreBed, STORE_MUTANTS, StoreBend};
pub use placement::{MutantPlacementBed, PLACEMENT_MUTANTS, PlacementBend};
pub use replication::{DRIVER_MUTANTS, DriverBend, MutantDriverBed};

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    conformance::{Admin, BedError, Fault, HubSide, RecordsEvent, TransportBed},
    memory::{Defect, InMemoryBed},
};
use crate::intercluster::{ClusterName, Intent, IntentId, ObjectKey, Observation};

/// A promise that a wrapper breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is documented by the case that notices it")]
pub enum Bend {
    ForgetsAnnotations,
    WaitsForTheCluster,
    TouchesRecords,
    IgnoresPreconditions,
    TakesOverNames,
    TruncatesNames,
    CountsOlderSuccess,
    KeepsDroppedFields,
    KeepsDroppedMetadata,
    HidesPrerequisites,
    IgnoresStrategy,
    AlwaysAdopts,
    AlwaysForces,
    RefusesAbsent,
    GoneOnRequest,
    DeletesInsteadOfOrphaning,
    DropsStatus,
    DatedByAnswer,
    IgnoresAge,
    IgnoresRevision,
    ForbiddenIsAbsent,
    UnreachableIsAbsent,
    AnyNotFoundIsAbsent,
    BelievesTheDead,
    AnswersAboutAnother,
    HidesFailures,
    ForgetsOtherRegistrants,
    CutsLargeObjects,
    KeepsFirstUid,
    DropsChanges,
    TellsOnlyTheFirst,
    TellsOnlyDifferences,
    HidesLoss,
    OutstaysDeadlines,
    OneAtATime,
    DropsUnknownFields,
    NamelessFailures,
    ImplausibleBounds,
    JoinedMeansReachable,
    MixesReads,
}

/// What is broken, and how it is brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// By a wrapper.
    Bend(Bend),
    /// Inside the transport in memory.
    Defect(Defect),
}

/// A broken implementation and the case that has to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mutant {
    /// The number of the case.
    pub killed_by: &'static str,
    /// What is broken.
    pub mutation: Mutation,
}

impl Mutant {
    /// A bed in memory whose hub side is this mutant.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn bed(&self) -> Box<dyn TransportBed> {
        match self.mutation {
            Mutation::Bend(bend) => Box::new(MutantBed::new(Arc::new(InMemoryBed::new()), bend)),
            Mutation::Defect(defect) => Box::new(InMemoryBed::defective(defect)),
        }
    }
}

const fn bend(killed_by: &'static str, bend: Bend) -> Mutant {
    Mutant { killed_by, mutation: Mutation::Bend(bend) }
}

const fn defect(killed_by: &'static str, defect: Defect) -> Mutant {
    Mutant { killed_by, mutation: Mutation::Defect(defect) }
}

/// At least one mutant for each case.
pub const MUTANTS: &[Mutant] = &[
    bend("T1", Bend::ForgetsAnnotations),
    bend("T2", Bend::WaitsForTheCluster),
    defect("T3", Defect::VolatileRecords),
    bend("T4", Bend::TouchesRecords),
    defect("T5", Defect::Reorders),
    bend("T6", Bend::IgnoresPreconditions),
    bend("T7", Bend::TakesOverNames),
    bend("T8", Bend::TruncatesNames),
    bend("T9", Bend::CountsOlderSuccess),
    defect("T10", Defect::ReplacesWhole),
    bend("T11", Bend::KeepsDroppedFields),
    bend("T12", Bend::KeepsDroppedMetadata),
    defect("T13", Defect::NeverRepairs),
    defect("T14", Defect::AppliesInSpecOrder),
    bend("T15", Bend::HidesPrerequisites),
    defect("T16", Defect::ChurnsGeneration),
    bend("T17", Bend::IgnoresStrategy),
    bend("T18", Bend::AlwaysAdopts),
    defect("T19", Defect::FirstReleaseDeletes),
    bend("T20", Bend::AlwaysForces),
    defect("T21", Defect::RecreatesOnAdoption),
    bend("T22", Bend::RefusesAbsent),
    bend("T23", Bend::GoneOnRequest),
    defect("T24", Defect::ResurrectsDuringDeletion),
    bend("T25", Bend::DeletesInsteadOfOrphaning),
    defect("T26", Defect::DeletesByName),
    defect("T27", Defect::MirrorsLoss),
    defect("T28", Defect::RightsFirst),
    bend("V1", Bend::DropsStatus),
    bend("V2", Bend::DatedByAnswer),
    bend("V3", Bend::IgnoresAge),
    bend("V4", Bend::IgnoresRevision),
    bend("V5", Bend::ForbiddenIsAbsent),
    bend("V5", Bend::UnreachableIsAbsent),
    bend("V6", Bend::AnyNotFoundIsAbsent),
    bend("V7", Bend::BelievesTheDead),
    bend("V8", Bend::AnswersAboutAnother),
    bend("V9", Bend::HidesFailures),
    bend("V10", Bend::ForgetsOtherRegistrants),
    defect("V11", Defect::KeepsUnclaimed),
    bend("V12", Bend::CutsLargeObjects),
    defect("V13", Defect::ShowsSecrets),
    bend("V14", Bend::KeepsFirstUid),
    bend("V15", Bend::DropsChanges),
    bend("V16", Bend::TellsOnlyTheFirst),
    bend("V17", Bend::TellsOnlyDifferences),
    bend("V18", Bend::HidesLoss),
    bend("C1", Bend::OutstaysDeadlines),
    bend("C2", Bend::OneAtATime),
    defect("C3", Defect::QueuesEveryChange),
    defect("C4", Defect::Hammers),
    defect("C5", Defect::NoRevisionCheck),
    defect("C6", Defect::TrustsOldRecords),
    defect("C7", Defect::TrustsClusterClock),
    bend("C8", Bend::DropsUnknownFields),
    bend("C9", Bend::NamelessFailures),
    defect("C10", Defect::NoRevisionCheck),
    bend("C11", Bend::ImplausibleBounds),
    defect("R1", Defect::SkipsIdentity),
    bend("R2", Bend::JoinedMeansReachable),
    defect("R3", Defect::DeletesOnUnregister),
    bend("R5", Bend::MixesReads),
];

/// What a wrapper remembers, across the transports and views of one bed.
#[derive(Default)]
struct Memory {
    found: Mutex<BTreeMap<ObjectKey, Observation>>,
    last: Mutex<Option<Observation>>,
    uids: Mutex<BTreeMap<ObjectKey, String>>,
    applied: Mutex<Vec<IntentId>>,
    count: Mutex<u64>,
    one: tokio::sync::Mutex<()>,
}

/// What a wrapper works with.
#[derive(Clone)]
struct Bent {
    bend: Bend,
    hub: HubSide,
    memory: Arc<Memory>,
    bed: Arc<dyn TransportBed>,
}

impl std::fmt::Debug for Bent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bent({:?}, {:?})", self.bend, self.hub)
    }
}

/// A bed whose hub sides break a promise.
pub struct MutantBed {
    inner: Arc<dyn TransportBed>,
    bend: Bend,
    memory: Arc<Memory>,
}

impl std::fmt::Debug for MutantBed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MutantBed({:?}, {:?})", self.bend, self.inner)
    }
}

impl MutantBed {
    /// The bed with a wrapper around each of its hub sides.
    pub fn new(inner: Arc<dyn TransportBed>, bend: Bend) -> Self {
        Self { inner, bend, memory: Arc::default() }
    }

    fn wrap(&self, hub: HubSide) -> HubSide {
        let registry = hub.registry.is_some();
        let bent = Bent { bend: self.bend, hub, memory: self.memory.clone(), bed: self.inner.clone() };
        let bent = Arc::new(bent);
        HubSide { transport: bent.clone(), view: bent.clone(), registry: registry.then_some(bent as _) }
    }
}

#[async_trait]
impl TransportBed for MutantBed {
    fn clusters(&self) -> Vec<ClusterName> {
        self.inner.clusters()
    }

    async fn reset(&self) -> Result<(), BedError> {
        self.inner.reset().await
    }

    async fn hub(&self) -> Result<HubSide, BedError> {
        self.inner.hub().await.map(|hub| self.wrap(hub))
    }

    fn admin(&self, cluster: &ClusterName) -> Result<Arc<dyn Admin>, BedError> {
        self.inner.admin(cluster)
    }

    async fn inflict(&self, cluster: &ClusterName, fault: Fault) -> Result<(), BedError> {
        self.inner.inflict(cluster, fault).await
    }

    async fn heal(&self, cluster: &ClusterName) -> Result<(), BedError> {
        self.inner.heal(cluster).await
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn wait(&self, time: Duration) {
        self.inner.wait(time).await;
    }

    fn slack(&self) -> Duration {
        self.inner.slack()
    }

    fn credentials(&self) -> Vec<String> {
        self.inner.credentials()
    }

    async fn kill_hub(&self) -> Result<HubSide, BedError> {
        self.inner.kill_hub().await.map(|hub| self.wrap(hub))
    }

    async fn second_hub(&self) -> Result<HubSide, BedError> {
        self.inner.second_hub().await.map(|hub| self.wrap(hub))
    }

    async fn records(&self, event: RecordsEvent) -> Result<(), BedError> {
        self.inner.records(event).await
    }

    async fn unregister(&self, cluster: &ClusterName) -> Result<(), BedError> {
        self.inner.unregister(cluster).await
    }

    async fn attempts(&self, cluster: &ClusterName) -> Result<Vec<Timestamp>, BedError> {
        self.inner.attempts(cluster).await
    }

    async fn record_version(&self, id: &IntentId) -> Result<Option<String>, BedError> {
        self.inner.record_version(id).await
    }

    fn rights(&self, cluster: &ClusterName) -> Option<Intent> {
        self.inner.rights(cluster)
    }
}
