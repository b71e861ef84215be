//! Strategic merge patch: what `kubectl apply`, `edit` and `patch` send for core kinds.

use serde_json::{Map, Value};

use super::ordering::{ItemKey, check_order, in_order};
use super::schema::{Decoding, PatchRule, TypeId, TypedSchema, Types};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

type Object = Map<String, Value>;

/// Why a strategic merge patch was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PatchError {
    /// The patch is not well formed, or the kind takes none: Status reason `BadRequest`, code 400.
    #[error("{0}")]
    BadRequest(String),
    /// The patch merges what cannot be merged: code 422, without reason.
    #[error("{0}")]
    Unprocessable(String),
    /// The patch does not fit the object or the kind: code 500, without reason.
    #[error("{0}")]
    Internal(String),
}

impl PatchError {
    fn format_of(what: &str) -> Self {
        Self::BadRequest(format!("invalid patch format of {what}"))
    }
}

/// Merges a patch into an object of a core kind, by the merge keys and patch strategies of its schema.
///
/// Custom resources have no such rules and take no strategic merge patch.
pub fn strategic_merge(schema: &TypedSchema, live: &Value, patch: &Value) -> Result<Value, PatchError> {
    if schema.decoding != Decoding::Core {
        return Err(PatchError::BadRequest("strategic merge patch format is not supported".to_owned()));
    }
    let (Value::Object(live), Value::Object(patch)) = (live, patch) else {
        return Err(PatchError::BadRequest("invalid JSON document".to_owned()));
    };
    let merger = Merger { types: &schema.types };
    Ok(Value::Object(merger.object(live.clone(), patch.clone(), Some(schema.root))?))
}

struct Merger<'a> {
    types: &'a Types,
}

/// What the schema says about a field: how it is patched, and the type of its value or of its items.
struct Field<'a> {
    rule: &'a PatchRule,
    value: TypeId,
    item: Option<TypeId>,
}

impl Merger<'_> {
    fn field(&self, ty: Option<TypeId>, name: &str) -> Result<Field<'_>, PatchError> {
        let map = ty.and_then(|ty| self.types.get(ty).map.as_ref());
        let declared = map.filter(|map| !map.fields.is_empty()).ok_or_else(|| {
            let message = "merging an object in json but data type is not struct, instead is: map";
            PatchError::Internal(message.to_owned())
        })?;
        let field = declared.fields.get(name).ok_or_else(|| {
            PatchError::Internal(format!("unable to find api field in struct for the json field {name:?}"))
        })?;
        let item = self.types.get(field.ty).list.as_ref().map(|list| list.element);
        Ok(Field { rule: &field.patch, value: field.ty, item })
    }

    fn object(&self, mut live: Object, mut patch: Object, ty: Option<TypeId>) -> Result<Object, PatchError> {
        match patch.remove(DIRECTIVE) {
            None => {}
            Some(Value::String(directive)) if directive == "replace" => return Ok(patch),
            Some(Value::String(directive)) if directive == "delete" => return Ok(Object::new()),
            Some(directive) => return Err(unknown_directive(&directive, &patch)),
        }
        retain_keys(&mut live, &mut patch)?;
        self.ordered_lists(&mut live, &mut patch, ty)?;
        // Kubernetes goes through the patch in random order; here what is added and deleted at once is deleted.
        let (deletions, changes): (Vec<_>, Vec<_>) =
            patch.into_iter().partition(|(name, _)| name.starts_with(DELETE_FROM_LIST));
        for (name, value) in changes.into_iter().chain(deletions) {
            if name.starts_with(DELETE_FROM_LIST) {
                self.delete_from_list(&mut live, &name, &value)?;
                continue;
            }
            if value.is_null() {
                live.remove(&name);
                continue;
            }
            let merged = match (live.get_mut(&name).map(Value::take), value) {
                (Some(Value::Object(old)), Value::Object(new)) => {
                    let field = self.field(ty, &name)?;
                    let merge = || self.object(old, new.clone(), Some(field.value));
                    Some(Value::Object(if field.rule.replace { new } else { merge()? }))
                }
                (Some(Value::Array(old)), Value::Array(new)) => {
                    let field = self.field(ty, &name)?;
                    Some(Value::Array(if field.rule.merge { self.list(old, new, &field)? } else { new }))
                }
                (_, value) => without_directives(without_nulls(value)),
            };
            match merged {
                Some(merged) => live.insert(name, merged),
                None => live.remove(&name),
            };
        }
        Ok(live)
    }

    /// Merges the lists for which the patch gives an order, and takes them out of the patch.
    fn ordered_lists(&self, live: &mut Object, patch: &mut Object, ty: Option<TypeId>) -> Result<(), PatchError> {
        let directives: Vec<String> = patch.keys().filter(|name| name.starts_with(SET_ORDER)).cloned().collect();
        for directive in directives {
            let order = patch.remove(&directive).unwrap_or_default();
            let Value::Array(order) = order else {
                return Err(wrong_type("a list", &order));
            };
            let name =
                directive_target(&directive, SET_ORDER).ok_or_else(|| PatchError::format_of("setElementOrder list"))?;
            let field = self.field(ty, name)?;
            let key = ItemKey(field.rule.merge_key.as_deref());
            let (old, new) = (list_of(live.get(name))?, list_of(patch.get(name))?);
            check_order(new.as_deref().unwrap_or_default(), &order, key)?;
            let merged = match (&old, &new) {
                (None, None) => continue,
                (Some(old), None) => old.clone(),
                (None, Some(new)) => new.iter().cloned().filter_map(without_directives).collect(),
                (Some(old), Some(new)) if field.rule.merge => self.list(old.clone(), new.clone(), &field)?,
                (Some(_), Some(new)) => new.clone(),
            };
            let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
            same_types(old.iter().chain(&new), true)?;
            let old = order_after_deletions(old, &new, key);
            live.insert(name.to_owned(), Value::Array(in_order(merged, &order, &old, key)?));
            patch.remove(name);
        }
        Ok(())
    }

    fn delete_from_list(&self, live: &mut Object, directive: &str, items: &Value) -> Result<(), PatchError> {
        let name =
            directive_target(directive, DELETE_FROM_LIST).ok_or_else(|| PatchError::format_of("primitive list"))?;
        if items.is_null() {
            live.remove(name);
        } else if let (Some(Value::Array(list)), Value::Array(items)) = (live.get_mut(name), items) {
            list.retain(|item| !items.contains(item));
        }
        Ok(())
    }

    fn list(&self, old: Vec<Value>, new: Vec<Value>, field: &Field<'_>) -> Result<Vec<Value>, PatchError> {
        if old.is_empty() && new.is_empty() {
            return Ok(old);
        }
        let of_objects = same_types(old.iter().chain(&new), false)?;
        if !of_objects {
            let mut merged: Vec<Value> = Vec::new();
            for item in old.iter().chain(&new) {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
            return in_order(merged, &new, &old, ItemKey(None));
        }
        let key = ItemKey(field.rule.merge_key.as_deref());
        if key.0.is_none() {
            return Err(PatchError::Internal("cannot merge lists without merge key for struct".to_owned()));
        }
        let (old, new) = list_directives(old, new, key)?;
        let mut merged = old.clone();
        for item in &new {
            let wanted = key.require(item)?;
            match (merged.iter_mut().find(|old| key.of(old) == Some(wanted)), item) {
                (Some(Value::Object(old)), Value::Object(new)) => {
                    *old = self.object(std::mem::take(old), new.clone(), field.item)?;
                }
                _ => merged.push(item.clone()),
            }
        }
        in_order(merged, &new, &old, key)
    }
}

/// The order of the live list as Kubernetes sees it once the patch has deleted items from it: what the patch adds in the same
/// breath takes the places that became free at the end.
fn order_after_deletions(old: Vec<Value>, new: &[Value], key: ItemKey<'_>) -> Vec<Value> {
    let directive = |item: &Value, name: &str| item.get(DIRECTIVE).is_some_and(|directive| directive == name);
    let length = old.len();
    let gone = |item: &Value| new.iter().any(|other| directive(other, "delete") && key.of(other) == key.of(item));
    let mut order: Vec<Value> = old.into_iter().filter(|item| !gone(item)).collect();
    if !new.iter().any(|item| directive(item, "replace")) {
        for item in new.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
            if order.len() < length && !order.iter().any(|other| key.of(other) == key.of(item)) {
                order.push(item.clone());
            }
        }
    }
    order
}

/// Carries out `$patch: delete` and `$patch: replace` among the items of a patch list.
fn list_directives(old: Vec<Value>, new: Vec<Value>, key: ItemKey<'_>) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut old = old;
    let mut rest = Vec::new();
    let mut replace = false;
    for item in new {
        match item.get(DIRECTIVE).map(|directive| directive.as_str().unwrap_or_default()) {
            None => rest.push(item),
            Some("delete") => {
                let gone = key.require(&item)?;
                old.retain(|item| key.of(item) != Some(gone));
            }
            Some("replace") => replace = true,
            Some("merge") => {
                let message = "merging lists cannot yet be specified in the patch";
                return Err(PatchError::Internal(message.to_owned()));
            }
            Some(_) => return Err(unknown_directive(&item[DIRECTIVE], item.as_object().unwrap_or(&Object::new()))),
        }
    }
    Ok(if replace { (rest, Vec::new()) } else { (old, rest) })
}

/// Carries out `$retainKeys`: what is not listed goes.
fn retain_keys(live: &mut Object, patch: &mut Object) -> Result<(), PatchError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Value::Array(keys) = keys else { return Err(PatchError::format_of("retainKeys")) };
    let listed = |name: &String| keys.iter().any(|key| key.as_str() == Some(name));
    let directive = |name: &String| name.starts_with(DELETE_FROM_LIST) || name.starts_with(SET_ORDER);
    if patch.iter().any(|(name, value)| !value.is_null() && !directive(name) && !listed(name)) {
        return Err(PatchError::format_of("retainKeys"));
    }
    live.retain(|name, _| listed(name));
    Ok(())
}

fn directive_target<'n>(name: &'n str, directive: &str) -> Option<&'n str> {
    name.split_once('/').filter(|(prefix, _)| *prefix == directive).map(|(_, target)| target)
}

fn list_of(value: Option<&Value>) -> Result<Option<Vec<Value>>, PatchError> {
    match value {
        None => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list.clone())),
        Some(other) => Err(wrong_type("a list", other)),
    }
}

fn wrong_type(wanted: &str, found: &Value) -> PatchError {
    PatchError::Internal(format!("expected {wanted}, but received {found}"))
}

fn unknown_directive(directive: &Value, patch: &Object) -> PatchError {
    PatchError::Internal(format!("unknown patch type: {directive} in map: {}", Value::Object(patch.clone())))
}

/// Whether the items are objects; they must all be of one type, and not lists. `some` asks for at least one.
fn same_types<'v>(items: impl Iterator<Item = &'v Value>, some: bool) -> Result<bool, PatchError> {
    let mut first: Option<&Value> = None;
    for item in items {
        if item.is_array() {
            return Err(PatchError::Unprocessable("lists of lists are not supported".to_owned()));
        }
        let first = *first.get_or_insert(item);
        if std::mem::discriminant(first) != std::mem::discriminant(item) {
            return Err(PatchError::Internal(format!("list element types are not identical: {first} and {item}")));
        }
    }
    if some && first.is_none() {
        return Err(PatchError::Internal("no elements in any of the given slices".to_owned()));
    }
    Ok(first.is_some_and(Value::is_object))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// The value without objects that are directives, or nothing if it is one itself.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => {
            let kept = fields.into_iter().filter_map(|(name, value)| Some((name, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}
