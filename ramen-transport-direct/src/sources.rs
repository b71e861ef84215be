//! Kubeconfigs in Secrets of the hub, and in files.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use ramen_core::{
    intercluster::{
        ClusterName, Failure, FailureClass, ObjectKey, ResourceType,
        agent::{Follow, Remote, Signals, Sink, Trouble},
    },
    time::{Clock, Deadline},
};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    connector::Connector,
    kubeconfig::{self, KubeconfigPolicy},
};

/// Label of a Secret that holds the kubeconfig of the cluster it is named after (the convention of multicluster-runtime).
pub const KUBECONFIG_LABEL: &str = "sigs.k8s.io/multicluster-runtime-kubeconfig";
/// Key of the kubeconfig in such a Secret.
pub const KUBECONFIG_KEY: &str = "kubeconfig";

/// Kubeconfigs in the labelled Secrets of one namespace of the hub.
#[derive(Debug)]
pub(crate) struct SecretSource {
    hub: Remote,
    namespace: String,
    policy: KubeconfigPolicy,
    changed: Arc<Signals<(), ()>>,
    _watch: JoinSet<()>,
}

impl SecretSource {
    pub(crate) fn new(hub: Remote, namespace: String, policy: KubeconfigPolicy, clock: Arc<dyn Clock>) -> Self {
        let changed = Arc::new(Signals::default());
        let follow = Follow {
            remote: hub.clone(),
            resource: ResourceType::of::<Secret>(),
            selector: Some(format!("{KUBECONFIG_LABEL}=true")),
            clock,
            silence: Duration::from_secs(150),
            retry_most: Duration::from_secs(30),
        };
        let mut watch = JoinSet::new();
        let mut bell = Bell { namespace: namespace.clone(), changed: changed.clone() };
        watch.spawn(async move { follow.run(&mut bell).await });
        Self { hub, namespace, policy, changed, _watch: watch }
    }

    fn describe(&self, name: &str) -> String {
        format!("Secret {}/{name}, key {KUBECONFIG_KEY}", self.namespace)
    }
}

/// Rings when a Secret of the namespace changes.
struct Bell {
    namespace: String,
    changed: Arc<Signals<(), ()>>,
}

impl Bell {
    fn ring(&self, object: &Value) {
        if object.pointer("/metadata/namespace").and_then(Value::as_str) == Some(&self.namespace) {
            self.changed.notify(&(), &());
        }
    }
}

impl Sink for Bell {
    fn reset(&mut self, _: Vec<Value>, _: Timestamp) {
        self.changed.notify(&(), &());
    }

    fn changed(&mut self, object: Value, _: Timestamp) {
        self.ring(&object);
    }

    fn deleted(&mut self, object: Value, _: Timestamp) {
        self.ring(&object);
    }

    fn current(&mut self, _: Timestamp) {}

    fn lost(&mut self, trouble: &Trouble) {
        tracing::warn!(namespace = %self.namespace, ?trouble, "the kubeconfig Secrets cannot be watched");
    }
}

/// The kubeconfig in the JSON of a Secret.
fn content(secret: &Value) -> Option<Vec<u8>> {
    use base64::Engine;
    let text = secret.get("data")?.get(KUBECONFIG_KEY)?.as_str()?;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

#[async_trait]
impl Connector for SecretSource {
    async fn clusters(&self, deadline: Deadline) -> Result<BTreeMap<ClusterName, String>, Failure> {
        let (resource, selector) = (ResourceType::of::<Secret>(), format!("{KUBECONFIG_LABEL}=true"));
        let listed = self.hub.list(&resource, Some(&self.namespace), Some(&selector), deadline).await;
        let here = ObjectKey::of::<Secret>(self.hub.cluster.clone(), Some(&self.namespace), "");
        let secrets = listed.map_err(|t| t.into_failure(&here))?;
        let named = secrets.iter().filter_map(|secret| {
            let name = secret.pointer("/metadata/name")?.as_str()?;
            Some((ClusterName::new(name), kubeconfig::fingerprint(&content(secret).unwrap_or_default())))
        });
        Ok(named.collect())
    }

    async fn connect(&self, cluster: &ClusterName, deadline: Deadline) -> Result<kube::Client, Failure> {
        let key = ObjectKey::of::<Secret>(self.hub.cluster.clone(), Some(&self.namespace), cluster.as_str());
        let about = self.describe(cluster.as_str());
        let secret = self.hub.get(&key, deadline).await.map_err(|t| t.into_failure(&key))?;
        let secret = secret.ok_or_else(|| Failure::new(FailureClass::UnknownCluster, "it is gone").about(&about))?;
        let content = content(&secret).ok_or_else(|| {
            Failure::new(FailureClass::Malformed, "the key is missing or its value cannot be decoded").about(&about)
        })?;
        kubeconfig::client(&content, &about, &self.policy).await
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        self.changed.subscribe().map(|_| ()).boxed()
    }
}

/// How often files are looked at for changes.
const FILE_POLL: Duration = Duration::from_secs(10);

/// Kubeconfigs in files.
#[derive(Debug)]
pub(crate) struct FileSource {
    files: BTreeMap<ClusterName, PathBuf>,
    policy: KubeconfigPolicy,
}

impl FileSource {
    pub(crate) fn new(files: BTreeMap<ClusterName, PathBuf>, policy: KubeconfigPolicy) -> Self {
        Self { files, policy }
    }

    fn read(&self, cluster: &ClusterName) -> Result<Vec<u8>, Failure> {
        let unknown = || Failure::new(FailureClass::UnknownCluster, "no file was given for it").on(cluster.clone());
        let path = self.files.get(cluster).ok_or_else(unknown)?;
        std::fs::read(path).map_err(|e| {
            Failure::new(FailureClass::Malformed, e).about(format!("kubeconfig {}", path.display())).on(cluster.clone())
        })
    }
}

#[async_trait]
impl Connector for FileSource {
    async fn clusters(&self, _: Deadline) -> Result<BTreeMap<ClusterName, String>, Failure> {
        // A file that cannot be read has a fingerprint of its own: `connect` says why it cannot be used.
        let print =
            |name: &ClusterName| self.read(name).map_or_else(|_| String::new(), |c| kubeconfig::fingerprint(&c));
        Ok(self.files.keys().map(|name| (name.clone(), print(name))).collect())
    }

    async fn connect(&self, cluster: &ClusterName, _: Deadline) -> Result<kube::Client, Failure> {
        let content = self.read(cluster)?;
        kubeconfig::client(&content, &format!("kubeconfig file of cluster {cluster}"), &self.policy).await
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        futures::stream::unfold((), |()| async {
            tokio::time::sleep(FILE_POLL).await;
            Some(((), ()))
        })
        .boxed()
    }
}
