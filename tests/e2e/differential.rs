//! The simulated API server held to the real one.
//!
//! `RAMEN_DIFFERENTIAL_SEED`, `_FIRST`, `_SEQUENCES` and `_STEPS` choose what is run; a failure names those that repeat it.

#![allow(clippy::unwrap_used)] // helpers of tests

use http::{Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use ramen_sim::apiserver::ApiServer;
use ramen_tests::differential::run::{Options, compare, shorten};
use ramen_tests::real::Bed;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(format!("RAMEN_DIFFERENTIAL_{name}")).map_or(default, |text| text.parse().unwrap())
}

fn options(sequences: u64) -> Options {
    Options {
        seed: number("SEED", 1),
        first: number("FIRST", 0) as usize,
        sequences: number("SEQUENCES", sequences) as usize,
        steps: number("STEPS", 60) as usize,
    }
}

/// The same server, but for one word of its answers.
fn lying(client: Client) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            let response = client.send(request).await?;
            if response.status() != 422 {
                return Ok::<Response<Body>, kube::Error>(response);
            }
            let (head, body) = response.into_parts();
            let text = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap();
            Ok(Response::from_parts(
                head,
                Body::from(text.replace("FieldValueInvalid", "FieldValueWrong").into_bytes()),
            ))
        }
    });
    Client::new(service, "default")
}

/// Differences of the default seed that are known and not yet removed. The aim is that this file is empty.
const OPEN: &str = include_str!("../data/differential-open.txt");

/// Several thousand requests, and no difference but those known. `RAMEN_DIFFERENTIAL_REFRESH=1` writes those there are.
#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_server_answers_as_the_real_one() {
    let bed = Bed::builder().cluster("real").start().await.unwrap();
    let real = bed.cluster("real").unwrap().client("differential").await.unwrap();
    let simulated = ApiServer::builder("simulated").seed(1).build().client("differential");
    let mut report = compare(&real, &simulated, options(100)).await.unwrap();
    if std::env::var_os("RAMEN_DIFFERENTIAL_REFRESH").is_some() {
        let lines: Vec<_> = report.groups.keys().map(|signature| format!("{signature}\n")).collect();
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/data/differential-open.txt"), lines.concat()).unwrap();
        return;
    }
    let found = report.groups.len();
    report.groups.retain(|signature, _| !OPEN.lines().any(|line| line == signature));
    println!("{found} groups of differences, {} of them known", found - report.groups.len());
    shorten(&real, &simulated, &mut report).await.unwrap();
    println!("{report}");
    assert!(report.groups.is_empty(), "{report}");
}

/// Two real servers answer alike, so that what the test reports is a difference between servers and not between runs; and
/// one word that differs is found and cut down to few steps, so that the test can fail.
#[tokio::test(flavor = "multi_thread")]
async fn the_test_sees_what_differs_and_nothing_else() {
    let bed = Bed::builder().cluster("left").cluster("right").start().await.unwrap();
    let left = bed.cluster("left").unwrap().client("differential").await.unwrap();
    let right = bed.cluster("right").unwrap().client("differential").await.unwrap();
    let report = compare(&left, &right, options(10)).await.unwrap();
    println!("{report}");
    assert!(report.groups.is_empty(), "{report}");

    let few = Options { seed: 1, first: 0, sequences: 3, steps: 60 };
    let right = lying(right);
    let mut report = compare(&left, &right, few).await.unwrap();
    shorten(&left, &right, &mut report).await.unwrap();
    assert!(!report.groups.is_empty());
    for (signature, group) in &report.groups {
        assert!(signature.contains("FieldValueWrong"), "{report}");
        assert!(group.steps.len() <= 6, "{report}");
    }
}
