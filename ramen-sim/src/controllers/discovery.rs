//! Finds out which kinds a cluster serves, and again whenever a definition changes.

use std::time::Duration;

use kube::Client;
use tokio::sync::mpsc::UnboundedSender;

use super::kit::{Context, Kind};

/// How long the cluster may take to answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest wait before the cluster is asked again after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often it is looked whether a definition came or went.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells of every kind that can be listed and deleted, in order, and of those that are installed later.
pub(super) async fn announce(context: Context, kinds: UnboundedSender<Kind>) {
    let mut seen: Option<Vec<String>> = None;
    let mut pause = PAUSE;
    loop {
        let definitions: Vec<String> = context
            .list(&Kind::definition())
            .iter()
            .filter_map(|definition| definition.metadata.name.clone())
            .collect();
        if seen.as_ref() == Some(&definitions) {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let Ok(Ok(found)) = tokio::time::timeout(DEADLINE, served(context.client())).await else {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            continue;
        };
        for kind in found {
            if kinds.send(kind).is_err() {
                return;
            }
        }
        (seen, pause) = (Some(definitions), PAUSE);
    }
}

/// Every kind that a cluster serves whose objects can be listed, watched and deleted, in its first served version, in
/// order.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn served(client: Client) -> Result<Vec<Kind>, kube::Error> {
    let mut found = Vec::new();
    let core = client.list_core_api_resources("v1").await?;
    found.extend(core.resources.iter().filter_map(|resource| kind("", "v1", resource)));
    for group in client.list_api_groups().await?.groups {
        let Some(version) = group.preferred_version.as_ref().or(group.versions.first()) else { continue };
        let resources = client.list_api_group_resources(&version.group_version).await?;
        found.extend(resources.resources.iter().filter_map(|resource| kind(&group.name, &version.version, resource)));
    }
    found.sort();
    Ok(found)
}

fn kind(
    group: &str,
    version: &str,
    resource: &k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource,
) -> Option<Kind> {
    let can = |verb: &str| resource.verbs.iter().any(|one| one == verb);
    if resource.name.contains('/') || !can("list") || !can("watch") || !can("delete") {
        return None;
    }
    let namespaced = resource.namespaced;
    Some(Kind { namespaced, ..Kind::namespaced(group, version, &resource.kind, &resource.name) })
}
