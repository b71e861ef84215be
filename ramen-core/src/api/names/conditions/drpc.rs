//! Conditions of a DRPlacementControl, set by the hub.

crate::api::names::names! {
    /// First condition: whether the workload may run on the cluster of the decision. False at the current generation
    /// says that a failover is under way, and maintenance modes hang on that.
    AVAILABLE = "Available";
    /// Second condition: whether the peers are clean secondaries, so that the next action may start.
    PEER_READY = "PeerReady";
    /// Third condition: whether data and resources of the workload are protected; summed up from the VRG.
    PROTECTED = "Protected";
    /// Whether all applications that share one group agree on the action; only on those.
    GLOBAL_ACTION = "GlobalAction";
    /// Whether the network mapping of the policy was read; absent without one.
    NETWORK_MAPPING_LOADED = "NetworkMappingLoaded";

    /// Something is under way. On `Protected`: a VRG condition has not been met yet.
    REASON_PROGRESSING = "Progressing";
    /// Declared by RamenDR, unused.
    REASON_CLEANING = "Cleaning";
    /// On `PeerReady`: ready. On both it is also set when a recovered hub allows a failover.
    REASON_SUCCESS = "Success";
    /// On `PeerReady`: an action has started.
    REASON_NOT_STARTED = "NotStarted";
    /// On `Available` and `PeerReady`: a recovered hub needs the user.
    REASON_PAUSED = "Paused";
    /// On `Available`: the DRPC cannot be processed. On `Protected`: a VRG condition reports an error.
    REASON_ERROR = "Error";
    /// On `Available`: a cloned PlacementRule has no decision yet.
    REASON_WAITING = "Waiting";
    /// On `Available`: a test failover is asked for wrongly.
    REASON_VALIDATION_FAILED = "ValidationFailed";
    /// On `Available` and `PeerReady`: first pass; the value of the phase of that name.
    REASON_INITIATING = "Initiating";
    /// On `Available`, where the phase is empty; otherwise the phase is the reason.
    REASON_NONE = "none";
    /// On `Protected`: the VRG does not report.
    REASON_UNKNOWN = "Unknown";
    /// On `Protected`: protected.
    REASON_PROTECTED = "Protected";
    /// On `GlobalAction`: agreed.
    REASON_CONSENSUS_REACHED = "ConsensusReached";
    /// On `GlobalAction`: not agreed.
    REASON_CONSENSUS_NOT_REACHED = "ConsensusNotReached";
    /// On `NetworkMappingLoaded`: read.
    REASON_NETWORK_MAPPING_LOADED = "NetworkMappingLoaded";
    /// On `NetworkMappingLoaded`: not read; addresses are not translated.
    REASON_NETWORK_MAPPING_LOAD_FAILED = "NetworkMappingLoadFailed";
}
