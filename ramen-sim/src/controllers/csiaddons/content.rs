//! The VolumeGroupReplicationContent controller.

use async_trait::async_trait;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    super::kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    Settings, content_kind,
    group::FINALIZER,
};
use crate::storage::{Operation, Source};

/// Keeps a group of the storage system for each content, with the volumes that the content lists.
#[derive(Debug)]
pub struct GroupContents {
    settings: Settings,
}

impl GroupContents {
    /// The controller of one cluster.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    async fn set_members(&self, handle: &str, members: &[String]) -> Result<(), Error> {
        let cluster = &self.settings.cluster;
        let set = self
            .settings
            .call(Operation::Group, handle, |system| system.set_group_members(cluster, handle, members))
            .await;
        set.map_err(|error| Error::Other(error.to_string()))
    }

    async fn delete(&self, context: &Context, mut content: DynamicObject) -> Result<(), Error> {
        if !content.has_finalizer(FINALIZER) {
            return Ok(());
        }
        let (cluster, handle) = (&self.settings.cluster, content.text("spec.volumeGroupReplicationHandle").to_owned());
        if !handle.is_empty() {
            let gone = |system: &mut crate::storage::StorageSystem| {
                let known = system.group_members(cluster, &handle).is_ok();
                if known {
                    system.set_group_members(cluster, &handle, &[])?;
                }
                system.delete_group(cluster, &handle)
            };
            self.settings
                .call(Operation::Group, &handle, gone)
                .await
                .map_err(|error| Error::Other(error.to_string()))?;
        }
        content.remove_finalizer(FINALIZER);
        context.replace(&content_kind(), &content).await.map(drop)
    }

    /// What the status tells of the group's volumes; `None` while a replica's handle is awaited.
    fn status(&self, context: &Context, handle: &str, members: &[String]) -> Option<Vec<(&'static str, Value)>> {
        let cluster = &self.settings.cluster;
        let volumes = context.list(&Kind::volume());
        let mut list = Vec::new();
        for member in members {
            let volume = volumes.iter().find(|volume| volume.text("spec.csi.volumeHandle") == member);
            let mut entry =
                json!({ "name": volume.and_then(|volume| volume.metadata.name.clone()), "volumeHandle": member });
            if self.settings.destination_info {
                let told = self.settings.storage.with(|system| system.info(cluster, member)).ok()?;
                entry["destinationVolumeHandle"] = json!(told.destination_handle);
            }
            list.push(entry);
        }
        let mut status = vec![("persistentVolumeMappingList", json!(list))];
        if self.settings.destination_info {
            self.settings.storage.with(|system| system.info(cluster, Source::Group(handle.to_owned()))).ok()?;
            // A group has one handle on both arrays.
            status.push(("destinationVolumeGroupID", json!(handle)));
        }
        Some(status)
    }
}

#[async_trait]
impl Controller for GroupContents {
    fn name(&self) -> &'static str {
        "volume-group-content"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![content_kind(), Kind::volume()]
    }

    fn concerns(&self, _: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *kind == content_kind() { vec![Key::of(object)] } else { Vec::new() }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let Some(mut content) = context.live(&content_kind(), "", &key.name).await? else { return Ok(Next::Wait) };
        if content.is_deleting() {
            return self.delete(context, content).await.map(|()| Next::Wait);
        }
        if !self.settings.serves(content.text("spec.provisioner")) {
            return Err(Error::Other(format!("no connection to driver {}", content.text("spec.provisioner"))));
        }
        if content.add_finalizer(FINALIZER) {
            content = context.replace(&content_kind(), &content).await?;
        }
        let cluster = &self.settings.cluster;
        if content.text("spec.volumeGroupReplicationHandle").is_empty() {
            let made = self
                .settings
                .call(Operation::Group, &key.name, |system| system.create_named_group(cluster, &key.name))
                .await;
            let handle = made.map_err(|error| Error::Other(error.to_string()))?;
            content.data["spec"]["volumeGroupReplicationHandle"] = json!(handle);
            content = context.replace(&content_kind(), &content).await?;
        }
        let handle = content.text("spec.volumeGroupReplicationHandle").to_owned();
        let wanted: Vec<String> = content
            .at("spec.source.volumeHandles")
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let held = self.settings.storage.with(|system| system.group_members(cluster, &handle));
        let held: Option<Vec<String>> = held.ok().map(|keys| keys.into_iter().map(|key| key.handle).collect());
        if held.as_ref() != Some(&wanted) {
            self.set_members(&handle, &wanted).await?;
        }
        match self.status(context, &handle, &wanted) {
            Some(status) => {
                context.ensure_status(&content_kind(), &content, &status).await?;
                Ok(Next::Wait)
            }
            None => Err(Error::Other(format!("the handles of the replicas of group {handle} are not known yet"))),
        }
    }
}
