//! Owners recorded under an older schema.

use super::element::PathElement;
use super::schema::{Resolved, Scalar, TypeId, Types};
use super::set::FieldSet;

/// The set as it reads under today's types, or `None` if nothing changes: where a list or object has become one value, owning a
/// part of it means owning it whole. The other direction needs no change.
pub(crate) fn reconcile(types: &Types, root: TypeId, set: &FieldSet) -> Option<FieldSet> {
    let mut walk = Walk { types, path: Vec::new(), whole: FieldSet::default() };
    walk.value(root, Some(set), false);
    (!walk.whole.is_empty()).then(|| set.recursive_difference(&walk.whole).union(&walk.whole))
}

struct Walk<'a> {
    types: &'a Types,
    path: Vec<PathElement>,
    whole: FieldSet,
}

impl Walk<'_> {
    /// `leaf` is whether the set owns the value itself and nothing below it.
    fn value(&mut self, ty: TypeId, set: Option<&FieldSet>, leaf: bool) {
        let atom = self.types.get(ty);
        match atom.resolve(atom.shape(None)) {
            Some(Resolved::Map(map)) => {
                // Fields of unknown shape carry no statement on how they are merged.
                let unknown = map.fields.is_empty()
                    && map.element.is_some_and(|element| self.types.get(element).scalar == Some(Scalar::Untyped));
                if unknown {
                    return;
                }
                if map.atomic {
                    if !leaf && set.is_some() {
                        self.whole.insert(&self.path);
                    }
                    return;
                }
                self.below(set, |step| match step {
                    PathElement::Field(name) => map.type_of(name),
                    _ => map.element,
                });
            }
            Some(Resolved::List(list)) if !list.associative => {
                if !leaf {
                    self.whole.insert(&self.path);
                }
            }
            Some(Resolved::List(list)) => self.below(set, |_| Some(list.element)),
            Some(Resolved::Scalar(_)) | None => {}
        }
    }

    fn below(&mut self, set: Option<&FieldSet>, type_of: impl Fn(&PathElement) -> Option<TypeId>) {
        for (step, member, child) in set.into_iter().flat_map(FieldSet::steps) {
            if let Some(ty) = type_of(step) {
                self.path.push(step.clone());
                self.value(ty, child, member && child.is_none());
                self.path.pop();
            }
        }
    }
}
