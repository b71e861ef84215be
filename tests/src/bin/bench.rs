//! The simulated API server beside a real one: `make bench`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;
use ramen_sim::apiserver::ApiServer;
use ramen_tests::bench::{self, Load, Measure};
use ramen_tests::real::{Bed, Cluster};
use serde_json::json;

/// Measures the simulated API server, and a real kube-apiserver with etcd beside it, through the same client.
#[derive(Debug, Parser)]
struct Arguments {
    /// Requests of each kind.
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    /// Requests under way at once.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
    /// Watchers of one collection.
    #[arg(long, default_value_t = 20)]
    watchers: usize,
    /// Objects in the simulated server's large collection.
    #[arg(long, default_value_t = 100_000)]
    objects: usize,
    /// Objects in the real server's large collection.
    #[arg(long, default_value_t = 10_000)]
    real_objects: usize,
    /// Where the numbers go as JSON.
    #[arg(long, default_value = "target/bench/sim.json")]
    output: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let load = Load {
        requests: arguments.requests,
        concurrency: arguments.concurrency,
        watchers: arguments.watchers,
        objects: arguments.objects,
    };
    // The simulated server first: what the real one's client leaves in memory must not count.
    let simulated = simulated(load).await?;
    print(&[("simulated", &simulated)]);
    let real = real(Load { objects: arguments.real_objects, ..load }).await?;
    print(&[("real", &real)]);
    compare(&simulated, &real);
    let folder = arguments.output.parent().context("the output has no folder")?;
    std::fs::create_dir_all(folder)?;
    let numbers = json!({"simulated": simulated, "real": real});
    std::fs::write(&arguments.output, serde_json::to_vec_pretty(&numbers)?)?;
    println!("\nwritten to {}", arguments.output.display());
    Ok(())
}

async fn simulated(load: Load) -> anyhow::Result<Vec<Measure>> {
    let mut starts = Vec::new();
    for seed in 0..21 {
        let started = Instant::now();
        let server = ApiServer::builder("bench").seed(seed).build();
        server.client("bench").apiserver_version().await?;
        starts.push(started.elapsed().as_secs_f64() * 1e3);
    }
    starts.sort_by(f64::total_cmp);
    let mut measures =
        vec![Measure { name: "start of a cluster".to_owned(), unit: "ms", value: starts[starts.len() / 2] }];
    let server = ApiServer::builder("bench").seed(1).build();
    let client = server.client("bench");
    measures.extend(bench::requests(&client, load).await?);
    measures.push(bench::fan_out(&client, load).await?);
    let before = own_memory()?;
    measures.extend(bench::large(&client, load).await?);
    measures.push(memory(before, own_memory()?, load.objects));
    Ok(measures)
}

async fn real(load: Load) -> anyhow::Result<Vec<Measure>> {
    let started = Instant::now();
    let bed = Bed::builder().cluster("bench").start().await?;
    let value = started.elapsed().as_secs_f64() * 1e3;
    let mut measures = vec![Measure { name: "start of a cluster".to_owned(), unit: "ms", value }];
    let cluster = bed.cluster("bench")?;
    let client = cluster.client("bench").await?;
    measures.extend(bench::requests(&client, load).await?);
    measures.push(bench::fan_out(&client, load).await?);
    let before = both(cluster).await?;
    measures.extend(bench::large(&client, load).await?);
    measures.push(memory(before, both(cluster).await?, load.objects));
    Ok(measures)
}

async fn both(cluster: &Cluster) -> anyhow::Result<u64> {
    let (api, etcd) = cluster.resident_memory().await?;
    Ok(api + etcd)
}

/// Resident memory of this process, which holds the simulated server; Linux only.
fn own_memory() -> anyhow::Result<u64> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("memory is read from /proc, which only Linux has")?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    match kib {
        Some(kib) => Ok(kib * 1024),
        None => bail!("/proc/self/status names no resident memory"),
    }
}

fn memory(before: u64, after: u64, objects: usize) -> Measure {
    let value = after.saturating_sub(before) as f64 / objects as f64;
    Measure { name: "resident memory per object of the large collection".to_owned(), unit: "bytes", value }
}

fn print(columns: &[(&str, &Vec<Measure>)]) {
    for (title, measures) in columns {
        println!("\n{title}");
        for measure in *measures {
            println!("  {:<55} {:>12.1} {}", measure.name, measure.value, measure.unit);
        }
    }
}

/// What both have measured under the same name, side by side.
fn compare(simulated: &[Measure], real: &[Measure]) {
    println!("\n{:<55} {:>12} {:>12} {:>8}", "side by side", "simulated", "real", "ratio");
    for one in simulated {
        if let Some(other) = real.iter().find(|other| other.name == one.name) {
            let ratio = one.value / other.value;
            println!("{:<55} {:>12.1} {:>12.1} {ratio:>8.3} {}", one.name, one.value, other.value, one.unit);
        }
    }
}
