//! What a watch has seen of one kind on one cluster.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use serde_json::Value;

use super::State;
use crate::intercluster::{
    ClusterName, ObjectKey, Outcome, OutcomeKind, RemoteObject, ResourceType,
    agent::{remote::Trouble, sync::lock, watch::Sink},
};

type Name = (Option<String>, String);

/// The objects of a kind, as the watch last told.
#[derive(Default)]
pub(super) struct Cache {
    /// Last proof that the cache is current; `None` before the first list.
    proof: Option<Timestamp>,
    /// Why nothing is proven any more.
    lost: Option<OutcomeKind>,
    objects: BTreeMap<Name, Entry>,
}

/// An object. The content is kept only of registered ones.
struct Entry {
    version: Box<str>,
    body: Option<Box<[u8]>>,
}

/// What the cache says of an object.
pub(super) enum Cached {
    /// It was there, like this, at that time.
    Found(RemoteObject, Timestamp),
    /// It was not there at that time.
    Absent(Timestamp),
    /// The content is not kept.
    Unknown,
}

impl Cache {
    /// What is known of an object.
    pub(super) fn get(&self, key: &ObjectKey) -> Cached {
        let Some(proof) = self.proof else { return Cached::Unknown };
        match self.objects.get(&(key.namespace.clone(), key.name.clone())) {
            None => Cached::Absent(proof),
            Some(entry) => match entry.body.as_deref().map(serde_json::from_slice) {
                Some(Ok(object)) => Cached::Found(RemoteObject::new(object), proof),
                _ => Cached::Unknown,
            },
        }
    }

    /// Whether the watch runs and is believed.
    pub(super) fn is_current(&self) -> bool {
        self.lost.is_none() && self.proof.is_some()
    }

    /// Keeps the content of an object that was read live, if the watch has seen this very version.
    pub(super) fn fill(&mut self, key: &ObjectKey, object: &RemoteObject) {
        if let Some(entry) = self.objects.get_mut(&(key.namespace.clone(), key.name.clone()))
            && object.version() == Some(&*entry.version)
        {
            entry.body = Some(bytes(object.json()));
        }
    }

    /// Nobody is interested in the content any more.
    pub(super) fn drop_body(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.objects.get_mut(&(key.namespace.clone(), key.name.clone())) {
            entry.body = None;
        }
    }

    /// Nothing is proven any more. Answers whether that is news.
    pub(super) fn lose(&mut self, why: OutcomeKind) -> bool {
        self.lost.replace(why) != Some(why)
    }

    fn version(&self, key: &ObjectKey) -> Option<Box<str>> {
        self.objects.get(&(key.namespace.clone(), key.name.clone())).map(|entry| entry.version.clone())
    }
}

fn bytes(object: &Value) -> Box<[u8]> {
    object.to_string().into_bytes().into_boxed_slice()
}

/// Brings news of a watch into the cache and to the registrants.
pub(super) struct Feed {
    state: Arc<State>,
    cache: Arc<Mutex<Cache>>,
    cluster: ClusterName,
    resource: ResourceType,
}

impl Feed {
    pub(super) fn new(
        state: Arc<State>,
        cache: Arc<Mutex<Cache>>,
        cluster: ClusterName,
        resource: ResourceType,
    ) -> Self {
        Self { state, cache, cluster, resource }
    }

    fn key(&self, object: &Value) -> ObjectKey {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or_default();
        ObjectKey::new(self.cluster.clone(), self.resource.clone(), text("/metadata/namespace"), name)
    }

    fn entry(&self, key: &ObjectKey, object: &Value) -> Entry {
        let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().into();
        let body = self.state.is_registered(key).then(|| bytes(object));
        Entry { version, body: body.filter(|body| body.len() <= self.state.settings.max_object_bytes) }
    }
}

impl Sink for Feed {
    fn reset(&mut self, objects: Vec<Value>, at: Timestamp) {
        let fresh = objects.iter().map(|object| {
            let key = self.key(object);
            let entry = self.entry(&key, object);
            ((key.namespace, key.name), entry)
        });
        let fresh: BTreeMap<_, _> = fresh.collect();
        let mut cache = lock(&self.cache);
        let all_are_news = !cache.is_current();
        let before = std::mem::replace(&mut cache.objects, fresh);
        cache.proof = Some(at);
        cache.lost = None;
        for key in self.state.registered_on(&self.cluster, Some(&self.resource)) {
            let now = cache.version(&key);
            let then = before.get(&(key.namespace.clone(), key.name.clone())).map(|entry| entry.version.clone());
            if all_are_news || now != then {
                let outcome = if now.is_some() { OutcomeKind::Found } else { OutcomeKind::Absent };
                self.state.notify(&key, outcome, now.map(Into::into));
            }
        }
    }

    fn changed(&mut self, object: Value, at: Timestamp) {
        let key = self.key(&object);
        let entry = self.entry(&key, &object);
        let version = entry.version.clone();
        let mut cache = lock(&self.cache);
        cache.proof = Some(at);
        let before = cache.objects.insert((key.namespace.clone(), key.name.clone()), entry);
        if before.is_none_or(|b| b.version != version) && self.state.is_registered(&key) {
            self.state.notify(&key, OutcomeKind::Found, Some(version.into()));
        }
    }

    fn deleted(&mut self, object: Value, at: Timestamp) {
        let key = self.key(&object);
        let mut cache = lock(&self.cache);
        cache.proof = Some(at);
        cache.objects.remove(&(key.namespace.clone(), key.name.clone()));
        if self.state.is_registered(&key) {
            self.state.notify(&key, OutcomeKind::Absent, None);
        }
    }

    fn current(&mut self, at: Timestamp) {
        lock(&self.cache).proof = Some(at);
    }

    fn lost(&mut self, trouble: &Trouble) {
        let outcome = match trouble {
            Trouble::KindAbsent => OutcomeKind::KindAbsent,
            Trouble::Failed(failure) => Outcome::from(failure.clone()).kind(),
            _ => OutcomeKind::Malformed,
        };
        if lock(&self.cache).lose(outcome) {
            for key in self.state.registered_on(&self.cluster, Some(&self.resource)) {
                self.state.notify(&key, outcome, None);
            }
        }
    }
}
