//! Conditions of a DRPolicy, set by the hub.

crate::api::names::names! {
    /// Whether DRPCs may use the policy.
    VALIDATED = "Validated";
    /// Whether the network attachments of both clusters match; only with a network mapping.
    NETWORK_ATTACHMENTS_VALIDATED = "NetworkAttachmentsValidated";

    /// Valid.
    REASON_SUCCEEDED = "Succeeded";
    /// The policy names no cluster.
    REASON_VALIDATION_FAILED = "ValidationFailed";
    /// The operator's ConfigMap could not be read.
    REASON_CONFIG_MAP_GET_FAILED = "ConfigMapGetFailed";
    /// The namespace of the operations could not be created on the hub.
    REASON_NAMESPACE_CREATE_FAILED = "NamespaceCreateFailed";
    /// The identity of a cluster could not be read; lower case, as RamenDR spells it.
    REASON_DRCLUSTER_DETAILS_FAILED = "drClusterDetailsFailed";
    /// A DRCluster of the policy does not exist.
    REASON_DRCLUSTER_NOT_FOUND = "DRClusterNotFound";
    /// No DRCluster of the policy is validated; one is enough.
    REASON_DRCLUSTERS_UNAVAILABLE = "DRClustersUnavailable";
    /// The finalizer could not be set.
    REASON_FINALIZER_ADD_FAILED = "FinalizerAddFailed";
    /// The policy is both synchronous and asynchronous, or shares a synchronous cluster with an older policy.
    REASON_DRPOLICY_CONFLICT_FOUND = "DRPolicyConflictFound";
    /// On both types: a network attachment exists on one cluster only.
    REASON_NADS_MISSING = "NADsMissing";
    /// On `NetworkAttachmentsValidated`: they match.
    REASON_VALIDATED = "Validated";
}
