//! What a watched object costs, in a process of its own: nothing that wrote the objects is counted.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use ramen_core::api::VolumeReplicationGroup;
use ramen_core::intercluster::{ClusterName, ClusterView, Freshness, Registration, ResourceType};
use ramen_core::time::Deadline;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::objects::{NAMESPACE, group, key, status};
use super::world::connect;
use super::{Measure, World};

const LOST: Duration = Duration::from_secs(300);

/// What the watching process says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Watched {
    /// Resident memory before anything was registered, in bytes.
    pub before: u64,
    /// Resident memory with all objects observed.
    pub after: u64,
    /// The most that it ever was.
    pub peak: u64,
    /// Mean size of the objects' JSON, in bytes.
    pub object: u64,
}

fn name(index: usize) -> String {
    format!("watched-{index:05}")
}

/// Measures a process (this program, called with the arguments that `watcher` gives it) that watches so many groups: one that saw
/// them come one by one, and one that listed them all at its start.
///
/// # Errors
/// A request fails, or the process does.
pub async fn watched_memory(
    world: &World,
    objects: usize,
    watcher: impl Fn() -> anyhow::Result<tokio::process::Command>,
) -> anyhow::Result<Vec<Measure>> {
    let cluster = &world.clusters()[0];
    let started = Watcher::start(watcher()?).await?;
    write(world, cluster, objects).await?;
    let by_events = started.ended().await?;
    let by_list = Watcher::start(watcher()?).await?.ended().await?;
    let mut measures =
        vec![Measure { name: "size of an object as JSON".to_owned(), unit: "bytes", value: by_list.object as f64 }];
    for (how, seen) in [("seen one by one", by_events), ("listed at the start", by_list)] {
        let mut say = |what: &str, bytes: u64| {
            let value = bytes.saturating_sub(seen.before) as f64 / objects as f64;
            measures.push(Measure { name: format!("{objects} objects {how}: {what}"), unit: "bytes each", value });
        };
        say("resident memory", seen.after);
        say("peak of resident memory", seen.peak);
    }
    Ok(measures)
}

async fn write(world: &World, cluster: &ClusterName, objects: usize) -> anyhow::Result<()> {
    let resource = ResourceType::of::<VolumeReplicationGroup>().api_resource();
    let groups = &Api::<DynamicObject>::namespaced_with(world.admin(cluster)?.clone(), NAMESPACE, &resource);
    let one = async |index: usize| -> anyhow::Result<()> {
        let (name, parameters) = (name(index), PatchParams::apply("bench"));
        groups.patch(&name, &parameters, &Patch::Apply(group(&name, 0))).await?;
        let status = json!({"status": status(index)});
        groups.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await?;
        Ok(())
    };
    stream::iter(0..objects).map(one).buffer_unordered(16).try_for_each(|()| async { Ok(()) }).await
}

/// The watching process.
struct Watcher {
    process: tokio::process::Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Watcher {
    async fn start(mut command: tokio::process::Command) -> anyhow::Result<Self> {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let first = tokio::time::timeout(LOST, lines.next_line()).await??;
        ensure!(first.as_deref() == Some("registered"), "the watching process said {first:?}");
        Ok(Self { process, lines })
    }

    async fn ended(mut self) -> anyhow::Result<Watched> {
        let last = tokio::time::timeout(LOST, self.lines.next_line()).await??;
        ensure!(self.process.wait().await?.success(), "the watching process failed");
        Ok(serde_json::from_str(&last.context("the watching process said nothing")?)?)
    }
}

/// The watching process itself: registers the groups, waits until each is known with its status, and prints what that takes.
///
/// # Errors
/// The cluster cannot be joined, or an object never comes.
pub async fn watch(kubeconfigs: &Path, cluster: &ClusterName, objects: usize) -> anyhow::Result<()> {
    let running = connect(kubeconfigs, std::slice::from_ref(cluster)).await?;
    let (view, deadline) = (&running.transport, Deadline::after(LOST));
    let before = resident()?;
    for index in 0..objects {
        let labels = BTreeMap::from([("drpc".to_owned(), "bench".to_owned())]);
        let registrant = format!("drpc/{NAMESPACE}/{}", name(index));
        view.register(&Registration { key: key(cluster, &name(index)), registrant, labels }, deadline).await?;
    }
    println!("registered");
    std::io::stdout().flush()?;
    let mut bytes = 0;
    for index in 0..objects {
        loop {
            let seen = view.read(&key(cluster, &name(index)), &Freshness::any(), deadline).await;
            if let Some(object) = seen.outcome.found().filter(|o| o.json().get("status").is_some()) {
                bytes += object.json().to_string().len() as u64;
                break;
            }
            ensure!(!deadline.has_passed(), "{} never came", name(index));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    let watched =
        Watched { before: before.0, after: resident()?.0, peak: resident()?.1, object: bytes / objects as u64 };
    println!("{}", serde_json::to_string(&watched)?);
    Ok(())
}

/// Resident memory of this process and the most that it was; Linux only.
fn resident() -> anyhow::Result<(u64, u64)> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("memory is read from /proc, which only Linux has")?;
    let field = |name: &str| {
        let text = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"))?;
        text.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    match (field("VmRSS:"), field("VmHWM:")) {
        (Some(now), Some(most)) => Ok((now, most)),
        _ => bail!("/proc/self/status names no resident memory"),
    }
}
