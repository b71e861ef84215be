//! Several stores as one: written side by side, read by the highest epoch.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt, future::join_all, stream};

use super::{ClusterDataStore, Entry, Epoch, EpochRecord, GroupPrefix, StoreError, StoredEntry};
use crate::time::Deadline;

/// How many entries are read from one store at a time.
const CONCURRENT_READS: usize = 16;

/// The stores of a group. One of them shares its fate with each cluster, so any of them may be gone.
#[derive(Debug, Clone)]
pub struct StoreSet {
    stores: Vec<Arc<dyn ClusterDataStore>>,
}

/// What a write did in each store, by profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOutcome {
    /// Profiles that have acknowledged everything.
    pub stored: Vec<String>,
    /// Profiles that have not, and why.
    pub failed: BTreeMap<String, StoreError>,
}

impl WriteOutcome {
    /// The first sign that another writer has the group; outweighs any number of successes.
    pub fn superseded(&self) -> Option<&StoreError> {
        self.failed.values().find(|e| matches!(e, StoreError::Superseded { .. }))
    }
}

/// What one store holds of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// The store's profile.
    pub profile: String,
    /// The recorded epoch, `None` if nobody ever recorded one.
    pub record: Option<EpochRecord>,
    /// The entries that are not superseded, by path.
    pub entries: BTreeMap<String, StoredEntry>,
}

/// What all stores hold of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Stores that answered, in order of preference.
    pub replicas: Vec<Replica>,
    /// Profiles that did not, and why.
    pub unanswered: BTreeMap<String, StoreError>,
}

/// Which of the stores can be believed.
#[derive(Debug, Clone, PartialEq)]
pub enum Belief<'a> {
    /// These, in order of preference: they hold entries and none holds a newer epoch.
    Entries(Vec<&'a Replica>),
    /// Every store answered and none holds the group, or the group was removed under the newest epoch.
    Nothing,
    /// Nothing was found, and these stores could not be asked: whether there is something is not known.
    Unproven(&'a BTreeMap<String, StoreError>),
    /// The stores that answered missed the last promotion.
    Outdated {
        /// The newest epoch found.
        found: Epoch,
        /// The epoch that the hub knows of.
        expected: Epoch,
    },
}

impl Survey {
    /// Which of the stores can be believed.
    ///
    /// Stores are ranked by the epoch of their *data*, the sealed one: a new primary raises the recorded epoch everywhere before it
    /// reads, also in a store that missed what its predecessor stored.
    ///
    /// `expected` is the newest epoch that the hub knows to have been sealed. A store below it missed a promotion and is not
    /// believed, even if it is the only one that answers.
    pub fn newest(&self, expected: Epoch) -> Belief<'_> {
        let found = self.replicas.iter().map(Replica::sealed).max().unwrap_or_default();
        let newest: Vec<&Replica> = self.replicas.iter().filter(|r| r.sealed() == found).collect();
        let removed = newest.iter().any(|r| r.record.as_ref().is_some_and(|record| record.tombstone));
        if found < expected {
            return if self.replicas.is_empty() {
                Belief::Unproven(&self.unanswered)
            } else {
                Belief::Outdated { found, expected }
            };
        }
        // A store that was down when the group was removed still holds entries of the same epoch: the tombstone wins.
        if removed {
            return Belief::Nothing;
        }
        let holding: Vec<&Replica> = newest.into_iter().filter(|r| !r.entries.is_empty()).collect();
        match (holding.is_empty(), self.unanswered.is_empty()) {
            (false, _) => Belief::Entries(holding),
            (true, true) => Belief::Nothing,
            (true, false) => Belief::Unproven(&self.unanswered),
        }
    }
}

impl Replica {
    /// The newest epoch whose data is here whole; [`Epoch::NONE`] if nobody ever sealed one.
    pub fn sealed(&self) -> Epoch {
        self.record.as_ref().map_or(Epoch::NONE, |r| r.sealed)
    }
}

impl StoreSet {
    /// These stores, in order of preference.
    pub fn new(stores: Vec<Arc<dyn ClusterDataStore>>) -> Self {
        Self { stores }
    }

    /// The stores.
    pub fn stores(&self) -> &[Arc<dyn ClusterDataStore>] {
        &self.stores
    }

    /// Raises the epoch in all stores side by side.
    pub async fn raise_epoch(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        holder: &str,
        deadline: Deadline,
    ) -> WriteOutcome {
        outcome(
            join_all(self.stores.iter().map(|store| async move {
                (store.profile().to_owned(), store.raise_epoch(group, epoch, holder, deadline).await.map(drop))
            }))
            .await,
        )
    }

    /// Stores the entries in all stores side by side; a slow or dead store does not hold back the others.
    pub async fn put(&self, group: &GroupPrefix, epoch: Epoch, entries: &[Entry], deadline: Deadline) -> WriteOutcome {
        outcome(
            join_all(self.stores.iter().map(|store| async move {
                (store.profile().to_owned(), store.put(group, epoch, entries, deadline).await)
            }))
            .await,
        )
    }

    /// Declares in all stores side by side that the group is stored whole under the epoch.
    pub async fn seal(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> WriteOutcome {
        outcome(
            join_all(
                self.stores
                    .iter()
                    .map(|store| async move { (store.profile().to_owned(), store.seal(group, epoch, deadline).await) }),
            )
            .await,
        )
    }

    /// Deletes entries in all stores side by side.
    pub async fn delete(
        &self,
        group: &GroupPrefix,
        epoch: Epoch,
        paths: &[String],
        deadline: Deadline,
    ) -> WriteOutcome {
        outcome(
            join_all(self.stores.iter().map(|store| async move {
                (store.profile().to_owned(), store.delete(group, epoch, paths, deadline).await)
            }))
            .await,
        )
    }

    /// Removes the group from all stores side by side, leaving tombstones.
    pub async fn clear(&self, group: &GroupPrefix, epoch: Epoch, deadline: Deadline) -> WriteOutcome {
        outcome(
            join_all(
                self.stores.iter().map(|store| async move {
                    (store.profile().to_owned(), store.clear(group, epoch, deadline).await)
                }),
            )
            .await,
        )
    }

    /// Asks all stores, side by side, what they hold under `path`. A store that fails on the way counts as not having answered.
    pub async fn survey(&self, group: &GroupPrefix, path: &str, deadline: Deadline) -> Survey {
        let answers = join_all(self.stores.iter().map(|store| async move {
            (store.profile().to_owned(), read(store.as_ref(), group, path, deadline).await)
        }))
        .await;
        let mut survey = Survey { replicas: Vec::new(), unanswered: BTreeMap::new() };
        for (profile, answer) in answers {
            match answer {
                Ok(replica) => survey.replicas.push(replica),
                Err(e) => drop(survey.unanswered.insert(profile, e)),
            }
        }
        survey
    }
}

/// Everything under `path` that is not superseded.
async fn read(
    store: &dyn ClusterDataStore,
    group: &GroupPrefix,
    path: &str,
    deadline: Deadline,
) -> Result<Replica, StoreError> {
    let record = store.epoch(group, deadline).await?;
    let sealed = record.as_ref().map_or(Epoch::NONE, |r| r.sealed);
    let paths = store.list(group, path, deadline).await?;
    let mut reads = stream::iter(paths)
        .map(|path| async move {
            let entry = store.get(group, &path, deadline).await;
            (path, entry)
        })
        .buffered(CONCURRENT_READS);
    let mut entries = BTreeMap::new();
    while let Some((path, entry)) = reads.next().await {
        // An entry that went away between the listing and the read is one that is not there. Writers without epochs cannot be
        // fenced, so their entries cannot be told from current ones and count.
        if let Some(entry) = entry?.filter(|e| e.epoch >= sealed || e.epoch == Epoch::NONE) {
            entries.insert(path, entry);
        }
    }
    Ok(Replica { profile: store.profile().to_owned(), record, entries })
}

fn outcome(results: Vec<(String, Result<(), StoreError>)>) -> WriteOutcome {
    let mut outcome = WriteOutcome { stored: Vec::new(), failed: BTreeMap::new() };
    for (profile, result) in results {
        match result {
            Ok(()) => outcome.stored.push(profile),
            Err(e) => drop(outcome.failed.insert(profile, e)),
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::intercluster::{Failure, FailureClass};

    fn replica(profile: &str, sealed: Option<u64>, tombstone: bool, entries: usize) -> Replica {
        raised(profile, sealed.map(|e| (e, e)), tombstone, entries)
    }

    /// A store whose record says (epoch, sealed).
    fn raised(profile: &str, record: Option<(u64, u64)>, tombstone: bool, entries: usize) -> Replica {
        Replica {
            profile: profile.into(),
            record: record.map(|(epoch, sealed)| EpochRecord {
                epoch: Epoch(epoch),
                sealed: Epoch(sealed),
                holder: "dr1".into(),
                raised_at: None,
                tombstone,
            }),
            entries: (0..entries)
                .map(|i| (format!("v1.PersistentVolume/{i}"), StoredEntry { object: json!({}), epoch: Epoch::NONE }))
                .collect(),
        }
    }

    fn dead() -> BTreeMap<String, StoreError> {
        let failure = Failure::new(FailureClass::Unreachable, "connection refused").about("S3 profile b");
        BTreeMap::from([("b".to_owned(), StoreError::Failed(failure))])
    }

    fn belief(replicas: Vec<Replica>, unanswered: BTreeMap<String, StoreError>, expected: u64) -> String {
        match (Survey { replicas, unanswered }).newest(Epoch(expected)) {
            Belief::Entries(replicas) => replicas.iter().map(|r| r.profile.as_str()).collect::<Vec<_>>().join(","),
            Belief::Nothing => "nothing".into(),
            Belief::Unproven(_) => "unproven".into(),
            Belief::Outdated { found, expected } => format!("outdated {} < {}", found.0, expected.0),
        }
    }

    /// A wrong row restores an application from metadata that another cluster has superseded, or gives up metadata that exists.
    #[test]
    fn which_store_is_believed() {
        let none = BTreeMap::new;
        // Both agree; either will do, in order of preference.
        assert_eq!(belief(vec![replica("a", Some(2), false, 3), replica("b", Some(2), false, 3)], none(), 2), "a,b");
        // One missed the last promotion.
        assert_eq!(belief(vec![replica("a", Some(1), false, 3), replica("b", Some(2), false, 3)], none(), 0), "b");
        // ... and is the only one that answers.
        assert_eq!(belief(vec![replica("a", Some(1), false, 3)], dead(), 2), "outdated 1 < 2");
        // One live store suffices.
        assert_eq!(belief(vec![replica("a", Some(2), false, 3)], dead(), 2), "a");
        // Nothing was ever stored, and everybody says so.
        assert_eq!(belief(vec![replica("a", None, false, 0), replica("b", None, false, 0)], none(), 0), "nothing");
        // Nothing in the store that answers proves nothing about the other.
        assert_eq!(belief(vec![replica("a", None, false, 0)], dead(), 0), "unproven");
        assert_eq!(belief(vec![], dead(), 2), "unproven");
        // Removed while the other store was down: what that one still holds does not come back.
        assert_eq!(belief(vec![replica("a", Some(2), true, 0), replica("b", Some(2), false, 3)], none(), 0), "nothing");
        // Protected again afterwards.
        assert_eq!(belief(vec![replica("a", Some(2), true, 0), replica("b", Some(3), false, 3)], none(), 3), "b");
        // Written by upstream, which records no epoch.
        assert_eq!(belief(vec![replica("a", None, false, 3)], dead(), 0), "a");
        // A store that missed promotion 2 has its epoch raised for promotion 3 like the other: its data stays of epoch 1.
        let missed = || raised("a", Some((3, 1)), false, 3);
        assert_eq!(belief(vec![missed(), raised("b", Some((3, 2)), false, 3)], none(), 2), "b");
        assert_eq!(belief(vec![missed()], dead(), 2), "outdated 1 < 2");
        // A bucket that was made anew, its epoch raised while the other store was away.
        let empty = || raised("a", Some((3, 0)), false, 0);
        assert_eq!(belief(vec![empty(), raised("b", Some((2, 2)), false, 3)], none(), 2), "b");
        assert_eq!(belief(vec![empty()], dead(), 0), "unproven");
        // Protected again over the tombstone, nothing stored yet: what the other store still holds stays removed.
        assert_eq!(
            belief(vec![raised("a", Some((3, 3)), false, 0), raised("b", Some((3, 2)), false, 3)], none(), 0),
            "nothing"
        );
    }
}
