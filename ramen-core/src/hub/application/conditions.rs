//! Conditions of a DRPlacementControl. Their order is API: the printer column *peer ready* is `.status.conditions[1]`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::names::conditions::drpc as names;

/// `status` of a condition.
pub(super) const TRUE: &str = "True";
/// `status` of a condition.
pub(super) const FALSE: &str = "False";
/// `status` of a condition.
pub(super) const UNKNOWN: &str = "Unknown";

/// The conditions that every DRPlacementControl has, in the order that readers rely on, with their first values.
const FIRST: [(&str, &str, &str); 3] = [
    (names::AVAILABLE, TRUE, names::REASON_INITIATING),
    (names::PEER_READY, TRUE, names::REASON_INITIATING),
    (names::PROTECTED, FALSE, names::REASON_UNKNOWN),
];

/// Adds the conditions that are missing and puts the three that readers rely on in front; the others keep their order.
pub(super) fn complete(conditions: &mut Vec<Condition>, now: Timestamp) {
    for (place, (type_, status, reason)) in FIRST.into_iter().enumerate() {
        let condition = match conditions.iter().position(|c| c.type_ == type_) {
            Some(found) => conditions.remove(found),
            None => new(type_, status, reason, "Initialization", now),
        };
        conditions.insert(place, condition);
    }
}

/// Sets a condition in its place, or appends it. `lastTransitionTime` moves with the status alone, so that a message that
/// changes tells no false story.
pub(super) fn set(
    conditions: &mut Vec<Condition>,
    type_: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let Some(condition) = conditions.iter_mut().find(|c| c.type_ == type_) else {
        conditions.push(new(type_, status, reason, message, now));
        return;
    };
    if condition.status != status {
        condition.last_transition_time = Time(now);
    }
    condition.status = status.into();
    condition.reason = reason.into();
    condition.message = message.into();
}

/// The condition of this type.
pub(super) fn get<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

/// Whether the condition is True and about this generation.
pub(super) fn is_true_at(conditions: &[Condition], type_: &str, generation: i64) -> bool {
    get(conditions, type_).is_some_and(|c| c.status == TRUE && c.observed_generation == Some(generation))
}

/// Stamps every condition with the generation that was decided upon, never with an older one.
pub(super) fn stamp(conditions: &mut [Condition], generation: i64) {
    for condition in conditions {
        condition.observed_generation = condition.observed_generation.max(Some(generation));
    }
}

fn new(type_: &str, status: &str, reason: &str, message: &str, now: Timestamp) -> Condition {
    Condition {
        type_: type_.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        last_transition_time: Time(now),
        observed_generation: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_condition_is_peer_ready_whatever_was_there_before() {
        let now = Timestamp::UNIX_EPOCH;
        for before in
            [vec![], vec!["GlobalAction"], vec!["Protected", "PeerReady"], vec!["PeerReady", "X", "Available"]]
        {
            let mut conditions: Vec<_> = before.iter().map(|t| new(t, FALSE, "r", "m", now)).collect();
            complete(&mut conditions, now);
            let order: Vec<_> = conditions.iter().map(|c| c.type_.as_str()).collect();
            assert_eq!(order[..3], ["Available", "PeerReady", "Protected"], "{before:?}");
            assert_eq!(order.len(), 3 + before.iter().filter(|t| ["GlobalAction", "X"].contains(t)).count());
        }
    }

    #[test]
    fn a_new_message_does_not_move_the_time_of_the_last_transition() {
        let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let mut conditions = vec![new("Available", TRUE, "a", "b", then)];
        set(&mut conditions, "Available", TRUE, "c", "d", now);
        assert_eq!(conditions[0].last_transition_time, Time(then));
        set(&mut conditions, "Available", FALSE, "c", "d", now);
        assert_eq!(conditions[0].last_transition_time, Time(now));
    }

    #[test]
    fn a_generation_never_goes_back() {
        let mut conditions = vec![new("Available", TRUE, "a", "b", Timestamp::UNIX_EPOCH)];
        stamp(&mut conditions, 7);
        stamp(&mut conditions, 3);
        assert_eq!(conditions[0].observed_generation, Some(7));
    }
}
