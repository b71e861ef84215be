//! What differs between two states of an object, as three sets of paths.

use std::collections::BTreeMap;

use serde_json::Value;

use super::element::{PathElement, equal};
use super::list::{item_element, items};
use super::schema::{ListType, MapType, Resolved, Shape, TypeId, Types};
use super::set::FieldSet;

/// What differs between two states. No path is in more than one set.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// In the first state only.
    pub(crate) removed: FieldSet,
    /// In both, with different values.
    pub(crate) modified: FieldSet,
    /// In the second state only.
    pub(crate) added: FieldSet,
}

impl Comparison {
    /// The comparison without the paths in the set and what lies below them.
    pub(crate) fn without(self, excluded: Option<&FieldSet>) -> Self {
        match excluded {
            None => self,
            Some(excluded) => Self {
                removed: self.removed.recursive_difference(excluded),
                modified: self.modified.recursive_difference(excluded),
                added: self.added.recursive_difference(excluded),
            },
        }
    }

    /// What the second state sets: changed and new paths.
    pub(crate) fn set_by_change(&self) -> FieldSet {
        self.modified.union(&self.added)
    }
}

/// Compares two states of a value of the type.
pub(crate) fn compare(types: &Types, root: TypeId, before: &Value, after: &Value) -> Comparison {
    let mut walk = Walk { types, path: Vec::new(), out: Comparison::default() };
    walk.value(root, Some(before), Some(after));
    walk.out
}

struct Walk<'a> {
    types: &'a Types,
    path: Vec<PathElement>,
    out: Comparison,
}

impl Walk<'_> {
    fn below(&mut self, step: PathElement, ty: TypeId, before: Option<&Value>, after: Option<&Value>) {
        self.path.push(step);
        self.value(ty, before, after);
        self.path.pop();
    }

    fn value(&mut self, ty: TypeId, before: Option<&Value>, after: Option<&Value>) {
        let atom = self.types.get(ty);
        let (old, new) = (atom.shape(before), atom.shape(after));
        let leaf = if after.is_none() {
            self.shaped(ty, old, before, after)
        } else if before.is_none() || old == new {
            self.shaped(ty, new, before, after)
        } else {
            // The value changed its shape: what was there is gone in one shape, what came is new in the other.
            self.shaped(ty, old, before, after);
            self.shaped(ty, new, before, after)
        };
        if !leaf {
            match (before, after) {
                (None, _) => self.out.added.insert(&self.path),
                (_, None) => self.out.removed.insert(&self.path),
                _ => {}
            }
        }
    }

    /// Compares under one shape; says whether the value was compared as a whole.
    fn shaped(&mut self, ty: TypeId, shape: Shape, before: Option<&Value>, after: Option<&Value>) -> bool {
        match self.types.get(ty).resolve(shape) {
            Some(Resolved::Scalar(_)) => self.whole(before, after),
            Some(Resolved::Map(map)) => {
                let empty =
                    |value: Option<&Value>| value.and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
                if map.atomic || (empty(before) && empty(after)) {
                    return self.whole(before, after);
                }
                self.fields(map, before, after);
                false
            }
            Some(Resolved::List(list)) => {
                if !list.associative || (items(before).is_empty() && items(after).is_empty()) {
                    return self.whole(before, after);
                }
                self.items(list, items(before), items(after));
                false
            }
            None => false,
        }
    }

    fn whole(&mut self, before: Option<&Value>, after: Option<&Value>) -> bool {
        match (before, after) {
            (None, _) => self.out.added.insert(&self.path),
            (_, None) => self.out.removed.insert(&self.path),
            (Some(before), Some(after)) if !equal(before, after) => self.out.modified.insert(&self.path),
            _ => {}
        }
        true
    }

    fn fields(&mut self, map: &MapType, before: Option<&Value>, after: Option<&Value>) {
        let before = before.and_then(Value::as_object);
        let after = after.and_then(Value::as_object);
        let only_after =
            after.into_iter().flatten().filter(|(name, _)| before.is_none_or(|before| !before.contains_key(*name)));
        let names = before.into_iter().flatten().chain(only_after).map(|(name, _)| name);
        for name in names {
            if let Some(ty) = map.type_of(name) {
                let old = before.and_then(|fields| fields.get(name));
                let new = after.and_then(|fields| fields.get(name));
                self.below(PathElement::field(name), ty, old, new);
            }
        }
    }

    fn items(&mut self, list: &ListType, before: &[Value], after: &[Value]) {
        let old = self.by_element(list, before);
        let new = self.by_element(list, after);
        let steps = old.keys().chain(new.keys().filter(|step| !old.contains_key(step)));
        for step in steps {
            let none = Vec::new();
            let (old, new) = (old.get(step).unwrap_or(&none), new.get(step).unwrap_or(&none));
            match (old.len(), new.len()) {
                (0 | 1, 0 | 1) => self.below(step.clone(), list.element, old.first().copied(), new.first().copied()),
                (0 | 1, _) => {
                    if let Some(old) = old.first() {
                        self.below(step.clone(), list.element, Some(old), None);
                    }
                    self.mark(step, |out| &mut out.added);
                }
                (_, 0 | 1) => {
                    if let Some(new) = new.first() {
                        self.below(step.clone(), list.element, None, Some(new));
                    }
                    self.mark(step, |out| &mut out.removed);
                }
                // Repeated items cannot be told apart: together they are one value.
                _ => {
                    let same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| equal(old, new));
                    if !same {
                        self.mark(step, |out| &mut out.modified);
                    }
                }
            }
        }
    }

    fn mark(&mut self, step: &PathElement, set: impl Fn(&mut Comparison) -> &mut FieldSet) {
        self.path.push(step.clone());
        set(&mut self.out).insert(&self.path);
        self.path.pop();
    }

    fn by_element<'v>(&self, list: &ListType, items: &'v [Value]) -> BTreeMap<PathElement, Vec<&'v Value>> {
        let mut out: BTreeMap<PathElement, Vec<&Value>> = BTreeMap::new();
        for item in items {
            if let Ok(step) = item_element(self.types, list, item) {
                out.entry(step).or_default().push(item);
            }
        }
        out
    }
}
