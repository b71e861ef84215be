//! Sets of field paths, and their `fieldsV1` form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::element::PathElement;
use super::schema::{TypeId, Types};

/// A set of field paths, as a tree. A path in the set does not imply that what lies above or below it is in the set too.
///
/// No child set is ever empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// A set of paths made of field names.
    pub(crate) fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&path.iter().map(|name| PathElement::field(name)).collect::<Vec<_>>());
        }
        set
    }

    /// Adds a path. The empty path (the whole object) is owned by nobody and is left out.
    pub(crate) fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Whether the path is in the set.
    pub(crate) fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.has(rest)),
        }
    }

    /// Whether the set holds this single step.
    pub(crate) fn has_member(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    /// What the set holds below a step, if it holds anything there.
    pub(crate) fn below(&self, element: &PathElement) -> Option<&FieldSet> {
        self.children.get(element)
    }

    /// Whether the set holds no path.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    /// The steps at this level, each with whether it is a member and what lies below.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&PathElement, bool, Option<&FieldSet>)> {
        let all: BTreeSet<&PathElement> = self.members.iter().chain(self.children.keys()).collect();
        all.into_iter().map(|step| (step, self.members.contains(step), self.children.get(step)))
    }

    /// All paths, the members of a level before what lies below them.
    pub(crate) fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut out = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut out);
        out
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, out: &mut Vec<Vec<PathElement>>) {
        for member in &self.members {
            let mut path = prefix.clone();
            path.push(member.clone());
            out.push(path);
        }
        for (step, child) in &self.children {
            prefix.push(step.clone());
            child.collect_paths(prefix, out);
            prefix.pop();
        }
    }

    /// Paths in either set.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (step, child) in &other.children {
            let merged = out.children.get(step).map_or_else(|| child.clone(), |mine| mine.union(child));
            out.children.insert(step.clone(), merged);
        }
        out
    }

    /// Paths in both sets.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(step, child)| {
            let both = child.intersection(other.children.get(step)?);
            (!both.is_empty()).then(|| (step.clone(), both))
        });
        Self { members: self.members.intersection(&other.members).cloned().collect(), children: children.collect() }
    }

    /// Paths in this set that are not in the other. A path below one in the other set stays.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(step, child)| {
            let rest = other.children.get(step).map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            (!rest.is_empty()).then(|| (step.clone(), rest))
        });
        Self { members: self.members.difference(&other.members).cloned().collect(), children: children.collect() }
    }

    /// Paths in this set that are neither in the other nor below a path in the other.
    pub(crate) fn recursive_difference(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(step, child)| {
            if other.members.contains(step) {
                return None;
            }
            let rest =
                other.children.get(step).map_or_else(|| child.clone(), |theirs| child.recursive_difference(theirs));
            (!rest.is_empty()).then(|| (step.clone(), rest))
        });
        Self { members: self.members.difference(&other.members).cloned().collect(), children: children.collect() }
    }

    /// The set with every declared field that has owned paths below it added: whoever owns `spec.replicas` counts as an owner
    /// of `spec` while deciding what an apply removes.
    pub(crate) fn with_declared_parents(&self, types: &Types, ty: Option<TypeId>) -> Self {
        let atom = ty.map(|ty| types.get(ty));
        let map = atom.and_then(|atom| atom.map.as_ref());
        let list = atom.and_then(|atom| atom.list.as_ref());
        let mut out = Self { members: self.members.clone(), children: BTreeMap::new() };
        for (step, child) in &self.children {
            let below = match step {
                PathElement::Field(name) => map.and_then(|map| {
                    if map.fields.contains_key(name) {
                        out.members.insert(step.clone());
                    }
                    map.type_of(name)
                }),
                PathElement::Key(_) => list.map(|list| list.element),
                PathElement::Value(_) | PathElement::Index(_) => None,
            };
            out.children.insert(step.clone(), child.with_declared_parents(types, below));
        }
        out
    }

    /// The `fieldsV1` form of the set.
    pub(crate) fn encode(&self) -> Value {
        Value::Object(self.encode_level(false))
    }

    fn encode_level(&self, owned: bool) -> Map<String, Value> {
        let mut out = Map::new();
        if owned {
            out.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (step, member, child) in self.steps() {
            let below = child.map_or_else(Map::new, |child| child.encode_level(member));
            out.insert(step.encode(), Value::Object(below));
        }
        out
    }

    /// Reads a `fieldsV1` value.
    pub(crate) fn decode(fields: &Value) -> Result<Self, String> {
        Ok(Self::decode_level(fields)?.0)
    }

    fn decode_level(fields: &Value) -> Result<(Self, bool), String> {
        let mut out = Self::default();
        let mut owned = false;
        let entries = match fields {
            Value::Object(entries) => entries,
            Value::Null => return Ok((out, true)),
            _ => return Err("fieldsV1 must consist of objects".to_owned()),
        };
        for (name, below) in entries {
            if name == "." {
                owned = true;
                continue;
            }
            let Some(step) = PathElement::decode(name)? else { continue };
            let (child, member) = Self::decode_level(below)?;
            if member {
                out.members.insert(step.clone());
            }
            if !child.is_empty() {
                out.children.insert(step, child);
            }
        }
        let leaf = out.is_empty();
        Ok((out, owned || leaf))
    }
}
