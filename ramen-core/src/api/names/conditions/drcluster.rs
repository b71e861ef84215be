//! Conditions of a DRCluster, set by the hub.

crate::api::names::names! {
    /// Whether configuration, object store, deployment and CIDRs are in order.
    VALIDATED = "Validated";
    /// Whether the cluster is cut off its storage; a failover between clusters with shared storage needs it True at the
    /// current generation.
    FENCED = "Fenced";
    /// Whether no fencing resource is left.
    CLEAN = "Clean";
    /// Whether the CIDRs match those its storage reports; absent without CIDRs.
    CIDRS_VALIDATED = "CIDRsValidated";

    /// All three first conditions, before anything is known.
    REASON_INITIALIZING = "Initializing";
    /// NetworkFences were written.
    REASON_FENCING = "Fencing";
    /// Fenced; also on `Clean` once unfenced, as RamenDR has it.
    REASON_FENCED = "Fenced";
    /// NetworkFences could not be written, or report no success.
    REASON_FENCE_ERROR = "FenceError";
    /// NetworkFences are being reversed.
    REASON_UNFENCING = "Unfencing";
    /// Unfenced.
    REASON_UNFENCED = "Unfenced";
    /// As [`REASON_FENCE_ERROR`], for unfencing; the cluster then still counts as fenced.
    REASON_UNFENCE_ERROR = "UnfenceError";
    /// Fencing resources are being removed.
    REASON_CLEANING = "Cleaning";
    /// No fencing resource is left.
    REASON_CLEAN = "Clean";
    /// Declared by RamenDR, unused.
    REASON_CLEAN_ERROR = "CleanError";
    /// On `Validated` and `CIDRsValidated`: in order.
    REASON_SUCCEEDED = "Succeeded";
    /// On `Validated`: the CIDRs are not; see `CIDRsValidated`.
    REASON_VALIDATION_FAILED = "ValidationFailed";
    /// On `Validated`: the operator's ConfigMap could not be read.
    REASON_CONFIG_MAP_GET_FAILED = "ConfigMapGetFailed";
    /// On `Validated`: the finalizer could not be set.
    REASON_FINALIZER_ADD_FAILED = "FinalizerAddFailed";
    /// On `Validated`: what the cluster needs could not be written on the hub.
    REASON_DR_CLUSTERS_DEPLOY_FAILED = "DrClustersDeployFailed";
    /// On `Validated`: what the cluster needs is not applied there.
    REASON_DR_CLUSTERS_DEPLOY_STATUS_CHECK_FAILED = "DrClustersDeployStatusCheckFailed";
    /// On `Validated`: the object store could not be opened; lower case, as the two that follow.
    REASON_S3_CONNECTION_FAILED = "s3ConnectionFailed";
    /// On `Validated`: the bucket does not exist.
    REASON_S3_BUCKET_NOT_FOUND = "s3BucketNotFound";
    /// On `Validated`: the bucket could not be listed.
    REASON_S3_LIST_FAILED = "s3ListFailed";
    /// On `Validated`: the DRClusterConfig is not applied on the cluster yet.
    REASON_DRCLUSTER_CONFIG_IN_PROGRESS = "DRClusterConfigInProgress";
    /// Declared by RamenDR for errors.
    REASON_ERROR = "Error";
    /// Declared by RamenDR for unclassified errors.
    REASON_UNKNOWN_ERROR = "UnknownError";
    /// On `CIDRsValidated`: not a CIDR.
    REASON_INVALID_CIDRS_FORMAT = "InvalidCIDRsFormat";
    /// On `CIDRsValidated`: the storage reports some that are not configured, a path that fencing would leave open.
    REASON_DETECTED_CIDRS_UNCONFIGURED = "DetectedCIDRsUnconfigured";
    /// On `CIDRsValidated`, True: some are configured that the storage does not report.
    REASON_UNDETECTED_CIDRS_FOUND = "UndetectedCIDRsFound";
}
