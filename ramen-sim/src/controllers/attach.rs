//! Attaches volumes to the nodes whose pods need them, and detaches them when no pod there does.

use std::{collections::BTreeSet, fmt::Write as _};

use async_trait::async_trait;
use kube::api::{DeleteParams, DynamicObject};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    pods,
};
use crate::storage::{Code, Driver, DriverError, Operation, StorageSystem};

/// The attach-detach controller of a cluster together with the attacher of its storage driver.
///
/// A VolumeAttachment exists from when a scheduled pod needs a bound volume until no pod on that node does; a pod that
/// is being deleted still needs it. Its finalizer holds it until the storage system has detached the volume.
#[derive(Debug)]
pub struct Attacher {
    /// The cluster's name, as the storage system knows it.
    pub cluster: String,
    /// The storage system.
    pub storage: Driver,
}

/// A key of this controller: a node and a volume on it, or, with an empty node, an attachment by its name.
fn place(node: &str, volume: &str) -> Key {
    Key::new(node, volume)
}

#[async_trait]
impl Controller for Attacher {
    fn name(&self) -> &'static str {
        "attacher"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![Kind::pod(), Kind::claim(), Kind::volume(), Kind::attachment()]
    }

    fn concerns(&self, context: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *kind == Kind::pod() {
            volumes(context, object).map(|volume| place(object.text("spec.nodeName"), &volume)).collect()
        } else if *kind == Kind::claim() {
            let volume = object.text("spec.volumeName");
            let users = users_of_claim(context, &Key::of(object));
            users.iter().filter(|_| !volume.is_empty()).map(|node| place(node, volume)).collect()
        } else if *kind == Kind::attachment() {
            let (node, volume) = (object.text("spec.nodeName"), object.text("spec.source.persistentVolumeName"));
            vec![place("", object.metadata.name.as_deref().unwrap_or_default()), place(node, volume)]
        } else {
            Vec::new()
        }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        if key.namespace.is_empty() {
            match context.get(&Kind::attachment(), "", &key.name) {
                Some(attachment) => self.carry_out(context, &attachment).await?,
                None => return Ok(Next::Wait),
            }
        } else {
            self.decide(context, &key.namespace, &key.name).await?;
        }
        Ok(Next::Wait)
    }
}

impl Attacher {
    /// Makes the attachment of a volume on a node exist exactly while it is needed.
    async fn decide(&self, context: &Context, node: &str, volume: &str) -> Result<(), Error> {
        let all = context.list(&Kind::attachment());
        let existing = all
            .iter()
            .find(|one| one.text("spec.nodeName") == node && one.text("spec.source.persistentVolumeName") == volume);
        let needed = context.list(&Kind::pod()).iter().any(|pod| {
            pod.text("spec.nodeName") == node && !pods::has_ended(pod) && volumes(context, pod).any(|one| one == volume)
        });
        match (existing, needed) {
            (None, true) => {
                let Some(object) = context.get(&Kind::volume(), "", volume) else { return Ok(()) };
                let driver = object.text("spec.csi.driver");
                let name = attachment_name(object.text("spec.csi.volumeHandle"), driver, node);
                let spec =
                    json!({ "attacher": driver, "nodeName": node, "source": { "persistentVolumeName": volume } });
                context
                    .create(&Kind::attachment(), &Kind::attachment().object("", &name, json!({ "spec": spec })))
                    .await
                    .map(drop)
            }
            (Some(existing), false) if !existing.is_deleting() => {
                context.delete(&Kind::attachment(), &Key::of(existing), &DeleteParams::default()).await
            }
            _ => Ok(()),
        }
    }

    /// Does what an attachment asks of the storage system.
    async fn carry_out(&self, context: &Context, attachment: &DynamicObject) -> Result<(), Error> {
        let finalizer = format!("external-attacher/{}", attachment.text("spec.attacher").replace('.', "-"));
        let (node, volume) =
            (attachment.text("spec.nodeName").to_owned(), attachment.text("spec.source.persistentVolumeName"));
        if attachment.is_deleting() {
            if !attachment.has_finalizer(&finalizer) {
                return Ok(());
            }
            let handle = attachment.annotation("csi.alpha.kubernetes.io/volume-handle").to_owned();
            let detach = |system: &mut StorageSystem| {
                system.detach(&self.cluster, &node, &handle);
                Ok(())
            };
            self.storage
                .call(&self.cluster, Operation::Detach, &handle, detach)
                .await
                .map_err(|error| refused(&error))?;
            let mut free = attachment.clone();
            free.remove_finalizer(&finalizer);
            return context.replace(&Kind::attachment(), &free).await.map(drop);
        }
        if attachment.at("status.attached") == &json!(true) {
            return Ok(());
        }
        let Some(volume) = context.get(&Kind::volume(), "", volume) else { return Ok(()) };
        let handle = volume.text("spec.csi.volumeHandle").to_owned();
        let mut held = attachment.clone();
        if held.add_finalizer(&finalizer) {
            // The volume object may be gone when it is time to detach: the handle is kept here.
            held.annotate("csi.alpha.kubernetes.io/volume-handle", &handle);
            held = context.replace(&Kind::attachment(), &held).await?;
        }
        let attach = |system: &mut StorageSystem| {
            system
                .attach(&self.cluster, &node, &handle)
                .map_err(|error| DriverError::new(Code::Internal, error.to_string()))
        };
        self.storage.call(&self.cluster, Operation::Attach, &handle, attach).await.map_err(|error| refused(&error))?;
        context.ensure_status(&Kind::attachment(), &held, &[("attached", json!(true))]).await.map(drop)
    }
}

fn refused(error: &DriverError) -> Error {
    Error::Other(error.to_string())
}

/// The volumes that a scheduled pod needs, by name, of those of its claims that are bound.
fn volumes(context: &Context, pod: &DynamicObject) -> impl Iterator<Item = String> {
    let scheduled = !pod.text("spec.nodeName").is_empty();
    let claims = if scheduled { pods::claims(pod) } else { Vec::new() };
    let bound = claims.into_iter().filter_map(|claim| context.get(&Kind::claim(), &claim.namespace, &claim.name));
    let names: Vec<String> = bound
        .filter(|claim| claim.text("status.phase") == "Bound")
        .map(|claim| claim.text("spec.volumeName").to_owned())
        .collect();
    names.into_iter()
}

fn users_of_claim(context: &Context, claim: &Key) -> BTreeSet<String> {
    let pods = context.list(&Kind::pod()).into_iter().filter(|pod| pods::claims(pod).contains(claim));
    pods.map(|pod| pod.text("spec.nodeName").to_owned()).filter(|node| !node.is_empty()).collect()
}

fn attachment_name(handle: &str, driver: &str, node: &str) -> String {
    Sha256::digest(format!("{handle}{driver}{node}")).iter().fold("csi-".to_owned(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}
