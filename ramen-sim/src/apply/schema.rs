//! What ownership needs to know of a kind: which parts of it are one value and which are merged piece by piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::set::FieldSet;

/// The kinds of scalar that the field types tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// An integer or a number.
    Numeric,
    /// A string.
    String,
    /// A boolean.
    Boolean,
    /// Any scalar: int-or-string, quantities, timestamps.
    Untyped,
}

/// The index of a type in [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeId(usize);

/// How a list is merged.
#[derive(Clone, Debug)]
pub(crate) struct ListType {
    /// The type of the items.
    pub(crate) element: TypeId,
    /// Whether items are owned one by one (`x-kubernetes-list-type` set or map); otherwise the list is one value.
    pub(crate) associative: bool,
    /// The key fields of a list of type map; empty for a set.
    pub(crate) keys: Vec<String>,
}

/// How an object is merged.
#[derive(Clone, Debug)]
pub(crate) struct MapType {
    /// The declared fields.
    pub(crate) fields: BTreeMap<String, FieldType>,
    /// The type of undeclared fields; none when they are refused.
    pub(crate) element: Option<TypeId>,
    /// Whether the object is one value (`x-kubernetes-map-type: atomic`).
    pub(crate) atomic: bool,
    /// Whether the object is a Kubernetes object of its own (`x-kubernetes-embedded-resource`).
    pub(crate) embedded: bool,
}

impl MapType {
    /// The type of a field, declared or not.
    pub(crate) fn type_of(&self, name: &str) -> Option<TypeId> {
        self.fields.get(name).map(|field| field.ty).or(self.element)
    }
}

/// A declared field.
#[derive(Clone, Debug)]
pub(crate) struct FieldType {
    /// Its type.
    pub(crate) ty: TypeId,
    /// Its default, which stands in for an absent key of a list item.
    pub(crate) default: Option<Value>,
    /// How a strategic merge patch treats it.
    pub(crate) patch: PatchRule,
}

/// How a strategic merge patch treats a field (`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatchRule {
    /// Lists are merged, not replaced.
    pub(crate) merge: bool,
    /// Objects are replaced, not merged.
    pub(crate) replace: bool,
    /// The key by which items of a merged list are matched.
    pub(crate) merge_key: Option<String>,
}

/// A type: any combination of scalar, list and object. Most types allow one; a field of unknown shape allows all three.
#[derive(Clone, Debug, Default)]
pub(crate) struct Atom {
    /// The scalar it may be.
    pub(crate) scalar: Option<Scalar>,
    /// The list it may be.
    pub(crate) list: Option<ListType>,
    /// The object it may be.
    pub(crate) map: Option<MapType>,
}

/// Which of its shapes a type takes for a given value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A scalar.
    Scalar,
    /// A list.
    List,
    /// An object.
    Map,
    /// Not decided by the value: it is null or absent and the type allows several shapes.
    Any,
}

/// A shape with what the type says about it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resolved<'a> {
    /// A scalar.
    Scalar(Scalar),
    /// A list.
    List(&'a ListType),
    /// An object.
    Map(&'a MapType),
}

impl Atom {
    /// The shape the type takes for the value. A value of a shape that the type does not allow leaves it undecided, so that
    /// the caller reports it.
    pub(crate) fn shape(&self, value: Option<&Value>) -> Shape {
        match (&self.scalar, &self.list, &self.map) {
            (Some(_), None, None) => return Shape::Scalar,
            (None, Some(_), None) => return Shape::List,
            (None, None, Some(_)) => return Shape::Map,
            _ => {}
        }
        match value {
            Some(Value::Number(_) | Value::String(_) | Value::Bool(_)) if self.scalar.is_some() => Shape::Scalar,
            Some(Value::Array(_)) if self.list.is_some() => Shape::List,
            Some(Value::Object(_)) if self.map.is_some() => Shape::Map,
            _ => Shape::Any,
        }
    }

    /// What the type says about the shape; an undecided one is taken as object, scalar or list, in this order.
    pub(crate) fn resolve(&self, shape: Shape) -> Option<Resolved<'_>> {
        let map = || self.map.as_ref().map(Resolved::Map);
        let scalar = || self.scalar.map(Resolved::Scalar);
        let list = || self.list.as_ref().map(Resolved::List);
        match shape {
            Shape::Map => map(),
            Shape::Scalar => scalar(),
            Shape::List => list(),
            Shape::Any => map().or_else(scalar).or_else(list),
        }
    }
}

/// What a server does to an object of the kind before it looks at who owns what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoding {
    /// A core kind: its Go type decides; see `normalize_core`.
    Core,
    /// A custom resource: stored as sent, but for its metadata.
    Custom {
        /// Whether there are embedded resources, which have metadata too.
        embedded: bool,
    },
}

/// All types of a schema. Types refer to each other by index because some of them are recursive.
#[derive(Debug, Default)]
pub(crate) struct Types {
    atoms: Vec<Atom>,
}

impl Types {
    /// The type at an index.
    pub(crate) fn get(&self, id: TypeId) -> &Atom {
        &self.atoms[id.0]
    }

    /// Whether any type is such.
    pub(super) fn any(&self, such: impl Fn(&Atom) -> bool) -> bool {
        self.atoms.iter().any(such)
    }

    /// Adds a type.
    pub(super) fn push(&mut self, atom: Atom) -> TypeId {
        self.atoms.push(atom);
        TypeId(self.atoms.len() - 1)
    }

    /// Fills in a type whose index had to be known before.
    pub(super) fn set(&mut self, id: TypeId, atom: Atom) {
        self.atoms[id.0] = atom;
    }
}

/// How the fields of one kind, in one version, are merged and owned.
///
/// Built from the structural schema of a CRD version ([`TypedSchema::from_crd_schema`]), or taken from the table of core kinds
/// ([`TypedSchema::core`]). Cheap to clone.
#[derive(Clone, Debug)]
pub struct TypedSchema {
    pub(super) types: Arc<Types>,
    pub(super) root: TypeId,
    pub(super) resets: BTreeMap<String, FieldSet>,
    pub(super) decoding: Decoding,
    pub(super) empty: Value,
}

impl TypedSchema {
    /// The fields that a write through the subresource (`""` for the object itself) cannot change, and so cannot own.
    pub(super) fn resets(&self, subresource: &str) -> Option<&FieldSet> {
        self.resets.get(subresource)
    }
}
