//! Names of Kubernetes itself, KubeVirt and Multus that decisions hang on.

super::names! {
    /// Finalizer Kubernetes holds on a PVC while a Pod uses it; its removal wakes the VRG.
    PVC_PROTECTION_FINALIZER = "kubernetes.io/pvc-protection";
    /// Label of an EndpointSlice: its Service.
    SERVICE_NAME_LABEL = "kubernetes.io/service-name";
    /// Prefix of binding annotations of PVs and PVCs; they never travel to a peer.
    PV_ANNOTATION_PREFIX = "pv.kubernetes.io";
    /// Prefix of provisioning annotations of PVs and PVCs; they never travel to a peer.
    VOLUME_ANNOTATION_PREFIX = "volume.kubernetes.io";
    /// Annotation of a bound PVC; removed from one whose phase is `Lost`, so that it binds again.
    BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
    /// Annotation of a PV: its provisioner; rewritten at a restore from the local StorageClass.
    PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
    /// Annotation of a PV: Secret of its deletion; rewritten at a restore.
    PROVISIONER_DELETION_SECRET_NAME = "volume.kubernetes.io/provisioner-deletion-secret-name";
    /// Namespace of [`PROVISIONER_DELETION_SECRET_NAME`].
    PROVISIONER_DELETION_SECRET_NAMESPACE = "volume.kubernetes.io/provisioner-deletion-secret-namespace";
    /// Annotation of a VolumeSnapshotClass that is the default of its driver.
    DEFAULT_SNAPSHOT_CLASS = "snapshot.storage.kubernetes.io/is-default-class";
    /// Annotation of a virtual machine's template: static IP addresses by network, as JSON.
    KUBEVIRT_ADDRESSES = "network.kubevirt.io/addresses";
    /// API version of virtual machines.
    KUBEVIRT_API_VERSION = "kubevirt.io/v1";
    /// Kind of virtual machines.
    KUBEVIRT_VIRTUAL_MACHINE = "VirtualMachine";
    /// Virtual machines, as Velero's resource modifiers name them.
    KUBEVIRT_VIRTUAL_MACHINES = "virtualmachines.kubevirt.io";
    /// JSON pointer to [`KUBEVIRT_ADDRESSES`] in a virtual machine; resource modifiers replace it.
    KUBEVIRT_ADDRESSES_POINTER = "/spec/template/metadata/annotations/network.kubevirt.io~1addresses";
    /// Label of a Secret that holds a kubeconfig, by the convention of multicluster-runtime; its name is the cluster's.
    KUBECONFIG_SECRET_LABEL = "sigs.k8s.io/multicluster-runtime-kubeconfig";
    /// Key of the kubeconfig in such a Secret.
    KUBECONFIG_SECRET_KEY = "kubeconfig";
}
