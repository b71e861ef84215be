//! The conformance kits on what this repository ships, over simulated clusters. The tables of docs/transports.md are
//! what these runs print: a run with `RAMEN_BLESS=1` writes them, any other compares.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use ramen_core::testing::{
    conformance::{self, Report},
    memory::InMemoryBed,
    mutants::{MUTANTS, MutantBed, Mutation},
};
use ramen_tests::conformance::{folder::FolderBed, sim::SimBed};

/// Two tests write the same file.
static PUBLISHING: Mutex<()> = Mutex::new(());

/// Prints the report and holds the published table to it.
fn publish(mark: &str, report: &Report) {
    println!("{report}\n\n{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken());
    let _turn = PUBLISHING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/transports.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- begin {mark} -->\n"), format!("<!-- end {mark} -->"));
    let start = text.find(&begin).unwrap_or_else(|| panic!("docs/transports.md lacks {begin}")) + begin.len();
    let stop = start + text[start..].find(&end).unwrap_or_else(|| panic!("docs/transports.md lacks {end}"));
    if std::env::var_os("RAMEN_BLESS").is_some() {
        std::fs::write(&path, format!("{}{}{}", &text[..start], report.markdown(), &text[stop..])).unwrap();
    } else {
        assert_eq!(&text[start..stop], report.markdown(), "docs/transports.md is out of date: run with RAMEN_BLESS=1");
    }
}

#[tokio::test(start_paused = true)]
async fn the_direct_transport_keeps_every_promise_over_simulated_clusters() {
    let bed = SimBed::new().await.unwrap();
    if let Ok(ids) = std::env::var("KIT_CASES") {
        let report = conformance::run_some(&bed, &ids.split(',').collect::<Vec<_>>()).await;
        println!("{report}");
        return assert!(report.is_green());
    }
    let mut report = conformance::run(&bed).await;
    report.subject = format!("{} transport, simulated clusters", report.subject);
    publish("direct, simulated", &report);
}

#[tokio::test(start_paused = true)]
async fn the_kit_notices_broken_promises_around_the_direct_transport_too() {
    let mut killed = 0;
    let mut survivors = Vec::new();
    for mutant in MUTANTS {
        let Mutation::Bend(bend) = mutant.mutation else { continue };
        let bed = MutantBed::new(Arc::new(SimBed::new().await.unwrap()), bend);
        let report = conformance::run_some(&bed, &[mutant.killed_by]).await;
        match report.broken().is_empty() {
            false => killed += 1,
            // A case that does not apply to this transport notices nothing.
            true if report.count("not applicable") == 1 => println!("{mutant:?}: {report}"),
            true => survivors.push(format!("{mutant:?}: {report}")),
        }
    }
    println!("{killed} mutants of the direct transport killed");
    assert!(survivors.is_empty(), "{survivors:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_example_transport_over_a_folder_keeps_every_promise() {
    let bed = FolderBed::new().await.unwrap();
    if let Ok(ids) = std::env::var("KIT_CASES") {
        let report = conformance::run_some(&bed, &ids.split(',').collect::<Vec<_>>()).await;
        println!("{report}");
        return assert!(report.is_green());
    }
    let mut report = conformance::run(&bed).await;
    report.subject = format!("{} transport, simulated clusters", report.subject);
    publish("folder, simulated", &report);
}

#[tokio::test(start_paused = true)]
async fn the_table_of_the_transport_in_memory_is_up_to_date() {
    let mut report = conformance::run(&InMemoryBed::new()).await;
    report.subject = format!("{} transport", report.subject);
    publish("in memory", &report);
}
