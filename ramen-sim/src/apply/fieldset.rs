//! The paths that an object mentions: what its applier owns.

use std::collections::BTreeMap;

use serde_json::Value;

use super::element::PathElement;
use super::list::{item_element, items};
use super::schema::{Resolved, TypeId, Types};
use super::set::FieldSet;

/// Every leaf, list item and map entry that the value mentions.
pub(crate) fn field_set(types: &Types, root: TypeId, value: &Value) -> FieldSet {
    let mut walk = Walk { types, path: Vec::new(), out: FieldSet::default() };
    walk.value(root, value);
    walk.out
}

struct Walk<'a> {
    types: &'a Types,
    path: Vec<PathElement>,
    out: FieldSet,
}

impl Walk<'_> {
    fn value(&mut self, ty: TypeId, value: &Value) {
        let atom = self.types.get(ty);
        match atom.resolve(atom.shape(Some(value))) {
            Some(Resolved::Scalar(_)) => self.out.insert(&self.path),
            Some(Resolved::Map(map)) if map.atomic => self.out.insert(&self.path),
            Some(Resolved::List(list)) if !list.associative => self.out.insert(&self.path),
            Some(Resolved::Map(map)) => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    self.path.push(PathElement::field(name));
                    if let Some(ty) = map.type_of(name) {
                        self.value(ty, value);
                    }
                    let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                    if empty || !map.fields.contains_key(name) {
                        self.out.insert(&self.path);
                    }
                    self.path.pop();
                }
            }
            Some(Resolved::List(list)) => {
                let steps: Vec<_> = items(Some(value))
                    .iter()
                    .filter_map(|item| Some((item_element(self.types, list, item).ok()?, item)))
                    .collect();
                let mut count: BTreeMap<&PathElement, usize> = BTreeMap::new();
                for (step, _) in &steps {
                    *count.entry(step).or_default() += 1;
                }
                for (step, item) in &steps {
                    self.path.push(step.clone());
                    // Repeated items are one value: nothing below them is owned.
                    if count.get(step) == Some(&1) {
                        self.value(list.element, item);
                    }
                    self.out.insert(&self.path);
                    self.path.pop();
                }
            }
            None => {}
        }
    }
}
