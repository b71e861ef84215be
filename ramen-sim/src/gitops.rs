//! A GitOps agent: deploys applications where PlacementDecisions point, and removes them from where they do not point
//! any more.
//!
//! It follows the decision list alone, retained entries included, as OCM and Argo CD do. That is what makes the order
//! of a failover matter: what leaves the list is deleted at once. The agent is no friend of the application: it
//! recreates what is missing on a listed cluster, and prunes what carries its tracking label on any other. A cluster
//! that it cannot reach it leaves as it is.

use std::{collections::BTreeMap, time::Duration};

use kube::{
    Client,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    controllers::kit::{Fields, Key, Kind},
    trace::{Kind as Happening, Trace},
};

/// The label by which the agent knows what it deployed.
pub const TRACKING_LABEL: &str = "app.kubernetes.io/instance";
const PLACEMENT_LABEL: &str = "cluster.open-cluster-management.io/placement";
/// How long any request may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// An application: claims, and pods that write to them all the time.
///
/// ```
/// use ramen_sim::gitops::Application;
///
/// let application = Application::new("busybox", "app").claim("data", "1Gi", "block").pod("writer", &["data"]).placed("app", "busybox-placement");
/// assert_eq!(application.manifests("dr1-node").len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Application {
    name: String,
    namespace: String,
    placement: Option<Key>,
    claims: Vec<(String, String, String)>,
    pods: Vec<(String, Vec<String>)>,
    labels: BTreeMap<String, String>,
}

impl Application {
    /// An application without parts. Everything of it will carry the label `appname`, besides the one that the agent
    /// tracks it by.
    pub fn new(name: &str, namespace: &str) -> Self {
        let labels = BTreeMap::from([("appname".to_owned(), name.to_owned())]);
        let (name, namespace) = (name.to_owned(), namespace.to_owned());
        Self { name, namespace, placement: None, claims: Vec::new(), pods: Vec::new(), labels }
    }

    /// Adds a claim of a size and a storage class.
    #[must_use]
    pub fn claim(mut self, name: &str, size: &str, class: &str) -> Self {
        self.claims.push((name.to_owned(), size.to_owned(), class.to_owned()));
        self
    }

    /// Adds a pod that writes to these claims.
    #[must_use]
    pub fn pod(mut self, name: &str, claims: &[&str]) -> Self {
        self.pods.push((name.to_owned(), claims.iter().map(|claim| (*claim).to_owned()).collect()));
        self
    }

    /// Adds a label to everything of it.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Lets an agent deploy it where this Placement decides.
    #[must_use]
    pub fn placed(self, namespace: &str, placement: &str) -> Self {
        Self { placement: Some(Key::new(namespace, placement)), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it lives on every cluster.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Everything of it but the namespace, claims first, for a cluster whose pods shall run on this node.
    pub fn manifests(&self, node: &str) -> Vec<(Kind, DynamicObject)> {
        let mut labels = self.labels.clone();
        labels.insert(TRACKING_LABEL.to_owned(), self.name.clone());
        let labelled = |kind: Kind, name: &str, spec: Value| {
            let mut object = kind.object(&self.namespace, name, json!({ "spec": spec }));
            object.metadata.labels = Some(labels.clone());
            (kind, object)
        };
        let claims = self.claims.iter().map(|(name, size, class)| {
            let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": size } }, "storageClassName": class });
            labelled(Kind::claim(), name, spec)
        });
        let pods = self.pods.iter().map(|(name, claims)| {
            let volumes: Vec<Value> = claims
                .iter()
                .map(|claim| json!({ "name": claim, "persistentVolumeClaim": { "claimName": claim } }))
                .collect();
            let mounts: Vec<Value> =
                claims.iter().map(|claim| json!({ "name": claim, "mountPath": format!("/{claim}") })).collect();
            let container = json!({ "name": "writer", "image": "example.com/writer", "volumeMounts": mounts });
            labelled(Kind::pod(), name, json!({ "nodeName": node, "containers": [container], "volumes": volumes }))
        });
        claims.chain(pods).collect()
    }

    /// Makes everything of it exist on a cluster: what an agent does on each of its rounds, or a user once. What is
    /// there already keeps its spec and gets the labels; what is being deleted is left alone until it is gone.
    ///
    /// # Errors
    /// The first request that failed.
    pub async fn deploy(&self, cluster: &Client, node: &str) -> Result<(), kube::Error> {
        let namespaces = Kind::namespace();
        let namespace = namespaces.object("", &self.namespace, json!({}));
        let api = namespaces.api(cluster.clone(), "");
        if api.get_opt(&self.namespace).await?.is_none() {
            unless_there(api.create(&PostParams::default(), &namespace).await)?;
        }
        for (kind, object) in self.manifests(node) {
            let api = kind.api(cluster.clone(), &self.namespace);
            let name = object.metadata.name.clone().unwrap_or_default();
            match api.get_opt(&name).await? {
                None => unless_there(api.create(&PostParams::default(), &object).await)?,
                Some(live) if live.is_deleting() => {}
                Some(live) => {
                    let labels = object.metadata.labels.unwrap_or_default();
                    if labels.iter().any(|(key, value)| live.label(key) != value) {
                        let patch = Patch::Merge(json!({ "metadata": { "labels": labels } }));
                        api.patch(&name, &PatchParams::default(), &patch).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks everything of it on a cluster to go, pods first, the namespace excepted. Whether anything was left to ask.
    ///
    /// # Errors
    /// The first request that failed.
    pub async fn remove(&self, cluster: &Client) -> Result<bool, kube::Error> {
        let mine = ListParams::default().labels(&format!("{TRACKING_LABEL}={}", self.name));
        let mut asked = false;
        for kind in [Kind::pod(), Kind::claim()] {
            let api = kind.api(cluster.clone(), &self.namespace);
            for object in api.list(&mine).await?.items.into_iter().filter(|object| !object.is_deleting()) {
                asked = true;
                match api.delete(&Key::of(&object).name, &DeleteParams::default()).await {
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    other => drop(other?),
                }
            }
        }
        Ok(asked)
    }
}

fn unless_there<T>(created: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match created {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        other => other.map(drop),
    }
}

/// A cluster that an agent deploys to.
#[derive(Clone)]
pub struct Destination {
    /// Its name in decisions.
    pub cluster: String,
    /// How the agent reaches it.
    pub client: Client,
    /// The node on which pods shall run there.
    pub node: String,
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination").field("cluster", &self.cluster).field("node", &self.node).finish_non_exhaustive()
    }
}

/// The agent, on the hub.
pub struct Agent {
    hub: Client,
    destinations: Vec<Destination>,
    applications: Vec<Application>,
    period: Duration,
    trace: Trace,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("destinations", &self.destinations)
            .field("applications", &self.applications)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// An agent that looks each `period` at the decisions of those applications that have a Placement.
    pub fn new(
        hub: Client,
        destinations: Vec<Destination>,
        applications: Vec<Application>,
        period: Duration,
        trace: Trace,
    ) -> Self {
        Self { hub, destinations, applications, period, trace }
    }

    /// Runs until dropped.
    pub async fn run(self) {
        loop {
            for application in &self.applications {
                self.round(application).await;
            }
            tokio::time::sleep(self.period).await;
        }
    }

    async fn round(&self, application: &Application) {
        let Some(placement) = &application.placement else { return };
        // Not knowing where it shall be is no reason to remove it from anywhere.
        let Ok(Ok(listed)) = timeout(DEADLINE, decisions(&self.hub, placement)).await else { return };
        for destination in &self.destinations {
            let told = if listed.contains(&destination.cluster) {
                timeout(DEADLINE, application.deploy(&destination.client, &destination.node))
                    .await
                    .map(|done| done.map(|()| false))
            } else {
                timeout(DEADLINE, application.remove(&destination.client)).await
            };
            let text = match told {
                Ok(Ok(false)) => continue,
                Ok(Ok(true)) => format!("{} removed from {}", application.name, destination.cluster),
                Ok(Err(error)) => format!("{} on {}: {error}", application.name, destination.cluster),
                Err(_) => format!("{} on {}: no answer", application.name, destination.cluster),
            };
            self.trace.record(Happening::Workload, "gitops", text);
        }
    }
}

/// The clusters that the decisions of a Placement list, whatever the reason given for each.
async fn decisions(hub: &Client, placement: &Key) -> Result<Vec<String>, kube::Error> {
    let kind = decision_kind();
    let of_placement = ListParams::default().labels(&format!("{PLACEMENT_LABEL}={}", placement.name));
    let found = kind.api(hub.clone(), &placement.namespace).list(&of_placement).await?;
    let entries = found.items.iter().flat_map(|object| object.at("status.decisions").as_array().into_iter().flatten());
    Ok(entries.filter_map(|entry| entry["clusterName"].as_str()).map(str::to_owned).collect())
}

/// The kind PlacementDecision.
pub fn decision_kind() -> Kind {
    Kind::namespaced("cluster.open-cluster-management.io", "v1beta1", "PlacementDecision", "placementdecisions")
}
