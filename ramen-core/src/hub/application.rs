//! DRPlacementControl: one protected application, decided.
//!
//! [`decide`] takes an [`Observation`] and answers with what must be read, what is to be done in which order, and what is
//! waited for. It reads and writes nothing, remembers nothing, and every combination of what may be known has an answer.
//!
//! | To know | open |
//! |---|---|
//! | in which order a pass looks at things | `entry` |
//! | which inputs are refused | `input` |
//! | what may be concluded from what a cluster shows | `member` |
//! | when an application is deployed for the first time | `deploy` |
//! | when we may fail over to a cluster | `failover`, `prerequisites` |
//! | how an application moves without losing a write | `relocate` |
//! | what follows a switch, and what a pass at rest looks after | `completion` |
//! | what a rebuilt hub does | `recovery`, `adoption` |
//! | when something is removed | `deletion` |
//! | where the application is deployed | `placement` |
//! | what a VolumeReplicationGroup looks like | `vrg_spec`, `epoch` |
//! | what the status says | `status`, `protected`, `conditions`, `events`, `metrics`, `actions` |
//! | what would happen, without doing it | [`plan`] |
//!
//! # The rules that everything follows
//!
//! - What is asked of a cluster is on record on the hub; what is so is seen on the cluster, and nowhere else. An observation from
//!   before the last word to a cluster was applied says nothing about that word.
//! - A cluster that does not answer is neither with nor without the application.
//! - No step is remembered. Only phase, progression, `PeerReady`, annotations and the retained decision carry memory, and they
//!   are durable before what relies on them.

mod actions;
mod adoption;
mod command;
mod completion;
mod conditions;
mod deletion;
mod deploy;
mod entry;
mod epoch;
mod events;
mod failover;
mod input;
mod member;
mod metrics;
mod observation;
mod pass;
mod placement;
mod planning;
mod prerequisites;
mod protected;
mod records;
mod recovery;
mod relocate;
mod status;
mod topology;
mod vrg_spec;
mod write;

#[cfg(test)]
mod bed;
#[cfg(test)]
mod properties;

pub use command::{Command, Event, MetadataPatch, expect};
pub use metrics::{Sample, samples};
pub use observation::{ClusterFacts, Need, NeedKey, Neighbour, Observation, Settings, Stored, StoredGroup};
pub use planning::{Plan, PlannedStep, comply, plan};

use crate::decision::Decision;

/// What is to be done for an application, as far as it is known how things stand.
///
/// Total and deterministic. If the answer has [needs](Decision::needs), these are to be read and the question asked again;
/// otherwise its steps are to be carried out in their order, up to the first that fails, which is observed anew.
#[must_use]
pub fn decide(observation: &Observation) -> Decision<Need, Command> {
    let mut pass = pass::Pass::new(observation);
    let flow = entry::run(&mut pass);
    pass.finish(&flow)
}
