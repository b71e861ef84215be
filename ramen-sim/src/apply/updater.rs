//! How one write changes who owns what, and what an apply takes away.

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::conflict::Conflict;
use super::element::{equal, path_text};
use super::fieldset::field_set;
use super::managers::{Managed, ManagerId, Operation, Owned};
use super::merge::merge;
use super::reconcile::reconcile;
use super::remove::remove;
use super::schema::{TypeId, TypedSchema, Types};
use super::set::FieldSet;

/// One writer's view of a kind: its schema, and the version and subresource that the request goes through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Updater<'a> {
    pub(crate) schema: &'a TypedSchema,
    pub(crate) api_version: &'a str,
    pub(crate) subresource: &'a str,
}

/// What an apply comes to.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The new object, or `None` if it equals the live one.
    pub(crate) object: Option<Value>,
    /// The new owners.
    pub(crate) managed: Managed,
}

impl Updater<'_> {
    fn types(&self) -> (&Types, TypeId) {
        (&self.schema.types, self.schema.root)
    }

    /// What the write through this subresource can own.
    fn ownable(&self, set: FieldSet) -> FieldSet {
        match self.schema.resets(self.subresource) {
            Some(resets) => set.recursive_difference(resets),
            None => set,
        }
    }

    /// The owners after a create, update or patch: the writer takes what it changed from everyone, itself included.
    ///
    /// Returns what the writer now owns anew; the caller adds it to the writer's entry.
    pub(crate) fn update(&self, live: &Value, new: &Value, managed: &mut Managed) -> FieldSet {
        let (types, root) = self.types();
        self.follow_schema(managed);
        let comparison = compare(types, root, live, new).without(self.schema.resets(self.subresource));
        self.hand_over(&comparison, managed, None);
        self.ownable(comparison.set_by_change())
    }

    /// The object and owners after a server-side apply, or the conflicts that stand in its way.
    pub(crate) fn apply(
        &self,
        live: &Value,
        config: &Value,
        mut managed: Managed,
        id: &ManagerId,
        force: bool,
    ) -> Result<Result<Applied, Vec<Conflict>>, String> {
        let (types, root) = self.types();
        self.follow_schema(&mut managed);
        let merged =
            merge(types, root, Some(live), Some(config)).map_err(|error| format!("failed to merge config: {error}"))?;
        let merged = merged.unwrap_or_default();
        let set = self.ownable(field_set(types, root, config));
        let last = managed.owners.insert(id.clone(), Owned { set, api_version: self.api_version.to_owned() });
        let new = match last.filter(|last| !last.set.is_empty()) {
            Some(last) => self.prune(&merged, &managed, &last.set),
            None => merged,
        };
        let comparison = compare(types, root, live, &new).without(self.schema.resets(self.subresource));
        let conflicts = conflicts(&comparison, &managed, id);
        if !force && !conflicts.is_empty() {
            return Ok(Err(conflicts));
        }
        self.hand_over(&comparison, &mut managed, Some(id));
        let object = (!equal(live, &new)).then_some(new);
        Ok(Ok(Applied { object, managed }))
    }

    /// Takes what changed from everyone but the writer, and what is gone from everyone.
    fn hand_over(&self, comparison: &Comparison, managed: &mut Managed, writer: Option<&ManagerId>) {
        let changed = comparison.set_by_change();
        for (id, owned) in &mut managed.owners {
            if writer != Some(id) {
                owned.set = owned.set.difference(&changed.intersection(&owned.set)).difference(&comparison.removed);
            }
        }
        managed.owners.retain(|_, owned| !owned.set.is_empty());
    }

    /// The merged object without what the applier owned before, no longer applies, and nobody else owns.
    fn prune(&self, merged: &Value, managed: &Managed, last: &FieldSet) -> Value {
        let (types, root) = self.types();
        let complete = |set: &FieldSet| set.with_declared_parents(types, Some(root));
        let last = complete(last);
        let all = complete(&field_set(types, root, merged));

        let pruned = remove(types, root, merged, &last);
        // What someone owns comes back, the applier's own new configuration included.
        let owned = managed.owners.values().fold(FieldSet::default(), |all, owned| all.union(&owned.set));
        let kept = complete(&field_set(types, root, &pruned)).union(&complete(&owned));
        let pruned = remove(types, root, merged, &all.difference(&kept));
        // And only what the applier itself had applied may go: what nobody owned stays.
        let kept = complete(&field_set(types, root, &pruned));
        remove(types, root, merged, &all.difference(&kept).intersection(&last))
    }

    /// Where the schema now takes as one value what it took apart before, owners of the parts own the whole.
    fn follow_schema(&self, managed: &mut Managed) {
        let (types, root) = self.types();
        for owned in managed.owners.values_mut() {
            if let Some(set) = reconcile(types, root, &owned.set) {
                owned.set = set;
            }
        }
    }
}

fn conflicts(comparison: &Comparison, managed: &Managed, writer: &ManagerId) -> Vec<Conflict> {
    let changed = comparison.set_by_change();
    let mut out = Vec::new();
    for (id, owned) in managed.owners.iter().filter(|(id, _)| *id != writer) {
        for path in owned.set.intersection(&changed).paths() {
            out.push(Conflict {
                manager: id.manager.clone(),
                operation: if id.operation == Operation::Apply { "Apply" } else { "Update" },
                api_version: owned.api_version.clone(),
                subresource: (!id.subresource.is_empty()).then(|| id.subresource.clone()),
                field: path_text(&path),
                described: id.describe(),
                path,
            });
        }
    }
    out
}
