//! The broken driver.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;

use super::DriverBend;
use crate::{
    api::PeerClass,
    intercluster::{Failure, FailureClass},
    protection::{
        VolumeFacts, VolumeId, VolumeUse,
        replication::{
            Claim, ClusterClasses, DataReady, DriverCapabilities, DriverCommand, DriverDecision, DriverObservation,
            PeerMatch, ProtectionFacts, ReplicationDriver, ReplicationRequest, Role,
        },
    },
    testing::{conformance::replication::Side, memory::locked},
    time::Deadline,
};

/// What the wrappers of one bed remember, across crashes.
#[derive(Debug, Default)]
pub(super) struct Memory {
    questions: Mutex<u64>,
    executed: Mutex<Vec<DriverCommand>>,
    ready: Mutex<BTreeSet<(Side, VolumeId)>>,
    success: Mutex<Option<DriverDecision>>,
    observed: Mutex<BTreeMap<String, DriverObservation>>,
}

#[derive(Debug)]
pub(super) struct BentDriver {
    pub(super) inner: Arc<dyn ReplicationDriver>,
    pub(super) peer: Arc<dyn ReplicationDriver>,
    pub(super) side: Side,
    pub(super) bend: DriverBend,
    pub(super) memory: Arc<Memory>,
}

impl BentDriver {
    /// The question as the inner driver gets it.
    fn bend_request(&self, request: &ReplicationRequest) -> ReplicationRequest {
        let mut request = request.clone();
        match self.bend {
            DriverBend::TestIsPrimary if request.role == Role::Test => request.role = Role::Primary,
            DriverBend::IgnoresDeletion => request.deleting = false,
            DriverBend::IgnoresUse => {
                for owned in &mut request.volumes {
                    (owned.volume.in_use, owned.volume.deleting) = (VolumeUse::Free, true);
                }
            }
            _ => {}
        }
        request
    }

    /// What is passed on of the inner driver's answer.
    fn bend_decision(&self, request: &ReplicationRequest, observed: &DriverObservation, decision: &mut DriverDecision) {
        match self.bend {
            DriverBend::CountsQuestions => {
                let mut questions = locked(&self.memory.questions);
                *questions += 1;
                decision.waits.push(format!("question {questions}"));
            }
            DriverBend::OmitsVerdicts if observed.0.is_null() => decision.volumes.clear(),
            DriverBend::ForgetsToStart => decision.commands.clear(),
            DriverBend::NeverRests => {
                let mut executed = locked(&self.memory.executed);
                if decision.commands.is_empty() {
                    decision.commands.clone_from(&executed);
                } else {
                    executed.clone_from(&decision.commands);
                }
            }
            DriverBend::TalksTooMuch => {
                decision.peer_info = "x".repeat(self.inner.capabilities().max_peer_info_bytes + 1).into();
            }
            DriverBend::FailsOpen => {
                let mut success = locked(&self.memory.success);
                if decision.volumes.values().any(|v| v.data_ready.state == DataReady::Unknown) {
                    *decision = success.clone().unwrap_or_default();
                } else {
                    *success = Some(decision.clone());
                }
            }
            _ => self.bend_verdicts(request, observed, decision),
        }
    }

    fn bend_verdicts(&self, request: &ReplicationRequest, observed: &DriverObservation, decision: &mut DriverDecision) {
        let leaving: BTreeSet<_> = request.release.iter().map(|owned| &owned.volume.id).collect();
        for (id, verdict) in &mut decision.volumes {
            let state = &mut verdict.data_ready.state;
            match self.bend {
                DriverBend::TrustsNothing if observed.0.is_null() => *state = DataReady::Ready,
                DriverBend::HidesSyncs => verdict.last_sync = None,
                DriverBend::ReleasesEarly if request.role == Role::Secondary => verdict.released = true,
                DriverBend::NeverReleases if leaving.contains(id) => verdict.released = false,
                DriverBend::ReadyAtOnce if request.role == Role::Primary => *state = DataReady::Ready,
                DriverBend::RemembersSuccess if request.role == Role::Primary => {
                    let mut ready = locked(&self.memory.ready);
                    if *state == DataReady::Ready {
                        ready.insert((self.side, id.clone()));
                    } else if ready.contains(&(self.side, id.clone())) {
                        *state = DataReady::Ready;
                    }
                }
                _ => {}
            }
        }
    }
}

#[async_trait]
impl ReplicationDriver for BentDriver {
    fn capabilities(&self) -> DriverCapabilities {
        self.inner.capabilities()
    }

    fn claims(&self, volume: &VolumeFacts, protection: &ProtectionFacts) -> Claim {
        match self.bend {
            DriverBend::OwnsEverything => Claim::Own { group: None },
            _ => self.inner.claims(volume, protection),
        }
    }

    fn peer_class(&self, a: &ClusterClasses, b: &ClusterClasses) -> PeerMatch {
        match (self.bend, self.inner.peer_class(a, b)) {
            (DriverBend::MatchesAnything, PeerMatch::No(_)) => PeerMatch::Peers(PeerClass::default()),
            (_, answer) => answer,
        }
    }

    async fn observe(&self, request: &ReplicationRequest, deadline: Deadline) -> Result<DriverObservation, Failure> {
        let answer = self.inner.observe(request, deadline).await;
        if self.bend == DriverBend::OutstaysDeadlines && deadline.has_passed() {
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
        let observed = answer?;
        if self.bend == DriverBend::MixesGroups {
            let mut all = locked(&self.memory.observed);
            let of_another = all.iter().find(|(name, _)| **name != request.group.name).map(|(_, seen)| seen.clone());
            all.insert(request.group.name.clone(), observed.clone());
            return Ok(of_another.unwrap_or(observed));
        }
        Ok(observed)
    }

    fn decide(&self, request: &ReplicationRequest, observed: &DriverObservation) -> DriverDecision {
        let request = self.bend_request(request);
        let mut decision = self.inner.decide(&request, observed);
        self.bend_decision(&request, observed, &mut decision);
        decision
    }

    fn expect(&self, observed: &DriverObservation, command: &DriverCommand) -> DriverObservation {
        match self.bend {
            DriverBend::ExpectsNothing => observed.clone(),
            _ => self.inner.expect(observed, command),
        }
    }

    async fn execute(&self, command: &DriverCommand, deadline: Deadline) -> Result<(), Failure> {
        match self.bend {
            DriverBend::OnceOnly => {
                let mut executed = locked(&self.memory.executed);
                if executed.contains(command) {
                    return Err(Failure::new(FailureClass::Invalid, "this was done already"));
                }
                executed.push(command.clone());
            }
            DriverBend::ActsOnPeers => drop(self.peer.execute(command, deadline).await),
            _ => {}
        }
        match self.inner.execute(command, deadline).await {
            Err(failure) if self.bend == DriverBend::NamelessFailures => {
                Err(Failure::new(failure.class(), "the storage did not do it"))
            }
            answer => answer,
        }
    }
}
