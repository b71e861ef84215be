//! The clusters, by a client each: whether they answer, and that each is the one it was.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, future::BoxFuture, stream::BoxStream};
use http::{Request, Response};
use kube::client::Body;
use ramen_core::{
    intercluster::{
        ClusterName, Failure, FailureClass, ObjectKey, ResourceType,
        agent::{ClusterAccess, LinkState, Remote, Signals, Trouble},
    },
    time::Deadline,
};
use tokio::task::JoinSet;
use tower::service_fn;

/// A cluster is asked for a sign of life about this often.
pub(crate) const PROBE_EVERY: Duration = Duration::from_secs(10);
/// The longest that it may take to give one.
const PROBE: Duration = Duration::from_secs(5);
/// A lost cluster is noticed within this time.
pub(crate) const DETECT_WITHIN: Duration = Duration::from_secs(30);

/// A client for each cluster.
pub struct Clusters {
    links: BTreeMap<ClusterName, Arc<Link>>,
    changed: Arc<Signals<ClusterName, ()>>,
    _probes: JoinSet<()>,
}

struct Link {
    name: ClusterName,
    client: kube::Client,
    state: Mutex<LinkState>,
    /// The uid of the cluster's `kube-system` namespace when it was first reached.
    identity: Mutex<Option<String>>,
}

impl fmt::Debug for Clusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.links.keys()).finish()
    }
}

impl Clusters {
    /// These clusters. Clients must not repeat requests by themselves.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(clients: BTreeMap<ClusterName, kube::Client>) -> Self {
        let changed = Arc::new(Signals::default());
        let (mut links, mut probes) = (BTreeMap::new(), JoinSet::new());
        for (name, client) in clients {
            let (state, identity) = (Mutex::new(LinkState::Connecting), Mutex::default());
            let link = Arc::new(Link { name: name.clone(), client, state, identity });
            links.insert(name, link.clone());
            let changed = changed.clone();
            probes.spawn(async move {
                for round in 0.. {
                    if link.probe().await {
                        changed.notify(&link.name, &());
                    }
                    tokio::time::sleep(pause(&link.name, round)).await;
                }
            });
        }
        Self { links, changed, _probes: probes }
    }
}

impl Link {
    fn state(&self) -> LinkState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for a sign of life; answers whether the state changed.
    async fn probe(&self) -> bool {
        let remote = Remote { cluster: self.name.clone(), client: self.client.clone(), timeout: PROBE };
        let found = match remote.get(&kube_system(&self.name), Deadline::after(PROBE)).await {
            Ok(namespace) => self.identify(namespace.as_ref().and_then(|n| n.pointer("/metadata/uid")?.as_str())),
            // A refusal is a sign of life; what it means for a request is that request's to tell.
            Err(Trouble::Failed(failure)) if failure.class().is_transport() => {
                LinkState::Down(Failure::new(FailureClass::Unreachable, failure.cause()).on(self.name.clone()))
            }
            Err(_) => LinkState::Up,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *state != found;
        *state = found;
        changed
    }

    fn identify(&self, uid: Option<&str>) -> LinkState {
        let mut identity = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        match (identity.as_deref(), uid) {
            (Some(known), Some(found)) if known != found => LinkState::Down(
                Failure::new(FailureClass::UnknownCluster, "the endpoint leads to another cluster")
                    .on(self.name.clone()),
            ),
            (None, Some(found)) => {
                *identity = Some(found.to_owned());
                LinkState::Up
            }
            _ => LinkState::Up,
        }
    }

    /// Sends a request, unless the cluster is known not to answer.
    async fn send(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, tower::BoxError> {
        if let LinkState::Down(failure) = self.state() {
            return Err(failure.into());
        }
        self.client.send(request).await.map_err(Into::into)
    }
}

/// Up to a quarter shorter than [`PROBE_EVERY`], differently for each cluster and round: clusters that were lost together are not
/// asked together.
fn pause(cluster: &ClusterName, round: u64) -> Duration {
    let mut hasher = DefaultHasher::new();
    (cluster, round).hash(&mut hasher);
    PROBE_EVERY - PROBE_EVERY / 4 * u32::from(hasher.finish().to_le_bytes()[0]) / 256
}

fn kube_system(cluster: &ClusterName) -> ObjectKey {
    let (group, version, kind, plural) = (String::new(), "v1".into(), "Namespace".into(), "namespaces".into());
    ObjectKey::new(
        cluster.clone(),
        ResourceType { group, version, kind, plural, namespaced: false },
        None,
        "kube-system",
    )
}

#[async_trait]
impl ClusterAccess for Clusters {
    fn clusters(&self) -> Vec<ClusterName> {
        self.links.keys().cloned().collect()
    }

    fn client(&self, cluster: &ClusterName) -> Result<kube::Client, Failure> {
        let link = self.links.get(cluster).cloned();
        let link =
            link.ok_or_else(|| Failure::new(FailureClass::UnknownCluster, "it is not listed").on(cluster.clone()))?;
        let service = service_fn(move |request| -> BoxFuture<'static, _> { Box::pin(link.clone().send(request)) });
        Ok(kube::Client::new(service, "default"))
    }

    fn state(&self, cluster: &ClusterName) -> LinkState {
        self.links.get(cluster).map_or_else(
            || LinkState::Down(Failure::new(FailureClass::UnknownCluster, "it is not listed").on(cluster.clone())),
            |link| link.state(),
        )
    }

    async fn probe(&self, cluster: &ClusterName) -> LinkState {
        if let Some(link) = self.links.get(cluster)
            && link.probe().await
        {
            self.changed.notify(cluster, &());
        }
        self.state(cluster)
    }

    fn changes(&self) -> BoxStream<'static, ClusterName> {
        self.changed.subscribe().map(|(name, ())| name).boxed()
    }
}
