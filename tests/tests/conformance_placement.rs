//! The kit for placements on OCM's objects of a simulated hub, and the mutants that show that each case can fail.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kube::{
    Api, CustomResourceExt,
    api::{DeleteParams, DynamicObject},
};
use ramen_core::{
    api::foreign,
    intercluster::{Placement, PlacementRef, ResourceType, kube::KubePlacement},
    testing::{
        conformance::{
            BedError,
            placement::{self, PlacementBed},
        },
        mutants::{MutantPlacementBed, PLACEMENT_MUTANTS},
    },
    time::{Clock, Deadline, SystemClock},
};
use ramen_sim::apiserver::{ApiServer, Before, Interceptor, RequestInfo};
use serde_json::{Value, json};

const GROUP: &str = "cluster.open-cluster-management.io";
const RULES: &str = "apps.open-cluster-management.io";

#[derive(Debug, Default)]
struct Cut(AtomicBool);

#[async_trait]
impl Interceptor for Cut {
    async fn before(&self, _: &RequestInfo) -> Before {
        if self.0.load(Ordering::Relaxed) { Before::Hang } else { Before::Continue }
    }
}

/// A hub whose placements are Placements, or PlacementRules.
#[derive(Debug)]
struct Hub {
    server: ApiServer,
    cut: Arc<Cut>,
    rules: bool,
}

impl Hub {
    fn new(rules: bool) -> Self {
        let server = ApiServer::builder("hub").seed(1).build();
        for definition in [foreign::Placement::crd(), foreign::PlacementRule::crd(), foreign::PlacementDecision::crd()]
        {
            server.install(&serde_json::to_value(definition).unwrap()).unwrap();
        }
        let cut = Arc::new(Cut::default());
        server.intercept(cut.clone());
        Self { server, cut, rules }
    }
}

#[async_trait]
impl PlacementBed for Hub {
    fn name(&self) -> String {
        format!("KubePlacement over {}", if self.rules { "PlacementRules" } else { "Placements" })
    }

    async fn reset(&self) -> Result<(), BedError> {
        self.cut(false).await
    }

    fn placement(&self) -> Result<Arc<dyn Placement>, BedError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Arc::new(KubePlacement::new(self.server.client("ramen"), &clock, Duration::from_secs(10))))
    }

    async fn create(&self, reference: &PlacementRef, ours: bool) -> Result<(), BedError> {
        let (namespace, name) = (&reference.namespace, &reference.name);
        let object = if self.rules {
            json!({"apiVersion": format!("{RULES}/v1"), "kind": "PlacementRule",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"schedulerName": if ours { "ramen" } else { "default" }}})
        } else {
            json!({"apiVersion": format!("{GROUP}/v1beta1"), "kind": "Placement", "spec": {},
                "metadata": {"name": name, "namespace": namespace, "annotations":
                    {"cluster.open-cluster-management.io/experimental-scheduling-disable": ours.to_string()}}})
        };
        self.server.install(&object).map_err(BedError::failed)
    }

    async fn delete(&self, reference: &PlacementRef) -> Result<(), BedError> {
        let resource = if self.rules {
            ResourceType::of::<foreign::PlacementRule>()
        } else {
            ResourceType::of::<foreign::Placement>()
        };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.server.client("user"), &reference.namespace, &resource.api_resource());
        api.delete(&reference.name, &DeleteParams::default()).await.map(drop).map_err(BedError::failed)
    }

    async fn decisions(&self, reference: &PlacementRef) -> Result<Vec<String>, BedError> {
        let (namespace, name) = (&reference.namespace, &reference.name);
        let object = if self.rules {
            self.server.object(RULES, "placementrules", namespace, name)
        } else {
            self.server.object(GROUP, "placementdecisions", namespace, &format!("{name}-decision-1"))
        };
        let listed = object.and_then(|o| o.pointer("/status/decisions").and_then(Value::as_array).cloned());
        let name = |decision: &Value| decision["clusterName"].as_str().unwrap_or_default().to_owned();
        Ok(listed.unwrap_or_default().iter().map(name).collect())
    }

    async fn writes(&self) -> Result<u64, BedError> {
        Ok(self.server.revision())
    }

    async fn cut(&self, cut: bool) -> Result<(), BedError> {
        self.cut.0.store(cut, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn placements_and_placement_rules_keep_every_promise() {
    for rules in [false, true] {
        let report = placement::run(&Hub::new(rules)).await;
        println!("{report}\n\n{}", report.markdown());
        assert!(report.is_green(), "{:#?}", report.broken());
        assert_eq!(report.count("kept"), report.results.len());
    }
}

/// A deadline that has passed must not be waited for.
#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_ends_at_once() {
    let hub = Hub::new(false);
    hub.cut(true).await.unwrap();
    let reference = PlacementRef { namespace: "default".into(), name: "app".into() };
    let failure = hub.placement().unwrap().resolve(&reference, Deadline::after(Duration::ZERO)).await.unwrap_err();
    assert!(failure.class().is_transport(), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn each_case_notices_when_its_promise_is_broken() {
    let mut survivors = Vec::new();
    for &(killed_by, bend) in PLACEMENT_MUTANTS {
        let mutant = MutantPlacementBed::new(Arc::new(Hub::new(false)), bend);
        let report = placement::run_some(&mutant, &[killed_by]).await;
        match report.broken().first() {
            Some(case) => println!("{killed_by} killed {bend:?}: {}", case.verdict.seen()),
            None => survivors.push(format!("{bend:?}: {report}")),
        }
    }
    println!("{} of {} mutants killed", PLACEMENT_MUTANTS.len() - survivors.len(), PLACEMENT_MUTANTS.len());
    let without: Vec<_> =
        placement::cases().into_iter().filter(|c| !PLACEMENT_MUTANTS.iter().any(|(id, _)| *id == c.title.id)).collect();
    assert!(without.is_empty(), "no mutant for {without:?}");
    assert!(survivors.is_empty(), "{survivors:#?}");
}
