//! Runs controllers over one cache: news in, keys out, one pass at a time.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures::{
    StreamExt,
    future::{BoxFuture, Either, select},
    stream::FuturesUnordered,
};
use kube::{Client, api::DynamicObject};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::Instant,
};

use super::{
    cache::{Key, News},
    context::{Context, Error},
    informer::inform,
    kind::Kind,
};
use crate::{clock::Clock, shared::Shared, trace::Trace};

/// What comes after a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing, until something changes.
    Wait,
    /// Another pass after this long, if nothing changes before.
    After(Duration),
}

/// A controller: what it watches, which keys an object concerns, and what it does about a key.
#[async_trait]
pub trait Controller: Send + Sync {
    /// Its name in the timeline.
    fn name(&self) -> &'static str;

    /// The kinds it must know of before its first pass.
    fn kinds(&self) -> Vec<Kind>;

    /// Whether it wants to hear of every kind that the cluster serves, those installed later included.
    fn all_kinds(&self) -> bool {
        false
    }

    /// The keys that must be looked at since this object changed or went.
    fn concerns(&self, context: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key>;

    /// Looks at a key and does what is to be done, once. It may be called at any time, for any key.
    ///
    /// # Errors
    /// What was in the way; the pass is repeated.
    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error>;
}

/// How the wait before a failed pass is repeated grows: doubling from the first to the last.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub last: Duration,
}

impl Default for Backoff {
    /// From 100 ms to one minute.
    fn default() -> Self {
        Self { first: Duration::from_millis(100), last: Duration::from_secs(60) }
    }
}

impl Backoff {
    fn wait(&self, failures: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(31))).min(self.last)
    }
}

/// Controllers of one process on one cluster.
pub struct Manager {
    client: Client,
    name: String,
    clock: Clock,
    trace: Trace,
    backoff: Backoff,
    controllers: Vec<Box<dyn Controller>>,
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.controllers.iter().map(|controller| controller.name()).collect();
        f.debug_struct("Manager").field("name", &self.name).field("controllers", &names).finish_non_exhaustive()
    }
}

/// A controller by its place, and a key of it.
type Item = (usize, Key);

#[derive(Default)]
struct Queue {
    ready: VecDeque<Item>,
    waiting: BTreeSet<Item>,
    later: BTreeMap<(Instant, u64), Item>,
    due: BTreeMap<Item, (Instant, u64)>,
    failures: BTreeMap<Item, u32>,
    sequence: u64,
}

impl Queue {
    fn add(&mut self, item: Item) {
        if self.waiting.insert(item.clone()) {
            self.ready.push_back(item);
        }
    }

    /// Of two waits for one item the one that ends first counts: else each pass of a periodic item would start a period
    /// of its own.
    fn add_after(&mut self, item: Item, wait: Duration) {
        self.sequence += 1;
        let at = (Instant::now() + wait, self.sequence);
        if let Some(before) = self.due.get(&item).copied() {
            if before.0 <= at.0 {
                return;
            }
            self.later.remove(&before);
        }
        self.due.insert(item.clone(), at);
        self.later.insert(at, item);
    }

    fn take(&mut self) -> Option<Item> {
        while let Some(entry) = self.later.first_entry()
            && entry.key().0 <= Instant::now()
        {
            let item = entry.remove();
            self.due.remove(&item);
            self.add(item);
        }
        let item = self.ready.pop_front()?;
        self.waiting.remove(&item);
        Some(item)
    }

    fn next_wake(&self) -> Option<Instant> {
        self.later.keys().next().map(|(at, _)| *at)
    }
}

impl Manager {
    /// A process of this name without controllers.
    pub fn new(name: &str, client: Client, clock: Clock, trace: Trace) -> Self {
        Self { client, name: name.to_owned(), clock, trace, backoff: Backoff::default(), controllers: Vec::new() }
    }

    /// Adds a controller.
    #[must_use]
    pub fn with(mut self, controller: impl Controller + 'static) -> Self {
        self.controllers.push(Box::new(controller));
        self
    }

    /// Sets how failed passes are repeated.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Runs until dropped.
    pub async fn run(self) {
        let (inbox, news) = unbounded_channel();
        let (wanted, kinds) = unbounded_channel();
        let context = Context {
            client: self.client.clone(),
            store: Shared::default(),
            inbox: inbox.clone(),
            actor: self.name.clone(),
            clock: self.clock,
            trace: self.trace.clone(),
        };
        let mut first: BTreeSet<Kind> = self.controllers.iter().flat_map(|controller| controller.kinds()).collect();
        let all_kinds = self.controllers.iter().any(|controller| controller.all_kinds());
        if all_kinds {
            first.insert(Kind::definition());
        }
        for kind in &first {
            let _ = wanted.send(kind.clone());
        }
        let discovery: BoxFuture<'_, ()> = if all_kinds {
            Box::pin(super::super::discovery::announce(context.clone(), wanted))
        } else {
            Box::pin(std::future::pending())
        };
        let informers = informers(self.client.clone(), kinds, inbox);
        let around = futures::future::join(discovery, informers);
        let work = self.work(&context, &first, news);
        select(std::pin::pin!(around), std::pin::pin!(work)).await;
    }

    async fn work(&self, context: &Context, first: &BTreeSet<Kind>, mut news: UnboundedReceiver<(Kind, News)>) {
        let mut queue = Queue::default();
        loop {
            while let Ok((kind, news)) = news.try_recv() {
                self.take_news(context, &mut queue, &kind, news);
            }
            let synced = first.iter().all(|kind| context.store.with(|store| store.knows(kind)));
            if let Some(item) = if synced { queue.take() } else { None } {
                self.pass(context, &mut queue, item).await;
                continue;
            }
            let wake = if synced { queue.next_wake() } else { None };
            let received = std::pin::pin!(news.recv());
            let arrived = match wake {
                Some(at) => match select(received, std::pin::pin!(tokio::time::sleep_until(at))).await {
                    Either::Left((arrived, _)) => arrived,
                    Either::Right(_) => continue,
                },
                None => received.await,
            };
            let Some((kind, news)) = arrived else { return };
            self.take_news(context, &mut queue, &kind, news);
        }
    }

    fn take_news(&self, context: &Context, queue: &mut Queue, kind: &Kind, news: News) {
        let changed: Vec<Arc<DynamicObject>> = context.store.with(|store| store.take(kind, news));
        for object in changed {
            for (index, controller) in self.controllers.iter().enumerate() {
                for key in controller.concerns(context, kind, &object) {
                    queue.add((index, key));
                }
            }
        }
    }

    async fn pass(&self, context: &Context, queue: &mut Queue, item: Item) {
        let Some(controller) = self.controllers.get(item.0) else { return };
        match controller.reconcile(context, &item.1).await {
            Ok(next) => {
                queue.failures.remove(&item);
                if let Next::After(wait) = next {
                    queue.add_after(item, wait);
                }
            }
            Err(error) => {
                // Another writer in between is everyday life and not worth a line.
                if !error.is_conflict() {
                    context.tell(format!("{} {}: {error}", controller.name(), item.1));
                }
                let failures = queue.failures.entry(item.clone()).or_default();
                *failures += 1;
                let wait = self.backoff.wait(*failures);
                queue.add_after(item, wait);
            }
        }
    }
}

/// Keeps the process informed of every kind that is wanted, once each.
async fn informers(client: Client, mut wanted: UnboundedReceiver<Kind>, inbox: super::informer::Inbox) {
    let mut known = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        let next = {
            let received = std::pin::pin!(wanted.recv());
            match select(received, running.next()).await {
                Either::Left((kind, _)) => kind,
                // With nothing running, only a new kind is of interest; what ends ends with the process.
                Either::Right((Some(()), _)) => continue,
                Either::Right((None, received)) => received.await,
            }
        };
        let Some(kind) = next else {
            while running.next().await.is_some() {}
            return;
        };
        if known.insert(kind.clone()) {
            running.push(inform(client.clone(), kind, inbox.clone()));
        }
    }
}
