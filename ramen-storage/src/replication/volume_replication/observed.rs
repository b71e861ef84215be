//! What the driver has seen of its cluster, and what its commands change there.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use ramen_core::{
    api::foreign::{VolumeReplication, VolumeReplicationState},
    decision::Sight,
    protection::{
        VolumeId,
        replication::{DriverCommand, DriverObservation},
    },
};
use serde::{Deserialize, Serialize, Serializer, de::Deserializer};

use super::status::accomplished;

/// What was seen of the volumes of a request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Observed {
    /// The VolumeReplication of each volume, read from the API server itself.
    #[serde(with = "pairs")]
    pub(super) replications: BTreeMap<VolumeId, Sight<VolumeReplication>>,
    /// Volumes whose claims carry the mark that all of their writes had reached the peer.
    pub(super) handed_over: BTreeSet<VolumeId>,
}

/// One thing to do about one volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Command {
    pub(super) volume: VolumeId,
    pub(super) action: Action,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Action {
    /// Creates the VolumeReplication, which must not exist.
    Create(Box<VolumeReplication>),
    /// Changes what we own of the VolumeReplication, if it is still at the version that was seen.
    Update(Update),
    /// Deletes the VolumeReplication, if it is still at the version that was seen.
    Delete { uid: String, version: Option<String> },
    /// Marks the claim: all that was written has reached the peer.
    HandOver { claim_uid: String, replication: String },
    /// Removes the mark, before the volume is written again.
    TakeBack { claim_uid: String },
}

/// The fields of a VolumeReplication that we own. Its class and its source never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Update {
    pub(super) version: Option<String>,
    pub(super) state: VolumeReplicationState,
    pub(super) auto_resync: bool,
    pub(super) labels: BTreeMap<String, String>,
    /// The whole list of owners, if ours is to be added.
    pub(super) owners: Option<Vec<OwnerReference>>,
}

/// What will have been seen once the command is carried out and csi-addons has done its part.
pub(super) fn expect(observed: &DriverObservation, command: &DriverCommand) -> DriverObservation {
    let before = observed.read::<Observed>().unwrap_or_default();
    let Ok(command) = serde_json::from_value::<Command>(command.body.clone()) else { return observed.clone() };
    DriverObservation::of(&before.after(command)).unwrap_or_else(|_| observed.clone())
}

impl Observed {
    fn after(mut self, command: Command) -> Self {
        let Command { volume, action } = command;
        match action {
            Action::Create(mut replication) => {
                replication.metadata.generation = Some(1);
                replication.metadata.uid.get_or_insert_with(|| format!("uid-of-{volume}"));
                settle(&mut replication);
                self.replications.insert(volume, Sight::Found(*replication));
            }
            Action::Update(update) => {
                if let Some(Sight::Found(replication)) = self.replications.get_mut(&volume) {
                    apply(replication, update);
                }
            }
            Action::Delete { .. } => {
                self.replications.insert(volume, Sight::Absent);
            }
            Action::HandOver { .. } => {
                self.handed_over.insert(volume);
            }
            Action::TakeBack { .. } => {
                self.handed_over.remove(&volume);
            }
        }
        self
    }
}

fn apply(replication: &mut VolumeReplication, update: Update) {
    replication.metadata.labels.get_or_insert_default().extend(update.labels);
    if let Some(owners) = update.owners {
        replication.metadata.owner_references = Some(owners);
    }
    let wish = (Some(update.state), Some(update.auto_resync));
    let spec = &mut replication.spec;
    if (&spec.replication_state, &spec.auto_resync) != (&wish.0, &wish.1) {
        (spec.replication_state, spec.auto_resync) = wish;
        replication.metadata.generation = replication.metadata.generation.map(|generation| generation + 1);
        settle(replication);
    }
}

fn settle(replication: &mut VolumeReplication) {
    let generation = replication.metadata.generation.unwrap_or(1);
    let state = replication.spec.replication_state.clone().unwrap_or(VolumeReplicationState::Secondary);
    replication.status = Some(accomplished(replication.status.take(), &state, generation));
}

/// A map whose keys are no strings, as JSON can hold it.
mod pairs {
    use super::{BTreeMap, Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}
