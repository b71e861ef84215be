//! The durable records of the hub side: what survives the death of a process.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use jiff::Timestamp;

use crate::intercluster::{ClusterName, DeletePolicy, Intent, IntentId, IntentRecord, ObjectKey, Registration};

/// One record: the intent and its state, its end, and what comes after its end.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) record: IntentRecord,
    /// Set once a deletion was requested.
    pub(crate) ending: Option<DeletePolicy>,
    /// Put during the deletion; becomes the record when the deletion is done.
    pub(crate) next: Option<Intent>,
    /// Changes with every write.
    pub(crate) version: u64,
    /// Changes of content that were not delivered yet, oldest first; only the defect `QueuesEveryChange` fills it.
    pub(crate) queue: Vec<Intent>,
}

/// A registration and the hub side that claims it.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) registration: Registration,
    pub(crate) instance: u64,
    pub(crate) claimed_at: Timestamp,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Durable {
    pub(crate) entries: BTreeMap<IntentId, Entry>,
    pub(crate) registrations: BTreeMap<(ObjectKey, String), Claimed>,
    pub(crate) identities: BTreeMap<ClusterName, String>,
}

#[derive(Debug, Default)]
pub(crate) struct Records {
    durable: Mutex<Durable>,
    backup: Mutex<Durable>,
    serial: Mutex<u64>,
    listeners: Mutex<Vec<UnboundedSender<IntentId>>>,
}

impl Records {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Durable> {
        locked(&self.durable)
    }

    /// A number that was never given out before.
    pub(crate) fn serial(&self) -> u64 {
        let mut serial = locked(&self.serial);
        *serial += 1;
        *serial
    }

    pub(crate) fn listen(&self) -> UnboundedReceiver<IntentId> {
        let (sender, receiver) = unbounded();
        locked(&self.listeners).push(sender);
        receiver
    }

    pub(crate) fn announce(&self, id: &IntentId) {
        locked(&self.listeners).retain(|l| l.unbounded_send(id.clone()).is_ok());
    }

    /// Writes an entry if it is still at this version and `edit` changes it; whether the version was met.
    pub(crate) fn update(&self, id: &IntentId, version: u64, edit: impl FnOnce(&mut Entry)) -> bool {
        let next = self.serial();
        let mut durable = self.lock();
        let Some(entry) = durable.entries.get_mut(id).filter(|entry| entry.version == version) else { return false };
        let before = entry.clone();
        edit(entry);
        let changed = entry.record != before.record || entry.ending != before.ending || entry.queue != before.queue;
        if changed {
            entry.version = next;
        }
        drop(durable);
        if changed {
            self.announce(id);
        }
        true
    }

    pub(crate) fn lose(&self) {
        *self.lock() = Durable::default();
    }

    pub(crate) fn back_up(&self) {
        let copy = self.lock().clone();
        *locked(&self.backup) = copy;
    }

    pub(crate) fn restore(&self) {
        let copy = locked(&self.backup).clone();
        *self.lock() = copy;
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
