//! The number of a promotion, by which stores tell the present primary's writes from an earlier one's.
//!
//! The hub counts: each promotion gets a number above every one that is on record, be it in what was asked for, in what was
//! seen on a cluster or in a store. It is written with the promotion, in one object, so that no crash can part them. A
//! primary that is demoted after another one was promoted is told that one's number, and knows that its own is past.

use std::collections::BTreeMap;

use crate::{
    api::{VolumeReplicationGroup, names::annotations},
    protection::cluster_data::Epoch,
};

/// The epoch that an object was written for. One that cannot be read counts as none: whoever wrote it knows no epochs.
pub(super) fn of(vrg: &VolumeReplicationGroup) -> Epoch {
    let text = vrg.metadata.annotations.as_ref().and_then(|keys| keys.get(annotations::EPOCH));
    Epoch(text.and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// The epoch after this one.
pub(super) fn next(epoch: Epoch) -> Epoch {
    Epoch(epoch.0.saturating_add(1))
}

/// Writes the epoch among the annotations of an object.
pub(super) fn write(keys: &mut BTreeMap<String, String>, epoch: Epoch) {
    keys.insert(annotations::EPOCH.into(), epoch.0.to_string());
}
