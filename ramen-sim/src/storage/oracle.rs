//! Evidence for the checks of a scenario: what was acknowledged, what survives where, who wrote at the same time as
//! whom, what was destroyed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    error::DriverError,
    journal::Write,
    system::{Lineage, StorageSystem, VolumeKey},
};

/// Two clusters wrote one volume, neither having let go of it before the other began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DualWriters {
    /// The volume, whatever its replicas are called.
    pub lineage: Lineage,
    /// The cluster that held the volume first.
    pub first: String,
    /// The cluster that wrote too.
    pub second: String,
    /// When this was seen: the acknowledgement of the write that proves it.
    pub at: Duration,
    /// Whether either of them had been promoted by force.
    pub forced: bool,
}

/// A volume that was deleted for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// When.
    pub at: Duration,
    /// Which one.
    pub volume: VolumeKey,
    /// Its identity across arrays.
    pub lineage: Lineage,
    /// How many writes it held.
    pub writes: u64,
    /// Whether no other complete replica of it existed then.
    pub last_copy: bool,
}

/// A time in which one cluster held a volume for writing.
#[derive(Clone, Debug)]
struct Tenure {
    lineage: Lineage,
    cluster: String,
    first: u64,
    last: u64,
    forced: bool,
    reported: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    pub(super) destroyed: Vec<Destroyed>,
    dual_writers: Vec<DualWriters>,
    tenures: Vec<Tenure>,
    open: BTreeMap<(VolumeKey, String), usize>,
}

impl Evidence {
    /// Takes note of an acknowledged write.
    pub(super) fn acknowledged(&mut self, key: &VolumeKey, write: &Write, forced: bool) {
        let place = (key.clone(), write.cluster.clone());
        let index = *self.open.entry(place).or_insert(self.tenures.len());
        if index == self.tenures.len() {
            let (lineage, cluster) = (write.lineage, write.cluster.clone());
            self.tenures.push(Tenure {
                lineage,
                cluster,
                first: write.order,
                last: write.order,
                forced,
                reported: false,
            });
        }
        let Some(mine) = self.tenures.get_mut(index) else { return };
        mine.last = write.order;
        mine.forced |= forced;
        let mine = mine.clone();
        for (other_index, other) in self.tenures.iter_mut().enumerate() {
            let overlap = other.last > mine.first && mine.last > other.first;
            if other_index != index
                && other.lineage == mine.lineage
                && other.cluster != mine.cluster
                && overlap
                && !other.reported
            {
                other.reported = true;
                let (first, second) = if other.first < mine.first {
                    (&other.cluster, &mine.cluster)
                } else {
                    (&mine.cluster, &other.cluster)
                };
                self.dual_writers.push(DualWriters {
                    lineage: mine.lineage,
                    first: first.clone(),
                    second: second.clone(),
                    at: write.at,
                    forced: mine.forced || other.forced,
                });
            }
        }
    }

    pub(super) fn close_tenure(&mut self, key: &VolumeKey, cluster: &str) {
        self.open.remove(&(key.clone(), cluster.to_owned()));
    }
}

impl StorageSystem {
    pub(super) fn close_tenures(&mut self, key: &VolumeKey) {
        self.evidence.open.retain(|(volume, _), _| volume != key);
    }

    /// Every write that was acknowledged to a volume, on whichever replica, in the order of acknowledgement.
    pub fn acknowledged(&self, lineage: Lineage) -> Vec<Write> {
        self.journal.all().filter(|write| write.lineage == lineage).cloned().collect()
    }

    /// The last write that was acknowledged to a volume, on whichever replica.
    pub fn last_acknowledged(&self, lineage: Lineage) -> Option<Write> {
        self.acknowledged(lineage).pop()
    }

    /// The writes that the volume holds on the array of this cluster, oldest first.
    ///
    /// # Errors
    /// As [`StorageSystem::key`].
    pub fn surviving(&self, cluster: &str, handle: &str) -> Result<Vec<Write>, DriverError> {
        let volume = self.volume(&self.key(cluster, handle)?)?;
        Ok(self.journal.path(volume.head).into_iter().cloned().collect())
    }

    /// The acknowledged writes that the volume does not hold on the array of this cluster. Empty after a relocate, or
    /// data was lost (S2).
    ///
    /// # Errors
    /// As [`StorageSystem::key`].
    pub fn lost(&self, cluster: &str, handle: &str) -> Result<Vec<Write>, DriverError> {
        let lineage = self.volume(&self.key(cluster, handle)?)?.lineage;
        let held: BTreeSet<u64> = self.surviving(cluster, handle)?.iter().map(|write| write.order).collect();
        Ok(self.acknowledged(lineage).into_iter().filter(|write| !held.contains(&write.order)).collect())
    }

    /// The clusters from which a write to the volume would be acknowledged at this instant. More than one breaks S1,
    /// unless on record.
    pub fn writable_clusters(&self, lineage: Lineage) -> BTreeSet<String> {
        let volumes = self.volumes.iter().filter(|(_, volume)| volume.lineage == lineage);
        let places = volumes.flat_map(|(key, volume)| volume.attachments.iter().map(move |place| (key, place)));
        places
            .filter(|(key, (cluster, node))| {
                self.may_write(cluster, node, &key.handle).is_ok_and(|reached| reached == **key)
            })
            .map(|(_, (cluster, _))| cluster.clone())
            .collect()
    }

    /// Volumes that were written by two clusters at a time, each pair of holders once.
    pub fn dual_writers(&self) -> &[DualWriters] {
        &self.evidence.dual_writers
    }

    /// Volumes that were deleted for good, in order.
    pub fn destroyed(&self) -> &[Destroyed] {
        &self.evidence.destroyed
    }

    /// Every volume of the system.
    pub fn lineages(&self) -> BTreeSet<Lineage> {
        self.volumes.values().map(|volume| volume.lineage).collect()
    }

    /// Whether the volumes hold what all of them held at one moment: no write is missing from one of them that was
    /// acknowledged before a write which another one holds. What a consistency group promises of a replica.
    ///
    /// # Errors
    /// As [`StorageSystem::key`].
    pub fn is_consistent_cut(&self, cluster: &str, handles: &[String]) -> Result<bool, DriverError> {
        let mut newest = None;
        let mut oldest_missing: Option<u64> = None;
        for handle in handles {
            newest = newest.max(self.surviving(cluster, handle)?.last().map(|write| write.order));
            let missing = self.lost(cluster, handle)?.first().map(|write| write.order);
            oldest_missing = [oldest_missing, missing].into_iter().flatten().min();
        }
        Ok(oldest_missing.is_none_or(|missing| newest.is_none_or(|newest| newest < missing)))
    }
}
