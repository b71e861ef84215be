//! In which order the items of a merged list stand after a strategic merge patch.
//!
//! Items that the patch names follow the patch, all others keep the order of the live list, and the two sequences are woven
//! together so that an item of the live list stays ahead of the items it was ahead of.

use serde_json::Value;

use super::strategic::PatchError;

/// How items of a list are told apart: by a key field, or by their own value.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemKey<'a>(pub(super) Option<&'a str>);

impl<'a> ItemKey<'a> {
    /// What identifies the item; none if the item has no such field.
    pub(super) fn of(self, item: &Value) -> Option<&Value> {
        match self.0 {
            Some(key) => item.get(key),
            None => Some(item),
        }
    }

    /// Like [`Self::of`], with the error of an item without the key.
    pub(super) fn require(self, item: &Value) -> Result<&Value, PatchError> {
        self.of(item).ok_or_else(|| {
            let key = self.0.unwrap_or_default();
            PatchError::Internal(format!("map: {item} does not contain declared merge key: {key}"))
        })
    }

    fn position(self, list: &[Value], item: &Value) -> Option<usize> {
        list.iter().position(|other| self.of(other) == self.of(item))
    }
}

/// Puts the items of a merged list in order: those in `patch` as there, the others as in `live`.
pub(super) fn in_order(
    merged: Vec<Value>,
    patch: &[Value],
    live: &[Value],
    key: ItemKey<'_>,
) -> Result<Vec<Value>, PatchError> {
    for item in merged.iter().chain(patch) {
        key.require(item)?;
    }
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| key.position(patch, item).is_some());
    arrange(&mut named, patch, key);
    arrange(&mut others, live, key);

    let mut out = Vec::with_capacity(named.len() + others.len());
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    while let (Some(mine), Some(theirs)) = (others.peek(), named.peek()) {
        let ahead = match (key.position(live, mine), key.position(live, theirs)) {
            (Some(mine), Some(theirs)) => mine < theirs,
            _ => false,
        };
        out.extend(if ahead { others.next() } else { named.next() });
    }
    out.extend(named);
    out.extend(others);
    Ok(out)
}

/// Sorts by position in `order`. An item that is not there counts as coming before whatever it is compared with, on either side
/// of the comparison, so the way of sorting shows in the result: it has to be that of Go's sort of short lists, by insertion.
fn arrange(list: &mut [Value], order: &[Value], key: ItemKey<'_>) {
    let precedes = |a: &Value, b: &Value| match (key.position(order, a), key.position(order, b)) {
        (Some(a), Some(b)) => a < b,
        _ => true,
    };
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && precedes(&list[at], &list[at - 1]) {
            list.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Checks that the items of the patch come in the order that its `$setElementOrder` gives.
pub(super) fn check_order(patch: &[Value], order: &[Value], key: ItemKey<'_>) -> Result<(), PatchError> {
    let mut order_items = order.iter();
    for item in patch.iter().filter(|item| item.get("$patch").is_none()) {
        let wanted = key.require(item)?;
        let mut found = false;
        for candidate in order_items.by_ref() {
            if key.require(candidate)? == wanted {
                found = true;
                break;
            }
        }
        if !found && !order.is_empty() {
            let (patch, order) = (Value::from(patch.to_vec()), Value::from(order.to_vec()));
            let message =
                format!("The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n");
            return Err(PatchError::Internal(message));
        }
    }
    Ok(())
}
