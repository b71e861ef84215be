//! Broken stores of cluster data, for cases D1-D28.

mod bed;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;

pub use bed::MutantStoreBed;

use crate::{
    intercluster::{Failure, FailureClass},
    protection::cluster_data::{
        ClusterDataStore, Entry, Epoch, EpochRecord, GroupPrefix, StoreCapabilities, StoreError, StoredEntry,
    },
    testing::memory::locked,
    time::Deadline,
};

/// A promise of a store that a wrapper breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is documented by the case that notices it")]
pub enum StoreBend {
    DropsNulls,
    WrapsBodies,
    HidesForeignEntries,
    DeadHasNoEntry,
    RaisesByItself,
    MatchesByText,
    DeletesNeighbours,
    ListsRemovedGroups,
    DamagedIsAbsent,
    RefusesItself,
    ForcesOverwrites,
    ForcesAdditions,
    ForcesDeletions,
    ForcesSeals,
    SealsEarly,
    RevivesTombstones,
    BothWin,
    ChecksOnlyBefore,
    HidesLateness,
    ForgetsEntryEpochs,
    AssumesConditions,
    AcknowledgesLost,
    SharesEpochs,
    DeadHasNoGroup,
    HidesTombstones,
    SharesEntries,
    IgnoresRefusals,
    LocksItselfOut,
    OutstaysDeadlines,
    NamelessFailures,
}

/// Broken stores, each with the number of the case that has to notice.
pub const STORE_MUTANTS: &[(&str, StoreBend)] = &[
    ("D1", StoreBend::DropsNulls),
    ("D2", StoreBend::WrapsBodies),
    ("D2", StoreBend::HidesForeignEntries),
    ("D3", StoreBend::DeadHasNoEntry),
    ("D4", StoreBend::RaisesByItself),
    ("D5", StoreBend::MatchesByText),
    ("D6", StoreBend::DeletesNeighbours),
    ("D7", StoreBend::ListsRemovedGroups),
    ("D8", StoreBend::DamagedIsAbsent),
    ("D9", StoreBend::RefusesItself),
    ("D10", StoreBend::ForcesOverwrites),
    ("D11", StoreBend::ForcesAdditions),
    ("D12", StoreBend::ForcesDeletions),
    ("D13", StoreBend::ForcesSeals),
    ("D14", StoreBend::SealsEarly),
    ("D15", StoreBend::RevivesTombstones),
    ("D16", StoreBend::BothWin),
    ("D17", StoreBend::ChecksOnlyBefore),
    ("D18", StoreBend::HidesLateness),
    ("D18", StoreBend::ForgetsEntryEpochs),
    ("D19", StoreBend::AssumesConditions),
    ("D20", StoreBend::AcknowledgesLost),
    ("D21", StoreBend::SharesEpochs),
    ("D22", StoreBend::DeadHasNoGroup),
    ("D23", StoreBend::HidesTombstones),
    ("D24", StoreBend::SharesEntries),
    ("D25", StoreBend::IgnoresRefusals),
    ("D26", StoreBend::LocksItselfOut),
    ("D27", StoreBend::OutstaysDeadlines),
    ("D28", StoreBend::NamelessFailures),
];

/// What the wrappers of one bed remember.
#[derive(Debug, Default)]
struct Memory {
    paths: Mutex<BTreeMap<GroupPrefix, BTreeSet<String>>>,
    records: Mutex<BTreeMap<GroupPrefix, EpochRecord>>,
    failed: AtomicBool,
}

#[derive(Debug)]
struct BentStore {
    inner: Arc<dyn ClusterDataStore>,
    bend: StoreBend,
    memory: Arc<Memory>,
}

fn is_out_of_reach<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Failed(failure)) if failure.class().is_transport())
}

/// The epoch that stands in the caller's way.
fn newer<T>(answer: &Result<T, StoreError>) -> Option<Epoch> {
    match answer {
        Err(StoreError::Superseded { current, .. }) => Some(current.epoch),
        _ => None,
    }
}

impl BentStore {
    fn is(&self, bend: StoreBend) -> bool {
        self.bend == bend
    }

    /// How an answer is passed on.
    async fn pass<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        match answer {
            Err(StoreError::Failed(failure)) if self.is(StoreBend::NamelessFailures) => {
                Err(Failure::new(failure.class(), "the store does not answer").into())
            }
            Err(StoreError::Failed(failure))
                if self.is(StoreBend::OutstaysDeadlines) && failure.class().is_transport() =>
            {
                tokio::time::sleep(Duration::from_secs(30)).await;
                Err(failure.into())
            }
            other => other,
        }
    }

    /// Goes on writing although another has the group.
    async fn force(
        &self,
        group: &GroupPrefix,
        current: Epoch,
        entries: &[Entry],
        deadline: Deadline,
        existing: Option<bool>,
    ) -> Result<(), StoreError> {
        let there = self.inner.list(group, "", deadline).await?;
        let wanted = |entry: &&Entry| existing.is_none_or(|existing| there.contains(&entry.path) == existing);
        let entries: Vec<_> = entries.iter().filter(wanted).cloned().collect();
        if entries.is_empty() {
            return Err(Failure::new(FailureClass::Conflict, "another has the group").into());
        }
        self.inner.put(group, current, &entries, deadline).await
    }

    async fn put_bent(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        entries: &[Entry],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let was_ours = self.inner.epoch(group, deadline).await.is_ok_and(|r| r.is_some_and(|r| r.epoch == epoch));
        let answer = self.inner.put(group, epoch, entries, deadline).await;
        let existing = match self.bend {
            StoreBend::ForcesOverwrites if !was_ours => Some(true),
            StoreBend::ForcesAdditions if !was_ours => Some(false),
            StoreBend::ChecksOnlyBefore if was_ours => None,
            StoreBend::HidesLateness if was_ours && newer(&answer).is_some() => return Ok(()),
            StoreBend::AcknowledgesLost if is_out_of_reach(&answer) => return Ok(()),
            _ => return answer,
        };
        match newer(&answer) {
            Some(current) if current > epoch => {
                self.force(group, current, entries, deadline, existing).await.or(answer)
            }
            _ => answer,
        }
    }
}

#[async_trait]
impl ClusterDataStore for BentStore {
    fn profile(&self) -> &str {
        self.inner.profile()
    }

    fn capabilities(&self) -> StoreCapabilities {
        match self.bend {
            StoreBend::AssumesConditions => StoreCapabilities { conditional_writes: true },
            _ => self.inner.capabilities(),
        }
    }

    async fn probe(&self, deadline: Deadline) -> Result<StoreCapabilities, StoreError> {
        let answer = self.inner.probe(deadline).await;
        self.pass(answer).await?;
        Ok(self.capabilities())
    }

    async fn raise_epoch(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        holder: &str,
        deadline: Deadline,
    ) -> Result<EpochRecord, StoreError> {
        if self.is(StoreBend::RefusesItself)
            && let Some(current) = self.inner.epoch(group, deadline).await?
            && current.epoch == epoch
        {
            let (profile, group) = (self.profile().to_owned(), group.clone());
            return Err(StoreError::Superseded { profile, group, ours: epoch, current: Box::new(current) });
        }
        let answer = self.inner.raise_epoch(group, epoch, holder, deadline).await;
        match (self.bend, &answer) {
            (StoreBend::BothWin, Err(StoreError::Superseded { current, .. })) if current.epoch == epoch => {
                return Ok((**current).clone());
            }
            (StoreBend::RevivesTombstones, Err(StoreError::Superseded { current, .. })) if current.tombstone => {
                return Ok(EpochRecord { tombstone: false, ..(**current).clone() });
            }
            (StoreBend::SealsEarly, Ok(_)) => self.inner.seal(group, epoch, deadline).await?,
            _ => {}
        }
        self.pass(answer).await
    }

    async fn epoch(&self, group: &GroupPrefix, deadline: Deadline) -> Result<Option<EpochRecord>, StoreError> {
        let answer = self.inner.epoch(group, deadline).await;
        if self.is(StoreBend::DeadHasNoGroup) && is_out_of_reach(&answer) {
            return Ok(None);
        }
        let mut record = self.pass(answer).await?;
        match (self.bend, &mut record) {
            (StoreBend::HidesTombstones, Some(record)) => record.tombstone = false,
            (StoreBend::SharesEpochs, Some(record)) => {
                let mut records = locked(&self.memory.records);
                let newest = records.entry(group.clone()).or_insert_with(|| record.clone());
                if newest.epoch <= record.epoch {
                    *newest = record.clone();
                }
                *record = newest.clone();
            }
            _ => {}
        }
        Ok(record)
    }

    async fn put(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        entries: &[Entry],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let stored = entries.iter().map(|entry| entry.path.clone());
        locked(&self.memory.paths).entry(group.clone()).or_default().extend(stored);
        match self.bend {
            StoreBend::WrapsBodies => {
                let wrap = |entry: &Entry| Entry { path: entry.path.clone(), object: json!({"object": entry.object}) };
                let wrapped: Vec<_> = entries.iter().map(wrap).collect();
                return self.inner.put(group, epoch, &wrapped, deadline).await;
            }
            StoreBend::IgnoresRefusals => {
                let mut any = Err(Failure::new(FailureClass::Unreachable, "no entry was stored").into());
                for entry in entries {
                    let answer = self.inner.put(group, epoch, std::slice::from_ref(entry), deadline).await;
                    if answer.is_ok() || newer(&answer).is_some() {
                        any = answer;
                    }
                }
                return any;
            }
            StoreBend::LocksItselfOut if self.memory.failed.swap(false, Ordering::Relaxed) => {
                return Err(Failure::new(FailureClass::Conflict, "another writer was faster").into());
            }
            _ => {}
        }
        let mut answer = self.put_bent(group, epoch, entries, deadline).await;
        let unraised = matches!(&answer, Err(StoreError::Failed(f)) if f.class() == FailureClass::Conflict);
        if self.is(StoreBend::RaisesByItself) && unraised {
            self.inner.raise_epoch(group, epoch, "whoever", deadline).await?;
            answer = self.inner.put(group, epoch, entries, deadline).await;
        }
        self.memory.failed.store(is_out_of_reach(&answer), Ordering::Relaxed);
        self.pass(answer).await
    }

    async fn seal(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError> {
        let answer = self.inner.seal(group, epoch, deadline).await;
        match newer(&answer) {
            Some(current) if self.is(StoreBend::ForcesSeals) => self.inner.seal(group, current, deadline).await,
            _ => self.pass(answer).await,
        }
    }

    async fn list(&self, group: &GroupPrefix, path: &str, deadline: Deadline) -> Result<Vec<String>, StoreError> {
        if self.is(StoreBend::MatchesByText) {
            let all = self.inner.list(group, "", deadline).await?;
            return Ok(all.into_iter().filter(|key| key.starts_with(path)).collect());
        }
        let answer = self.inner.list(group, path, deadline).await;
        if self.is(StoreBend::DeadHasNoGroup) && is_out_of_reach(&answer) {
            return Ok(Vec::new());
        }
        let mut listed = self.pass(answer).await?;
        if self.is(StoreBend::SharesEntries) {
            listed = locked(&self.memory.paths).get(group).into_iter().flatten().cloned().collect();
        }
        Ok(listed)
    }

    async fn get(
        &self,
        group: &GroupPrefix,
        path: &str,
        deadline: Deadline,
    ) -> Result<Option<StoredEntry>, StoreError> {
        let answer = self.inner.get(group, path, deadline).await;
        match (self.bend, &answer) {
            (StoreBend::DeadHasNoEntry, Err(_)) if is_out_of_reach(&answer) => return Ok(None),
            (StoreBend::DamagedIsAbsent, Err(StoreError::Failed(f))) if f.class() == FailureClass::Malformed => {
                return Ok(None);
            }
            (StoreBend::HidesForeignEntries, Ok(Some(entry))) if entry.epoch == Epoch::NONE => return Ok(None),
            _ => {}
        }
        let Some(mut entry) = self.pass(answer).await? else { return Ok(None) };
        match self.bend {
            StoreBend::DropsNulls => {
                if let Some(object) = entry.object.as_object_mut() {
                    object.retain(|_, value| !value.is_null());
                }
            }
            StoreBend::WrapsBodies if entry.epoch != Epoch::NONE => entry.object = entry.object["object"].take(),
            StoreBend::ForgetsEntryEpochs if entry.epoch != Epoch::NONE => {
                entry.epoch = self.inner.epoch(group, deadline).await?.map_or(Epoch::NONE, |record| record.epoch);
            }
            _ => {}
        }
        Ok(Some(entry))
    }

    async fn delete(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        paths: &[String],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let mut paths = paths.to_vec();
        if self.is(StoreBend::DeletesNeighbours) {
            let all = self.inner.list(group, "", deadline).await?;
            paths = all.into_iter().filter(|key| paths.iter().any(|path| key.starts_with(path.as_str()))).collect();
        }
        let answer = self.inner.delete(group, epoch, &paths, deadline).await;
        match newer(&answer) {
            Some(current) if self.is(StoreBend::ForcesDeletions) => {
                self.inner.delete(group, current, &paths, deadline).await
            }
            _ => self.pass(answer).await,
        }
    }

    async fn clear(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> Result<(), StoreError> {
        let answer = self.inner.clear(group, epoch, deadline).await;
        self.pass(answer).await
    }

    async fn groups(&self, deadline: Deadline) -> Result<Vec<GroupPrefix>, StoreError> {
        let answer = self.inner.groups(deadline).await;
        let mut groups = self.pass(answer).await?;
        if self.is(StoreBend::ListsRemovedGroups) {
            groups.extend(locked(&self.memory.paths).keys().cloned());
            groups.sort();
            groups.dedup();
        }
        Ok(groups)
    }
}
