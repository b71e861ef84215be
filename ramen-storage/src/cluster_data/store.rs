//! The store itself.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion, path::Path};
use ramen_core::{
    intercluster::{Failure, FailureClass},
    protection::cluster_data::{
        ClusterDataStore, Entry, Epoch, EpochRecord, GroupPrefix, StoreCapabilities, StoreError, StoredEntry,
    },
    time::{Clock, Deadline},
};

use super::{
    encoding::{decode, encode},
    epoch::{RECORD, Records, Versioned, path},
    failures::{call, failure, is_lost_race, must},
    probe::{PROBES, probe},
};

/// How many requests of one call are under way at a time.
const CONCURRENCY: usize = 32;

/// How often a write that lost against another is tried again, while the epoch is still ours.
const ATTEMPTS: usize = 4;

/// [`ClusterDataStore`] over any `object_store`: S3 in production, memory or files in tests.
pub struct ObjectStoreClusterData {
    objects: Arc<dyn ObjectStore>,
    profile: String,
    writer: String,
    clock: Arc<dyn Clock>,
    capabilities: Mutex<Option<StoreCapabilities>>,
    probes: AtomicU64,
}

impl ObjectStoreClusterData {
    /// The store of this profile. `writer` names the program that opens it, unique among those that do: it is part of the key
    /// that [`probe`](ClusterDataStore::probe) writes.
    pub fn new(
        profile: impl Into<String>,
        objects: Arc<dyn ObjectStore>,
        writer: impl Into<String>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            objects,
            profile: profile.into(),
            writer: writer.into(),
            clock,
            capabilities: Mutex::default(),
            probes: AtomicU64::new(0),
        }
    }

    /// The records, for reading.
    fn records(&self) -> Records<'_> {
        let conditional = self.capabilities().conditional_writes;
        Records { objects: self.objects.as_ref(), profile: &self.profile, conditional }
    }

    /// Finds out, before the first write, whether writes can be conditional: not knowing is not "no".
    async fn know_capabilities(&self, deadline: Deadline) -> Result<StoreCapabilities, StoreError> {
        let known = *self.capabilities.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(known) => Ok(known),
            None => self.probe(deadline).await,
        }
    }

    /// The record, if the group may be written under this epoch.
    async fn holds(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<Versioned, StoreError> {
        match self.records().read(group, deadline).await? {
            Some(seen) if seen.record.epoch == epoch && !seen.record.tombstone => Ok(seen),
            Some(seen) if seen.record.epoch >= epoch => Err(self.superseded(group, epoch, seen.record)),
            _ => Err(Failure::new(FailureClass::Conflict, format!("{epoch} was not raised before writing under it"))
                .about(format!("S3 profile {}, group {group}", self.profile))
                .into()),
        }
    }

    /// That the tombstone of this epoch still stands.
    async fn is_buried(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError> {
        match self.records().read(group, deadline).await? {
            Some(seen) if seen.record.epoch == epoch && seen.record.tombstone => Ok(()),
            Some(seen) => Err(self.superseded(group, epoch, seen.record)),
            None => {
                Err(Failure::new(FailureClass::Conflict, "the tombstone was removed while the group was being removed")
                    .about(format!("S3 profile {}, group {group}", self.profile))
                    .into())
            }
        }
    }

    fn superseded(&self, group: &GroupPrefix, ours: Epoch, current: EpochRecord) -> StoreError {
        StoreError::Superseded { profile: self.profile.clone(), group: group.clone(), ours, current: Box::new(current) }
    }

    fn lost_races(&self, group: &GroupPrefix) -> StoreError {
        Failure::new(FailureClass::Conflict, format!("another writer was faster {ATTEMPTS} times in a row"))
            .about(format!("S3 profile {}, group {group}", self.profile))
            .into()
    }

    /// Keys below a path with the versions that a conditional write replaces, relative to the group's prefix.
    async fn versions(
        &self,
        group: &GroupPrefix,
        below: &str,
        deadline: Deadline,
    ) -> Result<BTreeMap<String, UpdateVersion>, StoreError> {
        let prefix = path(&self.profile, group, below)?;
        let listed = self.objects.list(Some(&prefix)).try_collect::<Vec<_>>();
        let listed = call(&self.profile, format!("listing of {prefix}/"), deadline, listed).await?.unwrap_or_default();
        let root = group.to_string();
        Ok(listed
            .into_iter()
            .filter_map(|meta| {
                let key = meta.location.as_ref().strip_prefix(&root)?.to_owned();
                Some((key, UpdateVersion { e_tag: meta.e_tag, version: meta.version }))
            })
            .filter(|(key, _)| key != RECORD)
            .collect())
    }

    /// Stores one entry over the version that was there when the epoch was still ours.
    async fn put_entry(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        entry: &Entry,
        seen: Option<UpdateVersion>,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let location = path(&self.profile, group, &entry.path)?;
        let body: Bytes = encode(&entry.object, epoch)
            .map_err(|e| {
                Failure::new(FailureClass::Invalid, e).about(format!("S3 profile {}, {location}", self.profile))
            })?
            .into();
        let conditional = self.capabilities().conditional_writes;
        let mut seen = seen;
        for _ in 0..ATTEMPTS {
            let mode = match (conditional, seen.take()) {
                (false, _) => PutMode::Overwrite,
                (true, None) => PutMode::Create,
                (true, Some(version)) => PutMode::Update(version),
            };
            let put = self.objects.put_opts(&location, body.clone().into(), PutOptions::from(mode));
            match tokio::time::timeout_at(deadline.instant(), put).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(fault)) if is_lost_race(&fault) => {
                    // Either a newer primary wrote it, which the epoch tells, or an earlier attempt of our own did. As in `put`
                    // the version comes first: what is written after the epoch was checked has another one.
                    let head = call(&self.profile, &location, deadline, self.objects.head(&location)).await?;
                    self.holds(group, epoch, deadline).await?;
                    seen = head.map(|meta| UpdateVersion { e_tag: meta.e_tag, version: meta.version });
                }
                Ok(Err(fault)) => return Err(failure(&self.profile, &location, &fault).into()),
                Err(_) => {
                    let late = Failure::new(FailureClass::TimedOut, "no answer by the deadline");
                    return Err(late.about(format!("S3 profile {}, {location}", self.profile)).into());
                }
            }
        }
        Err(self.lost_races(group))
    }

    async fn delete_keys(&self, group: &GroupPrefix, keys: Vec<String>, deadline: Deadline) -> Result<(), StoreError> {
        stream::iter(keys)
            .map(|key| async move {
                let location = path(&self.profile, group, &key)?;
                call(&self.profile, &location, deadline, self.objects.delete(&location)).await.map(drop)
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }
}

impl fmt::Debug for ObjectStoreClusterData {
    /// The object store itself may print credentials; it is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStoreClusterData").field("profile", &self.profile).finish_non_exhaustive()
    }
}

#[async_trait]
impl ClusterDataStore for ObjectStoreClusterData {
    fn profile(&self) -> &str {
        &self.profile
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.capabilities.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default()
    }

    async fn probe(&self, deadline: Deadline) -> Result<StoreCapabilities, StoreError> {
        // No two probes meet under one key: one that met another's would take the store for one without conditions.
        let key = format!(
            "{PROBES}/{}-{:x}-{}/a",
            self.writer,
            self.clock.now().as_nanosecond(),
            self.probes.fetch_add(1, Ordering::Relaxed)
        );
        let found = probe(self.objects.as_ref(), &self.profile, &key, deadline).await?;
        *self.capabilities.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(found)
    }

    async fn raise_epoch(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        holder: &str,
        deadline: Deadline,
    ) -> Result<EpochRecord, StoreError> {
        self.know_capabilities(deadline).await?;
        for _ in 0..ATTEMPTS {
            let seen = self.records().read(group, deadline).await?;
            match seen.as_ref().map(|s| &s.record) {
                Some(record) if record.epoch == epoch && record.holder == holder && !record.tombstone => {
                    return Ok(record.clone());
                }
                Some(record) if record.epoch >= epoch => return Err(self.superseded(group, epoch, record.clone())),
                _ => {}
            }
            let record = EpochRecord {
                epoch,
                holder: holder.to_owned(),
                raised_at: Some(self.clock.now()),
                sealed: seen.as_ref().map_or(Epoch::NONE, |s| inherited(&s.record)),
                tombstone: false,
            };
            if self.records().write(group, seen.as_ref(), &record, deadline).await? {
                return Ok(record);
            }
        }
        Err(self.lost_races(group))
    }

    async fn epoch(&self, group: &GroupPrefix, deadline: Deadline) -> Result<Option<EpochRecord>, StoreError> {
        Ok(self.records().read(group, deadline).await?.map(|seen| seen.record))
    }

    async fn put(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        entries: &[Entry],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        // The versions are read before the epoch: what a newer primary writes after this has another version, and a late write
        // of ours over it fails.
        let versions = match self.know_capabilities(deadline).await?.conditional_writes {
            true => self.versions(group, "", deadline).await?,
            false => BTreeMap::new(),
        };
        self.holds(group, epoch, deadline).await?;
        let puts: Vec<_> = entries
            .iter()
            .map(|entry| self.put_entry(group, epoch, entry, versions.get(&entry.path).cloned(), deadline))
            .collect();
        stream::iter(puts).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        self.holds(group, epoch, deadline).await.map(drop)
    }

    async fn seal(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError> {
        self.know_capabilities(deadline).await?;
        for _ in 0..ATTEMPTS {
            let seen = self.holds(group, epoch, deadline).await?;
            if seen.record.sealed == epoch {
                return Ok(());
            }
            let record = EpochRecord { sealed: epoch, ..seen.record.clone() };
            if self.records().write(group, Some(&seen), &record, deadline).await? {
                return Ok(());
            }
        }
        Err(self.lost_races(group))
    }

    async fn list(&self, group: &GroupPrefix, path: &str, deadline: Deadline) -> Result<Vec<String>, StoreError> {
        Ok(self.versions(group, path, deadline).await?.into_keys().collect())
    }

    async fn get(
        &self,
        group: &GroupPrefix,
        below: &str,
        deadline: Deadline,
    ) -> Result<Option<StoredEntry>, StoreError> {
        let location = path(&self.profile, group, below)?;
        let found = self.objects.get_opts(&location, GetOptions::default());
        let Some(found) = call(&self.profile, &location, deadline, found).await? else { return Ok(None) };
        let body = must(&self.profile, &location, deadline, found.bytes()).await?;
        let (object, epoch) = decode(&body).map_err(|e| {
            Failure::new(FailureClass::Malformed, e)
                .about(format!("S3 profile {}, {location}", self.profile))
                .remedy("remove the object, or restore it from another profile or an older version of it")
        })?;
        Ok(Some(StoredEntry { object, epoch }))
    }

    async fn delete(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        paths: &[String],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        self.holds(group, epoch, deadline).await?;
        self.delete_keys(group, paths.to_vec(), deadline).await?;
        self.holds(group, epoch, deadline).await.map(drop)
    }

    async fn clear(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError> {
        self.know_capabilities(deadline).await?;
        let mut buried = false;
        for _ in 0..ATTEMPTS {
            let seen = self.records().read(group, deadline).await?;
            buried = match &seen {
                Some(s) if s.record.epoch > epoch => return Err(self.superseded(group, epoch, s.record.clone())),
                Some(s) if s.record.epoch == epoch && s.record.tombstone => true,
                _ => {
                    // The tombstone comes first: from now on nobody adds to what is being removed.
                    let holder = seen.as_ref().map(|s| s.record.holder.clone()).unwrap_or_default();
                    let raised_at = Some(self.clock.now());
                    let record = EpochRecord { epoch, holder, raised_at, sealed: epoch, tombstone: true };
                    self.records().write(group, seen.as_ref(), &record, deadline).await?
                }
            };
            if buried {
                break;
            }
        }
        if !buried {
            return Err(self.lost_races(group));
        }
        // The group may be protected again at any time: its new entries are not ours to delete. The tombstone is looked for after
        // the listing and before each handful, so that only deletions that are under way at that moment can come too late.
        let keys: Vec<String> = self.versions(group, "", deadline).await?.into_keys().collect();
        for some in keys.chunks(CONCURRENCY) {
            self.is_buried(group, epoch, deadline).await?;
            self.delete_keys(group, some.to_vec(), deadline).await?;
        }
        self.is_buried(group, epoch, deadline).await
    }

    async fn groups(&self, deadline: Deadline) -> Result<Vec<GroupPrefix>, StoreError> {
        let listed = self.objects.list(None::<&Path>).try_collect::<Vec<_>>();
        let listed = call(&self.profile, "listing of all keys", deadline, listed).await?.unwrap_or_default();
        let groups: std::collections::BTreeSet<GroupPrefix> =
            listed.iter().filter_map(|meta| group_of(meta.location.as_ref())).collect();
        Ok(groups.into_iter().collect())
    }
}

/// What counts as sealed for a new epoch: what the predecessor stored whole, until the new one has. Over a tombstone nothing older
/// counts, wherever it may still lie.
fn inherited(before: &EpochRecord) -> Epoch {
    if before.tombstone { Epoch(before.epoch.0.saturating_add(1)) } else { before.sealed }
}

/// The group that a key belongs to; `None` for records and for keys that are no group's.
fn group_of(key: &str) -> Option<GroupPrefix> {
    let mut segments = key.splitn(3, '/');
    let (namespace, name, rest) = (segments.next()?, segments.next()?, segments.next()?);
    (namespace != PROBES && rest != RECORD).then(|| GroupPrefix::new(namespace, name))
}

#[cfg(test)]
mod tests;
