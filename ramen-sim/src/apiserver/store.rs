//! The objects of one cluster with their history: a revisioned store such as etcd, in memory.
//!
//! Every write raises one revision that all resources share; it is the `resourceVersion` of what was written. Objects
//! are kept as the JSON that goes over the wire, so that reading and listing cost no parsing and share memory. Each
//! resource keeps its recent changes, from which watches are fed and older revisions are read, until they are compacted.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;

use super::meta;

/// Group and plural name of a resource: what objects are stored under, whatever version they are served in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource {
    /// API group; empty for core.
    pub group: String,
    /// Plural name.
    pub resource: String,
}

impl GroupResource {
    /// A resource by group and plural name.
    pub fn new(group: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { group: group.into(), resource: resource.into() }
    }
}

/// Where an object lies within its resource: `namespace/name`, or `name`. Ordered as etcd orders keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) String);

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        if namespace.is_empty() { Self(name.to_string()) } else { Self(format!("{namespace}/{name}")) }
    }

    pub(crate) fn namespace(&self) -> &str {
        self.0.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }
}

/// One revision of one object.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) revision: u64,
    /// The object without apiVersion and kind: these depend on the version that it is served in.
    pub(crate) json: Bytes,
    pub(crate) labels: BTreeMap<String, String>,
}

impl Stored {
    fn new(value: &mut Value, revision: u64) -> Self {
        let labels = meta::string_map(value, "labels");
        if let Some(map) = value.as_object_mut() {
            map.remove("apiVersion");
            map.remove("kind");
        }
        Self { revision, json: Bytes::from(value.to_string()), labels }
    }

    /// An object as it would be stored, for dry runs: it keeps the resourceVersion it came with.
    pub(crate) fn unsaved(mut value: Value) -> Self {
        let revision = meta::text(&value, "resourceVersion").parse().unwrap_or_default();
        Self::new(&mut value, revision)
    }

    /// The same state under another revision.
    pub(crate) fn at_revision(&self, revision: u64) -> Arc<Self> {
        let mut value = self.value();
        value["metadata"]["resourceVersion"] = revision.to_string().into();
        Arc::new(Self::new(&mut value, revision))
    }

    /// The object as data, without apiVersion and kind.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.json).unwrap_or_default()
    }
}

/// What happened to an object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) key: Key,
    /// The state after the change; for a deletion the last state, under the revision of the deletion.
    pub(crate) object: Arc<Stored>,
    /// The state before; none for a creation.
    pub(crate) previous: Option<Arc<Stored>>,
    pub(crate) deleted: bool,
    at: Timestamp,
}

/// How long changes are kept for watches and for reads of older revisions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    pub(crate) age: SignedDuration,
    pub(crate) changes: usize,
}

#[derive(Debug)]
struct Shelf {
    objects: BTreeMap<Key, Arc<Stored>>,
    /// How many objects each namespace holds, so that a page need not walk to the end to say what is left.
    population: BTreeMap<String, usize>,
    history: VecDeque<Change>,
    /// Changes up to this revision are forgotten.
    compacted: u64,
    /// Wakes watchers in the order in which they began to wait: a `watch` channel would wake them in a random one.
    changed: Arc<Notify>,
}

impl Shelf {
    fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            population: BTreeMap::new(),
            history: VecDeque::new(),
            compacted: 0,
            changed: Arc::default(),
        }
    }

    fn insert(&mut self, key: &Key, object: Arc<Stored>) -> Option<Arc<Stored>> {
        let previous = self.objects.insert(key.clone(), object);
        if previous.is_none() {
            *self.population.entry(key.namespace().to_string()).or_default() += 1;
        }
        previous
    }

    fn take(&mut self, key: &Key) -> Option<Arc<Stored>> {
        let previous = self.objects.remove(key)?;
        if let Some(count) = self.population.get_mut(key.namespace()) {
            *count -= 1;
        }
        Some(previous)
    }

    fn changes_after(&self, revision: u64) -> impl Iterator<Item = &Change> {
        let first = self.history.partition_point(|change| change.revision <= revision);
        self.history.range(first..)
    }

    fn record(&mut self, change: Change, retention: Retention) {
        let now = change.at;
        self.history.push_back(change);
        while let Some(oldest) = self.history.front() {
            let kept = self.history.len() <= retention.changes && now.duration_since(oldest.at) <= retention.age;
            if kept {
                break;
            }
            self.compacted = oldest.revision;
            self.history.pop_front();
        }
        self.changed.notify_waiters();
    }
}

/// A revision that the history no longer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compacted {
    /// The oldest revision that can still be read.
    pub(crate) oldest: u64,
}

/// Which part of a resource a list covers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Range {
    pub(crate) namespace: String,
    /// Only keys that come after this one (the `continue` of an earlier page).
    pub(crate) after: Option<Key>,
}

impl Range {
    fn bounds(&self) -> (Bound<Key>, Bound<Key>) {
        let (mut start, end) = if self.namespace.is_empty() {
            (Bound::Unbounded, Bound::Unbounded)
        } else {
            // '0' is the character after '/', so this is every key with the prefix `namespace/`.
            let from = Key(format!("{}/", self.namespace));
            (Bound::Included(from), Bound::Excluded(Key(format!("{}0", self.namespace))))
        };
        if let Some(after) = &self.after {
            start = Bound::Excluded(after.clone());
        }
        (start, end)
    }

    fn contains(&self, key: &Key) -> bool {
        (self.namespace.is_empty() || key.namespace() == self.namespace)
            && self.after.as_ref().is_none_or(|after| key > after)
    }
}

/// Objects in key order, one by one.
pub(crate) type Scan<'a> = Box<dyn Iterator<Item = (&'a Key, &'a Arc<Stored>)> + 'a>;

/// All objects of a cluster.
#[derive(Debug)]
pub(crate) struct Store {
    revision: u64,
    shelves: BTreeMap<GroupResource, Shelf>,
    compacted: u64,
    retention: Retention,
}

impl Store {
    pub(crate) fn new(retention: Retention) -> Self {
        // etcd's first revision is 1; "0" has a meaning of its own in requests.
        Self { revision: 1, shelves: BTreeMap::new(), compacted: 0, retention }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, resource: &GroupResource, key: &Key) -> Option<Arc<Stored>> {
        self.shelves.get(resource)?.objects.get(key).cloned()
    }

    /// The object as it was at a revision.
    pub(crate) fn get_at(
        &self,
        resource: &GroupResource,
        key: &Key,
        revision: u64,
    ) -> Result<Option<Arc<Stored>>, Compacted> {
        let Some(shelf) = self.shelves.get(resource) else { return Ok(None) };
        self.check(shelf, revision)?;
        let undone = shelf.changes_after(revision).find(|change| change.key == *key);
        Ok(undone.map_or_else(|| shelf.objects.get(key).cloned(), |change| change.previous.clone()))
    }

    /// Writes an object, stamping it with the new revision. Takes apiVersion and kind off it.
    pub(crate) fn put(&mut self, resource: &GroupResource, key: Key, value: &mut Value, at: Timestamp) -> Arc<Stored> {
        self.revision += 1;
        let revision = self.revision;
        value["metadata"]["resourceVersion"] = revision.to_string().into();
        let object = Arc::new(Stored::new(value, revision));
        let retention = self.retention;
        let shelf = self.shelves.entry(resource.clone()).or_insert_with(Shelf::new);
        let previous = shelf.insert(&key, object.clone());
        let change = Change { revision, key, object: object.clone(), previous, deleted: false, at };
        shelf.record(change, retention);
        object
    }

    /// Removes an object; returns its last state under the revision of the removal.
    pub(crate) fn remove(&mut self, resource: &GroupResource, key: &Key, at: Timestamp) -> Option<Arc<Stored>> {
        let retention = self.retention;
        let shelf = self.shelves.get_mut(resource)?;
        let previous = shelf.take(key)?;
        self.revision += 1;
        let revision = self.revision;
        let object = previous.at_revision(revision);
        let change =
            Change { revision, key: key.clone(), object: object.clone(), previous: Some(previous), deleted: true, at };
        shelf.record(change, retention);
        Some(object)
    }

    /// The objects of a range, in key order, now or at an earlier revision.
    pub(crate) fn list(
        &self,
        resource: &GroupResource,
        range: &Range,
        revision: Option<u64>,
    ) -> Result<Vec<(Key, Arc<Stored>)>, Compacted> {
        let scan = self.scan(resource, range, revision)?;
        Ok(scan.map(|(key, object)| (key.clone(), object.clone())).collect())
    }

    /// The same one by one: who stops early pays for what was read (and, at an earlier revision, for the changes since).
    pub(crate) fn scan<'a>(
        &'a self,
        resource: &GroupResource,
        range: &Range,
        revision: Option<u64>,
    ) -> Result<Scan<'a>, Compacted> {
        let Some(shelf) = self.shelves.get(resource) else { return Ok(Box::new(std::iter::empty())) };
        let current = shelf.objects.range(range.bounds());
        let Some(revision) = revision else { return Ok(Box::new(current)) };
        self.check(shelf, revision)?;
        let mut undone: BTreeMap<&Key, Option<&Arc<Stored>>> = BTreeMap::new();
        for change in shelf.changes_after(revision).filter(|change| range.contains(&change.key)) {
            undone.entry(&change.key).or_insert(change.previous.as_ref());
        }
        if undone.is_empty() {
            return Ok(Box::new(current));
        }
        let past: Vec<_> = undone.iter().filter_map(|(key, object)| Some((*key, (*object)?))).collect();
        let mut past = past.into_iter().peekable();
        let mut unchanged = current.filter(move |(key, _)| !undone.contains_key(key)).peekable();
        Ok(Box::new(std::iter::from_fn(move || match (unchanged.peek(), past.peek()) {
            (Some((one, _)), Some((other, _))) if one < other => unchanged.next(),
            (_, Some(_)) => past.next(),
            (_, None) => unchanged.next(),
        })))
    }

    /// How many objects a namespace (or, without one, the whole resource) holds, now or at an earlier revision.
    pub(crate) fn count(
        &self,
        resource: &GroupResource,
        namespace: &str,
        revision: Option<u64>,
    ) -> Result<usize, Compacted> {
        let Some(shelf) = self.shelves.get(resource) else { return Ok(0) };
        let mut count = match namespace {
            "" => shelf.objects.len(),
            _ => shelf.population.get(namespace).copied().unwrap_or_default(),
        };
        let Some(revision) = revision else { return Ok(count) };
        self.check(shelf, revision)?;
        let within = |change: &&Change| namespace.is_empty() || change.key.namespace() == namespace;
        // Backwards, so that the number never falls below that of some moment.
        let since: Vec<&Change> = shelf.changes_after(revision).filter(within).collect();
        for change in since.into_iter().rev() {
            if change.deleted {
                count += 1;
            } else if change.previous.is_none() {
                count -= 1;
            }
        }
        Ok(count)
    }

    /// Whether a watch can begin after a revision.
    pub(crate) fn check_readable(&self, resource: &GroupResource, revision: u64) -> Result<(), Compacted> {
        self.shelves.get(resource).map_or(Ok(()), |shelf| self.check(shelf, revision))
    }

    /// The next change of a resource after a revision, if there is one yet. A watcher that has kept up is not hurt by
    /// a compaction: only changes that it has not seen and that are gone count.
    pub(crate) fn next_change(&self, resource: &GroupResource, after: u64) -> Result<Option<Change>, Compacted> {
        let Some(shelf) = self.shelves.get(resource) else { return Ok(None) };
        if after < shelf.compacted {
            return Err(Compacted { oldest: shelf.compacted });
        }
        Ok(shelf.changes_after(after).next().cloned())
    }

    /// Wakes those who wait whenever the resource changes.
    pub(crate) fn changes_of(&mut self, resource: &GroupResource) -> Arc<Notify> {
        self.shelves.entry(resource.clone()).or_insert_with(Shelf::new).changed.clone()
    }

    /// Forgets all changes up to a revision (the current one at most).
    pub(crate) fn compact(&mut self, revision: u64) {
        self.compacted = self.compacted.max(revision.min(self.revision));
        for shelf in self.shelves.values_mut() {
            while let Some(oldest) = shelf.history.front().filter(|change| change.revision <= self.compacted) {
                shelf.compacted = oldest.revision;
                shelf.history.pop_front();
            }
        }
    }

    /// How many objects each resource has.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&GroupResource, usize)> {
        self.shelves.iter().map(|(resource, shelf)| (resource, shelf.objects.len()))
    }

    fn check(&self, shelf: &Shelf, revision: u64) -> Result<(), Compacted> {
        let oldest = self.compacted.max(shelf.compacted);
        if revision < oldest { Err(Compacted { oldest }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
