//! What a VolumeReplication is about: the volume of a claim, or the group of a VolumeGroupReplication.

use kube::api::DynamicObject;

use super::{
    super::kit::{Context, Error, Fields, Key, Kind},
    GROUP, content_kind, group_kind,
};
use crate::storage::Source;

/// A claim's finalizer while a VolumeReplication is about it.
const CLAIM_FINALIZER: &str = "replication.storage.openshift.io/pvc-protection";
const OWNER: &str = "replication.storage.openshift.io/volume-replication-name";
const GROUP_OWNER: &str = "replication.storage.openshift.io/volume-group-replication-name";

/// A resolved data source.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) source: Source,
    /// The claim, if the source is one.
    pub(super) claim: Option<DynamicObject>,
}

impl Target {
    /// Finds what a VolumeReplication is about.
    ///
    /// # Errors
    /// What is missing: the claim, its volume, or the group's handle.
    pub(super) async fn of(context: &Context, replication: &DynamicObject) -> Result<Self, Error> {
        let key = Key::of(replication);
        let (kind, name) = (replication.text("spec.dataSource.kind"), replication.text("spec.dataSource.name"));
        match kind {
            "PersistentVolumeClaim" => Self::of_claim(context, &key.namespace, name).await,
            "VolumeGroupReplication" => Self::of_group(context, &key.namespace, name).await,
            other => {
                Err(Error::Other(format!("VolumeReplication {key}: data source of kind {other:?} is not supported")))
            }
        }
    }

    async fn of_claim(context: &Context, namespace: &str, name: &str) -> Result<Self, Error> {
        let claim = context.live(&Kind::claim(), namespace, name).await?;
        let claim =
            claim.ok_or_else(|| Error::Other(format!("PersistentVolumeClaim {namespace}/{name} does not exist")))?;
        if claim.text("status.phase") != "Bound" {
            return Err(Error::Other(format!("PVC {namespace}/{name} is not bound to any PV")));
        }
        if claim.is_deleting() && !claim.has_finalizer(CLAIM_FINALIZER) {
            return Err(Error::Other(format!("PVC {namespace}/{name} is being deleted")));
        }
        let volume = context.live(&Kind::volume(), "", claim.text("spec.volumeName")).await?;
        let volume = volume.ok_or_else(|| {
            Error::Other(format!("PersistentVolume {} does not exist", claim.text("spec.volumeName")))
        })?;
        Ok(Self { source: Source::Volume(volume.text("spec.csi.volumeHandle").to_owned()), claim: Some(claim) })
    }

    async fn of_group(context: &Context, namespace: &str, name: &str) -> Result<Self, Error> {
        let missing = || Error::Other(format!("{GROUP} group {namespace}/{name} has no content with a handle yet"));
        let group = context.live(&group_kind(), namespace, name).await?.ok_or_else(missing)?;
        let content = context
            .live(&content_kind(), "", group.text("spec.volumeGroupReplicationContentName"))
            .await?
            .ok_or_else(missing)?;
        match content.text("spec.volumeGroupReplicationHandle") {
            "" => Err(missing()),
            handle => Ok(Self { source: Source::Group(handle.to_owned()), claim: None }),
        }
    }

    /// The handle, for the timeline and for driver calls.
    pub(super) fn handle(&self) -> &str {
        match &self.source {
            Source::Volume(handle) | Source::Group(handle) => handle,
        }
    }

    /// Marks the claim as belonging to a VolumeReplication and holds it by a finalizer.
    ///
    /// # Errors
    /// When it belongs to another, or to a group.
    pub(super) async fn hold(&mut self, context: &Context, owner: &str) -> Result<(), Error> {
        let Some(claim) = &mut self.claim else { return Ok(()) };
        let (own, group) = (claim.annotation(OWNER), claim.annotation(GROUP_OWNER));
        if !group.is_empty() || (!own.is_empty() && own != owner) {
            return Err(Error::Other(format!("PVC {} is already owned by {own}{group}", Key::of(claim))));
        }
        let unmarked = own.is_empty();
        let mut held = claim.clone();
        held.annotate(OWNER, owner);
        if held.add_finalizer(CLAIM_FINALIZER) || unmarked {
            *claim = context.replace(&Kind::claim(), &held).await?;
        }
        Ok(())
    }

    /// Undoes [`Target::hold`].
    pub(super) async fn release(&self, context: &Context) -> Result<(), Error> {
        let Some(claim) = &self.claim else { return Ok(()) };
        let mut free = claim.clone();
        let marked = free.metadata.annotations.as_mut().is_some_and(|all| all.remove(OWNER).is_some());
        if free.remove_finalizer(CLAIM_FINALIZER) || marked {
            context.replace(&Kind::claim(), &free).await?;
        }
        Ok(())
    }
}
