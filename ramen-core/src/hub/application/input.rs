//! What must be right before anything is decided. What is not is said in condition `Available` with its remedy, and told once;
//! nothing is changed, and everything goes on by itself once it is mended.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::ResourceExt;

use super::{
    command::Command,
    conditions, deletion, entry, member,
    observation::{Need, NeedKey, Neighbour},
    pass::{Flow, Pass},
    prerequisites, records, topology,
};
use crate::{
    api::{
        DRAction, DRPlacementControl,
        names::{
            annotations,
            conditions::{drpc as names, drpolicy},
            finalizers, labels, ocm,
        },
    },
    decision::{Age, Sight},
    intercluster::{ClusterName, PlacementKind},
};

/// The configuration can be used.
pub(super) fn configuration(pass: &mut Pass) -> Flow {
    match pass.seen.config.read() {
        Some(Err(failure)) => {
            let (cause, remedy) = (failure.to_string(), failure.what_helps().to_owned());
            Err(pass.reject(names::REASON_ERROR, format!("the configuration cannot be used: {cause}"), remedy))
        }
        _ => Ok(()),
    }
}

/// The placement is there, is ours to decide, and nobody else holds it.
pub(super) fn placement(pass: &mut Pass) -> Flow {
    let reference = pass.drpc().spec.placement_ref.clone();
    let (own, name) = (pass.drpc().namespace().unwrap_or_default(), reference.name.unwrap_or_default());
    if reference.namespace.as_deref().is_some_and(|namespace| !namespace.is_empty() && namespace != own) {
        let message = format!("spec.placementRef.namespace is not {own}, that of the DRPlacementControl");
        return Err(pass.reject(
            names::REASON_ERROR,
            message,
            "leave it empty; the placement must be in the same namespace",
        ));
    }
    match pass.seen.placement.read().cloned() {
        Some(Err(failure)) if failure.class().is_transport() => Err(pass.blocked(&failure)),
        Some(Err(failure)) if entry::is_missing(failure.class()) => {
            let message = format!("there is no Placement or PlacementRule {own}/{name}, which spec.placementRef names");
            Err(pass.reject(names::REASON_ERROR, message, "create it"))
        }
        Some(Err(failure)) => Err(pass.reject(names::REASON_ERROR, failure.to_string(), failure.what_helps())),
        Some(Ok(state)) => match state.held_by {
            Some((namespace, holder))
                if (namespace.as_str(), holder.as_str()) != (own.as_str(), pass.name().as_str()) =>
            {
                let message = format!(
                    "object {name} not owned by this DRPC '{own}/{}' but by '{namespace}/{holder}'",
                    pass.name()
                );
                let remedy = "delete that DRPlacementControl, or its two annotations from the placement if it is gone";
                Err(pass.reject(names::REASON_ERROR, message, remedy))
            }
            _ => Ok(()),
        },
        None => Ok(()),
    }
}

/// Nothing is asked for that this release does not do. An input that were ignored would be a promise that is not kept.
pub(super) fn features(pass: &mut Pass) -> Flow {
    let ops = match pass.seen.config.read() {
        Some(Ok(settings)) => settings.ramen_ops_namespace.clone(),
        _ => String::new(),
    };
    let own = pass.drpc().namespace().unwrap_or_default();
    if own != ops && pass.drpc().spec.protected_namespaces.as_ref().is_some_and(|list| !list.is_empty()) {
        let message =
            format!("drpc in non-admin namespace({own}) cannot have protected namespaces, admin-namespaces: {ops}");
        return Err(pass.reject(names::REASON_ERROR, message, "remove spec.protectedNamespaces"));
    }
    if let Some((field, what)) = unsupported(pass.drpc(), &ops) {
        let message = format!("{field}: {what} is not done by this release");
        return Err(pass.reject(names::REASON_VALIDATION_FAILED, message, format!("remove {field}")));
    }
    let policy = pass.policy();
    let mapped = policy.is_some_and(|p| p.spec.network_mapping_ref.is_some());
    let global = policy.and_then(|p| p.status.as_ref()).is_some_and(|status| {
        status.async_.peer_classes.iter().chain(&status.sync.peer_classes).any(|class| class.global)
    });
    for (asked, field, what) in [
        (mapped, "spec.networkMappingRef of the DRPolicy", "translation of network addresses"),
        (global, "a global peer class of the DRPolicy", "replication in one group for several applications"),
    ] {
        if asked {
            let message = format!("{field}: {what} is not done by this release");
            return Err(pass.reject(names::REASON_VALIDATION_FAILED, message, "use a policy without it"));
        }
    }
    Ok(())
}

/// The first field of an application that asks for something that is not done, and what.
fn unsupported(drpc: &DRPlacementControl, ops: &str) -> Option<(&'static str, &'static str)> {
    let spec = &drpc.spec;
    let is_true = |key: &str| drpc.annotations().get(key).is_some_and(|value| value == "true");
    let discovered = spec.protected_namespaces.as_ref().is_some_and(|list| !list.is_empty())
        || (!ops.is_empty() && drpc.namespace().as_deref() == Some(ops));
    let movers = spec.vol_sync_spec.as_ref().is_some_and(|volsync| !volsync.mover_config.is_empty());
    let fields = [
        (discovered, "spec.protectedNamespaces", "protection of applications that no GitOps controller deploys"),
        (spec.kube_object_protection.is_some(), "spec.kubeObjectProtection", "capture of Kubernetes resources"),
        (spec.dry_run, "spec.dryRun", "test failover"),
        (is_true(annotations::TEST_FAILOVER_DRY_RUN), "annotation test-failover-dryrun", "ending a test failover"),
        (drpc.labels().contains_key(labels::GLOBAL_VGR), "label global-vgr", "actions of several applications at once"),
        (movers, "spec.volSyncSpec.moverConfig", "copying of volumes by VolSync"),
        (
            is_true(annotations::USE_VOLSYNC),
            "annotation use-volsync-for-pvc-protection",
            "copying of volumes by VolSync",
        ),
        (
            is_true(annotations::IS_CG_ENABLED),
            "annotation is-cg-enabled",
            "replication of volumes in consistency groups",
        ),
    ];
    fields.into_iter().find(|(asked, ..)| *asked).map(|(_, field, what)| (field, what))
}

/// The policy is there, to stay, validated, and names two clusters.
pub(super) fn policy(pass: &mut Pass) -> Flow {
    let name = pass.drpc().spec.dr_policy_ref.name.clone().unwrap_or_default();
    let policy = match pass.seen.policy.read().cloned() {
        Some(Sight::Found(policy)) => policy,
        Some(Sight::Absent) => {
            let message = format!("there is no DRPolicy {name}, which spec.drPolicyRef names");
            return Err(pass.reject(names::REASON_ERROR, message, "create it"));
        }
        other => {
            let why = other.map_or("has not been read", |sight| member::words(sight.kind()));
            pass.writes_status = false;
            return Err(pass.wait(format!("DRPolicy {name} to be readable: it {why}"), "none needed"));
        }
    };
    if policy.metadata.deletion_timestamp.is_some() {
        let message = format!("DRPolicy {name} is being deleted");
        return Err(pass.reject(names::REASON_ERROR, message, "use another policy"));
    }
    let found = policy.status.as_ref().and_then(|status| conditions::get(&status.conditions, drpolicy::VALIDATED));
    if found.is_none_or(|c| c.status != conditions::TRUE) {
        let why = found.map_or_else(|| "it has not been looked at yet".to_owned(), |c| c.message.clone());
        let message = format!("DRPolicy {name} is not validated: {why}");
        return Err(pass.reject(names::REASON_ERROR, message, "mend what its condition Validated names"));
    }
    if policy.spec.dr_clusters.len() != 2 {
        let message = format!("DRPolicy {name} names {} clusters", policy.spec.dr_clusters.len());
        return Err(pass.reject(names::REASON_ERROR, message, "use a policy with two clusters"));
    }
    if let Err(interval) = topology::replication(&policy) {
        let message = format!("spec.schedulingInterval of DRPolicy {name} is `{interval}`");
        return Err(pass.reject(names::REASON_ERROR, message, "use a number and m, h or d, such as 5m"));
    }
    Ok(())
}

/// The clusters that the application names are the policy's, and an action has the one that it needs.
pub(super) fn clusters_of_spec(pass: &mut Pass) -> Flow {
    let clusters = pass.clusters();
    let listed = clusters.iter().map(ClusterName::to_string).collect::<Vec<_>>().join(", ");
    let spec = pass.drpc().spec.clone();
    for (field, value) in
        [("spec.preferredCluster", &spec.preferred_cluster), ("spec.failoverCluster", &spec.failover_cluster)]
    {
        if !value.is_empty() && !clusters.iter().any(|c| c == value.as_str()) {
            let message = format!("{field} is {value}, which is not a cluster of the policy ({listed})");
            return Err(pass.reject(names::REASON_VALIDATION_FAILED, message, format!("set it to one of {listed}")));
        }
    }
    let missing = match spec.action {
        Some(DRAction::Failover) if spec.failover_cluster.is_empty() => "missing value for spec.FailoverCluster",
        Some(DRAction::Relocate) if spec.preferred_cluster.is_empty() => "preferred cluster not valid: it is empty",
        _ => return Ok(()),
    };
    Err(pass.reject(names::REASON_VALIDATION_FAILED, missing, format!("set it to one of {listed}")))
}

/// Puts on record what holds the application and its placement. Nothing was made before that.
pub(super) fn hold(pass: &mut Pass) -> Flow {
    if pass.annotation(annotations::APP_NAMESPACE).is_none() {
        let namespace = vrg_namespace(pass)?;
        // Once set it wins for ever: the volumes do not move with an edit of an ApplicationSet.
        pass.annotate(annotations::APP_NAMESPACE, namespace);
    }
    let state = pass.placement()?;
    if pass.drpc().labels().get(ocm::BACKUP).map(String::as_str) != Some(ocm::BACKUP_RAMEN) {
        pass.patch().labels.insert(ocm::BACKUP.into(), Some(ocm::BACKUP_RAMEN.into()));
    }
    if !pass.drpc().finalizers().iter().any(|f| f == finalizers::DRPC) {
        pass.patch().finalizer = Some(true);
    }
    let owned = pass.drpc().owner_references().iter().any(|owner| owner.name == state.reference.name);
    if !owned {
        pass.patch().owner = records::owner(&state);
    }
    pass.flush();
    if state.held_by.is_none() {
        let owner = deletion::owner(pass);
        pass.act(Command::ClaimPlacement(owner), "nobody else holds it, and what holds the application is on record");
    }
    Ok(())
}

fn vrg_namespace(pass: &mut Pass) -> Flow<String> {
    let own = pass.drpc().namespace().unwrap_or_default();
    if pass.placement()?.kind == PlacementKind::PlacementRule {
        return Ok(own);
    }
    pass.need([Need { key: NeedKey::DestinationNamespace, greatest_age: Age::Fresh }])?;
    match pass.seen.destination_namespace.read().cloned() {
        Some(Err(failure)) => Err(pass.blocked(&failure)),
        Some(Ok(Some(namespace))) => Ok(namespace),
        Some(Ok(None)) | None => Ok(own),
    }
}

/// No older application has the same volumes.
pub(super) fn neighbours(pass: &mut Pass) -> Flow {
    pass.need([Need { key: NeedKey::Neighbours, greatest_age: Age::Fresh }])?;
    let neighbours = match pass.seen.neighbours.read().cloned() {
        Some(Err(failure)) => return Err(pass.blocked(&failure)),
        Some(Ok(neighbours)) => neighbours,
        None => Vec::new(),
    };
    let Some(other) = neighbours.into_iter().find(|other| collides(pass, other)) else { return Ok(()) };
    let message = format!(
        "drpc: {}/{} and drpc: {}/{} protect common resources from the same namespace",
        pass.drpc().namespace().unwrap_or_default(),
        pass.name(),
        other.namespace,
        other.name
    );
    Err(pass.reject(
        names::REASON_ERROR,
        message,
        "make their spec.pvcSelector select different volumes, or delete one",
    ))
}

/// Whether the other one has the same volumes, and was there first. The older one goes on.
fn collides(pass: &Pass, other: &Neighbour) -> bool {
    let namespace = pass.annotation(annotations::APP_NAMESPACE);
    let shared = pass.clusters().iter().any(|c| other.clusters.contains(c));
    let own_age = pass.drpc().metadata.creation_timestamp.as_ref().map(|time| time.0);
    let own = (own_age, pass.drpc().namespace().unwrap_or_default(), pass.name());
    let older = (other.created_at, other.namespace.clone(), other.name.clone()) < own;
    older
        && shared
        && namespace == Some(other.vrg_namespace.as_str())
        && overlap(&pass.drpc().spec.pvc_selector, &other.pvc_selector)
}

/// Whether every volume of one selector is surely one of the other. Selectors that only may overlap are told apart where the
/// volumes are.
fn overlap(a: &LabelSelector, b: &LabelSelector) -> bool {
    if a == b {
        return true;
    }
    let within = |narrow: &LabelSelector, wide: &LabelSelector| {
        let expressions = wide.match_expressions.as_ref().is_none_or(Vec::is_empty);
        let labels = wide.match_labels.clone().unwrap_or_default();
        let has = narrow.match_labels.clone().unwrap_or_default();
        expressions && labels.iter().all(|(key, value)| has.get(key) == Some(value))
    };
    within(a, b) || within(b, a)
}

/// A cluster of the policy is known to the hub.
pub(super) fn drcluster(pass: &mut Pass, cluster: &ClusterName) -> Flow {
    let sight = pass.seen.clusters.get(cluster).and_then(|facts| facts.drcluster.read()).map(Sight::kind);
    match sight {
        Some(crate::intercluster::OutcomeKind::Found) => Ok(()),
        Some(crate::intercluster::OutcomeKind::Absent) => {
            let message = format!("there is no DRCluster {cluster}, which the policy names");
            Err(pass.reject(names::REASON_ERROR, message, "create it"))
        }
        other => {
            let why = other.map_or("has not been read", member::words);
            pass.writes_status = false;
            Err(pass.wait(format!("DRCluster {cluster} to be readable: it {why}"), "none needed"))
        }
    }
}

/// No volume is reported that this release does not move.
pub(super) fn volumes(pass: &mut Pass) -> Flow {
    let copied: Vec<_> = pass.members()?.iter().flat_map(prerequisites::by_volsync).collect();
    if copied.is_empty() {
        return Ok(());
    }
    let message = format!("volumes are copied by VolSync, which is not done by this release: {}", copied.join(", "));
    let remedy = "keep upstream's operators for this application, or move it to storage that replicates by itself";
    Err(pass.reject(names::REASON_VALIDATION_FAILED, message, remedy))
}

#[cfg(test)]
mod tests;
