//! The kit for stores of cluster data: `ObjectStoreClusterData` in memory, with and without conditional writes, and the
//! mutants that show that each case can fail.

use std::{sync::Arc, time::Duration};

use object_store::memory::InMemory;
use ramen_core::{
    testing::{
        conformance::cluster_data::{self, ClusterDataBed},
        mutants::{MutantStoreBed, STORE_MUTANTS},
    },
    time::TokioClock,
};
use ramen_storage::cluster_data::ObjectStoreClusterData;
use ramen_tests::kits::{Backend, FaultyObjects, ObjectStoreBed};

fn backend(profile: &'static str, conditional: bool) -> Backend {
    let direct = Arc::new(InMemory::new());
    Backend::new(direct.clone(), FaultyObjects::new(direct, conditional), move |objects, writer| {
        let clock = Arc::new(TokioClock::starting_at("2026-01-01T00:00:00Z".parse()?));
        Ok(Arc::new(ObjectStoreClusterData::new(profile, Arc::new(objects), writer, clock)))
    })
}

fn bed(conditional: bool) -> ObjectStoreBed {
    let how = if conditional { "" } else { ", without conditional writes" };
    ObjectStoreBed {
        name: format!("ObjectStoreClusterData in memory{how}"),
        backends: vec![backend("west", conditional), backend("east", conditional)],
        conditional,
        slack: Duration::ZERO,
        credentials: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_store_keeps_every_promise() {
    let bed = bed(true);
    let report = match std::env::var("KIT_CASES") {
        Ok(ids) => cluster_data::run_some(&bed, &ids.split(',').collect::<Vec<_>>()).await,
        Err(_) => cluster_data::run(&bed).await,
    };
    println!("{report}\n\n{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken());
}

/// What such a store cannot promise is reported as not applicable, and everything else still holds.
#[tokio::test(start_paused = true)]
async fn without_conditional_writes_the_weaker_promise_is_reported_and_kept() {
    let report = cluster_data::run(&bed(false)).await;
    println!("{report}\n\n{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken());
    let excluded: Vec<_> =
        report.results.iter().filter(|r| r.verdict.word() == "not applicable").map(|r| r.case.id).collect();
    assert_eq!(excluded, ["D16", "D17"]);
}

#[tokio::test(start_paused = true)]
async fn each_case_notices_when_its_promise_is_broken() {
    let mut survivors = Vec::new();
    for &(killed_by, bend) in STORE_MUTANTS {
        let mutant = MutantStoreBed::new(Arc::new(bed(true)) as Arc<dyn ClusterDataBed>, bend);
        let report = cluster_data::run_some(&mutant, &[killed_by]).await;
        match report.broken().first() {
            Some(case) => println!("{killed_by} killed {bend:?}: {}", case.verdict.seen()),
            None => survivors.push(format!("{bend:?}: {report}")),
        }
    }
    println!("{} of {} mutants killed", STORE_MUTANTS.len() - survivors.len(), STORE_MUTANTS.len());
    let without: Vec<_> =
        cluster_data::cases().into_iter().filter(|c| !STORE_MUTANTS.iter().any(|(id, _)| *id == c.title.id)).collect();
    assert!(without.is_empty(), "no mutant for {without:?}");
    assert!(survivors.is_empty(), "{survivors:#?}");
}
