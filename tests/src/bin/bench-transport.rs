//! Delivery and observation over kubeconfigs on real API servers: part of `make bench`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use ramen_core::intercluster::ClusterName;
use ramen_tests::bench::Measure;
use ramen_tests::bench::transport::{
    Load, World, delivery_latency, many, observation_latency, watch_for_memory, watched_memory,
};
use serde_json::json;

/// Measures the direct transport beside plain server-side applies of the same objects.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Samples of each latency.
    #[arg(long, default_value_t = 300)]
    samples: usize,
    /// Intents delivered to one cluster, and to all clusters together.
    #[arg(long, default_value_t = 1_000)]
    intents: usize,
    /// Writes under way at once for each cluster.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
    /// Clusters, each an API server with an etcd of its own.
    #[arg(long, default_value_t = 10)]
    clusters: usize,
    /// Watched objects whose memory is measured.
    #[arg(long, default_value_t = 10_000)]
    watched: usize,
    /// Where the numbers go as JSON.
    #[arg(long, default_value = "target/bench/transport.json")]
    output: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watches objects and prints what that takes of memory; started by the measurement itself.
    Watch { kubeconfigs: PathBuf, cluster: String, objects: usize },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.command {
        Some(Command::Watch { kubeconfigs, cluster, objects }) => {
            watch_for_memory(kubeconfigs, &ClusterName::new(cluster), *objects).await
        }
        None => measure(&arguments).await,
    }
}

async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let world = World::start(arguments.clusters).await?;
    let (first, all) = (&world.clusters()[..1], world.clusters());
    let mut measures = vec![load()?];
    print(&measures);
    let mut add = |more: Vec<Measure>| {
        print(&more);
        measures.extend(more);
    };
    {
        let running = world.transport(first).await?;
        add(delivery_latency(&world, &running.transport, arguments.samples).await?);
        add(observation_latency(&world, &running.transport, arguments.samples).await?);
        let load = Load { each: arguments.intents, concurrency: arguments.concurrency };
        add(many(&world, &running, first, load).await?);
    }
    if all.len() > 1 {
        let running = world.transport(all).await?;
        let load = Load { each: arguments.intents / all.len(), concurrency: arguments.concurrency };
        add(many(&world, &running, all, load).await?);
    }
    if arguments.watched > 0 {
        let watcher = || {
            let mut command = tokio::process::Command::new(std::env::current_exe()?);
            command.arg("watch").arg(world.kubeconfigs()).arg(first[0].as_str()).arg(arguments.watched.to_string());
            Ok(command)
        };
        add(watched_memory(&world, arguments.watched, watcher).await?);
    }
    let folder = arguments.output.parent().context("the output has no folder")?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(&arguments.output, serde_json::to_vec_pretty(&json!({"transport": measures}))?)?;
    println!("\nwritten to {}", arguments.output.display());
    Ok(())
}

/// What else the machine is doing: numbers of a busy one say little.
fn load() -> anyhow::Result<Measure> {
    let text = std::fs::read_to_string("/proc/loadavg").context("the load is read from /proc, which only Linux has")?;
    let value = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(Measure { name: "load of the machine, servers just started".to_owned(), unit: "tasks", value })
}

fn print(measures: &[Measure]) {
    for measure in measures {
        println!("  {:<85} {:>12.2} {}", measure.name, measure.value, measure.unit);
    }
}
