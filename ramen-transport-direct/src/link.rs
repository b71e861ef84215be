//! The path to one cluster: connected, verified, watched over.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use kube::client::Body;
use ramen_core::{
    intercluster::{
        ClusterInfo, ClusterName, Failure, FailureClass, Identity, Reachability,
        agent::{LinkState, Remote, Signals},
    },
    time::{Clock, Deadline},
};
use tokio::{sync::Notify, time::Instant};
use tower::service_fn;

use crate::{
    breaker::Backoff,
    connector::Connector,
    identity::{self, Identities},
};

/// A cluster that answers is asked again after this time.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The longest that a probe may take.
const PROBE: Duration = Duration::from_secs(5);
/// The longest that the head of an answer may take.
const HEAD: Duration = Duration::from_secs(15);
/// Credentials that were refused are read again at most this often.
const RELOAD_PAUSE: Duration = Duration::from_secs(5);

/// A lost cluster is noticed within this time: a heartbeat that meets a blackhole, and a second look.
pub(crate) const DETECT: Duration = Duration::from_secs(30);

/// What links share.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) identities: Identities,
    pub(crate) changed: Signals<ClusterName, ()>,
}

/// The path to one cluster.
pub(crate) struct Link {
    name: ClusterName,
    connector: Arc<dyn Connector>,
    environment: Arc<Environment>,
    guarded: kube::Client,
    inner: Mutex<Inner>,
    /// Wakes the keeper: something looks wrong, or the configuration changed.
    poke: Notify,
    /// One check at a time.
    checking: tokio::sync::Mutex<()>,
}

struct Inner {
    client: Option<kube::Client>,
    state: LinkState,
    identity: Identity,
    reach: Reachability,
    joined: bool,
    /// Raised whenever the configuration changed, or may have.
    wanted: u64,
    /// The value of `wanted` that the client was made for. Behind it, the client is outdated; a check that is given up on, or that
    /// a change overtakes, leaves it behind.
    made: u64,
    reloaded: Option<Instant>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("name", &self.name).field("state", &self.inner().state).finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn new(name: ClusterName, connector: Arc<dyn Connector>, environment: Arc<Environment>) -> Arc<Self> {
        Arc::new_cyclic(|link: &Weak<Self>| {
            let link = link.clone();
            let service = service_fn(move |request| {
                let link = link.clone();
                let sent: BoxFuture<'static, Result<Response<Body>, Failure>> = Box::pin(async move {
                    match link.upgrade() {
                        Some(link) => link.send(request).await,
                        None => Err(Failure::new(FailureClass::UnknownCluster, "it is no longer registered")),
                    }
                });
                sent
            });
            Self {
                name,
                connector,
                environment,
                guarded: kube::Client::new(service, "default"),
                inner: Mutex::new(Inner {
                    client: None,
                    state: LinkState::Connecting,
                    identity: Identity::Unverified,
                    reach: Reachability::Unknown,
                    joined: false,
                    wanted: 1,
                    made: 0,
                    reloaded: None,
                }),
                poke: Notify::new(),
                checking: tokio::sync::Mutex::default(),
            }
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client whose requests go through this link.
    pub(crate) fn client(&self) -> kube::Client {
        self.guarded.clone()
    }

    pub(crate) fn state(&self) -> LinkState {
        self.inner().state.clone()
    }

    pub(crate) fn info(&self) -> ClusterInfo {
        let inner = self.inner();
        let id = match &inner.identity {
            Identity::Verified(id) => Some(id.clone()),
            _ => None,
        };
        ClusterInfo {
            name: self.name.clone(),
            identity: inner.identity.clone(),
            joined: inner.joined,
            reachability: inner.reach.clone(),
            claims: id.map(|id| ("id.k8s.io".to_owned(), id)).into_iter().collect(),
        }
    }

    /// The configuration changed.
    pub(crate) fn rotate(&self) {
        self.inner().wanted += 1;
        self.poke.notify_one();
    }

    /// Keeps the link for as long as it is polled.
    pub(crate) async fn keep(self: Arc<Self>, seed: u64) {
        let mut backoff = Backoff::new(seed, self.name.as_str());
        loop {
            let wait = match self.check().await {
                LinkState::Down(_) => backoff.next(),
                LinkState::Up | LinkState::Connecting => {
                    backoff.reset();
                    HEARTBEAT
                }
            };
            tokio::select! {
                () = self.poke.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Finds out what the path is like now.
    pub(crate) async fn check(&self) -> LinkState {
        let _one_at_a_time = self.checking.lock().await;
        let (present, made, wanted) = {
            let inner = self.inner();
            (inner.client.clone(), inner.made, inner.wanted)
        };
        let outcome = match present {
            Some(client) if made == wanted => self.verify(client.clone(), false).await.map(|id| (client, id, made)),
            present => self.connect(present, made, wanted).await,
        };
        self.settle(outcome)
    }

    /// Makes a client of the present configuration. If that fails on the way, the client that was there is looked at instead: a
    /// rotation must not take away what works.
    async fn connect(
        &self,
        present: Option<kube::Client>,
        made: u64,
        wanted: u64,
    ) -> Result<(kube::Client, String, u64), Failure> {
        let deadline = Deadline::after(PROBE);
        let fresh = match self.connector.connect(&self.name, deadline).await {
            Ok(client) => self.verify(client.clone(), true).await.map(|id| (client, id, wanted)),
            Err(failure) => Err(failure),
        };
        match (fresh, present) {
            (Err(failure), Some(client)) if failure.class().is_transport() => {
                self.verify(client.clone(), false).await.map(|id| (client, id, made))
            }
            (fresh, _) => fresh,
        }
    }

    /// Asks the cluster which one it is, and compares. On a connection that was verified before, lacking the right to ask shows
    /// that the cluster answers.
    async fn verify(&self, client: kube::Client, fresh: bool) -> Result<String, Failure> {
        let deadline = Deadline::after(PROBE);
        let remote = Remote { cluster: self.name.clone(), client, timeout: PROBE };
        let known = match &self.inner().identity {
            Identity::Verified(id) => Some(id.clone()),
            _ => None,
        };
        let found = match (identity::ask(&remote, deadline).await, &known) {
            (Ok(found), _) => found,
            (Err(failure), Some(known)) if !fresh && failure.class() == FailureClass::Forbidden => known.clone(),
            // A probe that gets no answer is the sign of a dead path.
            (Err(failure), _) if failure.class() == FailureClass::TimedOut => {
                return Err(Failure::new(FailureClass::Unreachable, failure.cause()));
            }
            (Err(failure), _) => return Err(failure),
        };
        let expected = match known {
            Some(known) => known,
            None => self.environment.identities.expect(&self.name, &found, Deadline::after(HEAD)).await?,
        };
        if expected == found {
            return Ok(found);
        }
        self.inner().identity = Identity::Mismatch { expected: expected.clone(), found: found.clone() };
        let cause = format!("its kubeconfig leads to another cluster: {found} instead of {expected}");
        Err(Failure::new(FailureClass::UnknownCluster, cause)
            .remedy("correct the kubeconfig, or remove the recorded identity if the cluster was replaced on purpose"))
    }

    /// Notes what a check found, and tells if that is news.
    fn settle(&self, outcome: Result<(kube::Client, String, u64), Failure>) -> LinkState {
        let now = self.environment.clock.now();
        let mut inner = self.inner();
        let before = inner.state.clone();
        match outcome {
            Ok((client, id, made)) => {
                inner.client = Some(client);
                inner.made = made;
                inner.identity = Identity::Verified(id);
                inner.joined = true;
                inner.state = LinkState::Up;
                if !matches!(inner.reach, Reachability::Reachable { .. }) {
                    inner.reach = Reachability::Reachable { since: now };
                }
            }
            Err(failure) => {
                let failure = failure.on(self.name.clone());
                if failure.class() == FailureClass::UnknownCluster {
                    inner.client = None;
                } else if matches!(inner.identity, Identity::Mismatch { .. }) {
                    inner.identity = Identity::Unverified;
                }
                if failure.class() == FailureClass::Unauthenticated {
                    // Perhaps newer credentials are there: the next check begins with them.
                    inner.wanted += 1;
                }
                let since = match &inner.reach {
                    Reachability::Unreachable { since, .. } => *since,
                    Reachability::Unknown | Reachability::Reachable { .. } => now,
                };
                inner.reach = Reachability::Unreachable { since, failure: failure.clone() };
                inner.state = LinkState::Down(failure);
            }
        }
        let after = inner.state.clone();
        drop(inner);
        if after != before {
            tracing::info!(cluster = %self.name, state = ?after, "the path changed");
            self.environment.changed.notify(&self.name, &());
        }
        after
    }

    /// Sends a request, if the path is open.
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let client = {
            let inner = self.inner();
            match (&inner.state, &inner.client) {
                (LinkState::Down(failure), _) => return Err(failure.clone()),
                (_, Some(client)) => client.clone(),
                (_, None) => {
                    let failure = Failure::new(FailureClass::Unreachable, "no connection was made yet");
                    return Err(failure.on(self.name.clone()));
                }
            }
        };
        let (first, again) = twice(request);
        let response = self.attempt(&client, first).await?;
        match again {
            Some(again) if response.status() == StatusCode::UNAUTHORIZED => match self.reload().await {
                Some(client) => self.attempt(&client, again).await,
                None => Ok(response),
            },
            _ => Ok(response),
        }
    }

    async fn attempt(&self, client: &kube::Client, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let lost = |class, cause: &dyn fmt::Display| {
            self.poke.notify_one();
            Failure::new(class, cause).on(self.name.clone())
        };
        match tokio::time::timeout(HEAD, client.send(request)).await {
            Err(_) => Err(lost(FailureClass::TimedOut, &"no answer came in time")),
            Ok(Err(error)) => Err(lost(FailureClass::Unreachable, &error)),
            Ok(Ok(response)) => {
                if is_from_a_proxy(&response) {
                    self.poke.notify_one();
                }
                Ok(response)
            }
        }
    }

    /// The credentials were refused: perhaps newer ones are there already. Answers with a client made of them.
    async fn reload(&self) -> Option<kube::Client> {
        {
            let mut inner = self.inner();
            let recently = inner.reloaded.is_some_and(|at| at.elapsed() < RELOAD_PAUSE);
            if recently {
                return None;
            }
            inner.reloaded = Some(Instant::now());
            inner.wanted += 1;
        }
        match self.check().await {
            LinkState::Up => self.inner().client.clone(),
            LinkState::Connecting | LinkState::Down(_) => None,
        }
    }
}

/// Whether the answer is that of a gateway whose backend is dead, not of an API server.
fn is_from_a_proxy(response: &Response<Body>) -> bool {
    let gateway = matches!(
        response.status(),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    );
    let json = response.headers().get(http::header::CONTENT_TYPE).and_then(|t| t.to_str().ok());
    gateway && !json.is_some_and(|t| t.contains("json") || t.contains("protobuf"))
}

/// The request, and a copy of it if its body can be had twice.
fn twice(request: Request<Body>) -> (Request<Body>, Option<Request<Body>>) {
    let (parts, body) = request.into_parts();
    let again = body.try_clone().map(|body| Request::from_parts(parts.clone(), body));
    (Request::from_parts(parts, body), again)
}
