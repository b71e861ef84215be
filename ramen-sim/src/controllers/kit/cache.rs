//! What a controller process knows of its cluster: the objects of its watches, as of the last event that arrived.

use std::{collections::BTreeMap, fmt, sync::Arc};

use kube::api::DynamicObject;

use super::kind::Kind;

/// Where an object lies among those of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Namespace; empty for objects of the cluster.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Key {
    /// A key by its parts.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The key of an object.
    pub fn of(object: &DynamicObject) -> Self {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        Self { namespace: text(&object.metadata.namespace), name: text(&object.metadata.name) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// News of one kind.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// The whole list as of a revision.
    All(Vec<DynamicObject>, u64),
    /// An object was created or changed.
    Changed(Box<DynamicObject>),
    /// An object is gone; its last state.
    Gone(Box<DynamicObject>),
}

/// The objects a process knows, by kind and key.
#[derive(Debug, Default)]
pub struct Store {
    kinds: BTreeMap<Kind, BTreeMap<Key, Arc<DynamicObject>>>,
}

impl Store {
    /// An object, if it is known.
    pub fn get(&self, kind: &Kind, key: &Key) -> Option<Arc<DynamicObject>> {
        self.kinds.get(kind)?.get(key).cloned()
    }

    /// The known objects of a kind, in order of their keys.
    pub fn list(&self, kind: &Kind) -> Vec<Arc<DynamicObject>> {
        self.kinds.get(kind).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// The kinds of which something was heard.
    pub fn kinds(&self) -> Vec<Kind> {
        self.kinds.keys().cloned().collect()
    }

    pub(super) fn knows(&self, kind: &Kind) -> bool {
        self.kinds.contains_key(kind)
    }

    /// Takes in news; answers the objects that changed or went, in order. News older than what is known says nothing.
    pub(super) fn take(&mut self, kind: &Kind, news: News) -> Vec<Arc<DynamicObject>> {
        let objects = self.kinds.entry(kind.clone()).or_default();
        match news {
            News::Changed(object) => put(objects, *object).into_iter().collect(),
            News::Gone(object) => {
                let key = Key::of(&object);
                if objects.get(&key).is_some_and(|known| revision(known) > revision(&object)) {
                    return Vec::new();
                }
                objects.remove(&key);
                vec![Arc::new(*object)]
            }
            News::All(all, at) => {
                let listed: BTreeMap<Key, DynamicObject> =
                    all.into_iter().map(|object| (Key::of(&object), object)).collect();
                let gone: Vec<Key> = objects
                    .iter()
                    .filter(|(key, known)| !listed.contains_key(key) && revision(known) <= at)
                    .map(|(key, _)| key.clone())
                    .collect();
                let mut changed: Vec<_> = gone.iter().filter_map(|key| objects.remove(key)).collect();
                changed.extend(listed.into_values().filter_map(|object| put(objects, object)));
                changed
            }
        }
    }
}

fn put(objects: &mut BTreeMap<Key, Arc<DynamicObject>>, object: DynamicObject) -> Option<Arc<DynamicObject>> {
    let key = Key::of(&object);
    if objects.get(&key).is_some_and(|known| revision(known) >= revision(&object)) {
        return None;
    }
    let object = Arc::new(object);
    objects.insert(key, Arc::clone(&object));
    Some(object)
}

pub(super) fn revision(object: &DynamicObject) -> u64 {
    object.metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str, revision: u64) -> DynamicObject {
        let mut object = Kind::claim().object("app", name, serde_json::json!({}));
        object.metadata.resource_version = Some(revision.to_string());
        object
    }

    #[test]
    fn news_older_than_what_is_known_says_nothing() {
        let (mut store, kind) = (Store::default(), Kind::claim());
        assert_eq!(store.take(&kind, News::Changed(claim("a", 5).into())).len(), 1);
        assert!(store.take(&kind, News::Changed(claim("a", 5).into())).is_empty(), "an echo of our own write");
        assert!(store.take(&kind, News::Changed(claim("a", 4).into())).is_empty());
        assert!(store.take(&kind, News::Gone(claim("a", 4).into())).is_empty(), "an earlier object of that name");
        assert!(store.take(&kind, News::All(Vec::new(), 4)).is_empty(), "a list from before it was created");
        assert!(store.get(&kind, &Key::new("app", "a")).is_some());
        assert_eq!(store.take(&kind, News::All(vec![claim("b", 7)], 8)).len(), 2, "one gone, one new");
        assert!(store.get(&kind, &Key::new("app", "a")).is_none());
    }
}
