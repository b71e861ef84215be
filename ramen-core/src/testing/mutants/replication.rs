//! Broken replication drivers, for cases M1-M22.

mod bed;
mod driver;

pub use bed::MutantDriverBed;

/// A promise of a driver that a wrapper breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is documented by the case that notices it")]
pub enum DriverBend {
    CountsQuestions,
    OmitsVerdicts,
    TrustsNothing,
    OwnsEverything,
    MatchesAnything,
    HidesSyncs,
    ForgetsToStart,
    OnceOnly,
    TestIsPrimary,
    IgnoresUse,
    ReleasesEarly,
    ReadyAtOnce,
    RemembersSuccess,
    ExpectsNothing,
    NeverRests,
    TalksTooMuch,
    ActsOnPeers,
    FailsOpen,
    NeverReleases,
    IgnoresDeletion,
    OutstaysDeadlines,
    MixesGroups,
    NamelessFailures,
}

/// Broken drivers, each with the number of the case that has to notice. They take a good driver that has commands, observes its
/// storage and reports when it last synchronised.
pub const DRIVER_MUTANTS: &[(&str, DriverBend)] = &[
    ("M1", DriverBend::CountsQuestions),
    ("M2", DriverBend::OmitsVerdicts),
    ("M2", DriverBend::TrustsNothing),
    ("M3", DriverBend::OwnsEverything),
    ("M4", DriverBend::MatchesAnything),
    ("M5", DriverBend::HidesSyncs),
    ("M6", DriverBend::ForgetsToStart),
    ("M7", DriverBend::OnceOnly),
    ("M8", DriverBend::TestIsPrimary),
    ("M9", DriverBend::IgnoresUse),
    ("M10", DriverBend::ReleasesEarly),
    ("M11", DriverBend::ReadyAtOnce),
    ("M12", DriverBend::RemembersSuccess),
    ("M13", DriverBend::ExpectsNothing),
    ("M14", DriverBend::NeverRests),
    ("M15", DriverBend::TalksTooMuch),
    ("M16", DriverBend::ActsOnPeers),
    ("M17", DriverBend::FailsOpen),
    ("M18", DriverBend::NeverReleases),
    ("M19", DriverBend::IgnoresDeletion),
    ("M20", DriverBend::OutstaysDeadlines),
    ("M21", DriverBend::MixesGroups),
    ("M22", DriverBend::NamelessFailures),
];
