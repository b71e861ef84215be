//! Keys of the objects in an S3 store, byte-equal to RamenDR's.
//!
//! All metadata of one VRG lie under `<namespace>/<name>/`. The part behind it is the Go type of the object as Go
//! prints it, package and type;
//! Velero's objects lie under `kube-objects/`. Namespaces and names hold no `/`, so that keys are unambiguous, except
//! that a PVC key without a
//! namespace ([`legacy_pvc`]) cannot be told from a key of another type by shape alone.

super::names! {
    /// Go type of a stored PersistentVolume.
    TYPE_PV = "v1.PersistentVolume";
    /// Go type of a stored PersistentVolumeClaim.
    TYPE_PVC = "v1.PersistentVolumeClaim";
    /// Go type of a stored VolumeReplicationGroup.
    TYPE_VRG = "v1alpha1.VolumeReplicationGroup";
    /// Go type of a stored VolumeGroupReplication; the package is `v1alpha1`, whatever RamenDR's comments say.
    TYPE_VGR = "v1alpha1.VolumeGroupReplication";
    /// Go type of a stored VolumeGroupReplicationContent.
    TYPE_VGR_CONTENT = "v1alpha1.VolumeGroupReplicationContent";
    /// Suffix of the one VRG under a prefix.
    VRG_SUFFIX = "a";
    /// Folder of captures of a workload's resources.
    KUBE_OBJECTS = "kube-objects/";
    /// Folder of Velero in a capture; the prefix of its BackupStorageLocation ends in it.
    VELERO = "velero/";
    /// Folder of Velero's backups in a capture.
    VELERO_BACKUPS = "velero/backups/";
    /// Folder of Velero's restores in a capture.
    VELERO_RESTORES = "velero/restores/";
}

/// Everything of one VRG: `<namespace>/<name>/`. Only the deletion of a primary VRG removes it whole.
pub fn vrg_prefix(vrg_namespace: &str, vrg_name: &str) -> String {
    format!("{vrg_namespace}/{vrg_name}/")
}

/// All objects of one type of a VRG; the slash at the end keeps PersistentVolume from matching PersistentVolumeClaim.
pub fn type_prefix(vrg_namespace: &str, vrg_name: &str, go_type: &str) -> String {
    format!("{}{go_type}/", vrg_prefix(vrg_namespace, vrg_name))
}

/// The VRG itself.
pub fn vrg(vrg_namespace: &str, vrg_name: &str) -> String {
    type_prefix(vrg_namespace, vrg_name, TYPE_VRG) + VRG_SUFFIX
}

/// A PersistentVolume.
pub fn pv(vrg_namespace: &str, vrg_name: &str, pv: &str) -> String {
    type_prefix(vrg_namespace, vrg_name, TYPE_PV) + pv
}

/// A PersistentVolumeClaim.
pub fn pvc(vrg_namespace: &str, vrg_name: &str, pvc_namespace: &str, pvc: &str) -> String {
    format!("{}{pvc_namespace}/{pvc}", type_prefix(vrg_namespace, vrg_name, TYPE_PVC))
}

/// A PersistentVolumeClaim as stored before a VRG could span namespaces; read, and deleted with [`pvc`], but never
/// written.
pub fn legacy_pvc(vrg_namespace: &str, vrg_name: &str, pvc: &str) -> String {
    type_prefix(vrg_namespace, vrg_name, TYPE_PVC) + pvc
}

/// A VolumeGroupReplication.
pub fn vgr(vrg_namespace: &str, vrg_name: &str, vgr_namespace: &str, vgr: &str) -> String {
    format!("{}{vgr_namespace}/{vgr}", type_prefix(vrg_namespace, vrg_name, TYPE_VGR))
}

/// A VolumeGroupReplicationContent.
pub fn vgr_content(vrg_namespace: &str, vrg_name: &str, content: &str) -> String {
    type_prefix(vrg_namespace, vrg_name, TYPE_VGR_CONTENT) + content
}

/// One capture of a workload's resources: `<namespace>/<name>/kube-objects/<slot>/`. There are two slots, 0 and 1, used
/// in turn.
pub fn capture(vrg_namespace: &str, vrg_name: &str, slot: u8) -> String {
    format!("{}{KUBE_OBJECTS}{slot}/", vrg_prefix(vrg_namespace, vrg_name))
}

/// Prefix that the BackupStorageLocation of a capture is given.
pub fn velero_prefix(vrg_namespace: &str, vrg_name: &str, slot: u8) -> String {
    capture(vrg_namespace, vrg_name, slot) + VELERO
}

/// All backups of a capture; removed before the slot is used again.
pub fn velero_backups(vrg_namespace: &str, vrg_name: &str, slot: u8) -> String {
    capture(vrg_namespace, vrg_name, slot) + VELERO_BACKUPS
}

/// One backup of a capture; removed when it failed.
pub fn velero_backup(vrg_namespace: &str, vrg_name: &str, slot: u8, backup: &str) -> String {
    format!("{}{backup}/", velero_backups(vrg_namespace, vrg_name, slot))
}

/// Prefix that the validation of a DRCluster lists, with RamenDR's leading slash: no key begins so, it only proves that
/// listing is allowed.
pub fn drcluster_probe(drcluster: &str) -> String {
    format!("/{drcluster}")
}

/// The VRG's namespace and name, as the first two segments of any key below its prefix; `None` if there are fewer or
/// one is empty.
pub fn vrg_of(key: &str) -> Option<(&str, &str)> {
    let (namespace, rest) = key.split_once('/')?;
    let (name, _) = rest.split_once('/')?;
    (!namespace.is_empty() && !name.is_empty()).then_some((namespace, name))
}
