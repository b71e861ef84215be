//! Conditions of a DRClusterConfig, set by the operator on the managed cluster.

crate::api::names::names! {
    /// Whether status shows what the cluster has.
    PROCESSED = "Processed";
    /// Meant for the object store; created Unknown and never updated by RamenDR.
    REACHABLE = "Reachable";

    /// Nothing known yet.
    REASON_INITIALIZING = "Initializing";
    /// On `Processed`: done.
    REASON_SUCCEEDED = "Succeeded";
    /// On `Processed`: the message says what failed.
    REASON_FAILED = "Failed";
    /// Declared by RamenDR for `Reachable`, unused.
    REASON_REACHABLE = "Reachable";
    /// Declared by RamenDR for `Reachable`, unused.
    REASON_UNREACHABLE = "Unreachable";
}
