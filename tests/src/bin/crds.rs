//! Writes the CRDs of our types, one YAML file each.

use std::{fs, path::PathBuf};

use anyhow::Result;
use clap::Parser;
use ramen_tests::crd;

#[derive(Parser)]
#[command(about = "Writes the CRDs of our types, one YAML file each, to the folders crd and crd-compat")]
struct Arguments {
    /// Folder that holds both.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../config"))]
    folder: PathBuf,
}

fn main() -> Result<()> {
    let Arguments { folder } = Arguments::parse();
    for (kind, files) in [("crd", crd::files()?), ("crd-compat", crd::compatible_files()?)] {
        fs::create_dir_all(folder.join(kind))?;
        for (name, text) in files {
            fs::write(folder.join(kind).join(name), text)?;
        }
    }
    Ok(())
}
