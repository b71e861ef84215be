//! One decision in the making: what is known so far, the status as it will be, and what has been decided.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::{
    actions,
    command::{Command, Event, MetadataPatch, take_effect},
    conditions::{self, FALSE, TRUE, UNKNOWN},
    events,
    member::{Member, Wanted},
    observation::{Need, NeedKey, Observation},
    records,
};
use crate::{
    api::{
        DRPlacementControl, DRPlacementControlStatus, DRState, ProgressionStatus,
        names::{annotations, conditions::drpc as names},
    },
    decision::{Age, Decision, Item, Seen, Sight, Wait},
    intercluster::{ClusterName, Failure, PlacementState},
};

/// When to look again where an event should come.
const EVENT_FALLBACK: Duration = Duration::from_secs(60);

/// Why a rule went no further.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something must be read first.
    Needs,
    /// Something must happen first; what, has been said.
    Waits,
}

/// The answer of a rule: its result, or why it went no further.
pub(super) type Flow<T = ()> = Result<T, Stop>;

/// The decision in the making.
#[derive(Debug)]
pub(super) struct Pass {
    /// What is known, with the effects of what has been decided so far.
    pub(super) seen: Observation,
    /// The status as it will be.
    pub(super) status: DRPlacementControlStatus,
    /// Whether the peers were found ready for the present generation, before this pass.
    pub(super) peers_were_ready: bool,
    /// Whether the status is to be written at the end of the pass. Not, where too little is known to say anything.
    pub(super) writes_status: bool,
    out: Decision<Need, Command>,
    patch: MetadataPatch,
    announced: Vec<Event>,
    // Copies as they were put together; forgotten when a record changes.
    members: BTreeMap<ClusterName, Member>,
}

impl Pass {
    pub(super) fn new(observation: &Observation) -> Self {
        let mut status = observation.drpc.status.clone().unwrap_or_default();
        let generation = observation.drpc.metadata.generation.unwrap_or_default();
        let peers_were_ready = conditions::get(&status.conditions, names::PEER_READY).is_some_and(|c| {
            c.status == TRUE && c.reason == names::REASON_SUCCESS && c.observed_generation == Some(generation)
        });
        // Times in an API object have whole seconds.
        let mut seen = observation.clone();
        seen.now = Timestamp::from_second(seen.now.as_second()).unwrap_or(seen.now);
        conditions::complete(&mut status.conditions, seen.now);
        let (out, patch, announced, members) = Default::default();
        Self { seen, status, peers_were_ready, writes_status: true, out, patch, announced, members }
    }

    /// The finished decision.
    pub(super) fn finish(mut self, flow: &Flow) -> Decision<Need, Command> {
        if matches!(flow, Err(Stop::Needs)) {
            return Decision { steps: Vec::new(), waits: Vec::new(), ..self.out };
        }
        if self.writes_status {
            self.persist("what this pass has found is shown");
        }
        self.out
    }

    // What is known.

    pub(super) fn drpc(&self) -> &DRPlacementControl {
        &self.seen.drpc
    }

    pub(super) fn name(&self) -> String {
        self.seen.drpc.name_any()
    }

    pub(super) fn generation(&self) -> i64 {
        self.seen.drpc.metadata.generation.unwrap_or_default()
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        let pending = self.patch.annotations.get(key).and_then(Option::as_deref);
        pending.or_else(|| self.seen.drpc.metadata.annotations.as_ref()?.get(key).map(String::as_str))
    }

    /// Stops the pass unless all of this is known.
    pub(super) fn need(&mut self, needs: impl IntoIterator<Item = Need>) -> Flow {
        let missing: Vec<_> = needs.into_iter().filter(|need| !self.seen.satisfies(need)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.out.needs = missing;
        Err(Stop::Needs)
    }

    /// Stops the pass unless the object on the cluster was seen just now, or could not be.
    pub(super) fn need_live(&mut self, cluster: &ClusterName) -> Flow {
        self.need([Need { key: NeedKey::Vrg(cluster.clone()), greatest_age: Age::Live }])
    }

    /// The two clusters of the policy.
    pub(super) fn clusters(&self) -> Vec<ClusterName> {
        match self.seen.policy.read() {
            Some(Sight::Found(policy)) => {
                policy.spec.dr_clusters.iter().map(|c| ClusterName::new(c.as_str())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The copy on a cluster. A record that cannot be read stops the pass: what was asked for must be known.
    pub(super) fn member(&mut self, cluster: &ClusterName) -> Flow<Member> {
        if let Some(member) = self.members.get(cluster) {
            return Ok(member.clone());
        }
        let facts = self.seen.clusters.get(cluster).cloned().unwrap_or_default();
        let seen = facts.vrg.read().cloned().unwrap_or(Seen { sight: Sight::Pending, age: Age::Old });
        let wanted = match facts.vrg_intent {
            Item::Read(Ok(Some(record))) => records::vrg_of(&record).map(|vrg| Some(Wanted { record, vrg })),
            Item::Read(Ok(None)) | Item::Unread => Ok(None),
            Item::Read(Err(failure)) => Err(failure),
        };
        match wanted {
            Ok(wanted) => {
                let member = Member { cluster: cluster.clone(), wanted, seen };
                self.members.insert(cluster.clone(), member.clone());
                Ok(member)
            }
            Err(failure) => Err(self.blocked(&failure)),
        }
    }

    /// The copies on all clusters of the policy.
    pub(super) fn members(&mut self) -> Flow<Vec<Member>> {
        self.clusters().iter().map(|cluster| self.member(cluster)).collect()
    }

    /// The placement; it has been resolved before any rule asks for it.
    pub(super) fn placement(&mut self) -> Flow<PlacementState> {
        match self.seen.placement.read() {
            Some(Ok(placement)) => Ok(placement.clone()),
            Some(Err(failure)) => {
                let failure = failure.clone();
                Err(self.blocked(&failure))
            }
            None => self.need([Need { key: NeedKey::Placement, greatest_age: Age::Fresh }]).and(Err(Stop::Needs)),
        }
    }

    // What is decided.

    /// Adds a command, and takes its effect for granted in what follows.
    pub(super) fn act(&mut self, command: Command, guard: impl Into<String>) {
        take_effect(&mut self.seen, &command);
        if let Command::PutVrg { cluster, .. } | Command::DeleteVrg { cluster, .. } = &command {
            self.members.remove(cluster);
        }
        self.out.step(command, guard);
    }

    /// Sets an annotation of the DRPlacementControl; several are one write.
    pub(super) fn annotate(&mut self, key: &str, value: impl Into<String>) {
        let value = value.into();
        if self.annotation(key) != Some(value.as_str()) {
            self.patch.annotations.insert(key.into(), Some(value));
        }
    }

    /// Adds to the change of metadata that this pass makes.
    pub(super) fn patch(&mut self) -> &mut MetadataPatch {
        &mut self.patch
    }

    /// Writes the change of metadata that was collected. Comes before the status at the latest.
    pub(super) fn flush(&mut self) {
        let patch = std::mem::take(&mut self.patch);
        if !patch.is_empty() {
            self.act(Command::PatchMetadata(patch), "the object's metadata say what a restored hub has to know");
        }
    }

    /// Writes the status here, if it is not so already, and then tells what it announces.
    pub(super) fn persist(&mut self, guard: &str) {
        let generation = self.generation();
        conditions::stamp(&mut self.status.conditions, generation);
        self.flush();
        let written = self.seen.drpc.status.clone().unwrap_or_default();
        self.status.last_update_time.clone_from(&written.last_update_time);
        if self.status != written {
            self.status.last_update_time = Some(Time(self.seen.now));
            let status = Box::new(self.status.clone());
            self.act(Command::PersistStatus(status), guard);
        }
        for event in std::mem::take(&mut self.announced) {
            self.act(Command::EmitEvent(event), "the user is told once the status says so");
        }
    }

    /// Writes the status here if the phase in it is not durable yet.
    pub(super) fn persist_phase(&mut self, guard: &str) {
        if self.seen.drpc.status.as_ref().and_then(|status| status.phase.as_ref()) != self.status.phase.as_ref() {
            self.persist(guard);
        }
    }

    /// Adds a sentence to the explanation.
    pub(super) fn because(&mut self, sentence: impl Into<String>) {
        self.out.because(sentence);
    }

    /// Says what is waited for, and stops the pass.
    pub(super) fn wait(&mut self, what: impl Into<String>, remedy: impl Into<String>) -> Stop {
        self.also_wait(what, remedy);
        Stop::Waits
    }

    /// Says what is waited for, and goes on.
    pub(super) fn also_wait(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        let since = self.status.action_start_time.as_ref().map(|time| time.0);
        let wait = Wait { what: what.into(), remedy: remedy.into(), since, fallback: EVENT_FALLBACK };
        if !self.out.waits.contains(&wait) {
            self.out.waits.push(wait);
        }
    }

    /// A read of the hub that failed: nothing is concluded from it, and nothing is written.
    pub(super) fn blocked(&mut self, failure: &Failure) -> Stop {
        self.writes_status = false;
        self.because(failure.to_string());
        self.wait(format!("the hub to be able to read what it needs ({})", failure.cause()), failure.what_helps())
    }

    // The status.

    /// Enters a phase: the generation it is about, its event, and the count of actions.
    pub(super) fn enter(&mut self, phase: DRState, message: impl Into<String>) {
        if self.status.phase.as_ref() == Some(&phase) {
            return;
        }
        let count = actions::entered(self.annotation(annotations::DR_ACTION_COUNT), self.status.phase.as_ref(), &phase);
        if !matches!(phase, DRState::WaitForUser | DRState::Initiating | DRState::Deleting) {
            self.annotate(annotations::DR_ACTION_COUNT, count);
        }
        self.announced.extend(events::of_phase(&phase, message.into()));
        self.status.phase = Some(phase);
        self.status.observed_generation = self.generation();
    }

    /// Starts an action, unless one is under way: an action that is changed half-way keeps its start.
    pub(super) fn begin(&mut self) {
        let under_way = [DRState::Initiating, DRState::Deploying, DRState::FailingOver, DRState::Relocating];
        if self.status.phase.as_ref().is_some_and(|phase| under_way.contains(phase)) {
            return;
        }
        self.enter(DRState::Initiating, "");
        self.status.progression = None;
        self.restart_clock();
    }

    /// An action, or the deletion, starts now.
    pub(super) fn restart_clock(&mut self) {
        self.status.action_start_time = Some(Time(self.seen.now));
        self.status.action_duration = None;
    }

    /// The step of the phase.
    pub(super) fn progress(&mut self, progression: ProgressionStatus) {
        self.status.progression = Some(progression);
    }

    /// Sets a condition.
    pub(super) fn condition(&mut self, type_: &str, status: &str, reason: &str, message: impl AsRef<str>) {
        conditions::set(&mut self.status.conditions, type_, status, reason, message.as_ref(), self.seen.now);
    }

    /// Condition `Available` as the phase has it.
    pub(super) fn available(&mut self, message: impl AsRef<str>) {
        let phase = self.status.phase.clone();
        let status = match &phase {
            Some(DRState::Deployed | DRState::FailedOver | DRState::Relocated) => TRUE,
            Some(DRState::Initiating | DRState::Deploying | DRState::FailingOver | DRState::Relocating) => FALSE,
            Some(DRState::WaitForUser | DRState::Deleting | DRState::Other(_)) | None => UNKNOWN,
        };
        let reason = phase.as_ref().map_or(names::REASON_NONE, DRState::as_str);
        self.condition(names::AVAILABLE, status, reason, message);
    }

    /// An action that cannot go on as things are: said in condition `Available` without changing its status, and told once.
    pub(super) fn refuse(&mut self, event: &str, message: impl Into<String>, remedy: impl Into<String>) -> Stop {
        let (message, remedy) = (message.into(), remedy.into());
        let text = format!("{message} (remedy: {remedy})");
        self.tell_if_new(event, &text);
        self.available(&text);
        self.because(&text);
        self.wait(message, remedy)
    }

    /// An input that cannot be worked with: condition `Available` is False, and the user is told once.
    pub(super) fn reject(&mut self, reason: &str, message: impl Into<String>, remedy: impl Into<String>) -> Stop {
        let (message, remedy) = (message.into(), remedy.into());
        let text = format!("{message} (remedy: {remedy})");
        self.tell_if_new(reason, &text);
        self.condition(names::AVAILABLE, FALSE, reason, &text);
        self.because(&text);
        self.wait(message, remedy)
    }

    /// Tells the user, unless condition `Available` said so already.
    fn tell_if_new(&mut self, reason: &str, message: &str) {
        let said = conditions::get(&self.status.conditions, names::AVAILABLE).is_some_and(|c| c.message == message);
        if !said {
            self.announced.push(Event { warning: true, reason: reason.into(), message: message.into() });
        }
    }
}
