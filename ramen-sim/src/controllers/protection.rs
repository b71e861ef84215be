//! Keeps claims that pods use, and volumes that are bound, from going away when they are deleted.

use async_trait::async_trait;
use kube::api::DynamicObject;

use super::{
    kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    pods,
};

/// The finalizer of a claim while a pod may use it.
const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
/// The finalizer of a volume while it is bound.
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";

/// Takes the protection finalizers off what is deleted and not in use any more. (Admission puts them on; what lacks one
/// gets it here.)
///
/// A claim is in use as long as a scheduled pod names it, whatever the phase of that pod. A volume is in use as long as
/// its phase is Bound.
#[derive(Debug)]
pub struct Protection;

#[async_trait]
impl Controller for Protection {
    fn name(&self) -> &'static str {
        "protection"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![Kind::claim(), Kind::volume(), Kind::pod()]
    }

    fn concerns(&self, _: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *kind == Kind::pod() {
            pods::claims(object)
        } else if *kind == Kind::claim() || *kind == Kind::volume() {
            vec![Key::of(object)]
        } else {
            Vec::new()
        }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let (kind, finalizer) = if key.namespace.is_empty() {
            (Kind::volume(), VOLUME_FINALIZER)
        } else {
            (Kind::claim(), CLAIM_FINALIZER)
        };
        let Some(object) = context.get(&kind, &key.namespace, &key.name) else { return Ok(Next::Wait) };
        let mut wanted = object.as_ref().clone();
        let changed = if object.is_deleting() {
            let in_use =
                if key.namespace.is_empty() { object.text("status.phase") == "Bound" } else { is_used(context, key) };
            !in_use && wanted.remove_finalizer(finalizer)
        } else {
            wanted.add_finalizer(finalizer)
        };
        if changed {
            context.replace(&kind, &wanted).await?;
        }
        Ok(Next::Wait)
    }
}

fn is_used(context: &Context, claim: &Key) -> bool {
    context
        .list(&Kind::pod())
        .iter()
        .any(|pod| !pod.text("spec.nodeName").is_empty() && pods::claims(pod).contains(claim))
}
