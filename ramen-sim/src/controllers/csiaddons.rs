//! What csi-addons and a storage vendor's agent run on a cluster, as far as disaster recovery sees it.
//!
//! The kinds are not ours: their controllers work on plain JSON and on the facts of the originals' behaviour, so that
//! the library under test meets them as it would meet the real ones. Delays that the originals have (15 s, 30 s) are
//! theirs, and can be set.
//!
//! Left out: groups that a vendor handles on its own (`external`), and what the originals do with encryption secrets.

mod conditions;
mod content;
mod fence;
mod group;
mod info;
mod maintenance;
mod replication;
mod target;

use std::time::Duration;

pub use content::GroupContents;
pub use fence::Fences;
pub use group::Groups;
pub use maintenance::Maintenance;
pub use replication::Replications;

use super::kit::{Context, Error, Fields, Kind};
use crate::storage::{Code, Driver, DriverError, Operation, StorageSystem};

/// The API group of replication kinds, and the prefix of their annotations and finalizers.
const GROUP: &str = "replication.storage.openshift.io";

fn replication_kind() -> Kind {
    Kind::namespaced(GROUP, "v1alpha1", "VolumeReplication", "volumereplications")
}

fn replication_class_kind() -> Kind {
    Kind::cluster(GROUP, "v1alpha1", "VolumeReplicationClass", "volumereplicationclasses")
}

fn group_kind() -> Kind {
    Kind::namespaced(GROUP, "v1alpha1", "VolumeGroupReplication", "volumegroupreplications")
}

fn group_class_kind() -> Kind {
    Kind::cluster(GROUP, "v1alpha1", "VolumeGroupReplicationClass", "volumegroupreplicationclasses")
}

fn content_kind() -> Kind {
    Kind::cluster(GROUP, "v1alpha1", "VolumeGroupReplicationContent", "volumegroupreplicationcontents")
}

/// How the simulated csi-addons of a cluster behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster's name, as the storage system knows it.
    pub cluster: String,
    /// The storage system.
    pub storage: Driver,
    /// The wait between a demotion and the first resync, and before an error on a secondary is looked at again.
    pub demoted_wait: Duration,
    /// The wait before a degraded secondary is resynced again.
    pub degraded_wait: Duration,
    /// How long a driver may take to answer.
    pub rpc_timeout: Duration,
    /// Whether the driver tells the handles of replicas (capability `GetReplicationDestinationInfo`).
    pub destination_info: bool,
}

impl Settings {
    /// As the originals are: 15 s, 30 s, three minutes; no destination handles.
    pub fn new(cluster: &str, storage: Driver) -> Self {
        Self {
            cluster: cluster.to_owned(),
            storage,
            demoted_wait: Duration::from_secs(15),
            degraded_wait: Duration::from_secs(30),
            rpc_timeout: Duration::from_secs(180),
            destination_info: false,
        }
    }

    /// A driver call with its deadline.
    async fn call<R>(
        &self,
        operation: Operation,
        subject: &str,
        act: impl FnOnce(&mut StorageSystem) -> Result<R, DriverError>,
    ) -> Result<R, DriverError> {
        let call = self.storage.call(&self.cluster, operation, subject, act);
        tokio::time::timeout(self.rpc_timeout, call)
            .await
            .unwrap_or_else(|_| Err(DriverError::new(Code::DeadlineExceeded, "context deadline exceeded")))
    }

    /// Whether this cluster's storage driver is the one that a class names.
    fn serves(&self, provisioner: &str) -> bool {
        self.storage
            .with(|system| system.config_of(&self.cluster).is_some_and(|array| array.provisioner == provisioner))
    }
}

/// A class by its name, checked to be for this cluster's driver.
async fn class_of(
    context: &Context,
    settings: &Settings,
    kind: &Kind,
    name: &str,
) -> Result<kube::api::DynamicObject, Error> {
    let class = context.live(kind, "", name).await?;
    let class = class.ok_or_else(|| Error::Other(format!("{} {name} does not exist", kind.kind)))?;
    let provisioner = class.text("spec.provisioner");
    if settings.serves(provisioner) {
        Ok(class)
    } else {
        Err(Error::Other(format!("no connection to driver {provisioner}")))
    }
}

/// An interval as classes write it (`5m`, `1h`, `30s`); days are not understood, as in the originals.
fn interval(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text.get(..text.len() - unit.len_utf8())?.parse().ok()?;
    match unit {
        's' => Some(Duration::from_secs(number)),
        'm' => Some(Duration::from_secs(number * 60)),
        'h' => Some(Duration::from_secs(number * 3600)),
        _ => None,
    }
}
