//! A hub and clusters of real API servers, and the transport between them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ObjectMeta, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use ramen_core::intercluster::{ClusterName, ClusterRegistry};
use ramen_core::time::Deadline;
use ramen_transport_direct::{DirectTransport, MANIFEST_WORK_CRD};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::objects::NAMESPACE;
use crate::real::{AuditKey, Bed};

/// The user agent of everything that is not the transport.
const ADMIN: &str = "bench-admin";
const HUB: &str = "hub";
/// A group of its own for the records that are written plainly: the transport would deliver theirs.
pub(super) const RECORDS: &str = "bench.example.com";

/// A hub and its clusters, each an API server with an etcd of its own.
pub struct World {
    bed: Bed,
    clusters: Vec<ClusterName>,
    hub: Client,
    admins: BTreeMap<ClusterName, Client>,
    kubeconfigs: TempDir,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("clusters", &self.clusters).finish_non_exhaustive()
    }
}

/// A transport that delivers for as long as this value lives.
#[derive(Debug)]
pub struct Running {
    /// The transport.
    pub transport: DirectTransport,
    _task: JoinSet<()>,
}

impl World {
    /// Starts so many clusters and a hub.
    ///
    /// # Errors
    /// As of starting real servers.
    pub async fn start(clusters: usize) -> anyhow::Result<Self> {
        let clusters: Vec<_> = (1..=clusters).map(|n| ClusterName::new(format!("dr{n}"))).collect();
        let builder = clusters.iter().fold(Bed::builder().cluster(HUB), |bed, name| bed.cluster(name.as_str()));
        let bed = builder.start().await?;
        let kubeconfigs = tempfile::tempdir()?;
        let hub = bed.cluster(HUB)?.client(ADMIN).await?;
        let works = CustomResourceDefinition::deserialize(serde_yaml::Deserializer::from_str(MANIFEST_WORK_CRD))?;
        install(&hub, in_group(works.clone(), RECORDS)).await?;
        install(&hub, works).await?;
        let mut admins = BTreeMap::new();
        for name in std::iter::once(HUB).chain(clusters.iter().map(ClusterName::as_str)) {
            let cluster = bed.cluster(name)?;
            std::fs::write(kubeconfigs.path().join(name), serde_yaml::to_string(&cluster.kubeconfig()?)?)?;
            if name != HUB {
                let client = cluster.client(ADMIN).await?;
                let vrgs = "volumereplicationgroups.ramendr.openshift.io";
                let crds = ramen_core::api::crds();
                let crd = crds.into_iter().find(|c| c.metadata.name.as_deref() == Some(vrgs));
                install(&client, crd.context("no CRD of VolumeReplicationGroup")?).await?;
                namespace(&client, NAMESPACE).await?;
                admins.insert(ClusterName::new(name), client);
            }
        }
        // The transport would create it with the first record; the records that are written plainly lie there, too.
        for cluster in &clusters {
            namespace(&hub, cluster.as_str()).await?;
        }
        Ok(Self { bed, clusters, hub, admins, kubeconfigs })
    }

    /// All clusters.
    #[must_use]
    pub fn clusters(&self) -> &[ClusterName] {
        &self.clusters
    }

    /// The folder with a kubeconfig for each server, named like it.
    #[must_use]
    pub fn kubeconfigs(&self) -> &Path {
        self.kubeconfigs.path()
    }

    /// An administrator of the hub.
    pub(super) fn hub(&self) -> &Client {
        &self.hub
    }

    /// An administrator of a cluster.
    pub(super) fn admin(&self, cluster: &ClusterName) -> anyhow::Result<&Client> {
        self.admins.get(cluster).with_context(|| format!("no cluster {cluster}"))
    }

    /// A running transport that reaches these clusters.
    ///
    /// # Errors
    /// A cluster cannot be joined.
    pub async fn transport(&self, clusters: &[ClusterName]) -> anyhow::Result<Running> {
        connect(self.kubeconfigs(), clusters).await
    }

    /// Requests of the transport to the hub and to all clusters, by verb.
    pub(super) fn requests(&self) -> anyhow::Result<[BTreeMap<String, u64>; 2]> {
        let count = |name: &str, into: &mut BTreeMap<String, u64>| -> anyhow::Result<()> {
            for (AuditKey { user_agent, verb, .. }, count) in self.bed.cluster(name)?.audit()?.0 {
                if user_agent.is_empty() {
                    *into.entry(verb).or_default() += count;
                }
            }
            Ok(())
        };
        let mut counts = [BTreeMap::new(), BTreeMap::new()];
        count(HUB, &mut counts[0])?;
        for cluster in &self.clusters {
            count(cluster.as_str(), &mut counts[1])?;
        }
        Ok(counts)
    }
}

/// A running transport over the kubeconfigs of a folder.
pub(super) async fn connect(folder: &Path, clusters: &[ClusterName]) -> anyhow::Result<Running> {
    let hub = kube::config::Kubeconfig::read_from(folder.join(HUB))?;
    let mut config = kube::Config::from_custom_kubeconfig(hub, &kube::config::KubeConfigOptions::default()).await?;
    config.default_retry = false;
    let file = |name: &ClusterName| -> PathBuf { folder.join(name.as_str()) };
    let builder = DirectTransport::builder(Client::try_from(config)?);
    let builder = clusters.iter().fold(builder, |b, name| b.kubeconfig_file(name.clone(), file(name)));
    let transport = builder.build().await?;
    let leading = transport.clone();
    let mut task = JoinSet::new();
    task.spawn(async move { leading.run(std::future::pending()).await });
    let deadline = Deadline::after(Duration::from_secs(60));
    while !ClusterRegistry::clusters(&transport, deadline).await?.iter().all(|cluster| cluster.joined) {
        ensure!(!deadline.has_passed(), "not every cluster joined within a minute");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Running { transport, _task: task })
}

fn in_group(mut crd: CustomResourceDefinition, group: &str) -> CustomResourceDefinition {
    crd.metadata.name = Some(format!("{}.{group}", crd.spec.names.plural));
    crd.metadata.annotations = None;
    group.clone_into(&mut crd.spec.group);
    crd
}

async fn install(client: &Client, crd: CustomResourceDefinition) -> anyhow::Result<()> {
    let crds = Api::<CustomResourceDefinition>::all(client.clone());
    let name = crd.metadata.name.clone().context("a CRD without a name")?;
    crds.create(&PostParams::default(), &crd).await?;
    await_condition(crds, &name, conditions::is_crd_established()).await?;
    // Established is not ready: for a moment the server answers that its storage initializes.
    let version = crd.spec.versions.first().context("a CRD without versions")?.name.clone();
    let resource = ApiResource {
        api_version: format!("{}/{version}", crd.spec.group),
        group: crd.spec.group,
        version,
        kind: crd.spec.names.kind,
        plural: crd.spec.names.plural,
    };
    let objects = Api::<DynamicObject>::all_with(client.clone(), &resource);
    let deadline = Deadline::after(Duration::from_secs(60));
    while let Err(error) = objects.list_metadata(&Default::default()).await {
        ensure!(!deadline.has_passed(), "{name} is not served: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn namespace(client: &Client, name: &str) -> anyhow::Result<()> {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..Default::default() };
    let namespace = Namespace { metadata, ..Default::default() };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    Ok(())
}
