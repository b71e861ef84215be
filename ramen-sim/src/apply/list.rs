//! How items of sets and keyed lists are identified.

use serde_json::Value;

use super::element::PathElement;
use super::schema::{ListType, Types};

/// The path step of an item of an associative list, or why it has none.
pub(crate) fn item_element(types: &Types, list: &ListType, item: &Value) -> Result<PathElement, String> {
    if list.keys.is_empty() { set_element(item) } else { keyed_element(types, list, item) }
}

fn set_element(item: &Value) -> Result<PathElement, String> {
    match item {
        Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
        Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
        Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
        _ => Ok(PathElement::Value(item.clone())),
    }
}

fn keyed_element(types: &Types, list: &ListType, item: &Value) -> Result<PathElement, String> {
    let item = match item {
        Value::Object(item) => item,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let declared = types.get(list.element).map.as_ref();
    let mut keys = Vec::new();
    for name in &list.keys {
        let default = || declared.and_then(|map| map.fields.get(name)?.default.as_ref());
        // A key that is absent and has no default is left out: the item then differs from one that sets the key.
        if let Some(value) = item.get(name).or_else(default) {
            keys.push((name.clone(), value.clone()));
        }
    }
    if keys.is_empty() {
        return Err(format!(
            "associative list with keys has an element that omits all key fields {:?} (and doesn't have default values for any key fields)",
            list.keys
        ));
    }
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(PathElement::Key(keys))
}

/// The items of a list value; null and absent lists have none.
pub(crate) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
