//! Metrics, their labels and label values, and the alerts that RamenDR ships for them. All metrics are gauges.

super::names! {
    /// Interval of a DRPolicy in seconds, by `policyname`; none for synchronous policies. Set by the DRPolicy
    /// controller.
    POLICY_SCHEDULE_INTERVAL_SECONDS = "ramen_policy_schedule_interval_seconds";
    /// Last group sync of a DRPC, Unix seconds, 0 if none; not for synchronous policies. Set by the DRPC controller, as
    /// those that follow.
    LAST_SYNC_TIMESTAMP_SECONDS = "ramen_last_sync_timestamp_seconds";
    /// Duration of the last group sync, seconds.
    LAST_SYNC_DURATION_SECONDS = "ramen_last_sync_duration_seconds";
    /// Bytes of the last group sync.
    LAST_SYNC_DATA_BYTES = "ramen_last_sync_data_bytes";
    /// 1 if the DRPC's condition `Protected` is True, else 0.
    WORKLOAD_PROTECTION_STATUS = "ramen_workload_protection_status";
    /// 1 if the DRPC asks for consistency groups by annotation, else 0.
    UNSUPPORTED_CONSISTENCY_GROUPING_ENABLED = "ramen_unsupported_consistency_grouping_enabled";
    /// 1 if applications that share a group agree on the action, else 0; only for those.
    GLOBAL_ACTION_CONSENSUS_STATUS = "ramen_global_action_consensus_status";
    /// 1 while the DRPC's progression is the one in the label `state`, else 0; only `WaitOnUserToCleanUp` is tracked.
    PROGRESSION_STATE = "ramen_progression_state";
    /// 1 if a DRCluster has malformed CIDRs, or misses some its storage reports. Set by the DRCluster controller.
    INVALID_CIDRS_DETECTED = "ramen_invalid_cidrs_detected";
    /// 1 if a DRCluster has CIDRs its storage does not report. Set by the DRCluster controller.
    UNDETECTED_CIDRS_FOUND = "ramen_undetected_cidrs_found";
    /// DRPolicies by `dr_type`; telemetry, recounted by the hub from lists.
    DR_POLICY_TYPE = "ramen_dr_policy_type";
    /// DRPCs by `management_method`; telemetry.
    DR_PROTECTED_APPS = "ramen_dr_protected_apps";
    /// DR actions of all DRPCs that exist, by `action`; telemetry.
    DR_ACTIONS = "ramen_dr_actions";

    /// Label: kind of the object, [`OBJ_TYPE_DRPC`] or [`OBJ_TYPE_DRCLUSTER`].
    LABEL_OBJ_TYPE = "obj_type";
    /// Label: name of the object.
    LABEL_OBJ_NAME = "obj_name";
    /// Label: namespace of the object.
    LABEL_OBJ_NAMESPACE = "obj_namespace";
    /// Label: DRPolicy.
    LABEL_POLICY_NAME = "policyname";
    /// Label: interval of the DRPolicy, as written there.
    LABEL_SCHEDULING_INTERVAL = "scheduling_interval";
    /// Label: progression.
    LABEL_STATE = "state";
    /// Label of [`DR_POLICY_TYPE`].
    LABEL_DR_TYPE = "dr_type";
    /// Label of [`DR_PROTECTED_APPS`].
    LABEL_MANAGEMENT_METHOD = "management_method";
    /// Label of [`DR_ACTIONS`].
    LABEL_ACTION = "action";

    /// Value of [`LABEL_OBJ_TYPE`].
    OBJ_TYPE_DRPC = "DRPlacementControl";
    /// Value of [`LABEL_OBJ_TYPE`].
    OBJ_TYPE_DRCLUSTER = "DRCluster";
    /// Value of [`LABEL_DR_TYPE`]: synchronous.
    DR_TYPE_METRO = "metro";
    /// Value of [`LABEL_DR_TYPE`]: asynchronous.
    DR_TYPE_REGIONAL = "regional";
    /// Value of [`LABEL_DR_TYPE`]: neither could be told.
    DR_TYPE_UNKNOWN = "unknown";
    /// Value of [`LABEL_MANAGEMENT_METHOD`]: the DRPC lists protected namespaces.
    MANAGEMENT_METHOD_DISCOVERED = "discovered";
    /// Value of [`LABEL_MANAGEMENT_METHOD`]: a placement manages the application.
    MANAGEMENT_METHOD_MANAGED = "managed";
    /// Value of [`LABEL_ACTION`].
    ACTION_FAILOVER = "failover";
    /// Value of [`LABEL_ACTION`].
    ACTION_RELOCATE = "relocate";

    /// Recording rule: seconds since the last sync.
    RULE_SYNC_DURATION_SECONDS = "ramen_sync_duration_seconds";
    /// Recording rule: [`RULE_SYNC_DURATION_SECONDS`] divided by the policy's interval.
    RULE_RPO_DIFFERENCE = "ramen_rpo_difference";
    /// Recording rule for telemetry.
    RULE_DR_POLICY_TYPE_MAX = "ramen:dr_policy_type:max";
    /// Recording rule for telemetry.
    RULE_DR_PROTECTED_APPS_MAX = "ramen:dr_protected_apps:max";
    /// Recording rule for telemetry.
    RULE_DR_ACTIONS_MAX = "ramen:dr_actions:max";
    /// Service that the recording rules select as `job`; part of the contract.
    HUB_METRICS_SERVICE = "ramen-hub-operator-metrics-service";

    /// Alert: the last sync is two (warning) or three (critical) intervals old.
    ALERT_VOLUME_SYNCHRONIZATION_DELAY = "VolumeSynchronizationDelay";
    /// Alert: a workload has been unprotected for ten minutes.
    ALERT_WORKLOAD_UNPROTECTED = "WorkloadUnprotected";
    /// Alert: consistency groups were asked for by annotation.
    ALERT_UNSUPPORTED_CONSISTENCY_GROUPING_ENABLED = "UnsupportedConsistencyGroupingEnabled";
    /// Alert: applications that share a group disagree for ten minutes.
    ALERT_GLOBAL_ACTION_CONSENSUS_BLOCKED = "GlobalActionConsensusBlocked";
    /// Alert: see [`INVALID_CIDRS_DETECTED`].
    ALERT_INVALID_CIDRS_DETECTED = "InvalidCIDRsDetected";
    /// Alert: see [`UNDETECTED_CIDRS_FOUND`].
    ALERT_UNDETECTED_CIDRS_FOUND = "UndetectedCIDRsFound";
    /// Alert: a user has left an application uncleaned for fifteen minutes.
    ALERT_APPLICATION_CLEANUP_PENDING = "ApplicationCleanupPending";
    /// Annotation of every alert, with value [`ALERT_TYPE_DISASTER_RECOVERY`].
    ALERT_TYPE = "alert_type";
    /// Value of [`ALERT_TYPE`].
    ALERT_TYPE_DISASTER_RECOVERY = "DisasterRecovery";
}
