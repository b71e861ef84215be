//! The NetworkFence controller.

use async_trait::async_trait;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    super::kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    Settings,
};
use crate::storage::{Code, DriverError, Operation};

const GROUP: &str = "csiaddons.openshift.io";
const FINALIZER: &str = "csiaddons.openshift.io/network-fence";

fn kind() -> Kind {
    Kind::cluster(GROUP, "v1alpha1", "NetworkFence", "networkfences")
}

fn class_kind() -> Kind {
    Kind::cluster(GROUP, "v1alpha1", "NetworkFenceClass", "networkfenceclasses")
}

/// Fences address ranges off the storage array of this cluster, and lets them back, as NetworkFences say.
///
/// As in the original, the status carries no generation, so that after a change of `fenceState` an earlier `Succeeded`
/// stays until the driver has answered; and deleting a NetworkFence does not unfence anything.
#[derive(Debug)]
pub struct Fences {
    settings: Settings,
}

impl Fences {
    /// The controller of one cluster.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// The driver that a fence is for: named by its class, or by itself.
    async fn driver(&self, context: &Context, fence: &DynamicObject) -> Result<String, Error> {
        let class = fence.text("spec.networkFenceClassName");
        if class.is_empty() {
            return Ok(fence.text("spec.driver").to_owned());
        }
        let found = context.live(&class_kind(), "", class).await?;
        let found = found.ok_or_else(|| Error::Other(format!("NetworkFenceClass {class} does not exist")))?;
        Ok(found.text("spec.provisioner").to_owned())
    }
}

#[async_trait]
impl Controller for Fences {
    fn name(&self) -> &'static str {
        "network-fence"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![kind()]
    }

    fn concerns(&self, _: &Context, of: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *of == kind() { vec![Key::of(object)] } else { Vec::new() }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let Some(found) = context.get(&kind(), "", &key.name) else { return Ok(Next::Wait) };
        let mut fence = found.as_ref().clone();
        if fence.is_deleting() {
            if fence.remove_finalizer(FINALIZER) {
                context.replace(&kind(), &fence).await?;
            }
            return Ok(Next::Wait);
        }
        let fenced = fence.text("spec.fenceState") != "Unfenced";
        let message = if fenced { "fencing operation successful" } else { "unfencing operation successful" };
        if fence.text("status.result") == "Succeeded" && fence.text("status.message") == message {
            return Ok(Next::Wait);
        }
        if fence.add_finalizer(FINALIZER) {
            fence = context.replace(&kind(), &fence).await?;
        }
        let driver = self.driver(context, &fence).await?;
        if !self.settings.serves(&driver) {
            return Err(Error::Other(format!("no connection to driver {driver}")));
        }
        let ranges: Vec<String> = fence
            .at("spec.cidrs")
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let cluster = &self.settings.cluster;
        let answer = self
            .settings
            .call(Operation::Fence, &key.name, |system| {
                let array = system.array_of(cluster)?;
                let each = ranges.iter().try_for_each(|range| {
                    if fenced { system.fence(&array, range) } else { system.unfence(&array, range) }
                });
                each.map_err(|why| DriverError::new(Code::InvalidArgument, why))
            })
            .await;
        let (result, text) = match &answer {
            Ok(()) => ("Succeeded", message.to_owned()),
            Err(error) => ("Failed", error.to_string()),
        };
        context.ensure_status(&kind(), &fence, &[("result", json!(result)), ("message", json!(text))]).await?;
        answer.map(|()| Next::Wait).map_err(|error| Error::Other(error.to_string()))
    }
}
