//! Reading and writing the cluster: one request for one object, nothing cached.

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::PatchParams;
use ramen_core::{
    api::{foreign::VolumeReplication, names::annotations::VR_HANDED_OVER},
    decision::Sight,
    intercluster::{
        Failure, FailureClass, ObjectKey, RemoteObject,
        agent::{Patch, Remote, Trouble},
    },
    protection::{
        VolumeFacts, VolumeId,
        replication::{ReplicationRequest, Role},
    },
    time::Deadline,
};
use serde_json::{Map, Value, json};

use super::observed::{Action, Command, Observed, Update};

/// How many requests are under way at a time.
const AT_ONCE: usize = 8;
/// Who our writes are by, as `managedFields` tells.
const FIELD_MANAGER: &str = "ramen-volume-replication";

/// Reads what there is of every volume of the request; fails if there is nothing that could be read.
pub(super) async fn observe(
    remote: &Remote,
    request: &ReplicationRequest,
    deadline: Deadline,
) -> Result<Observed, Failure> {
    let volumes = request.volumes.iter().chain(&request.release).map(|owned| &owned.volume);
    let reads: Vec<_> = volumes.map(|volume| look(remote, volume, request.role, deadline)).collect();
    let seen: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    let failed = seen.iter().map(|(_, sight, _)| if let Sight::Failed(failure) = sight { Some(failure) } else { None });
    if let Some(Some(failures)) = (!seen.is_empty()).then(|| failed.collect::<Option<Vec<_>>>())
        && let [first, ..] = failures.as_slice()
    {
        return Err((*first).clone());
    }
    let mut observed = Observed::default();
    for (id, sight, handed_over) in seen {
        if handed_over {
            observed.handed_over.insert(id.clone());
        }
        observed.replications.insert(id, sight);
    }
    Ok(observed)
}

/// One volume: its VolumeReplication, and whether its claim bears the mark of a hand-over.
async fn look(
    remote: &Remote,
    volume: &VolumeFacts,
    role: Role,
    deadline: Deadline,
) -> (VolumeId, Sight<VolumeReplication>, bool) {
    let id = volume.id.clone();
    let sight = read(remote, &id, deadline).await;
    let marked = volume.annotations.contains_key(VR_HANDED_OVER);
    let gone = matches!(sight, Sight::Absent | Sight::KindAbsent);
    if marked || !gone || role != Role::Secondary {
        return (id, sight, marked);
    }
    // The facts of the claim may be older than the mark, and an absence without the mark is an alarm: look at the claim itself.
    match claim_is_marked(remote, &id, deadline).await {
        Ok(marked) => (id, sight, marked),
        Err(failure) => (id, Sight::Failed(failure), false),
    }
}

async fn read(remote: &Remote, id: &VolumeId, deadline: Deadline) -> Sight<VolumeReplication> {
    let key = replication_key(remote, id);
    match remote.get(&key, deadline).await {
        Ok(Some(object)) => {
            let typed = RemoteObject::new(object).parse::<VolumeReplication>();
            typed.map_or_else(
                |failure| Sight::Failed(failure.on(remote.cluster.clone()).about(&key)),
                |mut found| {
                    found.metadata.managed_fields = None;
                    Sight::Found(found)
                },
            )
        }
        Ok(None) => Sight::Absent,
        Err(Trouble::KindAbsent) => Sight::KindAbsent,
        Err(trouble) => Sight::Failed(trouble.into_failure(&key)),
    }
}

async fn claim_is_marked(remote: &Remote, id: &VolumeId, deadline: Deadline) -> Result<bool, Failure> {
    let key = claim_key(remote, id);
    let claim = remote.get(&key, deadline).await.map_err(|trouble| trouble.into_failure(&key))?;
    let annotations = claim.as_ref().and_then(|claim| claim.pointer("/metadata/annotations"));
    Ok(annotations.is_some_and(|all| all.get(VR_HANDED_OVER).is_some()))
}

/// Carries out one command. What it was decided upon is its precondition: if the object has changed since, nothing is written,
/// and the failure is a `Conflict`.
pub(super) async fn execute(remote: &Remote, command: Command, deadline: Deadline) -> Result<(), Failure> {
    let id = &command.volume;
    let (replication, claim) = (replication_key(remote, id), claim_key(remote, id));
    let (done, key) = match command.action {
        Action::Create(object) => {
            let object = serde_json::to_value(object)
                .map_err(|e| Failure::new(FailureClass::Malformed, e).on(remote.cluster.clone()).about(&replication))?;
            (remote.create(&replication, &object, FIELD_MANAGER, deadline).await.map(drop), replication)
        }
        Action::Update(update) => (merge(remote, &replication, &body(update), deadline).await, replication),
        Action::Delete { uid, version } => {
            let deleted = match remote.delete(&replication, &uid, version.as_deref(), deadline).await {
                Err(Trouble::Absent | Trouble::NamespaceAbsent | Trouble::KindAbsent) => Ok(()),
                other => other,
            };
            (deleted, replication)
        }
        Action::HandOver { claim_uid, replication } => {
            (merge(remote, &claim, &mark(&claim_uid, Some(&replication)), deadline).await, claim)
        }
        Action::TakeBack { claim_uid } => (merge(remote, &claim, &mark(&claim_uid, None), deadline).await, claim),
    };
    done.map_err(|trouble| trouble.into_failure(&key))
}

async fn merge(remote: &Remote, key: &ObjectKey, patch: &Value, deadline: Deadline) -> Result<(), Trouble> {
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    remote.patch(key, &params, &Patch::Merge(patch), deadline).await.map(drop)
}

fn body(update: Update) -> Value {
    let mut metadata = Map::from_iter([("labels".to_owned(), json!(update.labels))]);
    if let Some(version) = update.version {
        metadata.insert("resourceVersion".into(), version.into());
    }
    if let Some(owners) = update.owners {
        metadata.insert("ownerReferences".into(), json!(owners));
    }
    json!({ "metadata": metadata, "spec": { "replicationState": update.state, "autoResync": update.auto_resync } })
}

/// The patch that sets the mark of a hand-over on a claim, or removes it.
fn mark(claim_uid: &str, value: Option<&str>) -> Value {
    json!({ "metadata": { "uid": claim_uid, "annotations": { VR_HANDED_OVER: value } } })
}

fn replication_key(remote: &Remote, id: &VolumeId) -> ObjectKey {
    ObjectKey::of::<VolumeReplication>(remote.cluster.clone(), Some(&id.namespace), &id.name)
}

fn claim_key(remote: &Remote, id: &VolumeId) -> ObjectKey {
    ObjectKey::of::<PersistentVolumeClaim>(remote.cluster.clone(), Some(&id.namespace), &id.name)
}
