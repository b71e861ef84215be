//! Parameters of StorageClasses that a restored PV takes its Secrets from.

super::names! {
    /// Secret of staging a volume on a node.
    NODE_STAGE_SECRET_NAME = "csi.storage.k8s.io/node-stage-secret-name";
    /// Namespace of it.
    NODE_STAGE_SECRET_NAMESPACE = "csi.storage.k8s.io/node-stage-secret-namespace";
    /// Secret of publishing a volume on a node.
    NODE_PUBLISH_SECRET_NAME = "csi.storage.k8s.io/node-publish-secret-name";
    /// Namespace of it.
    NODE_PUBLISH_SECRET_NAMESPACE = "csi.storage.k8s.io/node-publish-secret-namespace";
    /// Secret of expanding a volume on a node.
    NODE_EXPAND_SECRET_NAME = "csi.storage.k8s.io/node-expand-secret-name";
    /// Namespace of it.
    NODE_EXPAND_SECRET_NAMESPACE = "csi.storage.k8s.io/node-expand-secret-namespace";
    /// Secret of expanding a volume from the controller.
    CONTROLLER_EXPAND_SECRET_NAME = "csi.storage.k8s.io/controller-expand-secret-name";
    /// Namespace of it.
    CONTROLLER_EXPAND_SECRET_NAMESPACE = "csi.storage.k8s.io/controller-expand-secret-namespace";
    /// Secret of publishing a volume from the controller.
    CONTROLLER_PUBLISH_SECRET_NAME = "csi.storage.k8s.io/controller-publish-secret-name";
    /// Namespace of it.
    CONTROLLER_PUBLISH_SECRET_NAMESPACE = "csi.storage.k8s.io/controller-publish-secret-namespace";
    /// Secret of provisioning; becomes the PV's deletion Secret.
    PROVISIONER_SECRET_NAME = "csi.storage.k8s.io/provisioner-secret-name";
    /// Namespace of it.
    PROVISIONER_SECRET_NAMESPACE = "csi.storage.k8s.io/provisioner-secret-namespace";
    /// Storage cluster: a parameter of the class, and an attribute of the volume that a restore rewrites with it.
    CLUSTER_ID = "clusterID";
}
