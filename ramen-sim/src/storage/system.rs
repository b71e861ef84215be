//! Clusters, arrays and volumes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    time::Duration,
};

use super::{
    error::{Code, DriverError},
    journal::{Head, Journal},
    mirror::Mirror,
    oracle::{Destroyed, Evidence},
    replication::{Link, Unit},
};

/// The identity of a volume across all arrays: a replica has the lineage of its source, a clone has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lineage(pub(super) u64);

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lineage-{}", self.0)
    }
}

/// One volume on one array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeKey {
    /// The array that holds it.
    pub array: String,
    /// The CSI volume handle by which it is known there.
    pub handle: String,
}

impl fmt::Display for VolumeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.array, self.handle)
    }
}

/// What an array is like.
#[derive(Clone, Debug)]
pub struct ArrayConfig {
    /// The CSI driver by which its volumes are used: the provisioner of StorageClasses.
    pub provisioner: String,
    /// Whether replicas get a handle of their own. If not, a volume and its replica have the same handle.
    pub own_destination_handles: bool,
    /// Whether a forced promotion is refused until a MaintenanceMode for the array's replication id is active.
    pub maintenance_before_forced_promotion: bool,
    /// The replication id: what a MaintenanceMode names as its target.
    pub replication_id: String,
}

impl ArrayConfig {
    /// An array used through the given CSI driver, with handles kept across arrays and no maintenance mode needed.
    pub fn new(provisioner: impl Into<String>) -> Self {
        Self {
            provisioner: provisioner.into(),
            own_destination_handles: false,
            maintenance_before_forced_promotion: false,
            replication_id: String::new(),
        }
    }
}

/// Something the storage system did, for the timeline of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageEvent {
    /// The array, or the volume on it.
    pub subject: String,
    /// What happened, for a person.
    pub text: String,
}

#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) config: ArrayConfig,
    pub(super) up: bool,
    pub(super) peer: Option<String>,
    pub(super) fences: BTreeSet<String>,
    pub(super) maintenance: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) array: String,
    pub(super) addresses: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Volume {
    pub(super) lineage: Lineage,
    pub(super) capacity: u64,
    pub(super) head: Head,
    /// False from the start of a first copy or a full resync until it has arrived.
    pub(super) complete: bool,
    pub(super) mirror: Option<Mirror>,
    pub(super) attachments: BTreeSet<(String, String)>,
}

/// What can be seen of a volume from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeView {
    /// Identity across arrays.
    pub lineage: Lineage,
    /// Size in bytes.
    pub capacity: u64,
    /// Number of writes it holds.
    pub writes: u64,
    /// Checksum over those writes: equal on two replicas exactly when their contents are.
    pub checksum: u64,
    /// Its role, if it is replicated.
    pub role: Option<super::Role>,
    /// Nodes it is attached to, as (cluster, node).
    pub attachments: Vec<(String, String)>,
}

/// Arrays that replicate to each other, and the clusters that use them. See the [module](super) for its rules.
///
/// ```
/// use std::time::Duration;
/// use ramen_sim::storage::{ArrayConfig, LinkConfig, StorageSystem};
///
/// let mut storage = StorageSystem::new();
/// for (array, cluster, address) in [("east", "dr1", "10.1.0.1"), ("west", "dr2", "10.2.0.1")] {
///     storage.add_array(array, ArrayConfig::new("block.example.com"));
///     storage.connect(cluster, array, [address]);
/// }
/// storage.pair("east", "west", LinkConfig::default());
///
/// let volume = storage.create_volume("dr1", 1 << 30)?;
/// storage.attach("dr1", "node-1", &volume.handle)?;
/// storage.enable("dr1", &volume.handle, None)?;
/// storage.promote("dr1", &volume.handle, false)?;
/// storage.write("dr1", "node-1", &volume.handle, "pod-a", 4096)?;
/// storage.advance(Duration::from_secs(600));
/// assert_eq!(storage.view("dr2", &volume.handle)?.writes, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StorageSystem {
    pub(super) now: Duration,
    pub(super) sites: BTreeMap<String, Site>,
    pub(super) arrays: BTreeMap<String, Array>,
    pub(super) links: BTreeMap<(String, String), Link>,
    pub(super) volumes: BTreeMap<VolumeKey, Volume>,
    pub(super) units: BTreeMap<String, Unit>,
    pub(super) groups: BTreeMap<(String, String), BTreeSet<String>>,
    names: BTreeMap<(String, String), VolumeKey>,
    pub(super) group_names: BTreeMap<(String, String), String>,
    pub(super) journal: Journal,
    pub(super) evidence: Evidence,
    events: VecDeque<StorageEvent>,
    next_id: u64,
}

impl StorageSystem {
    /// A storage system without arrays.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an array, up and empty.
    pub fn add_array(&mut self, name: impl Into<String>, config: ArrayConfig) {
        let array = Array { config, up: true, peer: None, fences: BTreeSet::new(), maintenance: BTreeSet::new() };
        self.arrays.insert(name.into(), array);
    }

    /// Lets a cluster use an array from nodes with the given addresses. Two clusters on one array share its volumes:
    /// synchronous (Metro) DR.
    pub fn connect<A: Into<String>>(&mut self, cluster: &str, array: &str, addresses: impl IntoIterator<Item = A>) {
        let addresses = addresses.into_iter().map(Into::into).collect();
        self.sites.insert(cluster.to_owned(), Site { array: array.to_owned(), addresses });
    }

    /// Switches an array off or on. While off it refuses all calls and writes, sends nothing and receives nothing; its
    /// content stays.
    pub fn set_array_up(&mut self, array: &str, up: bool) {
        if let Some(state) = self.arrays.get_mut(array) {
            state.up = up;
            self.tell(array, if up { "is up" } else { "is down" });
        }
    }

    /// The array that a cluster uses.
    ///
    /// # Errors
    /// `NotFound` if the cluster is not connected, `Unavailable` if the array is down.
    pub fn array_of(&self, cluster: &str) -> Result<String, DriverError> {
        let site = self.sites.get(cluster).ok_or_else(|| {
            DriverError::new(Code::NotFound, format!("cluster {cluster} is connected to no storage array"))
        })?;
        match self.arrays.get(&site.array) {
            Some(array) if array.up => Ok(site.array.clone()),
            Some(_) => Err(DriverError::new(Code::Unavailable, format!("array {} is down", site.array))),
            None => Err(DriverError::new(Code::NotFound, format!("array {} does not exist", site.array))),
        }
    }

    /// The name of the array that a cluster is connected with, whether it is up or not.
    pub fn array_name(&self, cluster: &str) -> Option<String> {
        self.sites.get(cluster).map(|site| site.array.clone())
    }

    /// What the array of a cluster is like, whether it is up or not.
    pub fn config_of(&self, cluster: &str) -> Option<&ArrayConfig> {
        let site = self.sites.get(cluster)?;
        self.arrays.get(&site.array).map(|array| &array.config)
    }

    /// The key of a volume that a cluster names by its handle. The volume exists when this answers.
    ///
    /// # Errors
    /// `NotFound`, or as [`StorageSystem::array_of`].
    pub fn key(&self, cluster: &str, handle: &str) -> Result<VolumeKey, DriverError> {
        let key = VolumeKey { array: self.array_of(cluster)?, handle: handle.to_owned() };
        if self.volumes.contains_key(&key) {
            return Ok(key);
        }
        Err(DriverError::new(Code::NotFound, format!("volume {key} does not exist")))
    }

    /// Creates an empty volume of `capacity` bytes on the cluster's array.
    ///
    /// # Errors
    /// As [`StorageSystem::array_of`].
    pub fn create_volume(&mut self, cluster: &str, capacity: u64) -> Result<VolumeKey, DriverError> {
        let array = self.array_of(cluster)?;
        let lineage = Lineage(self.take_id());
        let key = VolumeKey { array, handle: format!("vol-{:04}", lineage.0) };
        let (complete, mirror) = (true, None);
        self.volumes.insert(
            key.clone(),
            Volume { lineage, capacity, head: None, complete, mirror, attachments: BTreeSet::new() },
        );
        self.tell(&key.to_string(), "created");
        Ok(key)
    }

    /// Creates an empty volume that a provisioner calls `name`. Asking again for the name answers with the same volume,
    /// as CSI demands, so that a provisioner which crashed does not leave one behind.
    ///
    /// # Errors
    /// As [`StorageSystem::array_of`].
    pub fn create_named_volume(&mut self, cluster: &str, name: &str, capacity: u64) -> Result<VolumeKey, DriverError> {
        let place = (self.array_of(cluster)?, name.to_owned());
        if let Some(key) = self.names.get(&place).filter(|key| self.volumes.contains_key(key)) {
            return Ok(key.clone());
        }
        let key = self.create_volume(cluster, capacity)?;
        self.names.insert(place, key.clone());
        Ok(key)
    }

    /// Creates a volume with the content that another one has at this moment: a snapshot made writable, as a test
    /// failover needs. The clone is not replicated and has a lineage of its own: writing to it does nothing to its
    /// origin.
    ///
    /// # Errors
    /// `FailedPrecondition` if the origin has no complete content; else as [`StorageSystem::key`].
    pub fn clone_volume(&mut self, cluster: &str, handle: &str) -> Result<VolumeKey, DriverError> {
        let origin = self.key(cluster, handle)?;
        let volume = self.volume(&origin)?;
        if !volume.complete {
            return Err(DriverError::new(
                Code::FailedPrecondition,
                format!("volume {origin} has no complete content to clone"),
            ));
        }
        let (head, capacity) = (volume.head, volume.capacity);
        let key = self.create_volume(cluster, capacity)?;
        self.volume_mut(&key)?.head = head;
        self.tell(&key.to_string(), &format!("is a clone of {origin}"));
        Ok(key)
    }

    /// Deletes a volume as a CSI driver does for a PersistentVolume with reclaim policy Delete. A replica in the
    /// secondary role is kept: it belongs to its primary. Deleting a primary deletes the replica too, when it can be
    /// reached. Deleting what does not exist succeeds.
    ///
    /// # Errors
    /// `FailedPrecondition` while the volume is attached; `Unavailable` while the array is down.
    pub fn delete_volume(&mut self, cluster: &str, handle: &str) -> Result<(), DriverError> {
        let key = match self.key(cluster, handle) {
            Err(error) if error.code == Code::NotFound => return Ok(()),
            other => other?,
        };
        let volume = self.volume(&key)?;
        if let Some((by, node)) = volume.attachments.first() {
            return Err(DriverError::new(
                Code::FailedPrecondition,
                format!("volume {key} is attached to node {node} of cluster {by}"),
            ));
        }
        match volume.mirror.as_ref().map(|mirror| mirror.role) {
            Some(super::Role::Secondary) => {
                self.tell(&key.to_string(), "deletion asked: kept, since it is a secondary");
                return Ok(());
            }
            Some(super::Role::Primary) => self.disable(cluster, handle)?,
            None => {}
        }
        self.remove(&key);
        Ok(())
    }

    /// Grows a volume.
    ///
    /// # Errors
    /// `InvalidArgument` when asked to shrink; else as [`StorageSystem::key`].
    pub fn resize(&mut self, cluster: &str, handle: &str, capacity: u64) -> Result<(), DriverError> {
        let key = self.key(cluster, handle)?;
        let volume = self.volume_mut(&key)?;
        if capacity < volume.capacity {
            return Err(DriverError::new(
                Code::InvalidArgument,
                format!("volume {key} cannot shrink to {capacity} bytes"),
            ));
        }
        volume.capacity = capacity;
        Ok(())
    }

    /// What a cluster sees of a volume.
    ///
    /// # Errors
    /// As [`StorageSystem::key`].
    pub fn view(&self, cluster: &str, handle: &str) -> Result<VolumeView, DriverError> {
        let volume = self.volume(&self.key(cluster, handle)?)?;
        Ok(VolumeView {
            lineage: volume.lineage,
            capacity: volume.capacity,
            writes: self.journal.count(volume.head),
            checksum: self.journal.checksum(volume.head),
            role: volume.mirror.as_ref().map(|mirror| mirror.role),
            attachments: volume.attachments.iter().cloned().collect(),
        })
    }

    /// Virtual time of the last [`StorageSystem::advance`].
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Takes what happened since the last call, oldest first.
    pub fn take_events(&mut self) -> Vec<StorageEvent> {
        self.events.drain(..).collect()
    }

    pub(super) fn volume(&self, key: &VolumeKey) -> Result<&Volume, DriverError> {
        self.volumes.get(key).ok_or_else(|| DriverError::new(Code::NotFound, format!("volume {key} does not exist")))
    }

    pub(super) fn volume_mut(&mut self, key: &VolumeKey) -> Result<&mut Volume, DriverError> {
        self.volumes
            .get_mut(key)
            .ok_or_else(|| DriverError::new(Code::NotFound, format!("volume {key} does not exist")))
    }

    /// Removes a volume for good and keeps evidence of it.
    pub(super) fn remove(&mut self, key: &VolumeKey) {
        let Some(volume) = self.volumes.remove(key) else { return };
        self.close_tenures(key);
        let last_copy = !self.volumes.values().any(|other| other.lineage == volume.lineage && other.complete);
        let writes = self.journal.count(volume.head);
        self.evidence.destroyed.push(Destroyed {
            at: self.now,
            volume: key.clone(),
            lineage: volume.lineage,
            writes,
            last_copy,
        });
        self.tell(
            &key.to_string(),
            &format!("deleted with {writes} writes{}", if last_copy { ", the last copy" } else { "" }),
        );
    }

    pub(super) fn tell(&mut self, subject: &str, text: &str) {
        self.events.push_back(StorageEvent { subject: subject.to_owned(), text: text.to_owned() });
    }

    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}
