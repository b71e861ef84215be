//! Objects of one application on the hub. A VRG bears the name of its DRPC.

use crate::api::names::hashes::{self, cut};

/// PlacementRule cloned from a user's one without a preferred cluster.
pub fn cloned_placement_rule(drpc: &str, drpc_namespace: &str) -> String {
    format!("drpc-plrule-{drpc}-{drpc_namespace}")
}

/// PlacementDecision of a Placement; `index` counts from 1, and the next one is tried where the name is taken.
pub fn placement_decision(placement: &str, index: u32) -> String {
    format!("{placement}-decision-{index}")
}

/// Secret of VolSync's pre-shared key on the hub.
pub fn psk_secret_hub(drpc: &str) -> String {
    format!("{drpc}-vs-secret-hub")
}

/// Secret of VolSync's pre-shared key on the clusters.
pub fn psk_secret(vrg: &str) -> String {
    format!("{vrg}-vs-secret")
}

/// Policy, PlacementRule and PlacementBinding, all of one name, that deliver the pre-shared key of a DRPC.
///
/// OCM joins namespace and name of a Policy and needs the sum within 62: the name is `<drpc>-vs-secret` while it fits
/// into
/// `62 - len(namespace)`, and then [`propagation_policy_cut`].
pub fn psk_propagation(drpc: &str, drpc_namespace: &str) -> String {
    propagation_policy_cut(&psk_secret(drpc), 62usize.saturating_sub(drpc_namespace.len()))
}

/// `name`, if it has at most `max` bytes or `max` is 13 or less (too short for prefix and three digits); otherwise
/// `vs-secret-` and the MD5
/// of the name in hex, cut to `max`.
pub fn propagation_policy_cut(name: &str, max: usize) -> String {
    const PREFIX: &str = "vs-secret-";
    if max <= PREFIX.len() + 3 || name.len() <= max {
        return name.to_owned();
    }
    cut(&format!("{PREFIX}{}", hashes::md5_hex(name)), max).to_owned()
}

/// ConfigurationPolicy inside the Policy of [`psk_propagation`], by namespace and name of the Secret on the clusters.
pub fn psk_configuration_policy(secret_namespace: &str, secret: &str) -> String {
    format!("rmn-{secret_namespace}-{secret}")
}

/// Secret in Velero's format for an S3 Secret, and the Policy that delivers it; the `v` tells it from the original in
/// the same namespace.
pub fn velero_secret(secret: &str) -> String {
    format!("v{secret}")
}

/// PlacementBinding of the Policy of that name, which delivers an S3 Secret.
pub fn s3_placement_binding(policy: &str) -> String {
    format!("plbinding-{policy}")
}

/// PlacementRule of the Policy of that name; written last, it marks the delivery as complete.
pub fn s3_placement_rule(policy: &str) -> String {
    format!("plrule-{policy}")
}

/// ConfigurationPolicy inside the Policy of that name.
pub fn s3_configuration_policy(policy: &str) -> String {
    format!("cfg-policy-{policy}")
}

/// Whether the Policy of an S3 Secret would be too long for OCM: name, namespace, the point between them, and room for
/// the `v`.
pub fn s3_secret_name_too_long(secret: &str, namespace: &str) -> bool {
    secret.len() + namespace.len() + 2 > hashes::MAX_LABEL_LENGTH
}
