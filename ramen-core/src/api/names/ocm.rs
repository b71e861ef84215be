//! Names of Open Cluster Management: works, views, placement, registration, policies, add-ons.

super::names! {
    /// Label of DRPC, DRPolicy, DRCluster, the hub's ConfigMap and its pre-shared key, with value [`BACKUP_RAMEN`]:
    /// OCM's hub backup takes them.
    BACKUP = "cluster.open-cluster-management.io/backup";
    /// Value of [`BACKUP`].
    BACKUP_RAMEN = "ramen";
    /// Label of a PlacementDecision, and in an ApplicationSet's generator: the Placement.
    PLACEMENT = "cluster.open-cluster-management.io/placement";
    /// Annotation a user sets on a Placement, so that OCM leaves the decision to Ramen; must exist and not be `false`.
    SCHEDULING_DISABLE = "cluster.open-cluster-management.io/experimental-scheduling-disable";
    /// Reason of a decision that keeps the workload on the cluster it fails over from, until that is secondary.
    DECISION_RETAINED_FOR_FAILOVER = "RetainedForFailover";
    /// Label of a ClusterRole whose rules OCM's work agent takes over, with value `true`.
    AGGREGATE_TO_WORK = "open-cluster-management.io/aggregate-to-work";
    /// Prefix of annotations by which OCM prunes; kept off a destination PVC while it is secondary.
    APPS_ANNOTATION_PREFIX = "apps.open-cluster-management.io";
    /// Annotation of a Policy: resource version of the Secret it delivers, so that rotation reaches clusters.
    POLICY_TRIGGER_UPDATE = "policy.open-cluster-management.io/trigger-update";

    /// Finalizer the work agent holds on a ManifestWork; without it nothing may be applied.
    MANIFEST_WORK_FINALIZER = "cluster.open-cluster-management.io/manifest-work-cleanup";
    /// Finalizer the work agent holds on an AppliedManifestWork.
    APPLIED_MANIFEST_WORK_FINALIZER = "cluster.open-cluster-management.io/applied-manifest-work-cleanup";
    /// Annotation the work agent sets on what it applied server-side with ignored fields.
    CONFIG_SPEC_HASH = "open-cluster-management.io/config-spec-hash";
    /// Field manager of the work agent; others must begin with it.
    WORK_AGENT_FIELD_MANAGER = "work-agent";
    /// Deletion removes the applied objects; the default.
    DELETE_FOREGROUND = "Foreground";
    /// Deletion leaves the applied objects; takes effect when *applied*, not when deleted.
    DELETE_ORPHAN = "Orphan";
    /// Deletion leaves the listed objects.
    DELETE_SELECTIVELY_ORPHAN = "SelectivelyOrphan";
    /// Update strategy: replace what differs, merge metadata; the default.
    UPDATE_STRATEGY_UPDATE = "Update";
    /// Update strategy: create, never touch again.
    UPDATE_STRATEGY_CREATE_ONLY = "CreateOnly";
    /// Update strategy: server-side apply.
    UPDATE_STRATEGY_SERVER_SIDE_APPLY = "ServerSideApply";
    /// Update strategy: only observe.
    UPDATE_STRATEGY_READ_ONLY = "ReadOnly";

    /// Condition of a work and of each manifest: applied as of its `observedGeneration`.
    WORK_APPLIED = "Applied";
    /// Condition of a work and of each manifest: *exists*; its generation may not have been applied yet.
    WORK_AVAILABLE = "Available";
    /// Condition of a work, by rules only.
    WORK_DEGRADED = "Degraded";
    /// Condition of a work, by rules only.
    WORK_PROGRESSING = "Progressing";
    /// Condition of a work or manifest, by rules only; True is never applied again.
    WORK_COMPLETE = "Complete";
    /// Condition of a work that is being deleted.
    WORK_DELETING = "Deleting";
    /// Condition of a manifest: feedback is current.
    WORK_STATUS_FEEDBACK_SYNCED = "StatusFeedbackSynced";
    /// On a work's `Applied`, True.
    REASON_WORK_COMPLETE = "AppliedManifestWorkComplete";
    /// On a work's `Applied`, False.
    REASON_WORK_FAILED = "AppliedManifestWorkFailed";
    /// On a manifest's `Applied`, True.
    REASON_MANIFEST_COMPLETE = "AppliedManifestComplete";
    /// On a manifest's `Applied`, False.
    REASON_MANIFEST_FAILED = "AppliedManifestFailed";
    /// On a manifest's `Applied`, False: a field to ignore could not be removed.
    REASON_MANIFEST_IGNORE_FIELD_ERROR = "AppliedManifestSSAIgnoreFieldError";
    /// On a work's `Available`, True.
    REASON_RESOURCES_AVAILABLE = "ResourcesAvailable";
    /// On a work's `Available`, False.
    REASON_RESOURCES_NOT_AVAILABLE = "ResourcesNotAvailable";
    /// On a work's `Available`, Unknown.
    REASON_RESOURCES_STATUS_UNKNOWN = "ResourcesStatusUnknown";
    /// On a manifest's `Available`, True.
    REASON_RESOURCE_AVAILABLE = "ResourceAvailable";
    /// On a manifest's `Available`, False.
    REASON_RESOURCE_NOT_AVAILABLE = "ResourceNotAvailable";
    /// On a manifest's `Available`, Unknown: its kind is not there.
    REASON_INCOMPLETE_RESOURCE_META = "IncompleteResourceMeta";
    /// On a manifest's `Available`, Unknown: it could not be read.
    REASON_FETCHING_RESOURCE_FAILED = "FetchingResourceFailed";
    /// On `StatusFeedbackSynced`, True: nothing to feed back.
    REASON_NO_STATUS_FEEDBACK_SYNCED = "NoStatusFeedbackSynced";
    /// On `StatusFeedbackSynced`, False.
    REASON_STATUS_FEEDBACK_SYNC_FAILED = "StatusFeedbackSyncFailed";
    /// On a work's `Deleting`.
    REASON_WORK_DELETING = "WorkDeleting";
    /// On a work's conditions by rules.
    REASON_CONDITION_RULES_AGGREGATED = "ConditionRulesAggregated";
    /// On a manifest's conditions by rules.
    REASON_CONDITION_RULE_EVALUATED = "ConditionRuleEvaluated";

    /// The only condition of a ManagedClusterView; only while True may its result be read.
    VIEW_PROCESSING = "Processing";
    /// On `Processing`, True.
    REASON_GET_RESOURCE_PROCESSING = "GetResourceProcessing";
    /// On `Processing`, False: the read failed; two endings of the message say that the object does not exist.
    REASON_GET_RESOURCE_FAILED = "GetResourceFailed";
    /// On `Processing`, False: no name.
    REASON_RESOURCE_NAME_INVALID = "ResourceNameInvalid";
    /// On `Processing`, False: no kind, or a Secret.
    REASON_RESOURCE_TYPE_INVALID = "ResourceTypeInvalid";
    /// On `Processing`, False: the kind is not there.
    REASON_RESOURCE_GVK_INVALID = "ResourceGVKInvalid";

    /// Condition of a ManagedCluster: the hub admits it.
    CLUSTER_HUB_ACCEPTED = "HubAcceptedManagedCluster";
    /// Condition of a ManagedCluster: it joined; Ramen asks for no more.
    CLUSTER_JOINED = "ManagedClusterJoined";
    /// Condition of a ManagedCluster: its agent renews the lease.
    CLUSTER_AVAILABLE = "ManagedClusterConditionAvailable";
    /// Condition of a ManagedCluster: its clock is near the hub's.
    CLUSTER_CLOCK_SYNCED = "ManagedClusterConditionClockSynced";
    /// On `ManagedClusterConditionAvailable`, True.
    REASON_CLUSTER_AVAILABLE = "ManagedClusterAvailable";
    /// On `ManagedClusterConditionAvailable`, False.
    REASON_CLUSTER_KUBE_API_SERVER_UNAVAILABLE = "ManagedClusterKubeAPIServerUnavailable";
    /// On `ManagedClusterConditionAvailable`, Unknown.
    REASON_CLUSTER_LEASE_UPDATE_STOPPED = "ManagedClusterLeaseUpdateStopped";
    /// Lease that a cluster's agent renews in the cluster's namespace.
    CLUSTER_LEASE = "managed-cluster-lease";
    /// Taint of a ManagedCluster whose lease ran out.
    TAINT_UNREACHABLE = "cluster.open-cluster-management.io/unreachable";
    /// Taint of a ManagedCluster that says it is unavailable.
    TAINT_UNAVAILABLE = "cluster.open-cluster-management.io/unavailable";
    /// ClusterClaim that identifies a cluster.
    CLAIM_CLUSTER_ID = "id.k8s.io";
    /// Prefix of claims by which clusters once published StorageClasses; only removed today.
    CLAIM_STORAGE_CLASS_PREFIX = "storage.class";
    /// Prefix of claims by which clusters once published VolumeSnapshotClasses; only removed today.
    CLAIM_SNAPSHOT_CLASS_PREFIX = "snapshot.class";
    /// Prefix of claims by which clusters once published VolumeReplicationClasses; only removed today.
    CLAIM_REPLICATION_CLASS_PREFIX = "replication.class";
    /// ManagedClusterAddOn that installs VolSync; must have this name.
    ADDON_VOLSYNC = "volsync";

    /// Prefix of the ClusterRoles that the hub delivers for the work agent; the suffixes follow.
    WORK_AGENT_ROLE_PREFIX = "open-cluster-management:klusterlet-work-sa:agent:";
    /// VolumeReplicationGroups.
    WORK_AGENT_ROLE_VRG = "volrepgroup-edit";
    /// MaintenanceModes.
    WORK_AGENT_ROLE_MAINTENANCE_MODE = "mmode-edit";
    /// DRClusterConfigs.
    WORK_AGENT_ROLE_DRCLUSTERCONFIG = "drclusterconfig-edit";
    /// NetworkFences.
    WORK_AGENT_ROLE_NETWORK_FENCE = "networkfence-edit";
    /// Recipes; without the right to delete.
    WORK_AGENT_ROLE_RECIPE = "recipe-edit";
    /// OperatorGroups; only with deployment automation.
    WORK_AGENT_ROLE_OLM = "olm-edit";
}
