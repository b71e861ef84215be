//! The conformance kit on clusters in memory.

use ramen_core::testing::{conformance, memory::InMemoryBed, mutants::MUTANTS};

#[tokio::test(start_paused = true)]
async fn the_transport_in_memory_keeps_every_promise() {
    let report = match std::env::var("KIT_CASES") {
        Ok(ids) => conformance::run_some(&InMemoryBed::new(), &ids.split(',').collect::<Vec<_>>()).await,
        Err(_) => conformance::run(&InMemoryBed::new()).await,
    };
    println!("{report}\n\n{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken());
}

#[tokio::test(start_paused = true)]
async fn each_case_notices_when_its_promise_is_broken() {
    let mut survivors = Vec::new();
    for mutant in MUTANTS {
        let report = conformance::run_some(mutant.bed().as_ref(), &[mutant.killed_by]).await;
        match report.broken().first() {
            Some(case) => println!("{} killed {:?}: {}", mutant.killed_by, mutant.mutation, case.verdict.seen()),
            None => survivors.push(format!("{mutant:?}: {report}")),
        }
    }
    println!("{} of {} mutants killed", MUTANTS.len() - survivors.len(), MUTANTS.len());
    let without: Vec<_> =
        conformance::cases().into_iter().filter(|c| !MUTANTS.iter().any(|m| m.killed_by == c.title.id)).collect();
    assert!(without.is_empty(), "no mutant for {without:?}");
    assert!(survivors.is_empty(), "{survivors:#?}");
}
