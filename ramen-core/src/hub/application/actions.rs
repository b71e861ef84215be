//! Counting actions, in an annotation of the DRPlacementControl: `{"failover":n,"relocate":n,"lastPhase":"..."}`.
//!
//! Written before the status that shows the phase, so that a status write that is lost cannot lose a count; the last phase
//! in it keeps the repetition of that pass from counting twice.

use serde::{Deserialize, Serialize};

use crate::api::DRState;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Count {
    failover: u64,
    relocate: u64,
    last_phase: String,
}

/// The annotation after a phase was entered from another; `before` is its value, of which a malformed one counts as none.
pub(super) fn entered(before: Option<&str>, from: Option<&DRState>, phase: &DRState) -> String {
    let mut count: Count = before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    // An action that replaces another one half-way is the same action to the user, and is not counted.
    if from == Some(&DRState::Initiating) && count.last_phase != phase.as_str() {
        match phase {
            DRState::FailingOver => count.failover = count.failover.saturating_add(1),
            DRState::Relocating => count.relocate = count.relocate.saturating_add(1),
            _ => {}
        }
    }
    phase.as_str().clone_into(&mut count.last_phase);
    serde_json::to_string(&count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_action_that_starts_is_counted_and_only_once() {
        use DRState::{Deploying, FailedOver, FailingOver, Initiating, Relocated, Relocating};
        for (before, from, phase, after) in [
            (None, Some(Initiating), Deploying, (0, 0)),
            (None, Some(Initiating), FailingOver, (1, 0)),
            (Some("not json"), Some(Initiating), FailingOver, (1, 0)),
            (Some(r#"{"failover":1,"relocate":4,"lastPhase":"FailedOver"}"#), Some(Initiating), FailingOver, (2, 4)),
            (Some(r#"{"failover":1,"relocate":4,"lastPhase":"FailingOver"}"#), Some(Initiating), FailingOver, (1, 4)),
            (Some(r#"{"failover":1,"relocate":4,"lastPhase":"FailedOver"}"#), Some(Initiating), Relocating, (1, 5)),
            (Some(r#"{"failover":1,"relocate":4,"lastPhase":"FailingOver"}"#), Some(FailingOver), Relocating, (1, 4)),
            (Some(r#"{"failover":1,"relocate":4,"lastPhase":"Relocated"}"#), Some(Relocated), Relocating, (1, 4)),
            (Some(r#"{"failover":1,"relocate":4,"lastPhase":"FailingOver"}"#), Some(FailingOver), FailedOver, (1, 4)),
        ] {
            let text = entered(before, from.as_ref(), &phase);
            let count: Count = serde_json::from_str(&text).unwrap();
            assert_eq!((count.failover, count.relocate), after, "{before:?} {from:?} {phase}");
            assert_eq!(count.last_phase, phase.as_str());
            assert!(text.starts_with(r#"{"failover":"#), "{text}");
        }
    }
}
