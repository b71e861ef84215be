//! Which volumes csi-addons replicates one by one, by which class, and between which clusters.

use std::collections::BTreeMap;

use ramen_core::{
    api::{
        PeerClass,
        names::{
            annotations::USE_VOLSYNC,
            csi_addons::{DEFAULT_CLASS, PARAMETER_SCHEDULING_INTERVAL},
            labels::{GROUP_REPLICATION_ID, OFFLOADED, REPLICATION_ID, STORAGE_ID, TRUE},
        },
    },
    protection::{
        ClassFacts, StorageClassFacts, VolumeFacts,
        replication::{ClusterClasses, ProtectionFacts},
    },
};

const CLASS: &str = "VolumeReplicationClass";
const GROUP_CLASS: &str = "VolumeGroupReplicationClass";

/// Whether the volume is replicated by the storage, on its own; `Err` says why not.
///
/// Without peer classes, as releases before them decided, a replication class of the same provisioner is enough. With them, the
/// clusters must have agreed on a replication id for the volume's storage, and a class must carry it.
pub(super) fn replicates(volume: &VolumeFacts, protection: &ProtectionFacts) -> Result<(), String> {
    if protection.scheduling_interval.is_none() {
        return Err("the group is protected synchronously".into());
    }
    if protection.annotations.get(USE_VOLSYNC).is_some_and(|wish| wish == TRUE) {
        return Err(format!("annotation {USE_VOLSYNC} of the group asks for VolSync"));
    }
    let class = storage_class(volume)?;
    if protection.peer_classes.is_empty() {
        let served = of_kind(&protection.classes, CLASS).any(|one| one.provisioner == class.provisioner);
        let none =
            || format!("no selected {CLASS} has the provisioner {} of StorageClass {}", class.provisioner, class.name);
        return if served { Ok(()) } else { Err(none()) };
    }
    let (storage_id, peer) = peer_of(class, &protection.peer_classes)?;
    if peer.offloaded || class.labels.contains_key(OFFLOADED) {
        return Err(format!("the storage of StorageClass {} replicates by means of its own", class.name));
    }
    if peer.grouping && !peer.replication_id.is_empty() {
        return Err(format!("volumes of StorageClass {} are replicated in consistency groups", class.name));
    }
    if peer.replication_id.is_empty() {
        return Err(format!("the clusters have no replication id in common for StorageClass {}", class.name));
    }
    let matches = |one: &ClassFacts| {
        one.provisioner == class.provisioner
            && label(&one.labels, STORAGE_ID) == Some(storage_id)
            && label(&one.labels, REPLICATION_ID) == Some(&peer.replication_id)
    };
    if of_kind(&protection.classes, CLASS).any(matches) {
        return Ok(());
    }
    Err(format!(
        "no selected {CLASS} has provisioner {}, {STORAGE_ID} {storage_id} and {REPLICATION_ID} {}",
        class.provisioner, peer.replication_id
    ))
}

/// The name of the class by which to replicate the volume; `Err` says what is missing or ambiguous.
pub(super) fn choose(volume: &VolumeFacts, protection: &ProtectionFacts) -> Result<String, String> {
    let class = storage_class(volume)?;
    let interval = protection.scheduling_interval.as_deref().unwrap_or_default();
    let ids = if protection.peer_classes.is_empty() {
        None
    } else {
        let (storage_id, peer) = peer_of(class, &protection.peer_classes)?;
        Some((storage_id, label(&class.labels, REPLICATION_ID).unwrap_or(&peer.replication_id)))
    };
    let fitting: Vec<_> = of_kind(&protection.classes, CLASS)
        .filter(|one| one.provisioner == class.provisioner && interval_of(one) == Some(interval))
        .filter(|one| {
            ids.is_none_or(|(storage_id, replication_id)| {
                label(&one.labels, STORAGE_ID) == Some(storage_id)
                    && label(&one.labels, REPLICATION_ID) == Some(replication_id)
            })
        })
        .collect();
    let default = |one: &&ClassFacts| one.annotations.get(DEFAULT_CLASS).is_some_and(|mark| mark == TRUE);
    let defaults: Vec<_> = fitting.iter().copied().filter(default).collect();
    match (fitting.as_slice(), defaults.as_slice()) {
        ([one], _) | (_, [one]) => Ok(one.name.clone()),
        ([], _) => Err(format!(
            "no {CLASS} found to match provisioner and schedule: it needs provisioner {}, parameter \
             {PARAMETER_SCHEDULING_INTERVAL} {interval}{}",
            class.provisioner,
            ids.map(|(s, r)| format!(" and the labels {STORAGE_ID} {s} and {REPLICATION_ID} {r}")).unwrap_or_default()
        )),
        (several, _) => Err(format!(
            "{} fit StorageClass {} equally well; mark one of them with the annotation {DEFAULT_CLASS}: \"{TRUE}\"",
            several.iter().map(|one| format!("{CLASS} {}", one.name)).collect::<Vec<_>>().join(", "),
            class.name
        )),
    }
}

/// What two clusters have in common for volumes of one StorageClass; `Err` says why nothing.
pub(super) fn peers(a: &ClusterClasses, b: &ClusterClasses) -> Result<PeerClass, String> {
    let (ours, theirs) = (&a.storage_class, &b.storage_class);
    let (Some(interval), true) = (&a.scheduling_interval, a.scheduling_interval == b.scheduling_interval) else {
        return Err("the policy has no scheduling interval: it protects synchronously".into());
    };
    if ours.name != theirs.name {
        return Err(format!("StorageClass {} and {} differ in name", ours.name, theirs.name));
    }
    let (Some(a_id), Some(b_id)) = (label(&ours.labels, STORAGE_ID), label(&theirs.labels, STORAGE_ID)) else {
        return Err(format!("StorageClass {} lacks the label {STORAGE_ID} on one of the clusters", ours.name));
    };
    if a_id == b_id {
        return Err(format!("StorageClass {}: both clusters see the same storage {a_id}", ours.name));
    }
    if ours.labels.contains_key(OFFLOADED) || theirs.labels.contains_key(OFFLOADED) {
        return Err(format!("StorageClass {}: the storage replicates by means of its own", ours.name));
    }
    let Some(replication_id) = common(a, b, interval, CLASS, REPLICATION_ID, None) else {
        return Err(format!(
            "StorageClass {}: no {CLASS} of interval {interval} carries the same {REPLICATION_ID} on both clusters",
            ours.name
        ));
    };
    // Several pools may share one storage id: the StorageClass of the first cluster then tells which group is meant.
    let pool = label(&ours.labels, GROUP_REPLICATION_ID);
    if let Some(group) = common(a, b, interval, GROUP_CLASS, GROUP_REPLICATION_ID, pool) {
        return Err(format!("StorageClass {}: its volumes are replicated in groups, as {group}", ours.name));
    }
    Ok(PeerClass {
        replication_id: replication_id.to_owned(),
        storage_class_name: ours.name.clone(),
        storage_id: vec![a_id.to_owned(), b_id.to_owned()],
        cluster_ids: vec![a.cluster_id.clone(), b.cluster_id.clone()],
        ..PeerClass::default()
    })
}

/// The first id, in the order of the classes of `a`, that a class of each cluster carries.
fn common<'a>(
    a: &'a ClusterClasses,
    b: &'a ClusterClasses,
    interval: &str,
    kind: &str,
    id: &str,
    only: Option<&str>,
) -> Option<&'a str> {
    let ids = |side: &'a ClusterClasses| {
        let fitting = of_kind(&side.classes, kind).filter(|one| {
            one.provisioner == side.storage_class.provisioner
                && interval_of(one) == Some(interval)
                && label(&one.labels, STORAGE_ID) == label(&side.storage_class.labels, STORAGE_ID)
        });
        let ids = fitting.filter_map(|one| label(&one.labels, id));
        ids.filter(|id| only.is_none_or(|only| only == *id)).collect::<Vec<_>>()
    };
    let theirs = ids(b);
    ids(a).into_iter().find(|id| theirs.contains(id))
}

fn storage_class(volume: &VolumeFacts) -> Result<&StorageClassFacts, String> {
    volume.storage_class.as_ref().ok_or_else(|| "its StorageClass is not named or does not exist".into())
}

/// The storage id of the class, and the peer class that has it.
fn peer_of<'a>(class: &'a StorageClassFacts, peers: &'a [PeerClass]) -> Result<(&'a str, &'a PeerClass), String> {
    let Some(id) = label(&class.labels, STORAGE_ID) else {
        return Err(format!("StorageClass {} has no label {STORAGE_ID}", class.name));
    };
    let fits = |peer: &&PeerClass| peer.storage_class_name == class.name && peer.storage_id.iter().any(|one| one == id);
    let missing = || format!("the policy has no peer class for StorageClass {} with storage id {id}", class.name);
    peers.iter().find(fits).map(|peer| (id, peer)).ok_or_else(missing)
}

fn of_kind<'a>(classes: &'a [ClassFacts], kind: &str) -> impl Iterator<Item = &'a ClassFacts> {
    classes.iter().filter(move |one| one.kind == kind)
}

fn interval_of(class: &ClassFacts) -> Option<&str> {
    class.parameters.get(PARAMETER_SCHEDULING_INTERVAL).map(String::as_str)
}

/// A label that says something: vendors leave keys with empty values behind.
fn label<'a>(labels: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    labels.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
