//! Binds claims to volumes, provisions volumes for claims, and reclaims volumes whose claim is gone.

use std::sync::Arc;

use async_trait::async_trait;
use kube::api::{DeleteParams, DynamicObject};
use serde_json::{Value, json};

use super::{
    kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    pods, quantity,
};
use crate::storage::{Driver, Operation, StorageSystem};

const BOUND: &str = "pv.kubernetes.io/bind-completed";
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
const STORAGE_PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// The persistent volume controller of a cluster, with the provisioner of its storage driver.
///
/// - A claim that names a volume, or that a volume names in its `claimRef`, is bound to that volume and no other; the
///   uid in a `claimRef` may be missing, and must fit if it is there.
/// - Any other claim takes the smallest free volume of its class that is large enough, or has one provisioned, at once
///   or when a pod needs it.
/// - A bound claim that asks for more has its volume grown.
/// - A bound volume whose claim is gone (or is another one of the same name) is Released; with reclaim policy Delete it
///   is deleted, content and all.
#[derive(Debug)]
pub struct Binder {
    /// The cluster's name, as the storage system knows it.
    pub cluster: String,
    /// The storage system.
    pub storage: Driver,
}

#[async_trait]
impl Controller for Binder {
    fn name(&self) -> &'static str {
        "volume-binder"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![Kind::claim(), Kind::volume(), Kind::storage_class(), Kind::pod()]
    }

    fn concerns(&self, context: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *kind == Kind::claim() {
            let key = Key::of(object);
            // A claim that went is noticed by the volumes that still name it.
            let volumes = context.list(&Kind::volume()).into_iter().filter(|volume| claimed_by(volume) == key);
            volumes.map(|volume| Key::of(&volume)).chain([key.clone()]).collect()
        } else if *kind == Kind::volume() {
            let waiting = context.list(&Kind::claim()).into_iter().filter(|claim| !is_bound(claim));
            let own = Some(claimed_by(object)).filter(|claim| !claim.name.is_empty());
            waiting.map(|claim| Key::of(&claim)).chain(own).chain([Key::of(object)]).collect()
        } else if *kind == Kind::storage_class() {
            context
                .list(&Kind::claim())
                .into_iter()
                .filter(|claim| !is_bound(claim))
                .map(|claim| Key::of(&claim))
                .collect()
        } else if *kind == Kind::pod() {
            pods::claims(object)
        } else {
            Vec::new()
        }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        if key.namespace.is_empty() {
            match context.get(&Kind::volume(), "", &key.name) {
                Some(volume) => self.volume(context, &volume).await?,
                None => return Ok(Next::Wait),
            }
        } else if let Some(claim) = context.get(&Kind::claim(), &key.namespace, &key.name) {
            self.claim(context, &claim).await?;
        }
        Ok(Next::Wait)
    }
}

impl Binder {
    async fn claim(&self, context: &Context, claim: &DynamicObject) -> Result<(), Error> {
        let named = claim.text("spec.volumeName");
        if !named.is_empty() {
            return match context.get(&Kind::volume(), "", named) {
                Some(volume) if may_bind(&volume, claim) => {
                    let volume = self.grown(context, &volume, claim).await?;
                    bind(context, &volume, claim).await
                }
                found if is_bound(claim) => {
                    let lost = [("phase", json!("Lost"))];
                    context.tell(format!(
                        "claim {} lost its volume {named} ({})",
                        Key::of(claim),
                        if found.is_some() { "taken" } else { "gone" }
                    ));
                    context.ensure_status(&Kind::claim(), claim, &lost).await.map(drop)
                }
                _ => Ok(()),
            };
        }
        if claim.is_deleting() {
            return Ok(());
        }
        let volumes = context.list(&Kind::volume());
        if let Some(volume) =
            volumes.iter().find(|volume| claimed_by(volume) == Key::of(claim) && may_bind(volume, claim))
        {
            return bind(context, volume, claim).await;
        }
        let class = class_of(context, claim);
        if let Some(volume) = smallest_fit(&volumes, claim, &class) {
            return bind(context, volume, claim).await;
        }
        match context.get(&Kind::storage_class(), "", &class) {
            Some(class) if self.provisions(&class) && is_wanted(context, claim, &class) => {
                self.provision(context, claim, &class).await
            }
            _ => Ok(()),
        }
    }

    /// The volume of a claim, grown if its bound claim asks for more than it has.
    async fn grown(
        &self,
        context: &Context,
        volume: &DynamicObject,
        claim: &DynamicObject,
    ) -> Result<DynamicObject, Error> {
        let wanted = claim.text("spec.resources.requests.storage");
        let bytes = quantity::bytes(wanted);
        if !is_bound(claim) || bytes <= quantity::bytes(volume.text("spec.capacity.storage")) {
            return Ok(volume.clone());
        }
        let handle = volume.text("spec.csi.volumeHandle").to_owned();
        let resize = |system: &mut StorageSystem| system.resize(&self.cluster, &handle, bytes);
        let resized = self.storage.call(&self.cluster, Operation::Resize, &handle, resize).await;
        resized.map_err(|error| Error::Other(format!("growing volume {}: {error}", Key::of(volume))))?;
        let mut grown = volume.clone();
        grown.data["spec"]["capacity"]["storage"] = json!(wanted);
        context.replace(&Kind::volume(), &grown).await
    }

    fn provisions(&self, class: &DynamicObject) -> bool {
        self.storage.with(|system| {
            system.config_of(&self.cluster).is_some_and(|array| class.text("provisioner") == array.provisioner)
        })
    }

    async fn provision(&self, context: &Context, claim: &DynamicObject, class: &DynamicObject) -> Result<(), Error> {
        let name = format!("pvc-{}", claim.uid());
        // The name comes from the claim's uid: a volume that was made before a crash is found again, not made twice.
        if context.live(&Kind::volume(), "", &name).await?.is_some() {
            return Ok(());
        }
        let size = claim.text("spec.resources.requests.storage");
        let capacity = quantity::bytes(size);
        let made = self
            .storage
            .call(&self.cluster, Operation::CreateVolume, &name, |system| {
                system.create_named_volume(&self.cluster, &name, capacity)
            })
            .await;
        let handle = made.map_err(|error| Error::Other(format!("provisioning {name}: {error}")))?.handle;
        let driver = class.text("provisioner");
        let policy = class.at("reclaimPolicy").as_str().unwrap_or("Delete");
        let mut volume = Kind::volume().object(
            "",
            &name,
            json!({ "spec": {
                "accessModes": claim.at("spec.accessModes"),
                "capacity": { "storage": size },
                "claimRef": reference(claim),
                "csi": { "driver": driver, "volumeHandle": handle, "fsType": "ext4", "volumeAttributes": class.at("parameters") },
                "persistentVolumeReclaimPolicy": policy,
                "storageClassName": class.metadata.name,
                "volumeMode": claim.at("spec.volumeMode").as_str().unwrap_or("Filesystem"),
            }}),
        );
        volume.annotate(PROVISIONED_BY, driver);
        if class.at("parameters").is_null() {
            volume.data["spec"]["csi"].as_object_mut().map(|csi| csi.remove("volumeAttributes"));
        }
        let created = context.create(&Kind::volume(), &volume).await?;
        let mut noted = claim.clone();
        noted.annotate(STORAGE_PROVISIONER, driver);
        let noted = context.replace(&Kind::claim(), &noted).await?;
        bind(context, &created, &noted).await
    }

    async fn volume(&self, context: &Context, volume: &DynamicObject) -> Result<(), Error> {
        let phase = |phase: &'static str| [("phase", json!(phase))];
        let claimed = claimed_by(volume);
        if claimed.name.is_empty() {
            return context.ensure_status(&Kind::volume(), volume, &phase("Available")).await.map(drop);
        }
        let wanted_uid = volume.text("spec.claimRef.uid");
        let claim = context.get(&Kind::claim(), &claimed.namespace, &claimed.name);
        match claim {
            Some(claim) if wanted_uid.is_empty() || claim.uid() == wanted_uid => return Ok(()),
            None if wanted_uid.is_empty() => {
                return context.ensure_status(&Kind::volume(), volume, &phase("Available")).await.map(drop);
            }
            _ => {}
        }
        // Before a volume is let go, the server itself must say that the claim is gone: the cache may lag.
        let live = context.live(&Kind::claim(), &claimed.namespace, &claimed.name).await?;
        if live.is_some_and(|claim| claim.uid() == wanted_uid) {
            return Ok(());
        }
        let volume = context.ensure_status(&Kind::volume(), volume, &phase("Released")).await?;
        if volume.text("spec.persistentVolumeReclaimPolicy") == "Delete" {
            self.reclaim(context, &volume).await
        } else {
            Ok(())
        }
    }

    /// Deletes the content of a released volume, then the volume.
    async fn reclaim(&self, context: &Context, volume: &DynamicObject) -> Result<(), Error> {
        let driver = volume.text("spec.csi.driver");
        let ours = self
            .storage
            .with(|system| system.config_of(&self.cluster).is_some_and(|array| driver == array.provisioner));
        if !ours {
            return Ok(());
        }
        let handle = volume.text("spec.csi.volumeHandle").to_owned();
        let deleted = self
            .storage
            .call(&self.cluster, Operation::DeleteVolume, &handle, |system| {
                system.delete_volume(&self.cluster, &handle)
            })
            .await;
        deleted
            .map_err(|error| Error::Other(format!("deleting the content of volume {}: {error}", Key::of(volume))))?;
        context.delete(&Kind::volume(), &Key::of(volume), &DeleteParams::default()).await
    }
}

/// Makes volume and claim name each other, the volume first; repeats what a crash left undone.
async fn bind(context: &Context, volume: &DynamicObject, claim: &DynamicObject) -> Result<(), Error> {
    let mut bound_volume = volume.clone();
    if volume.text("spec.claimRef.uid") != claim.uid() {
        if claimed_by(volume).name.is_empty() {
            bound_volume.annotate(BOUND_BY_CONTROLLER, "yes");
        }
        bound_volume.data["spec"]["claimRef"] = reference(claim);
        bound_volume = context.replace(&Kind::volume(), &bound_volume).await?;
    }
    context.ensure_status(&Kind::volume(), &bound_volume, &[("phase", json!("Bound"))]).await?;
    let mut bound_claim = claim.clone();
    if !is_bound(claim) {
        if claim.text("spec.volumeName").is_empty() {
            bound_claim.annotate(BOUND_BY_CONTROLLER, "yes");
        }
        bound_claim.data["spec"]["volumeName"] = json!(volume.metadata.name);
        bound_claim.annotate(BOUND, "yes");
        bound_claim = context.replace(&Kind::claim(), &bound_claim).await?;
    }
    let status = [
        ("accessModes", volume.at("spec.accessModes").clone()),
        ("capacity", volume.at("spec.capacity").clone()),
        ("phase", json!("Bound")),
    ];
    context.ensure_status(&Kind::claim(), &bound_claim, &status).await.map(drop)
}

fn reference(claim: &DynamicObject) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.metadata.namespace, "name": claim.metadata.name,
        "uid": claim.uid(), "resourceVersion": claim.metadata.resource_version,
    })
}

fn claimed_by(volume: &DynamicObject) -> Key {
    Key::new(volume.text("spec.claimRef.namespace"), volume.text("spec.claimRef.name"))
}

fn is_bound(claim: &DynamicObject) -> bool {
    !claim.text("spec.volumeName").is_empty() && !claim.annotation(BOUND).is_empty()
}

/// Whether the volume is free, or promised to this very claim.
fn may_bind(volume: &DynamicObject, claim: &DynamicObject) -> bool {
    let claimed = claimed_by(volume);
    let uid = volume.text("spec.claimRef.uid");
    if claimed.name.is_empty() {
        return !volume.is_deleting();
    }
    claimed == Key::of(claim) && (uid.is_empty() || uid == claim.uid())
}

/// The name of the claim's class: its own, or that of the cluster's default.
fn class_of(context: &Context, claim: &DynamicObject) -> String {
    if let Some(class) = claim.at("spec.storageClassName").as_str() {
        return class.to_owned();
    }
    let classes = context.list(&Kind::storage_class());
    let default = classes.iter().find(|class| class.annotation(DEFAULT_CLASS) == "true");
    default.and_then(|class| class.metadata.name.clone()).unwrap_or_default()
}

/// Whether it is time to provision: a class may ask to wait for the first pod.
fn is_wanted(context: &Context, claim: &DynamicObject, class: &DynamicObject) -> bool {
    class.text("volumeBindingMode") != "WaitForFirstConsumer"
        || context.list(&Kind::pod()).iter().any(|pod| pods::claims(pod).contains(&Key::of(claim)))
}

fn smallest_fit<'a>(
    volumes: &'a [Arc<DynamicObject>],
    claim: &DynamicObject,
    class: &str,
) -> Option<&'a Arc<DynamicObject>> {
    let wanted = quantity::bytes(claim.text("spec.resources.requests.storage"));
    let modes = |object: &DynamicObject| object.at("spec.accessModes").as_array().cloned().unwrap_or_default();
    let size = |volume: &DynamicObject| quantity::bytes(volume.text("spec.capacity.storage"));
    let fits = |volume: &DynamicObject| {
        let offered = modes(volume);
        claimed_by(volume).name.is_empty()
            && !volume.is_deleting()
            && volume.text("spec.storageClassName") == class
            && size(volume) >= wanted
            && modes(claim).iter().all(|mode| offered.contains(mode))
    };
    volumes.iter().filter(|volume| fits(volume)).min_by_key(|volume| size(volume))
}
