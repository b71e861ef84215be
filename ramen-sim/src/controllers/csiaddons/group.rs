//! The VolumeGroupReplication controller.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, DynamicObject};
use serde_json::{Value, json};

use super::{
    super::kit::{Context, Controller, Error, Fields, Key, Kind, Next},
    GROUP, Settings, class_of, content_kind, group_class_kind, group_kind, replication_kind,
};

/// The finalizer of a group, of its content, and of its claims.
pub(super) const FINALIZER: &str = "replication.storage.openshift.io/vgr-protection";
const OWNER: &str = "replication.storage.openshift.io/volume-group-replication-name";
/// How many claims a group may have.
const MOST_CLAIMS: usize = 100;
/// How often what goes slowly is looked at again.
const PERIOD: Duration = Duration::from_secs(15);

/// Keeps, for each group of claims, a content that holds the storage's group and a VolumeReplication that gives it its
/// role.
///
/// The trap of the original is kept: the conditions of the VolumeReplication are copied with the generation of the
/// group, so that they look current before the role was acted upon. Groups with `external` belong to a vendor and are
/// left alone.
#[derive(Debug)]
pub struct Groups {
    settings: Settings,
}

impl Groups {
    /// The controller of one cluster.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl Controller for Groups {
    fn name(&self) -> &'static str {
        "volume-group-replication"
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![group_kind(), content_kind(), replication_kind(), Kind::claim()]
    }

    fn concerns(&self, context: &Context, kind: &Kind, object: &DynamicObject) -> Vec<Key> {
        if *kind == group_kind() {
            vec![Key::of(object)]
        } else if *kind == replication_kind() && object.text("spec.dataSource.kind") == "VolumeGroupReplication" {
            let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
            vec![Key::new(namespace, object.text("spec.dataSource.name"))]
        } else if *kind == content_kind() {
            vec![Key::new(
                object.text("spec.volumeGroupReplicationRef.namespace"),
                object.text("spec.volumeGroupReplicationRef.name"),
            )]
        } else if *kind == Kind::claim() {
            let groups = context.list(&group_kind()).into_iter();
            groups
                .filter(|group| group.metadata.namespace == object.metadata.namespace)
                .map(|group| Key::of(&group))
                .collect()
        } else {
            Vec::new()
        }
    }

    async fn reconcile(&self, context: &Context, key: &Key) -> Result<Next, Error> {
        let Some(group) = context.live(&group_kind(), &key.namespace, &key.name).await? else { return Ok(Next::Wait) };
        if group.at("spec.external") == &json!(true) {
            return Ok(Next::Wait);
        }
        if group.is_deleting() {
            return delete(context, &group).await;
        }
        let class =
            class_of(context, &self.settings, &group_class_kind(), group.text("spec.volumeGroupReplicationClassName"))
                .await?;
        let group = with_names(context, group).await?;
        let claims = claims(context, &group)?;
        for claim in &claims {
            hold(context, claim, &key.name).await?;
        }
        release_others(context, &group, &claims).await?;
        let names: Vec<Value> = claims.iter().map(|claim| json!({ "name": claim.metadata.name })).collect();
        let group =
            context.ensure_status(&group_kind(), &group, &[("persistentVolumeClaimsRefList", json!(names))]).await?;
        let Some(content) = self.content(context, &group, &class, &claims).await? else {
            return Ok(Next::After(PERIOD));
        };
        if content.text("spec.volumeGroupReplicationHandle").is_empty() {
            return Ok(Next::Wait);
        }
        let replication = replication(context, &group).await?;
        copy_status(context, &group, &replication).await?;
        Ok(Next::Wait)
    }
}

impl Groups {
    /// The content of a group with the volumes it should hold; `None` if it is named but missing: a restore must bring
    /// it first.
    async fn content(
        &self,
        context: &Context,
        group: &DynamicObject,
        class: &DynamicObject,
        claims: &[DynamicObject],
    ) -> Result<Option<DynamicObject>, Error> {
        let name = group.text("spec.volumeGroupReplicationContentName");
        let mut handles = Vec::new();
        for claim in claims {
            let volume = context.live(&Kind::volume(), "", claim.text("spec.volumeName")).await?;
            let volume = volume.ok_or_else(|| {
                Error::Other(format!("PersistentVolume {} does not exist", claim.text("spec.volumeName")))
            })?;
            handles.push(volume.text("spec.csi.volumeHandle").to_owned());
        }
        handles.sort();
        if let Some(mut content) = context.live(&content_kind(), "", name).await? {
            if content.at("spec.source.volumeHandles") != &json!(handles) {
                content.data["spec"]["source"] = json!({ "volumeHandles": handles });
                content = context.replace(&content_kind(), &content).await?;
            }
            return Ok(Some(content));
        }
        if name != content_name(group) {
            return Ok(None);
        }
        let spec = json!({
            "volumeGroupReplicationRef": {
                "apiVersion": format!("{GROUP}/v1alpha1"), "kind": "VolumeGroupReplication",
                "name": group.metadata.name, "namespace": group.metadata.namespace, "uid": group.uid(),
            },
            "provisioner": class.at("spec.provisioner"),
            "volumeGroupReplicationClassName": group.at("spec.volumeGroupReplicationClassName"),
            "source": { "volumeHandles": handles },
        });
        context.create(&content_kind(), &content_kind().object("", name, json!({ "spec": spec }))).await.map(Some)
    }
}

fn content_name(group: &DynamicObject) -> String {
    format!("vgrcontent-{}", group.uid())
}

/// The group held by its finalizer, with the names of its content and of its VolumeReplication.
async fn with_names(context: &Context, group: DynamicObject) -> Result<DynamicObject, Error> {
    let mut named = group.clone();
    named.add_finalizer(FINALIZER);
    for (field, value) in [
        ("volumeGroupReplicationContentName", content_name(&group)),
        ("volumeReplicationName", format!("vr-{}", group.uid())),
    ] {
        if group.text(&format!("spec.{field}")).is_empty() {
            named.data["spec"][field] = json!(value);
        }
    }
    if named == group { Ok(group) } else { context.replace(&group_kind(), &named).await }
}

/// The claims that a group selects.
///
/// # Errors
/// When there are too many, or one is not bound.
fn claims(context: &Context, group: &DynamicObject) -> Result<Vec<DynamicObject>, Error> {
    let mut found = Vec::new();
    for claim in context.list(&Kind::claim()) {
        let same = claim.metadata.namespace == group.metadata.namespace;
        if !same
            || !selects(group.at("spec.source.selector"), &claim)
            || (claim.is_deleting() && !claim.has_finalizer(FINALIZER))
        {
            continue;
        }
        if claim.text("status.phase") != "Bound" {
            return Err(Error::Other(format!("PVC {} is not bound to any PV", Key::of(&claim))));
        }
        found.push(claim.as_ref().clone());
    }
    if found.len() > MOST_CLAIMS {
        return Err(Error::Other(format!(
            "group {} selects {} claims, more than {MOST_CLAIMS}",
            Key::of(group),
            found.len()
        )));
    }
    Ok(found)
}

/// Whether a label selector selects an object.
fn selects(selector: &Value, object: &DynamicObject) -> bool {
    let labels = object.metadata.labels.clone().unwrap_or_default();
    let equal = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten().all(|expression| {
        let label = expression["key"].as_str().and_then(|key| labels.get(key));
        let listed =
            label.is_some_and(|label| expression["values"].as_array().is_some_and(|all| all.contains(&json!(label))));
        match expression["operator"].as_str() {
            Some("In") => listed,
            Some("NotIn") => !listed,
            Some("Exists") => label.is_some(),
            Some("DoesNotExist") => label.is_none(),
            _ => false,
        }
    });
    equal && expressions
}

async fn hold(context: &Context, claim: &DynamicObject, group: &str) -> Result<(), Error> {
    let mut held = claim.clone();
    held.annotate(OWNER, group);
    held.add_finalizer(FINALIZER);
    if held == *claim { Ok(()) } else { context.replace(&Kind::claim(), &held).await.map(drop) }
}

/// Lets go of claims that a group held and does not select any more.
async fn release_others(context: &Context, group: &DynamicObject, selected: &[DynamicObject]) -> Result<(), Error> {
    let kept: BTreeSet<Key> = selected.iter().map(Key::of).collect();
    let name = group.metadata.name.as_deref().unwrap_or_default();
    for claim in context.list(&Kind::claim()) {
        let held = claim.metadata.namespace == group.metadata.namespace && claim.annotation(OWNER) == name;
        if held && !kept.contains(&Key::of(&claim)) {
            let mut free = claim.as_ref().clone();
            free.remove_finalizer(FINALIZER);
            free.metadata.annotations.as_mut().map(|all| all.remove(OWNER));
            context.replace(&Kind::claim(), &free).await?;
        }
    }
    Ok(())
}

/// The VolumeReplication that gives a group its role, as the group wishes it to be.
async fn replication(context: &Context, group: &DynamicObject) -> Result<DynamicObject, Error> {
    let namespace = group.metadata.namespace.as_deref().unwrap_or_default();
    let name = group.text("spec.volumeReplicationName");
    let (state, resync) =
        (group.at("spec.replicationState"), group.at("spec.autoResync").as_bool().unwrap_or_default());
    if let Some(found) = context.live(&replication_kind(), namespace, name).await? {
        let mut wanted = found.clone();
        wanted.data["spec"]["replicationState"] = state.clone();
        wanted.data["spec"]["autoResync"] = json!(resync);
        return if wanted == found { Ok(found) } else { context.replace(&replication_kind(), &wanted).await };
    }
    let spec = json!({
        "volumeReplicationClass": group.at("spec.volumeReplicationClassName"), "replicationState": state, "autoResync": resync,
        "dataSource": { "apiGroup": GROUP, "kind": "VolumeGroupReplication", "name": group.metadata.name },
    });
    let mut new = replication_kind().object(namespace, name, json!({ "spec": spec }));
    new.metadata.owner_references = Some(vec![OwnerReference {
        api_version: format!("{GROUP}/v1alpha1"),
        kind: "VolumeGroupReplication".to_owned(),
        name: group.metadata.name.clone().unwrap_or_default(),
        uid: group.uid().to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }]);
    context.create(&replication_kind(), &new).await
}

async fn copy_status(context: &Context, group: &DynamicObject, replication: &DynamicObject) -> Result<(), Error> {
    let mut wanted = group.clone();
    for field in ["state", "message", "lastSyncTime", "lastSyncBytes", "lastSyncDuration"] {
        if !replication.at(&format!("status.{field}")).is_null() {
            wanted.set_status(field, replication.at(&format!("status.{field}")).clone());
        }
    }
    let generation = group.generation();
    let mut conditions = replication.at("status.conditions").as_array().cloned().unwrap_or_default();
    for condition in &mut conditions {
        condition["observedGeneration"] = json!(generation);
    }
    wanted.set_status("conditions", json!(conditions));
    wanted.set_status("observedGeneration", json!(generation));
    if wanted.data == group.data { Ok(()) } else { context.replace_status(&group_kind(), &wanted).await.map(drop) }
}

/// Undoes a group: first its role, then its content, then its hold on the claims.
async fn delete(context: &Context, group: &DynamicObject) -> Result<Next, Error> {
    if !group.has_finalizer(FINALIZER) {
        return Ok(Next::Wait);
    }
    let namespace = group.metadata.namespace.as_deref().unwrap_or_default();
    let steps = [
        (replication_kind(), namespace, group.text("spec.volumeReplicationName")),
        (content_kind(), "", group.text("spec.volumeGroupReplicationContentName")),
    ];
    for (kind, namespace, name) in steps {
        if let Some(found) = context.live(&kind, namespace, name).await? {
            if !found.is_deleting() {
                context.delete(&kind, &Key::of(&found), &DeleteParams::default()).await?;
            }
            return Ok(Next::After(PERIOD));
        }
    }
    release_others(context, group, &[]).await?;
    let mut free = group.clone();
    free.remove_finalizer(FINALIZER);
    context.replace(&group_kind(), &free).await?;
    Ok(Next::Wait)
}
