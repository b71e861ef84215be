//! Empties namespaces that are deleted, then lets them go.

use std::time::Duration;

use async_trait::async_trait;
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams};
use serde_json::json;

use super::{
    discovery::served,
    kit::{Context, Controller, Error, Fields, Key, Kind, Next},
};

/// How often content that does not go is looked at again.
const PERIOD: Duration = Duration::from_secs(5);

/// The namespace controller: deletes everything in a terminating namespace and, when nothing is left, takes
/// `kubernetes` off `spec.finalizers`.
#[derive(Debug)]
pub struct Namespaces;

#[async_trait]
impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        "namespaces"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![Kind::namespace()]
    }

    fn concerns(&self, _: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *kind == Kind::namespace() && object.is_deleting() { vec![Key::of(object)] } else { Vec::new() }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let Some(namespace) = context.get(&Kind::namespace(), "", &key.name) else { return Ok(Next::Wait) };
        if !namespace.is_deleting() || namespace.at("spec.finalizers").as_array().is_none_or(Vec::is_empty) {
            return Ok(Next::Wait);
        }
        if empty(context, &key.name).await? {
            finish(context, &namespace).await?;
            return Ok(Next::Wait);
        }
        Ok(Next::After(PERIOD))
    }
}

/// Asks everything in a namespace to go; whether nothing is left.
async fn empty(context: &Context, namespace: &str) -> Result<bool, Error> {
    let other = |error: kube::Error| Error::Other(format!("emptying namespace {namespace}: {error}"));
    let mut left = 0;
    for kind in served(context.client()).await.map_err(other)?.into_iter().filter(|kind| kind.namespaced) {
        let api = kind.api(context.client(), namespace);
        for object in api.list(&ListParams::default()).await.map_err(other)?.items {
            left += 1;
            if !object.is_deleting() {
                context.delete(&kind, &Key::of(&object), &DeleteParams::background()).await?;
            }
        }
    }
    Ok(left == 0)
}

async fn finish(context: &Context, namespace: &DynamicObject) -> Result<(), Error> {
    let mut finished = namespace.clone();
    let name = finished.metadata.name.clone().unwrap_or_default();
    let kept: Vec<_> = namespace
        .at("spec.finalizers")
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| **one != "kubernetes")
        .cloned()
        .collect();
    finished.data["spec"]["finalizers"] = json!(kept);
    let api = Kind::namespace().api(context.client(), "");
    let answer = api.replace_subresource("finalize", &name, &PostParams::default(), &finished).await;
    answer.map(drop).map_err(|error| Error::Other(format!("finalizing namespace {name}: {error}")))
}
