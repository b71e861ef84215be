//! Merging an applied configuration into a live object.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::element::PathElement;
use super::list::{item_element, items};
use super::schema::{ListType, MapType, Resolved, TypeId, Types};

/// The live value with everything that the configuration says put in. Nothing is removed; `None` if nothing is left to say.
///
/// Lists that are merged item by item keep the live order where the configuration adds nothing, and follow the order of the
/// configuration where it does.
pub(crate) fn merge(
    types: &Types,
    ty: TypeId,
    live: Option<&Value>,
    config: Option<&Value>,
) -> Result<Option<Value>, String> {
    let atom = types.get(ty);
    let shape = if config.is_none() { atom.shape(live) } else { atom.shape(config) };
    match atom.resolve(shape) {
        Some(Resolved::Map(map)) => {
            let fields =
                |value: Option<&Value>| value.and_then(Value::as_object).is_some_and(|fields| !fields.is_empty());
            if map.atomic || (!fields(live) && !fields(config)) {
                return Ok(whole(live, config));
            }
            merge_fields(types, map, live, config)
        }
        Some(Resolved::List(list)) => {
            if !list.associative || (items(live).is_empty() && items(config).is_empty()) {
                return Ok(whole(live, config));
            }
            merge_items(types, list, items(live), items(config))
        }
        Some(Resolved::Scalar(_)) => Ok(whole(live, config)),
        None => Err("schema error: invalid atom".to_owned()),
    }
}

fn whole(live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    config.or(live).cloned()
}

fn merge_fields(
    types: &Types,
    map: &MapType,
    live: Option<&Value>,
    config: Option<&Value>,
) -> Result<Option<Value>, String> {
    let none = Map::new();
    let live = live.and_then(Value::as_object).unwrap_or(&none);
    let config = config.and_then(Value::as_object).unwrap_or(&none);
    let mut out = Map::new();
    for name in live.keys().chain(config.keys().filter(|name| !live.contains_key(*name))) {
        let Some(ty) = map.type_of(name) else { continue };
        if let Some(value) = merge(types, ty, live.get(name), config.get(name))? {
            out.insert(name.clone(), value);
        }
    }
    Ok((!out.is_empty()).then_some(Value::Object(out)))
}

struct Items<'v> {
    order: Vec<PathElement>,
    values: BTreeMap<PathElement, &'v Value>,
}

fn index<'v>(
    types: &Types,
    list: &ListType,
    items: &'v [Value],
    repeated: Option<&'v Value>,
) -> Result<Items<'v>, String> {
    let mut out = Items { order: Vec::new(), values: BTreeMap::new() };
    for (position, item) in items.iter().enumerate() {
        let step = item_element(types, list, item).map_err(|message| format!("element {position}: {message}"))?;
        let value = match (out.values.contains_key(&step), repeated) {
            (false, _) => item,
            (true, Some(repeated)) => repeated,
            (true, None) => return Err(format!("duplicate entries for key {step}")),
        };
        out.values.insert(step.clone(), value);
        out.order.push(step);
    }
    Ok(out)
}

fn merge_items(types: &Types, list: &ListType, live: &[Value], config: &[Value]) -> Result<Option<Value>, String> {
    let config = index(types, list, config, None)?;
    // An item that the live list holds twice cannot be merged with: the configuration's item takes the place of all of them.
    let live_items = index(types, list, live, Some(&Value::Null))?;
    let mut shared: VecDeque<&PathElement> =
        config.order.iter().filter(|step| live_items.values.contains_key(*step)).collect();
    let mut next = shared.pop_front();
    let mut merged: BTreeSet<&PathElement> = BTreeSet::new();
    let mut out = Vec::new();
    let (mut l, mut r) = (0, 0);
    while l < live_items.order.len() || r < config.order.len() {
        let (mine, theirs) = (live_items.order.get(l), config.order.get(r));
        if let (Some(mine), Some(theirs)) = (mine, theirs)
            && mine != theirs
            && config.values.contains_key(mine)
            && next.is_some_and(|next| next != mine)
        {
            // In both lists, but another shared item comes first in the configuration.
            l += 1;
            continue;
        }
        if let Some(mine) = mine
            && theirs != Some(mine)
        {
            if !config.values.contains_key(mine) {
                out.extend(merge(types, list.element, live.get(l), None)?);
                l += 1;
                continue;
            }
            if merged.contains(mine) {
                l += 1;
            }
        }
        if let Some(theirs) = theirs {
            let (old, new) = (live_items.values.get(theirs).copied(), config.values.get(theirs).copied());
            out.extend(merge(types, list.element, old, new)?);
            merged.insert(theirs);
            r += 1;
            if mine == Some(theirs) {
                l += 1;
            }
            if next == Some(theirs) {
                next = shared.pop_front();
            }
        }
    }
    Ok((!out.is_empty()).then_some(Value::Array(out)))
}
