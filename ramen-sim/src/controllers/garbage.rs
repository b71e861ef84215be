//! Removes what has lost its owner, in the three ways that a deletion can ask for.

use async_trait::async_trait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, DynamicObject, Preconditions};

use super::kit::{Context, Controller, Error, Fields, Key, Kind, Next};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The garbage collector, over every kind of the cluster.
///
/// - An object whose owners are all gone is deleted. That an owner is gone is asked of the server, never of a cache.
/// - An owner that is deleted in the foreground waits for those of its dependents that block it; they are deleted
///   first.
/// - An owner that is deleted as an orphan maker is first taken out of the references of its dependents.
#[derive(Debug)]
pub struct GarbageCollector;

#[async_trait]
impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector"
    }

    fn kinds(&self) -> Vec<Kind> {
        Vec::new()
    }

    fn all_kinds(&self) -> bool {
        true
    }

    fn concerns(&self, context: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        // A key carries the kind as well: "group/plural" and the object's own key, joined.
        let own = key_of(kind, object);
        let owners = owners(object)
            .iter()
            .filter_map(|owner| owner_kind(context, owner).map(|kind| (kind, owner)))
            .map(|(kind, owner)| {
                let namespace =
                    if kind.namespaced { object.metadata.namespace.as_deref().unwrap_or_default() } else { "" };
                Key::new(&kind_name(&kind), &Key::new(namespace, &owner.name).to_string())
            });
        let dependents = dependents(context, object).into_iter().map(|(kind, dependent)| key_of(&kind, &dependent));
        let mut keys: Vec<Key> = owners.chain(dependents).chain([own]).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let Some(kind) = context.kinds().into_iter().find(|kind| kind_name(kind) == key.namespace) else {
            return Ok(Next::Wait);
        };
        let (namespace, name) = key.name.split_once('/').unwrap_or(("", &key.name));
        let Some(object) = context.get(&kind, namespace, name) else { return Ok(Next::Wait) };
        if object.is_deleting() {
            if object.has_finalizer(ORPHAN) {
                orphan(context, &kind, &object).await?;
            } else if object.has_finalizer(FOREGROUND) {
                foreground(context, &kind, &object).await?;
            }
        } else if !owners(&object).is_empty() {
            collect(context, &kind, &object).await?;
        }
        Ok(Next::Wait)
    }
}

/// Deletes an object if none of its owners exists.
async fn collect(context: &Context, kind: &Kind, object: &DynamicObject) -> Result<(), Error> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    for owner in owners(object) {
        // Of a kind that is not known (yet) nothing can be said: the owner may well exist.
        let Some(owner_kind) = owner_kind(context, owner) else { return Ok(()) };
        let within = if owner_kind.namespaced { namespace } else { "" };
        if context.get(&owner_kind, within, &owner.name).is_some_and(|known| known.uid() == owner.uid) {
            return Ok(());
        }
        if context.live(&owner_kind, within, &owner.name).await?.is_some_and(|live| live.uid() == owner.uid) {
            return Ok(());
        }
    }
    let same = Preconditions { uid: object.metadata.uid.clone(), resource_version: None };
    context.delete(kind, &Key::of(object), &DeleteParams::background().preconditions(same)).await
}

/// Deletes the dependents of an owner; lets the owner go when none is left that blocks it.
async fn foreground(context: &Context, kind: &Kind, owner: &DynamicObject) -> Result<(), Error> {
    let mut blocked = false;
    for (kind, dependent) in dependents(context, owner) {
        let blocking =
            owners(&dependent).iter().any(|one| one.uid == owner.uid() && one.block_owner_deletion == Some(true));
        blocked |= blocking;
        let other_owners = owners(&dependent).iter().any(|one| one.uid != owner.uid());
        if !dependent.is_deleting() && !other_owners {
            let same = Preconditions { uid: dependent.metadata.uid.clone(), resource_version: None };
            context.delete(&kind, &Key::of(&dependent), &DeleteParams::foreground().preconditions(same)).await?;
        }
    }
    if !blocked {
        let mut free = owner.clone();
        free.remove_finalizer(FOREGROUND);
        context.replace(kind, &free).await?;
    }
    Ok(())
}

/// Makes the dependents of an owner forget it, then lets the owner go.
async fn orphan(context: &Context, kind: &Kind, owner: &DynamicObject) -> Result<(), Error> {
    for (kind, dependent) in dependents(context, owner) {
        let mut free = dependent.clone();
        if let Some(references) = &mut free.metadata.owner_references {
            references.retain(|one| one.uid != owner.uid());
        }
        match context.replace(&kind, &free).await {
            Err(error) if error.is_not_found() => {}
            other => drop(other?),
        }
    }
    let mut free = owner.clone();
    free.remove_finalizer(ORPHAN);
    context.replace(kind, &free).await.map(drop)
}

fn owners(object: &DynamicObject) -> &[OwnerReference] {
    object.metadata.owner_references.as_deref().unwrap_or_default()
}

/// Every known object that names this one as an owner.
fn dependents(context: &Context, owner: &DynamicObject) -> Vec<(Kind, DynamicObject)> {
    let mut found = Vec::new();
    for kind in context.kinds() {
        for object in context.list(&kind) {
            if owners(&object).iter().any(|one| one.uid == owner.uid()) {
                found.push((kind.clone(), object.as_ref().clone()));
            }
        }
    }
    found
}

fn owner_kind(context: &Context, owner: &OwnerReference) -> Option<Kind> {
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    context.kinds().into_iter().find(|kind| kind.group == group && kind.kind == owner.kind)
}

fn kind_name(kind: &Kind) -> String {
    format!("{}/{}", kind.group, kind.plural)
}

fn key_of(kind: &Kind, object: &DynamicObject) -> Key {
    Key::new(&kind_name(kind), &Key::of(object).to_string())
}
