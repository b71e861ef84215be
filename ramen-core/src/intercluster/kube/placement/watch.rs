//! Which placements changed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    api::{foreign, names::ocm},
    intercluster::{
        PlacementRef, ResourceType,
        agent::{Follow, Remote, Signals, Sink, Trouble},
    },
    time::Clock,
};

/// Watches the three kinds.
pub(super) fn start(hub: &Remote, clock: &Arc<dyn Clock>, changed: &Arc<Signals<PlacementRef, ()>>) -> JoinSet<()> {
    let kinds = [
        (ResourceType::of::<foreign::Placement>(), false),
        (ResourceType::of::<foreign::PlacementRule>(), false),
        (ResourceType::of::<foreign::PlacementDecision>(), true),
    ];
    let mut watches = JoinSet::new();
    for (resource, by_label) in kinds {
        let follow = Follow {
            remote: hub.clone(),
            resource,
            selector: None,
            clock: clock.clone(),
            silence: Duration::from_secs(150),
            retry_most: Duration::from_secs(30),
        };
        let mut news = News { changed: changed.clone(), by_label, known: BTreeSet::new() };
        watches.spawn(async move { follow.run(&mut news).await });
    }
    watches
}

struct News {
    changed: Arc<Signals<PlacementRef, ()>>,
    /// Whether the placement is named by a label: in a PlacementDecision it is.
    by_label: bool,
    known: BTreeSet<PlacementRef>,
}

impl News {
    fn reference(&self, object: &Value) -> Option<PlacementRef> {
        let metadata = &object["metadata"];
        let name = if self.by_label { &metadata["labels"][ocm::PLACEMENT] } else { &metadata["name"] };
        Some(PlacementRef { namespace: metadata["namespace"].as_str()?.into(), name: name.as_str()?.into() })
    }
}

impl Sink for News {
    fn reset(&mut self, objects: Vec<Value>, _: Timestamp) {
        let present: BTreeSet<_> = objects.iter().filter_map(|object| self.reference(object)).collect();
        for reference in self.known.union(&present) {
            self.changed.notify(reference, &());
        }
        self.known = present;
    }

    fn changed(&mut self, object: Value, _: Timestamp) {
        if let Some(reference) = self.reference(&object) {
            self.changed.notify(&reference, &());
            self.known.insert(reference);
        }
    }

    fn deleted(&mut self, object: Value, _: Timestamp) {
        if let Some(reference) = self.reference(&object) {
            self.changed.notify(&reference, &());
        }
    }

    fn current(&mut self, _: Timestamp) {}

    fn lost(&mut self, trouble: &Trouble) {
        // A hub without OCM's definitions has no placements to tell of.
        tracing::debug!(?trouble, "placements cannot be watched");
    }
}
