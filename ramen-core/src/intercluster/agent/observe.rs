//! Observation: live reads, shared watches, notifications.

mod cache;
mod read;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use tokio::{sync::Semaphore, task::JoinSet};

use self::cache::{Cache, Feed};
use super::{
    access::{ClusterAccess, LinkState},
    remote::Remote,
    settings::ObserverSettings,
    signals::Signals,
    store::RecordStore,
    sync::lock,
    watch::Follow,
};
use crate::{
    intercluster::{
        ClusterName, ClusterView, Failure, FailureClass, Freshness, ObjectKey, Observation, Outcome, OutcomeKind,
        Registration, ResourceType, ViewCapabilities, ViewChange,
    },
    time::{Clock, Deadline},
};

/// A [`ClusterView`] over the clients of a [`ClusterAccess`]: one shared watch a cluster and kind, live reads where the watch is
/// not fresh enough.
///
/// Only registered objects are kept, as compact JSON; of the others of the same kind only name and version.
///
/// # Assumptions
/// It is created and used on one tokio runtime. Its watches end when it is dropped.
pub struct Observer {
    state: Arc<State>,
    watches: Arc<Watches>,
    _links: JoinSet<()>,
}

type Labels = BTreeMap<String, String>;
type Watches = Mutex<BTreeMap<(ClusterName, ResourceType), KindWatch>>;

/// A running watch; dropping it ends it.
struct KindWatch {
    cache: Arc<Mutex<Cache>>,
    _task: JoinSet<()>,
}

/// What reads and watches share.
struct State {
    name: String,
    access: Arc<dyn ClusterAccess>,
    clock: Arc<dyn Clock>,
    records: Arc<dyn RecordStore>,
    settings: ObserverSettings,
    detect_within: Duration,
    registered: Mutex<BTreeMap<ObjectKey, BTreeMap<String, Labels>>>,
    signals: Signals<ObjectKey, ViewChange>,
    live: Mutex<BTreeMap<ClusterName, Arc<Semaphore>>>,
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("name", &self.state.name).field("watches", &lock(&self.watches).len()).finish()
    }
}

impl State {
    fn is_registered(&self, key: &ObjectKey) -> bool {
        lock(&self.registered).contains_key(key)
    }

    fn registered_on(&self, cluster: &ClusterName, resource: Option<&ResourceType>) -> Vec<ObjectKey> {
        let wanted = |key: &&ObjectKey| key.cluster == *cluster && resource.is_none_or(|r| key.resource == *r);
        lock(&self.registered).keys().filter(wanted).cloned().collect()
    }

    fn notify(&self, key: &ObjectKey, outcome: OutcomeKind, version: Option<String>) {
        self.signals.notify(key, &ViewChange { key: key.clone(), outcome, version });
    }

    /// Live reads of one cluster share a bound of their own.
    fn permits(&self, cluster: &ClusterName) -> Arc<Semaphore> {
        let new = || Arc::new(Semaphore::new(self.settings.live_reads));
        lock(&self.live).entry(cluster.clone()).or_insert_with(new).clone()
    }
}

impl Observer {
    /// An observer that publishes its results under this name. `records` tell when a revision of an intent was applied, for reads
    /// that ask for one. `detect_within` is the time within which the access notices that a cluster is lost.
    pub fn new(
        name: impl Into<String>,
        access: Arc<dyn ClusterAccess>,
        records: Arc<dyn RecordStore>,
        clock: Arc<dyn Clock>,
        settings: ObserverSettings,
        detect_within: Duration,
    ) -> Self {
        let state = Arc::new(State {
            name: name.into(),
            access,
            clock,
            records,
            settings,
            detect_within,
            registered: Mutex::default(),
            signals: Signals::default(),
            live: Mutex::default(),
        });
        let watches = Arc::new(Watches::default());
        let mut links = JoinSet::new();
        links.spawn(follow_links(state.access.changes(), state.clone(), Arc::downgrade(&watches)));
        Self { state, watches, _links: links }
    }

    fn ensure_watch(&self, cluster: &ClusterName, resource: &ResourceType) -> Result<(), Failure> {
        let client = self.state.access.client(cluster)?;
        let key = (cluster.clone(), resource.clone());
        lock(&self.watches).entry(key).or_insert_with(|| KindWatch::start(&self.state, client, cluster, resource));
        Ok(())
    }

    fn cache(&self, key: &ObjectKey) -> Option<Arc<Mutex<Cache>>> {
        let watches = lock(&self.watches);
        watches.get(&(key.cluster.clone(), key.resource.clone())).map(|watch| watch.cache.clone())
    }
}

impl KindWatch {
    fn start(state: &Arc<State>, client: kube::Client, cluster: &ClusterName, resource: &ResourceType) -> Self {
        let cache = Arc::new(Mutex::new(Cache::default()));
        Self { _task: Self::follow(state, client, cluster, resource, &cache), cache }
    }

    /// Begins the watch anew; what was seen stays known.
    fn restart(&mut self, state: &Arc<State>, client: kube::Client, cluster: &ClusterName, resource: &ResourceType) {
        lock(&self.cache).lose(OutcomeKind::Unreachable);
        self._task = Self::follow(state, client, cluster, resource, &self.cache);
    }

    fn follow(
        state: &Arc<State>,
        client: kube::Client,
        cluster: &ClusterName,
        resource: &ResourceType,
        cache: &Arc<Mutex<Cache>>,
    ) -> JoinSet<()> {
        let follow = Follow {
            remote: Remote { cluster: cluster.clone(), client, timeout: state.settings.request_timeout },
            resource: resource.clone(),
            selector: None,
            clock: state.clock.clone(),
            silence: state.settings.watch_silence,
            retry_most: state.settings.retry_most,
        };
        let mut feed = Feed::new(state.clone(), cache.clone(), cluster.clone(), resource.clone());
        let mut task = JoinSet::new();
        task.spawn(async move { follow.run(&mut feed).await });
        task
    }
}

/// Tells registrants when a path is lost, and watches anew when it is back: the old connections may be dead without a sign.
async fn follow_links(mut changes: BoxStream<'static, ClusterName>, state: Arc<State>, watches: Weak<Watches>) {
    let mut down = BTreeSet::new();
    while let Some(cluster) = changes.next().await {
        let Some(watches) = watches.upgrade() else { return };
        match state.access.state(&cluster) {
            LinkState::Down(failure) => {
                let outcome = Outcome::from(failure).kind();
                down.insert(cluster.clone());
                for key in state.registered_on(&cluster, None) {
                    state.notify(&key, outcome, None);
                }
            }
            LinkState::Up if down.remove(&cluster) => {
                let Ok(client) = state.access.client(&cluster) else { continue };
                for ((_, resource), watch) in lock(&watches).iter_mut().filter(|((on, _), _)| *on == cluster) {
                    watch.restart(&state, client.clone(), &cluster, resource);
                }
            }
            LinkState::Up | LinkState::Connecting => {}
        }
    }
}

/// Secrets travel by themselves and are never read back.
fn refuse_secret(key: &ObjectKey) -> Result<(), Failure> {
    if key.resource.group.is_empty() && key.resource.kind == "Secret" {
        return Err(Failure::new(FailureClass::Unsupported, "viewing secrets is not allowed").about(key));
    }
    Ok(())
}

#[async_trait]
impl ClusterView for Observer {
    fn capabilities(&self) -> ViewCapabilities {
        let settings = &self.state.settings;
        ViewCapabilities {
            name: self.state.name.clone(),
            steady_within: settings.watch_silence + settings.request_timeout + settings.retry_most,
            detect_within: self.state.detect_within,
            // A change that a silently dead watch missed is found by the list that follows it.
            notify_within: settings.watch_silence + settings.request_timeout + settings.retry_most,
            collect_within: Duration::ZERO,
            live_reads: true,
            watches: true,
            max_object_bytes: settings.max_object_bytes,
        }
    }

    async fn read(&self, key: &ObjectKey, freshness: &Freshness, deadline: Deadline) -> Observation {
        self.read_fresh(key, freshness, deadline).await
    }

    async fn register(&self, registration: &Registration, _: Deadline) -> Result<(), Failure> {
        let key = &registration.key;
        refuse_secret(key)?;
        // Held over both maps: between two locks an unregistration could take the watch away that the new registrant counts on.
        let mut registered = lock(&self.state.registered);
        self.ensure_watch(&key.cluster, &key.resource)?;
        let registrants = registered.entry(key.clone()).or_default();
        registrants.insert(registration.registrant.clone(), registration.labels.clone());
        Ok(())
    }

    async fn unregister(&self, key: &ObjectKey, registrant: &str, _: Deadline) -> Result<(), Failure> {
        let mut registered = lock(&self.state.registered);
        let Some(registrants) = registered.get_mut(key) else { return Ok(()) };
        registrants.remove(registrant);
        if !registrants.is_empty() {
            return Ok(());
        }
        registered.remove(key);
        let kind_unused = !registered.keys().any(|k| k.cluster == key.cluster && k.resource == key.resource);
        if kind_unused {
            lock(&self.watches).remove(&(key.cluster.clone(), key.resource.clone()));
        } else if let Some(cache) = self.cache(key) {
            lock(&cache).drop_body(key);
        }
        Ok(())
    }

    async fn registrations(&self, labels: &Labels, _: Deadline) -> Result<Vec<Registration>, Failure> {
        let registered = lock(&self.state.registered);
        let all = registered.iter().flat_map(|(key, registrants)| registrants.iter().map(move |r| (key, r)));
        let chosen = all.filter(|(_, (_, have))| labels.iter().all(|(k, v)| have.get(k) == Some(v)));
        Ok(chosen
            .map(|(key, (registrant, labels))| Registration {
                key: key.clone(),
                registrant: registrant.clone(),
                labels: labels.clone(),
            })
            .collect())
    }

    fn changes(&self) -> BoxStream<'static, ViewChange> {
        self.state.signals.subscribe().map(|(_, change)| change).boxed()
    }
}
