//! Writes the CRDs of our types, one YAML file each.

use std::{fs, path::PathBuf};

use anyhow::Result;
use clap::Parser;
use ramen_tests::crd;

#[derive(Parser)]
#[command(about = "Writes the CRDs of our types, one YAML file each")]
struct Arguments {
    /// Folder to write to.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/crd"))]
    folder: PathBuf,
}

fn main() -> Result<()> {
    let Arguments { folder } = Arguments::parse();
    fs::create_dir_all(&folder)?;
    for (name, text) in crd::files()? {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}
