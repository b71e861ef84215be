//! The order in which the objects of a bundle are applied.

use crate::intercluster::ResourceType;

/// Rank of a kind: what others need comes first; kinds of the same rank keep the order of the bundle.
///
/// The groups are those of OCM's work agent (transport.md 2.1), so that a bundle behaves alike on both transports.
pub(crate) fn rank(resource: &ResourceType) -> u8 {
    match resource.kind.as_str() {
        "Namespace" | "CustomResourceDefinition" | "StorageClass" | "PersistentVolume" => 0,
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => 1,
        "ServiceAccount"
        | "LimitRange"
        | "PodDisruptionBudget"
        | "ResourceQuota"
        | "NetworkPolicy"
        | "PodSecurityPolicy" => 2,
        "Secret" | "ConfigMap" | "PersistentVolumeClaim" => 3,
        "Service" => 4,
        "DaemonSet"
        | "Pod"
        | "ReplicationController"
        | "ReplicaSet"
        | "Deployment"
        | "HorizontalPodAutoscaler"
        | "StatefulSet"
        | "Job"
        | "CronJob"
        | "Ingress"
        | "APIService" => 5,
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => 6,
        _ => 7,
    }
}
