//! Where the operators' configuration comes from: ConfigMaps, environment, leases, and the literals they may hold.

super::names! {
    /// ConfigMap of the hub operator, in its own namespace; created by it at start.
    HUB_CONFIG_MAP = "ramen-hub-operator-config";
    /// ConfigMap of the cluster operator, in its own namespace; created by it, or delivered by the hub.
    DR_CLUSTER_CONFIG_MAP = "ramen-dr-cluster-operator-config";
    /// Key of the RamenConfig in both.
    CONFIG_KEY = "ramen_manager_config.yaml";
    /// Environment: which operator a process is; set by its Deployment.
    ENV_CONTROLLER_TYPE = "RAMEN_CONTROLLER_TYPE";
    /// Value of [`ENV_CONTROLLER_TYPE`].
    CONTROLLER_TYPE_HUB = "dr-hub";
    /// Value of [`ENV_CONTROLLER_TYPE`].
    CONTROLLER_TYPE_DR_CLUSTER = "dr-cluster";
    /// Environment: namespace of the operator; set by its Deployment.
    ENV_POD_NAMESPACE = "POD_NAMESPACE";
    /// Environment: name of the operator's Pod, by which it finds its own image.
    ENV_POD_NAME = "POD_NAME";
    /// Environment: `true` makes the program wait for a path and exit, as a mount job needs it.
    ENV_PVC_INIT = "PVC_INIT";
    /// Environment: the path [`ENV_PVC_INIT`] waits for.
    ENV_PVC_MOUNT_PATH = "PVC_MOUNT_PATH";
    /// Namespace of both operators in RamenDR's manifests.
    OPERATOR_NAMESPACE = "ramen-system";
    /// Deployment of the hub operator in RamenDR's manifests.
    HUB_OPERATOR = "ramen-hub-operator";
    /// Deployment of the cluster operator in RamenDR's manifests.
    DR_CLUSTER_OPERATOR = "ramen-dr-cluster-operator";
    /// Lease of the hub operator, unless the configuration names another.
    HUB_LEASE = "hub.ramendr.openshift.io";
    /// Lease of the cluster operator.
    DR_CLUSTER_LEASE = "dr-cluster.ramendr.openshift.io";
    /// Namespace of DRPCs and VRGs that protect several namespaces, unless the configuration names another.
    RAMEN_OPS_NAMESPACE = "ramen-ops";
    /// [`RAMEN_OPS_NAMESPACE`] where OLM installed the operator into [`OPENSHIFT_OPERATORS_NAMESPACE`].
    OPENSHIFT_RAMEN_OPS_NAMESPACE = "openshift-dr-ops";
    /// Namespace into which OLM installs operators that serve all namespaces.
    OPENSHIFT_OPERATORS_NAMESPACE = "openshift-operators";
    /// Namespace of the cluster operator in that case.
    OPENSHIFT_DR_CLUSTER_NAMESPACE = "openshift-dr-system";
    /// Velero's namespace, unless the configuration names another.
    VELERO_NAMESPACE = "velero";
    /// [`VELERO_NAMESPACE`] where OLM installed the operator into [`OPENSHIFT_OPERATORS_NAMESPACE`].
    OPENSHIFT_VELERO_NAMESPACE = "openshift-adp";
    /// S3 profile that stands for "no store".
    NO_S3 = "NoS3";
    /// Key of the access key in an S3 Secret.
    S3_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID";
    /// Key of the secret key in an S3 Secret.
    S3_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY";
    /// Key of the credentials file in a Secret of Velero's format.
    VELERO_SECRET_KEY = "ramengenerated";
    /// Key of the network mapping in the ConfigMap that a DRPolicy names.
    NETWORK_MAPPING_KEY = "mappings.yaml";
    /// ConfigMap of resources that no capture includes, in the cluster operator's namespace.
    EXCLUDED_RESOURCES_CONFIG_MAP = "default-excluded-resources";
    /// Key of the list in it.
    EXCLUDED_RESOURCES_KEY = "resources";
    /// Key of the rules in the ConfigMap of Velero resource modifiers.
    RESOURCE_MODIFIERS_KEY = "resource-modifiers.yaml";
    /// OLM channel of the cluster operator, if the configuration names none.
    OLM_CHANNEL = "alpha";
    /// OLM package of the cluster operator, if the configuration names none.
    OLM_PACKAGE = "ramen-dr-cluster-operator";
    /// OLM catalog, if the configuration names none.
    OLM_CATALOG_SOURCE = "ramen-catalog";
    /// OLM version of the cluster operator, if the configuration names none.
    OLM_CLUSTER_SERVICE_VERSION = "ramen-dr-cluster-operator.v0.0.1";
    /// Label by which OLM would collect the operator's ConfigMap with an old version; removed at start.
    OLM_MANAGED_LABEL = "olm.managed";
    /// As [`OLM_MANAGED_LABEL`].
    OLM_OPERATOR_LABEL = "operators.coreos.com/odr-hub-operator.openshift-operators";
    /// CephFS driver whose clones are read-only and shallow, if the configuration names none.
    CEPHFS_CSI_DRIVER = "openshift-storage.cephfs.csi.ceph.com";
    /// How VolSync fills a destination PVC: from the last image, on promotion. Used where the configuration names
    /// nothing.
    VOLSYNC_COPY_METHOD_SNAPSHOT = "Snapshot";
    /// How VolSync fills a destination PVC: directly. What generated configurations say.
    VOLSYNC_COPY_METHOD_DIRECT = "Direct";
    /// `schedulerName` that a user's PlacementRule must carry, so that nobody else decides.
    PLACEMENT_RULE_SCHEDULER = "ramen";
    /// OLM OperatorGroup of the cluster operator, as the hub writes it.
    DR_CLUSTER_OPERATOR_GROUP = "ramen-operator-group";
    /// OLM Subscription of the cluster operator, as the hub writes it.
    DR_CLUSTER_SUBSCRIPTION = "ramen-dr-cluster-subscription";
}
