//! Which records name which objects.

use std::collections::{BTreeMap, BTreeSet};

use crate::intercluster::{ClusterName, IntentId, ObjectKey, ResourceType};

/// Both directions, kept equal.
#[derive(Debug, Default)]
pub(super) struct Index {
    names: BTreeMap<ObjectKey, BTreeSet<String>>,
    keys: BTreeMap<IntentId, BTreeSet<ObjectKey>>,
    /// How many objects of a kind are named on a cluster.
    kinds: BTreeMap<ClusterName, BTreeMap<ResourceType, usize>>,
}

impl Index {
    /// Notes the objects that a record names. Answers with those that no record names any more.
    pub(super) fn set(&mut self, id: &IntentId, keys: &BTreeSet<ObjectKey>) -> Vec<ObjectKey> {
        let before = self.keys.remove(id).unwrap_or_default();
        let mut unnamed = Vec::new();
        for key in before.difference(keys) {
            if let Some(names) = self.names.get_mut(key) {
                names.remove(&id.name);
                if names.is_empty() {
                    self.names.remove(key);
                    self.count_less(key);
                    unnamed.push(key.clone());
                }
            }
        }
        for key in keys {
            let names = self.names.entry(key.clone()).or_default();
            if names.is_empty() {
                *self.kinds.entry(key.cluster.clone()).or_default().entry(key.resource.clone()).or_default() += 1;
            }
            names.insert(id.name.clone());
        }
        if !keys.is_empty() {
            self.keys.insert(id.clone(), keys.clone());
        }
        unnamed
    }

    /// The records that name an object.
    pub(super) fn names(&self, key: &ObjectKey) -> BTreeSet<String> {
        self.names.get(key).cloned().unwrap_or_default()
    }

    /// The kinds of the objects that are named on a cluster.
    pub(super) fn kinds(&self, cluster: &ClusterName) -> Vec<ResourceType> {
        self.kinds.get(cluster).into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// The objects of a kind that are named on a cluster.
    pub(super) fn of_kind(&self, cluster: &ClusterName, resource: &ResourceType) -> Vec<ObjectKey> {
        let same = |key: &&ObjectKey| {
            key.cluster == *cluster && key.resource.group == resource.group && key.resource.kind == resource.kind
        };
        self.names.keys().filter(same).cloned().collect()
    }

    fn count_less(&mut self, key: &ObjectKey) {
        let Some(kinds) = self.kinds.get_mut(&key.cluster) else { return };
        if let Some(count) = kinds.get_mut(&key.resource) {
            *count -= 1;
            if *count == 0 {
                kinds.remove(&key.resource);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Namespace};

    use super::*;

    #[test]
    fn an_object_that_two_records_name_is_let_go_with_the_last_of_them() {
        let key = ObjectKey::of::<ConfigMap>("dr1", Some("a"), "x");
        let namespace = ObjectKey::of::<Namespace>("dr1", None, "a");
        let (first, second) = (IntentId::new("dr1", "first"), IntentId::new("dr1", "second"));
        let mut index = Index::default();
        index.set(&first, &[key.clone(), namespace.clone()].into());
        index.set(&second, &[key.clone()].into());
        assert_eq!(index.names(&key), ["first".to_owned(), "second".to_owned()].into());
        assert_eq!(index.set(&first, &BTreeSet::new()), [namespace]);
        assert_eq!(index.kinds(&"dr1".into()).len(), 1);
        assert_eq!(index.set(&second, &BTreeSet::new()), [key]);
        assert!(index.kinds(&"dr1".into()).is_empty());
    }
}
