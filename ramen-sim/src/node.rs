//! Nodes: they run pods, and pods write.
//!
//! A node goes on when its API server, its kubelet or the network is gone, as real ones do: what runs, runs. So a
//! cluster that is merely cut off keeps writing, which is just what fencing and split content are about.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use kube::api::{DeleteParams, DynamicObject, Preconditions};
use serde_json::json;

use crate::{
    controllers::kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    shared::Shared,
    storage::Driver,
    trace::{Kind as Happening, Trace},
};

/// How much each write of a pod carries.
const WRITE_BYTES: u64 = 4096;
/// How often a pod that cannot start is tried again.
const RETRY: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    uid: String,
    handles: Vec<String>,
    /// Whether the last write was refused: only the change is told.
    failing: bool,
}

#[derive(Debug)]
struct State {
    powered: bool,
    running: BTreeMap<Key, Running>,
}

/// A node of a cluster. Clones are handles on the same one.
#[derive(Clone, Debug)]
pub struct Node {
    cluster: String,
    name: String,
    storage: Driver,
    trace: Trace,
    state: Shared<State>,
}

impl Node {
    /// A node, powered on and idle.
    pub fn new(cluster: &str, name: &str, storage: Driver, trace: Trace) -> Self {
        let state = Shared::new(State { powered: true, running: BTreeMap::new() });
        Self { cluster: cluster.to_owned(), name: name.to_owned(), storage, trace, state }
    }

    /// The name that pods carry in `spec.nodeName`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Switches the node off, as a lost site does: nothing runs or writes any more. Switched on again it is idle until
    /// its kubelet has looked.
    pub fn set_powered(&self, powered: bool) {
        self.state.with(|state| {
            state.powered = powered;
            state.running.clear();
        });
        self.tell(if powered { "power on" } else { "power off" });
    }

    /// The pods that run, as `namespace/name`, in order.
    pub fn running(&self) -> Vec<String> {
        self.state.with(|state| state.running.keys().map(ToString::to_string).collect())
    }

    /// Lets every running pod write once to each of its volumes each `period`, until dropped.
    pub async fn run(&self, period: Duration) {
        loop {
            tokio::time::sleep(period).await;
            self.write_once();
        }
    }

    fn write_once(&self) {
        let running = self.state.with(|state| state.running.clone());
        for (pod, container) in running {
            let refused = container.handles.iter().find_map(|handle| {
                let write = |system: &mut crate::storage::StorageSystem| {
                    system.write(&self.cluster, &self.name, handle, &pod.to_string(), WRITE_BYTES)
                };
                self.storage.with(write).err()
            });
            if refused.is_some() != container.failing {
                match &refused {
                    Some(error) => self.tell(&format!("{pod} cannot write: {error}")),
                    None => self.tell(&format!("{pod} writes again")),
                }
                self.state.with(|state| {
                    if let Some(container) = state.running.get_mut(&pod) {
                        container.failing = refused.is_some();
                    }
                });
            }
        }
    }

    fn start(&self, pod: &Key, uid: &str, handles: Vec<String>) -> bool {
        let container = Running { uid: uid.to_owned(), handles, failing: false };
        let started = self.state.with(|state| {
            let same = state.running.get(pod).is_some_and(|running| running.uid == uid);
            if state.powered && !same {
                state.running.insert(pod.clone(), container);
            }
            state.powered && !same
        });
        if started {
            self.tell(&format!("{pod} starts"));
        }
        started
    }

    fn stop(&self, pod: &Key, uid: Option<&str>) {
        let stopped = self.state.with(|state| {
            let same = state.running.get(pod).is_some_and(|running| uid.is_none_or(|uid| running.uid == uid));
            same && state.running.remove(pod).is_some()
        });
        if stopped {
            self.tell(&format!("{pod} stops"));
        }
    }

    fn is_running(&self, pod: &Key, uid: &str) -> bool {
        self.state.with(|state| state.running.get(pod).is_some_and(|running| running.uid == uid))
    }

    fn tell(&self, text: &str) {
        self.trace.record(Happening::Workload, format!("{}/{}", self.cluster, self.name), text);
    }
}

/// The kubelet of one node: starts pods when their volumes are bound, attached and writable; stops them, and lets them
/// go, when they are deleted.
#[derive(Debug)]
pub struct Kubelet {
    node: Node,
}

impl Kubelet {
    /// The kubelet of a node.
    pub fn new(node: Node) -> Self {
        Self { node }
    }

    /// The handles of a pod's volumes, or why they cannot be used yet.
    fn mounts(&self, context: &Context, pod: &DynamicObject) -> Result<Vec<String>, String> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let mut handles = Vec::new();
        for volume in pod.at("spec.volumes").as_array().into_iter().flatten() {
            let Some(claim) = volume.pointer("/persistentVolumeClaim/claimName").and_then(serde_json::Value::as_str)
            else {
                continue;
            };
            let found =
                context.get(&Kind::claim(), namespace, claim).ok_or_else(|| format!("claim {claim} does not exist"))?;
            if found.is_deleting() {
                return Err(format!("claim {claim} is being deleted"));
            }
            if found.text("status.phase") != "Bound" {
                return Err(format!("claim {claim} is not bound"));
            }
            let name = found.text("spec.volumeName");
            let attached = context.list(&Kind::attachment()).iter().any(|attachment| {
                attachment.text("spec.nodeName") == self.node.name
                    && attachment.text("spec.source.persistentVolumeName") == name
                    && attachment.at("status.attached") == &json!(true)
                    && !attachment.is_deleting()
            });
            if !attached {
                return Err(format!("volume {name} is not attached"));
            }
            let volume =
                context.get(&Kind::volume(), "", name).ok_or_else(|| format!("volume {name} does not exist"))?;
            let handle = volume.text("spec.csi.volumeHandle").to_owned();
            let usable =
                self.node.storage.with(|system| system.may_write(&self.node.cluster, &self.node.name, &handle));
            usable.map_err(|error| error.to_string())?;
            handles.push(handle);
        }
        Ok(handles)
    }
}

#[async_trait]
impl Controller for Kubelet {
    fn name(&self) -> &'static str {
        "kubelet"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![Kind::pod(), Kind::claim(), Kind::volume(), Kind::attachment()]
    }

    fn concerns(&self, context: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        let ours = |pod: &DynamicObject| pod.text("spec.nodeName") == self.node.name;
        if *kind == Kind::pod() {
            return if ours(object) { vec![Key::of(object)] } else { Vec::new() };
        }
        let pending = |pod: &DynamicObject| ours(pod) && pod.text("status.phase") != "Running";
        context.list(&Kind::pod()).iter().filter(|pod| pending(pod)).map(|pod| Key::of(pod)).collect()
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let Some(pod) = context.get(&Kind::pod(), &key.namespace, &key.name) else {
            self.node.stop(key, None);
            return Ok(Next::Wait);
        };
        if pod.is_deleting() {
            self.node.stop(key, Some(pod.uid()));
            let same = Preconditions { uid: pod.metadata.uid.clone(), resource_version: None };
            let now = DeleteParams::default().grace_period(0).preconditions(same);
            context.delete(&Kind::pod(), key, &now).await?;
            return Ok(Next::Wait);
        }
        if self.node.is_running(key, pod.uid()) {
            return Ok(Next::Wait);
        }
        match self.mounts(context, &pod) {
            Ok(handles) => {
                if self.node.start(key, pod.uid(), handles) {
                    let ready = json!([{ "type": "Ready", "status": "True", "lastTransitionTime": context.now() }]);
                    context
                        .ensure_status(
                            &Kind::pod(),
                            &pod,
                            &[("phase", json!("Running")), ("conditions", ready), ("message", json!(""))],
                        )
                        .await?;
                }
                Ok(Next::Wait)
            }
            Err(why) => {
                context
                    .ensure_status(&Kind::pod(), &pod, &[("phase", json!("Pending")), ("message", json!(why))])
                    .await?;
                Ok(Next::After(RETRY))
            }
        }
    }
}
