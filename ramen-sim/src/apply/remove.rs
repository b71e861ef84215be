//! Taking paths out of an object.

use serde_json::{Map, Value};

use super::element::PathElement;
use super::list::item_element;
use super::schema::{Resolved, TypeId, Types};
use super::set::FieldSet;

/// The value without the fields and items in the set. What is left without content becomes null.
pub(crate) fn remove(types: &Types, ty: TypeId, value: &Value, set: &FieldSet) -> Value {
    let atom = types.get(ty);
    match (atom.resolve(atom.shape(Some(value))), value) {
        (Some(Resolved::Map(map)), Value::Object(fields)) if !map.atomic => {
            let mut out = Map::new();
            for (name, value) in fields {
                let step = PathElement::field(name);
                if set.has_member(&step) {
                    continue;
                }
                let kept = match (set.below(&step), map.type_of(name)) {
                    (Some(below), Some(ty)) => remove(types, ty, value, below),
                    _ => value.clone(),
                };
                out.insert(name.clone(), kept);
            }
            if out.is_empty() { Value::Null } else { Value::Object(out) }
        }
        (Some(Resolved::List(list)), Value::Array(items)) if list.associative => {
            let mut out = Vec::new();
            for item in items {
                let Ok(step) = item_element(types, list, item) else {
                    out.push(item.clone());
                    continue;
                };
                if set.has_member(&step) {
                    continue;
                }
                out.push(match set.below(&step) {
                    Some(below) => remove(types, list.element, item, below),
                    None => item.clone(),
                });
            }
            if out.is_empty() { Value::Null } else { Value::Array(out) }
        }
        (Some(Resolved::Scalar(_)), _) => value.clone(),
        _ => Value::Null,
    }
}
