//! What an implementor supplies to have a transport tested.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde_json::Value;

use super::report::Unmet;
use crate::intercluster::{
    ClusterName, ClusterRegistry, ClusterView, Intent, IntentId, ObjectKey, ObjectTransport, ResourceType,
};

/// Why a bed did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BedError {
    /// It cannot: cases that need it are reported as not tried.
    #[error("the test bed cannot {0}")]
    Unable(String),
    /// It should have and failed: the case is reported as broken, with this cause.
    #[error("the test bed failed: {0}")]
    Failed(String),
}

impl BedError {
    /// The bed cannot do this (an infinitive without "to").
    pub fn unable(what: impl fmt::Display) -> Self {
        Self::Unable(what.to_string())
    }

    /// The bed failed at something.
    pub fn failed(cause: impl fmt::Display) -> Self {
        Self::Failed(cause.to_string())
    }
}

impl From<BedError> for Unmet {
    fn from(error: BedError) -> Self {
        match error {
            BedError::Unable(_) => Self::NotTried(error.to_string()),
            BedError::Failed(_) => Self::Broken(error.to_string()),
        }
    }
}

/// Something that goes wrong between the hub side and one cluster, until [`TransportBed::heal`]. Administrators' access
/// ([`TransportBed::admin`]) is not affected.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The cluster's API server is stopped: connections are refused.
    Stopped,
    /// The network swallows everything: no refusal, no answer. Connections that exist hang.
    Cut,
    /// Every answer comes this much later.
    Slow(Duration),
    /// The credentials of the hub side are no longer accepted.
    CredentialsRevoked,
    /// The hub side lacks the right to do this (`get` stands for get, list and watch) with objects of this type.
    Forbidden(Verb, ResourceType),
    /// Something in front of the API server answers every request with a 404 of its own.
    ForeignNotFound,
    /// Every answer to a read is a proper 404 that names another object.
    NotFoundOfAnother,
    /// The configuration by which the cluster is reached leads to this other cluster from now on, which accepts the credentials.
    LeadsTo(ClusterName),
    /// Every write arrives a second time, half a minute later.
    RepeatsWrites,
    /// The cluster's clock is off by this many seconds.
    ClockOff(i64),
}

/// What a right is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Get, list and watch.
    Read,
    /// Delete.
    Delete,
}

/// What happens to the durable records of the hub side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordsEvent {
    /// All are lost, as with a hub that was rebuilt.
    Lost,
    /// A backup is taken.
    BackedUp,
    /// The last backup takes the place of what there is.
    Restored,
}

/// A running instance of the hub side.
#[derive(Debug, Clone)]
pub struct HubSide {
    /// Delivery.
    pub transport: Arc<dyn ObjectTransport>,
    /// Observation.
    pub view: Arc<dyn ClusterView>,
    /// Knowledge of the clusters; cases R1-R3 are not applicable without it.
    pub registry: Option<Arc<dyn ClusterRegistry>>,
}

/// Two or more clusters, a hub side, and everything that can happen to them.
///
/// Only the first block has to be implemented; what a bed leaves out is reported as not tried, case by case. In virtual time
/// (a paused tokio clock) the kit takes a second, in real time about as long as the declared bounds add up to.
#[async_trait]
pub trait TransportBed: fmt::Debug + Send + Sync {
    /// The clusters: at least two, ten for the whole of case C2.
    fn clusters(&self) -> Vec<ClusterName>;

    /// Ends all faults, and starts a hub side if none runs. Records and objects of earlier cases may stay.
    async fn reset(&self) -> Result<(), BedError>;

    /// The hub side that runs.
    async fn hub(&self) -> Result<HubSide, BedError>;

    /// Access to a cluster that no fault affects and that the transport does not see.
    fn admin(&self, cluster: &ClusterName) -> Result<Arc<dyn Admin>, BedError>;

    /// Makes something go wrong for one cluster, besides what already is wrong.
    async fn inflict(&self, cluster: &ClusterName, fault: Fault) -> Result<(), BedError>;

    /// Ends everything that is wrong for one cluster.
    async fn heal(&self, cluster: &ClusterName) -> Result<(), BedError>;

    /// The hub's time, by the clock that the hub side was given.
    fn now(&self) -> Timestamp;

    /// Lets this much time pass. The default sleeps, which under a paused tokio clock takes none.
    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// What a bound may be exceeded by because the machine is busy; zero in virtual time.
    fn slack(&self) -> Duration {
        Duration::ZERO
    }

    /// Credentials that the hub side uses, in the form in which they could appear in a message.
    fn credentials(&self) -> Vec<String> {
        Vec::new()
    }

    /// Kills the hub side in the middle of whatever it does, and starts another on the same records.
    async fn kill_hub(&self) -> Result<HubSide, BedError> {
        Err(BedError::unable("kill the hub side"))
    }

    /// Starts a second hub side beside the first: two leaders that overlap. It lives until the next reset.
    async fn second_hub(&self) -> Result<HubSide, BedError> {
        Err(BedError::unable("run two hub sides at once"))
    }

    /// Lets something happen to the records.
    async fn records(&self, event: RecordsEvent) -> Result<(), BedError> {
        Err(BedError::unable(format_args!("let records be {event:?}")))
    }

    /// Takes a cluster out of the registry; the next reset puts it back.
    async fn unregister(&self, cluster: &ClusterName) -> Result<(), BedError> {
        Err(BedError::unable(format_args!("unregister cluster {cluster}")))
    }

    /// When requests of the hub side to this cluster began, since the last reset.
    async fn attempts(&self, cluster: &ClusterName) -> Result<Vec<Timestamp>, BedError> {
        Err(BedError::unable(format_args!("count requests to cluster {cluster}")))
    }

    /// The version of the record of an intent, which every write of it changes; `None` if there is none.
    async fn record_version(&self, id: &IntentId) -> Result<Option<String>, BedError> {
        Err(BedError::unable(format_args!("tell whether the record of {id} was written")))
    }

    /// An intent that delivers the rights which the transport itself needs on this cluster, where it delivers them.
    fn rights(&self, cluster: &ClusterName) -> Option<Intent> {
        let _ = cluster;
        None
    }
}

/// Access of an administrator to one cluster, behind the transport's back.
#[async_trait]
pub trait Admin: fmt::Debug + Send + Sync {
    /// The object, `None` if there is none or its kind is unknown.
    async fn get(&self, key: &ObjectKey) -> Result<Option<Value>, BedError>;

    /// Creates an object.
    async fn create(&self, resource: &ResourceType, object: Value) -> Result<Value, BedError>;

    /// Edits an object by a JSON merge patch.
    async fn edit(&self, key: &ObjectKey, patch: Value) -> Result<Value, BedError>;

    /// Edits the status of an object by a JSON merge patch.
    async fn edit_status(&self, key: &ObjectKey, patch: Value) -> Result<Value, BedError>;

    /// Server-side apply by this field manager, without force.
    async fn apply(&self, resource: &ResourceType, object: Value, manager: &str) -> Result<Value, BedError>;

    /// Requests the deletion of an object; an absent one is fine.
    async fn delete(&self, key: &ObjectKey) -> Result<(), BedError>;

    /// Every state of an object from now on, none left out. States that came before the call may be repeated.
    async fn watch(&self, key: &ObjectKey) -> Result<BoxStream<'static, Value>, BedError>;
}
