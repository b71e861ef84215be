//! What a case works with: stores that are healthy, and the steps that cases are made of.

use std::{fmt::Debug, sync::Arc, time::Duration};

use serde_json::json;

use super::bed::{ClusterDataBed, StoreFault};
use crate::{
    protection::cluster_data::{Belief, ClusterDataStore, Entry, Epoch, GroupPrefix, StoreError, StoreSet},
    testing::conformance::{
        lab::{broken, ensure},
        report::Unmet,
    },
    time::Deadline,
};

/// How long a call may take.
pub(super) const CALL: Duration = Duration::from_secs(10);

/// The volume that most cases store.
pub(super) const PV: &str = "v1.PersistentVolume/pv-1";

pub(super) const ONE: Epoch = Epoch(1);
pub(super) const TWO: Epoch = Epoch(2);
pub(super) const THREE: Epoch = Epoch(3);

pub(super) type Store = Arc<dyn ClusterDataStore>;

impl From<StoreError> for Unmet {
    /// A call that had to succeed failed.
    fn from(error: StoreError) -> Self {
        Self::Broken(format!("a call that must succeed failed: {error}"))
    }
}

pub(super) fn soon() -> Deadline {
    Deadline::after(CALL)
}

/// An object whose mark tells which write it came from.
pub(super) fn entry(path: &str, mark: &str) -> Entry {
    let name = path.rsplit('/').next();
    Entry { path: path.into(), object: json!({"kind": "PersistentVolume", "metadata": {"name": name}, "mark": mark}) }
}

/// The writer must have been told that another has the group.
pub(super) fn must_be_superseded<T: Debug>(what: &str, answer: Result<T, StoreError>) -> Result<(), Unmet> {
    match answer {
        Err(StoreError::Superseded { .. }) => Ok(()),
        other => broken(format_args!("{what}: instead of Superseded came {other:?}")),
    }
}

/// The call must have failed for want of the store.
pub(super) fn must_be_out_of_reach<T: Debug>(what: &str, answer: Result<T, StoreError>) -> Result<(), Unmet> {
    match answer {
        Err(StoreError::Failed(failure)) if failure.class().is_transport() => Ok(()),
        other => {
            broken(format_args!("{what} of a store out of reach: instead of Unreachable or TimedOut came {other:?}"))
        }
    }
}

/// A bed that was healed, for one case.
#[derive(Debug)]
pub(super) struct StoreLab<'b> {
    pub(super) bed: &'b dyn ClusterDataBed,
    id: &'static str,
}

impl<'b> StoreLab<'b> {
    pub(super) async fn set_up(bed: &'b dyn ClusterDataBed, id: &'static str) -> Result<Self, Unmet> {
        for store in 0..bed.stores() {
            bed.heal(store).await?;
        }
        Ok(Self { bed, id })
    }

    /// The group of this case.
    pub(super) fn group(&self) -> GroupPrefix {
        self.group_named("busybox")
    }

    pub(super) fn group_named(&self, name: &str) -> GroupPrefix {
        GroupPrefix::new(format!("kit-{}", self.id.to_lowercase()), name)
    }

    /// The whole key of a path in the group of this case.
    pub(super) fn key(&self, path: &str) -> String {
        format!("{}{path}", self.group())
    }

    /// A store that was opened and probed.
    pub(super) async fn open(&self, store: usize, writer: &str) -> Result<Store, Unmet> {
        let opened = self.bed.open(store, writer).await?;
        opened.probe(soon()).await?;
        Ok(opened)
    }

    /// A store of the first kind that holds the group whole under epoch 1, written by dr1.
    pub(super) async fn protected(&self) -> Result<Store, Unmet> {
        let store = self.open(0, "dr1").await?;
        self.protect(&store, "dr1", ONE, "one").await?;
        Ok(store)
    }

    /// Raises the epoch, stores the volume with this mark, and seals.
    pub(super) async fn protect(&self, store: &Store, holder: &str, epoch: Epoch, mark: &str) -> Result<(), Unmet> {
        let group = self.group();
        store.raise_epoch(&group, epoch, holder, soon()).await?;
        store.put(&group, epoch, &[entry(PV, mark)], soon()).await?;
        Ok(store.seal(&group, epoch, soon()).await?)
    }

    /// Both stores, opened for one writer.
    pub(super) async fn both(&self, writer: &str) -> Result<(Store, Store), Unmet> {
        if self.bed.stores() < 2 {
            return Err(Unmet::NotTried("the test bed has one store".into()));
        }
        Ok((self.open(0, writer).await?, self.open(1, writer).await?))
    }

    pub(super) async fn inflict(&self, store: usize, fault: StoreFault) -> Result<(), Unmet> {
        Ok(self.bed.inflict(store, fault).await?)
    }

    pub(super) async fn heal(&self, store: usize) -> Result<(), Unmet> {
        Ok(self.bed.heal(store).await?)
    }

    /// The mark of what is stored at a path.
    pub(super) async fn mark(&self, store: &Store, path: &str) -> Result<Option<String>, Unmet> {
        let stored = store.get(&self.group(), path, soon()).await?;
        Ok(stored.map(|entry| entry.object["mark"].as_str().unwrap_or_default().to_owned()))
    }

    pub(super) async fn must_hold(&self, store: &Store, path: &str, mark: &str) -> Result<(), Unmet> {
        let stored = self.mark(store, path).await?;
        ensure(stored.as_deref() == Some(mark), format_args!("{path} holds {stored:?} instead of {mark:?}"))
    }

    pub(super) async fn must_list(&self, store: &Store, path: &str, expected: &[&str]) -> Result<(), Unmet> {
        let listed = store.list(&self.group(), path, soon()).await?;
        ensure(listed == expected, format_args!("below {path:?} are listed {listed:?} instead of {expected:?}"))
    }

    /// What a primary that reads these stores now believes: profiles, or the reason for none.
    pub(super) async fn believed(&self, stores: &[&Store], expected: Epoch) -> String {
        let set = StoreSet::new(stores.iter().map(|&store| store.clone()).collect());
        match set.survey(&self.group(), "v1.PersistentVolume", soon()).await.newest(expected) {
            Belief::Entries(found) => {
                let one = |path: &String, mark: &serde_json::Value| format!("{path}={}", mark.as_str().unwrap_or("?"));
                let entries = found.first().into_iter().flat_map(|replica| &replica.entries);
                let entries: Vec<_> = entries.map(|(path, entry)| one(path, &entry.object["mark"])).collect();
                let profiles: Vec<_> = found.iter().map(|replica| replica.profile.as_str()).collect();
                format!("{} of {}", entries.join(" "), profiles.join(","))
            }
            Belief::Nothing => "nothing".into(),
            Belief::Unproven(_) => "unproven".into(),
            Belief::Outdated { found, expected } => format!("outdated: {found}, not {expected}"),
        }
    }

    pub(super) async fn must_believe(&self, stores: &[&Store], expected: Epoch, belief: &str) -> Result<(), Unmet> {
        let found = self.believed(stores, expected).await;
        ensure(found == belief, format_args!("a reader believes {found:?} instead of {belief:?}"))
    }

    /// Waits until a write waits on its way.
    pub(super) async fn until_held(&self, store: usize) -> Result<(), Unmet> {
        for _ in 0..500 {
            if self.bed.held(store).await? > 0 {
                return Ok(());
            }
            self.bed.wait(Duration::from_millis(10)).await;
        }
        broken("the write never reached the store")
    }
}
