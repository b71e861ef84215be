//! Speed and size of an API server, measured through `kube::Client`: the same workload on the simulated and the real one.

pub mod transport;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ListParams, ObjectMeta, PostParams, WatchEvent, WatchParams};
use kube::{Client, ResourceExt};
use serde::Serialize;

/// How much work is done.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Requests of each kind.
    pub requests: usize,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Watchers of one collection.
    pub watchers: usize,
    /// Objects in the large collection.
    pub objects: usize,
}

/// One measured number.
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    /// What was measured.
    pub name: String,
    /// The unit of the value.
    pub unit: &'static str,
    /// The value.
    pub value: f64,
}

fn measure(name: impl Into<String>, unit: &'static str, value: f64) -> Measure {
    Measure { name: name.into(), unit, value }
}

fn per_second(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

/// Two hundred bytes of data, as small objects of Kubernetes have.
fn config_map(name: String, round: usize) -> ConfigMap {
    let data = [("payload".to_owned(), "x".repeat(190)), ("round".to_owned(), round.to_string())];
    ConfigMap {
        metadata: ObjectMeta { name: Some(name), ..Default::default() },
        data: Some(data.into()),
        ..Default::default()
    }
}

async fn namespace(client: &Client, name: &str) -> anyhow::Result<Api<ConfigMap>> {
    let namespace =
        Namespace { metadata: ObjectMeta { name: Some(name.to_owned()), ..Default::default() }, ..Default::default() };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    Ok(Api::namespaced(client.clone(), name))
}

/// Runs a request for each of the numbers, so many at once, and returns how long that took.
async fn timed<F, Fut, T>(load: Load, request: F) -> anyhow::Result<Duration>
where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = kube::Result<T>>,
{
    let started = Instant::now();
    stream::iter(0..load.requests)
        .map(request)
        .buffer_unordered(load.concurrency)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(started.elapsed())
}

/// Requests per second of each kind.
///
/// # Errors
/// A request fails.
pub async fn requests(client: &Client, load: Load) -> anyhow::Result<Vec<Measure>> {
    let maps = &namespace(client, "bench-requests").await?;
    let name = |index: usize| format!("map-{index}");
    let create_one = PostParams::default();
    let parameters = &create_one;
    let created = timed(load, |i| async move { maps.create(parameters, &config_map(name(i), 0)).await }).await?;
    let read = timed(load, |i| async move { maps.get(&name(i)).await }).await?;
    // Without resourceVersion: ConfigMaps may be replaced unconditionally, so that one request is one update.
    let updated = timed(load, |i| async move { maps.replace(&name(i), parameters, &config_map(name(i), 1)).await });
    let updated = updated.await?;
    let lists = Load { requests: 20, concurrency: 1, ..load };
    let listed = timed(lists, |_| async move { maps.list(&ListParams::default()).await }).await?;
    Ok(vec![
        measure("create", "requests/s", per_second(load.requests, created)),
        measure("get", "requests/s", per_second(load.requests, read)),
        measure("update", "requests/s", per_second(load.requests, updated)),
        measure(
            format!("list of {} objects", load.requests),
            "objects/s",
            per_second(lists.requests * load.requests, listed),
        ),
    ])
}

/// Events per second delivered to all watchers of one collection while objects are created in it.
///
/// # Errors
/// A request fails, or a watch ends early.
pub async fn fan_out(client: &Client, load: Load) -> anyhow::Result<Measure> {
    let maps = namespace(client, "bench-watch").await?;
    let start = maps.list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
    let count = load.requests / 4;
    let mut watchers = tokio::task::JoinSet::new();
    for _ in 0..load.watchers {
        let (maps, start) = (maps.clone(), start.clone());
        watchers.spawn(async move {
            let mut events = maps.watch(&WatchParams::default(), &start).await?.boxed();
            for _ in 0..count {
                let event = events.try_next().await?.context("a watch ended early")?;
                ensure!(matches!(event, WatchEvent::Added(_)), "an unexpected event: {event:?}");
            }
            anyhow::Ok(())
        });
    }
    let started = Instant::now();
    let (maps, parameters) = (&maps, &PostParams::default());
    let create = |i| async move { maps.create(parameters, &config_map(format!("map-{i}"), 0)).await };
    timed(Load { requests: count, ..load }, create).await?;
    while let Some(watcher) = watchers.join_next().await {
        watcher??;
    }
    let name = format!("watch, {} watchers", load.watchers);
    Ok(measure(name, "events/s", per_second(count * load.watchers, started.elapsed())))
}

/// A large collection: created, listed in pages and whole, watched from its beginning. Nothing of it is kept by the client.
///
/// # Errors
/// A request fails, or an object is missing from what is listed or watched.
pub async fn large(client: &Client, load: Load) -> anyhow::Result<Vec<Measure>> {
    let maps = &namespace(client, "bench-large").await?;
    let parameters = &PostParams::default();
    let all = Load { requests: load.objects, ..load };
    let created =
        timed(all, |i| async move { maps.create(parameters, &config_map(format!("map-{i:06}"), 0)).await }).await?;

    let started = Instant::now();
    let (mut listed, mut page) = (0, ListParams::default().limit(500));
    loop {
        let list = maps.list_metadata(&page).await?;
        listed += list.items.len();
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => break,
        }
    }
    let paged = started.elapsed();
    ensure!(listed == load.objects, "{listed} of {} objects were listed", load.objects);

    let started = Instant::now();
    let listed = maps.list(&ListParams::default()).await?.items.len();
    let whole = started.elapsed();
    ensure!(listed == load.objects, "{listed} of {} objects were listed", load.objects);

    let started = Instant::now();
    let mut events = maps.watch(&WatchParams::default().initial_events(), "").await?.boxed();
    let mut watched = 0;
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(map) => watched += usize::from(map.name_any().starts_with("map-")),
            WatchEvent::Bookmark(_) => break,
            other => anyhow::bail!("an unexpected event: {other:?}"),
        }
    }
    ensure!(watched == load.objects, "{watched} of {} objects were watched", load.objects);
    let of = |what: &str| format!("{} objects: {what}", load.objects);
    Ok(vec![
        measure(of("create"), "requests/s", per_second(load.objects, created)),
        measure(of("list metadata in pages of 500"), "ms", paged.as_secs_f64() * 1e3),
        measure(of("list whole"), "ms", whole.as_secs_f64() * 1e3),
        measure(of("watch from the beginning"), "ms", started.elapsed().as_secs_f64() * 1e3),
    ])
}
