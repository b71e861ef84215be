//! Compares the CRDs of our types with upstream's, fact by fact; descriptions do not count.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;
use ramen_tests::crd;

#[derive(Parser)]
#[command(about = "Compares the CRDs of our types with upstream's, fact by fact; descriptions do not count")]
struct Arguments {
    /// Table of upstream's facts.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/crd-facts.txt"))]
    facts: PathBuf,
    /// Document that declares differences, in its section "CRD structure".
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/differences.md"))]
    differences: PathBuf,
    /// Write the table anew from the CRDs in this folder, then compare.
    #[arg(long, value_name = "DIR")]
    refresh: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(folder) = &arguments.refresh {
        fs::write(&arguments.facts, crd::to_table(&crd::read_folder(folder)?))?;
    }
    let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| format!("{}", path.display()));
    let theirs = crd::from_table(&read(&arguments.facts)?).with_context(|| format!("{}", arguments.facts.display()))?;
    let declared = crd::declared(&read(&arguments.differences)?)
        .with_context(|| format!("{}", arguments.differences.display()))?;
    let report = crd::compare(&theirs, &crd::ours()?, &declared);
    print!("{report}");
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
