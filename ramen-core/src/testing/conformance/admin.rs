//! An administrator's access over a kube client.

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};
use serde_json::Value;

use super::bed::{Admin, BedError};
use crate::intercluster::{ObjectKey, ResourceType};

/// [`Admin`] over a client with all rights.
#[derive(Clone)]
pub struct ClientAdmin(Client);

impl std::fmt::Debug for ClientAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientAdmin")
    }
}

impl ClientAdmin {
    /// Access with this client.
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    fn api(&self, resource: &ResourceType, namespace: Option<&str>) -> Api<DynamicObject> {
        let api_resource = resource.api_resource();
        match namespace {
            Some(namespace) => Api::namespaced_with(self.0.clone(), namespace, &api_resource),
            None => Api::all_with(self.0.clone(), &api_resource),
        }
    }

    fn of(&self, key: &ObjectKey) -> Api<DynamicObject> {
        self.api(&key.resource, key.namespace.as_deref())
    }
}

fn json(object: Result<DynamicObject, kube::Error>) -> Result<Value, BedError> {
    serde_json::to_value(object.map_err(BedError::failed)?).map_err(BedError::failed)
}

fn place(object: &Value) -> (Option<&str>, &str) {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str);
    (text("/metadata/namespace"), text("/metadata/name").unwrap_or_default())
}

#[async_trait]
impl Admin for ClientAdmin {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Value>, BedError> {
        match self.of(key).get(&key.name).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            other => json(other).map(Some),
        }
    }

    async fn create(&self, resource: &ResourceType, object: Value) -> Result<Value, BedError> {
        let api = self.api(resource, place(&object).0);
        let object = serde_json::from_value(object).map_err(BedError::failed)?;
        json(api.create(&PostParams::default(), &object).await)
    }

    async fn edit(&self, key: &ObjectKey, patch: Value) -> Result<Value, BedError> {
        json(self.of(key).patch(&key.name, &PatchParams::default(), &Patch::Merge(patch)).await)
    }

    async fn edit_status(&self, key: &ObjectKey, patch: Value) -> Result<Value, BedError> {
        json(self.of(key).patch_status(&key.name, &PatchParams::default(), &Patch::Merge(patch)).await)
    }

    async fn apply(&self, resource: &ResourceType, object: Value, manager: &str) -> Result<Value, BedError> {
        let (namespace, name) = place(&object);
        json(self.api(resource, namespace).patch(name, &PatchParams::apply(manager), &Patch::Apply(&object)).await)
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), BedError> {
        match self.of(key).delete(&key.name, &DeleteParams::background()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other.map(drop).map_err(BedError::failed),
        }
    }

    async fn watch(&self, key: &ObjectKey) -> Result<BoxStream<'static, Value>, BedError> {
        let params = WatchParams::default().fields(&format!("metadata.name={}", key.name));
        let events = self.of(key).watch(&params, "0").await.map_err(BedError::failed)?;
        // An ended or broken watch ends the stream: what a case concludes from it is then too little, never too much.
        let states = events.into_stream().filter_map(async |event| match event {
            Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => serde_json::to_value(object).ok(),
            _ => None,
        });
        Ok(states.boxed())
    }
}
