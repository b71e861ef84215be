//! What a client behind the network sees, and what a server behind it has done, under each fault.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::TryStreamExt;
use http::{Request, Response};
use http_body_util::{Full, StreamBody};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, Error,
    api::{PostParams, WatchEvent, WatchParams},
    client::Body,
};
use tokio::sync::Mutex;

use super::*;
use crate::{
    clock::Clock,
    entropy::Entropy,
    net::{Link, Network},
    process::Incarnation,
    trace::Trace,
};

/// A server that counts writes, answers every request with one ConfigMap, and sends one event each second on a watch.
fn stub(applied: Arc<Mutex<u32>>) -> Server {
    const OBJECT: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","resourceVersion":"1"}}"#;
    server(
        "dr1",
        tower::service_fn(move |request: Request<Body>| {
            let applied = Arc::clone(&applied);
            async move {
                if request.uri().query().is_some_and(|query| query.contains("watch")) {
                    let events = futures::stream::unfold((), |()| async {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        let line = format!("{{\"type\":\"MODIFIED\",\"object\":{OBJECT}}}\n");
                        Some((Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(line))), ()))
                    });
                    return Ok::<_, Infallible>(Response::new(http_body_util::BodyExt::boxed_unsync(StreamBody::new(
                        events,
                    ))));
                }
                *applied.lock().await += 1;
                Ok(Response::new(http_body_util::BodyExt::boxed_unsync(Full::new(Bytes::from_static(
                    OBJECT.as_bytes(),
                )))))
            }
        }),
    )
}

struct Bed {
    network: Network,
    faults: Faults,
    trace: Trace,
    process: Incarnation,
    applied: Arc<Mutex<u32>>,
    client: Client,
}

fn bed() -> Bed {
    let clock = Clock::start();
    let trace = Trace::new(clock);
    let (network, faults) = (Network::new(Duration::from_millis(1), trace.clone()), Faults::new());
    let process = Incarnation::first("hub-operator", "hub");
    let applied = Arc::new(Mutex::new(0));
    let transit = Transit {
        from: process.clone(),
        to: stub(Arc::clone(&applied)),
        network: network.clone(),
        faults: faults.clone(),
        trace: trace.clone(),
        clock,
    };
    Bed { network, faults, trace, process, applied, client: transit.client() }
}

impl Bed {
    fn api(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), "app")
    }

    async fn create(&self) -> Result<ConfigMap, Error> {
        self.api().create(&PostParams::default(), &ConfigMap::default()).await
    }

    async fn applied(&self) -> u32 {
        *self.applied.lock().await
    }

    /// Whether a write returns within an hour.
    async fn hangs(&self) -> bool {
        tokio::time::timeout(Duration::from_secs(3600), self.create()).await.is_err()
    }
}

fn code(answer: Result<ConfigMap, Error>) -> u16 {
    match answer.unwrap_err() {
        Error::Api(status) => status.code,
        other => panic!("not an answer: {other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn links_cut_silent_and_half_open_differ_in_what_was_done_and_what_is_known() {
    let bed = bed();
    bed.create().await.unwrap();
    bed.network.set("hub", "dr1", Link::Cut);
    assert!(matches!(bed.create().await.unwrap_err(), Error::Service(_)));
    bed.network.set("hub", "dr1", Link::Silent);
    assert!(bed.hangs().await);
    assert_eq!(bed.applied().await, 1, "neither arrived");
    bed.network.set("hub", "dr1", Link::HalfOpen);
    assert!(bed.hangs().await);
    assert_eq!(bed.applied().await, 2, "arrived, unanswered");
    bed.network.heal();
    bed.create().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_on_a_silent_link_goes_on_when_it_heals() {
    let bed = bed();
    bed.network.set("hub", "dr1", Link::Silent);
    let network = bed.network.clone();
    let heal = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        network.heal();
    };
    let (answer, ()) = futures::future::join(bed.create(), heal).await;
    answer.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_says_whether_the_write_was_applied_by_nothing_at_all() {
    let bed = bed();
    for (action, status, done) in [
        (Action::Refuse(ApiError::Conflict), 409, 0),
        (Action::Refuse(ApiError::TooManyRequests(Duration::from_secs(3))), 429, 0),
        (Action::Refuse(ApiError::Unavailable), 503, 0),
        (Action::RefuseAfterApply(ApiError::Timeout), 504, 1),
        (Action::RefuseAfterApply(ApiError::Internal), 500, 2),
    ] {
        bed.faults.add(Rule::once(Matcher::server("dr1").verb("create").resource("configmaps"), action));
        assert_eq!(code(bed.create().await), status);
        assert_eq!(bed.applied().await, done, "{action}");
    }
    bed.faults.add(Rule::once(Matcher::default(), Action::BreakAfterApply));
    assert!(matches!(bed.create().await.unwrap_err(), Error::Service(_)));
    assert_eq!(bed.applied().await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_or_after_the_nth_request_is_exact_and_final() {
    for (action, done) in [(Action::CrashBefore, 2), (Action::CrashAfter, 3)] {
        let bed = bed();
        bed.faults.add(Rule::nth(3, Matcher::process("hub-operator"), action));
        bed.create().await.unwrap();
        bed.create().await.unwrap();
        assert!(bed.hangs().await, "the dead learn nothing");
        assert!(!bed.process.is_alive());
        assert!(bed.hangs().await, "and do nothing");
        assert_eq!(bed.applied().await, done, "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_breaks_with_its_link_is_dropped_on_demand_and_may_be_late() {
    let bed = bed();
    let watch = || async { bed.api().watch(&WatchParams::default(), "0").await.unwrap() };
    bed.faults.add(Rule::once(Matcher::default().verb("watch"), Action::DropWatch(3)));
    let events: Vec<WatchEvent<ConfigMap>> = watch().await.try_collect().await.unwrap();
    assert_eq!(events.len(), 3);

    let mut broken = std::pin::pin!(watch().await);
    broken.try_next().await.unwrap().unwrap();
    bed.network.set("hub", "dr1", Link::Cut);
    assert!(broken.try_next().await.is_err());
    bed.network.heal();

    bed.faults.add(Rule::once(Matcher::default().verb("watch"), Action::LateEvents(Duration::from_secs(60))));
    let mut late = std::pin::pin!(watch().await);
    assert!(tokio::time::timeout(Duration::from_secs(50), late.try_next()).await.is_err());

    let mut silent = std::pin::pin!(watch().await);
    bed.network.set("hub", "dr1", Link::Silent);
    assert!(tokio::time::timeout(Duration::from_secs(3600), silent.try_next()).await.is_err(), "silence is not an end");
    bed.network.heal();
    silent.try_next().await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_timeline_names_actor_verb_object_and_outcome() {
    let bed = bed();
    bed.faults.add(Rule::once(Matcher::default(), Action::Refuse(ApiError::Unavailable)));
    let _ = bed.create().await;
    let _ = bed.api().get("x").await;
    let timeline = bed.trace.timeline();
    assert!(timeline.contains("hub-operator => dr1"), "{timeline}");
    assert!(timeline.contains("create configmaps app/: refused with 503 (request 1)"), "{timeline}");
    assert!(timeline.contains("get    configmaps app/x -> 200 OK"), "{timeline}");
}

#[tokio::test(start_paused = true)]
async fn weather_is_fair_in_the_end_and_the_same_for_a_seed() {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let bed = bed();
        bed.faults.set_weather(Some(Weather::new(&Entropy::new(seed), 400, Duration::from_secs(3600))));
        let mut failures = 0;
        for _ in 0..100 {
            failures += u32::from(bed.create().await.is_err());
        }
        assert!((10..90).contains(&failures), "{failures}");
        tokio::time::sleep(Duration::from_secs(3600)).await;
        bed.create().await.unwrap();
        runs.push(bed.trace.digest());
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[test]
fn a_random_schedule_heals_what_it_disturbs_in_time() {
    let terrain = Terrain {
        sites: vec!["hub".into(), "dr1".into()],
        processes: vec!["hub-operator".into()],
        arrays: vec![("east".into(), "west".into())],
        hooks: vec!["store".into()],
    };
    let until = Duration::from_secs(600);
    let schedule = Schedule::random(&Entropy::new(3), &terrain, 40, until);
    assert_eq!(schedule, Schedule::random(&Entropy::new(3), &terrain, 40, until));
    assert!(schedule.entries().is_sorted_by_key(|(at, _)| *at));
    assert!(schedule.entries().iter().all(|(at, _)| *at < until));
    let last_of_link = schedule.entries().iter().rev().find(|(_, what)| matches!(what, Disturbance::Link { .. }));
    assert!(matches!(last_of_link, Some((_, Disturbance::Link { link: Link::Up, .. }))), "{schedule}");
}
