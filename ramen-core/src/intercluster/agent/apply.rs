//! Bringing one object to its desired state.

use kube::api::PatchParams;
use serde_json::{Value, json};

use super::{
    compare::Divergence,
    deliver::{Known, Pass},
    marks::{FIELD_MANAGER, Mark, Standing},
    remote::{Patch, Trouble},
    replace,
    store::StoredRecord,
};
use crate::intercluster::{
    ApplyStrategy, ExistingPolicy, Failure, FailureClass, Manifest, ObjectKey, ObjectResult, RemoteObject, Revision,
};

/// Writes that lose against a change in between are begun anew this often in one pass.
const ATTEMPTS: usize = 5;

/// What to do about the object as it was read.
enum Step {
    /// Nothing: it is as it should be.
    Leave,
    /// Write it, under the resource version that was read.
    Write {
        /// Whether fields that somebody edited are ours to take back.
        ours: bool,
    },
}

impl Pass<'_> {
    /// Brings one object to its desired state and says what became of it.
    pub(super) async fn apply(&mut self, manifest: &Manifest) -> ObjectResult {
        let key = manifest.key(&self.record.intent.id.cluster);
        let last = self.record.last(&key).cloned();
        match self.try_apply(manifest, &key).await {
            Ok(live) => self.result(key, live),
            Err(failure) => ObjectResult {
                uid: last.as_ref().and_then(|l| l.uid.clone()),
                generation: last.and_then(|l| l.generation),
                key,
                failure: Some(failure),
            },
        }
    }

    fn result(&self, key: ObjectKey, live: Option<Value>) -> ObjectResult {
        let Some(live) = live.map(RemoteObject::new) else {
            return ObjectResult { key, uid: None, generation: None, failure: None };
        };
        let failure = self.shared.pruned(&key).map(|fields| {
            Failure::new(FailureClass::Prerequisite, format!("the cluster does not know {fields} and dropped it"))
                .on(key.cluster.clone())
                .about(&key)
                .remedy(format!(
                    "bring the CustomResourceDefinition of {} on the cluster up to date",
                    key.resource.kind
                ))
        });
        ObjectResult { uid: live.uid().map(ToOwned::to_owned), generation: live.generation(), key, failure }
    }

    /// The object as it is afterwards; `None` if it is only observed and not there.
    async fn try_apply(&mut self, manifest: &Manifest, key: &ObjectKey) -> Result<Option<Value>, Failure> {
        let mut desired = manifest.object.clone();
        self.mark.write(&mut desired);
        if let Some(created) = self.create_unseen(key, &desired).await? {
            return Ok(Some(created));
        }
        let mut trouble = Trouble::Changed;
        for _ in 0..ATTEMPTS {
            let live = self.remote.get(key, self.deadline).await.map_err(|t| t.into_failure(key))?;
            if self.record.intent.strategy == ApplyStrategy::ReadOnly {
                return Ok(live);
            }
            let written = match live {
                None => {
                    self.confirm_current().await?;
                    self.remote.create(key, &desired, FIELD_MANAGER, self.deadline).await
                }
                Some(live) => match self.step(manifest, key, &live).await? {
                    Step::Leave => return Ok(Some(live)),
                    Step::Write { ours } => self.write(key, &live, &desired, ours).await,
                },
            };
            match written {
                Ok(object) => return Ok(Some(self.written(key, &desired, object))),
                // Somebody was faster, or the object came or went: look again.
                Err(again @ (Trouble::Changed | Trouble::Exists | Trouble::Absent)) => trouble = again,
                Err(other) => return Err(other.into_failure(key)),
            }
        }
        Err(trouble.into_failure(key))
    }

    /// Creates an object of a record of which nothing was ever reported without a look at the cluster first: most likely it is not
    /// there, and if it is the request changes nothing. `None`: look, and do as what is there asks for.
    async fn create_unseen(&mut self, key: &ObjectKey, desired: &Value) -> Result<Option<Value>, Failure> {
        if self.record.report.is_some() || self.record.intent.strategy == ApplyStrategy::ReadOnly {
            return Ok(None);
        }
        if !std::mem::take(&mut self.just_read) {
            self.confirm_current().await?;
        }
        match self.remote.create(key, desired, FIELD_MANAGER, self.deadline).await {
            Ok(object) => Ok(Some(self.written(key, desired, object))),
            Err(Trouble::Exists | Trouble::Changed | Trouble::Absent) => Ok(None),
            // Who may not create may still be allowed to change what exists.
            Err(Trouble::Failed(failure)) if failure.class() == FailureClass::Forbidden => Ok(None),
            Err(trouble) => Err(trouble.into_failure(key)),
        }
    }

    /// Notes what the next pass would otherwise find out by a look, and report by another write.
    fn written(&mut self, key: &ObjectKey, desired: &Value, object: Value) -> Value {
        self.shared.remember(key, Known::after_write(desired, &object));
        if let Standing::Ours(at) = self.mark.standing(&object) {
            self.seen = self.seen.max(at.number);
        }
        object
    }

    /// Decides about an object that exists.
    async fn step(&mut self, manifest: &Manifest, key: &ObjectKey, live: &Value) -> Result<Step, Failure> {
        let intent = &self.record.intent;
        let refused = |class, cause: String| Failure::new(class, cause).on(key.cluster.clone()).about(key);
        let standing = self.mark.standing(live);
        if RemoteObject::new(live.clone()).is_deleting() {
            let cause = "it is being deleted on the cluster; it is created again once it is gone";
            return Err(refused(FailureClass::Conflict, cause.into()));
        }
        match standing {
            Standing::OtherHub(theirs) => {
                Err(refused(FailureClass::Ownership, format!("hub {} delivers it", theirs.hub)))
            }
            Standing::Unmarked if intent.existing == ExistingPolicy::Refuse => {
                Err(refused(FailureClass::Ownership, "it existed before the intent, which says to refuse that".into()))
            }
            Standing::Unmarked | Standing::Ours(_) if intent.strategy == ApplyStrategy::CreateOnly => Ok(Step::Leave),
            Standing::Unmarked => Ok(Step::Write { ours: false }),
            Standing::OtherIntent(theirs) => self.share_or_take_over(manifest, key, &theirs).await,
            Standing::Ours(at) if at.incarnation != self.record.revision.incarnation => {
                // An older incarnation's object, or we are the outdated one: the hub knows.
                self.confirm_current().await?;
                Ok(Step::Write { ours: true })
            }
            Standing::Ours(at) => self.step_of_own(manifest, key, live, &at),
        }
    }

    fn step_of_own(
        &mut self,
        manifest: &Manifest,
        key: &ObjectKey,
        live: &Value,
        at: &Revision,
    ) -> Result<Step, Failure> {
        let ours = self.record.revision.number;
        self.seen = self.seen.max(at.number);
        if at.number > ours {
            let cause = format!("the cluster is at revision {} of this intent, the hub's record at {ours}", at.number);
            return Err(Failure::new(FailureClass::Conflict, cause)
                .on(key.cluster.clone())
                .about(key)
                .remedy("if the hub was restored from a backup, read the object and put again what is wanted"));
        }
        let converged = at.number == ours && self.shared.is_converged(key, manifest, live);
        Ok(if converged { Step::Leave } else { Step::Write { ours: true } })
    }

    /// The object carries the mark of another record of this hub.
    async fn share_or_take_over(&self, manifest: &Manifest, key: &ObjectKey, theirs: &Mark) -> Result<Step, Failure> {
        if theirs.intent == self.record.intent.id.name {
            let cause = format!("it is delivered for {}, and this intent is held by {}", theirs.owner, self.mark.owner);
            return Err(Failure::new(FailureClass::Ownership, cause).on(key.cluster.clone()).about(key));
        }
        let Some(holder) = self.shared.live_holder(key, &theirs.intent, self.deadline).await? else {
            self.confirm_current().await?;
            return Ok(Step::Write { ours: true });
        };
        if holder.intent.manifests.iter().any(|m| m.object == manifest.object) {
            return Ok(Step::Leave);
        }
        let cause = format!("{} says otherwise of it", holder.intent.id);
        Err(Failure::new(FailureClass::Conflict, cause)
            .on(key.cluster.clone())
            .about(key)
            .remedy("make the two intents equal, or end one of them"))
    }

    /// A pass that would create an object, write over another incarnation's or let go of one makes sure that its record is the
    /// present one.
    pub(super) async fn confirm_current(&self) -> Result<(), Failure> {
        let present = self.shared.store.get(&self.record.intent.id, self.deadline).await?;
        let same = |r: &StoredRecord| r.revision == self.record.revision && r.ending == self.record.ending;
        if present.as_ref().is_some_and(same) {
            return Ok(());
        }
        Err(Failure::new(FailureClass::Conflict, "the record changed while it was delivered")
            .about(&self.record.intent.id))
    }

    async fn write(&self, key: &ObjectKey, live: &Value, desired: &Value, ours: bool) -> Result<Value, Trouble> {
        match self.record.intent.strategy {
            ApplyStrategy::Update => match replace::updated(live, desired) {
                Some(next) => self.remote.replace(key, &next, FIELD_MANAGER, self.deadline).await,
                None => Ok(live.clone()),
            },
            ApplyStrategy::CreateOnly | ApplyStrategy::ReadOnly => Ok(live.clone()),
            ApplyStrategy::ServerSideApply => self.server_side_apply(key, live, desired, ours, false).await,
            ApplyStrategy::ServerSideApplyForced => self.server_side_apply(key, live, desired, ours, true).await,
        }
    }

    async fn server_side_apply(
        &self,
        key: &ObjectKey,
        live: &Value,
        desired: &Value,
        ours: bool,
        force: bool,
    ) -> Result<Value, Trouble> {
        let upgraded = self.own_by_apply(key, live, desired).await?;
        let live = upgraded.as_ref().unwrap_or(live);
        let mut body = desired.clone();
        body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        let params = |force| PatchParams { force, field_manager: Some(FIELD_MANAGER.into()), ..Default::default() };
        // Where nobody else applies, every conflict would be answered by force: not least that with our own creation.
        let force = force || (ours && !others_apply(live));
        match self.remote.patch(key, &params(force), &Patch::Apply(&body), self.deadline).await {
            // An edit of an object of ours is drift; what another controller applies for itself is a conflict.
            Err(Trouble::Held { managers, .. }) if ours && !managers.iter().any(|m| applies(live, m)) => {
                self.remote.patch(key, &params(true), &Patch::Apply(&body), self.deadline).await
            }
            other => other,
        }
    }

    /// Turns the ownership that creating the object gave us into one by apply: fields that an intent drops only go if they are
    /// owned so. (An object is created by a plain request because that, unlike an apply, fails if the object exists by then.)
    /// That can wait until a field is dropped.
    async fn own_by_apply(&self, key: &ObjectKey, live: &Value, desired: &Value) -> Result<Option<Value>, Trouble> {
        let Some(next) = owned_by_apply(live, desired) else { return Ok(None) };
        let operations = json!([
            {"op": "replace", "path": "/metadata/managedFields", "value": next},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        ]);
        let params = PatchParams::default();
        self.remote.patch(key, &params, &Patch::Json(&operations), self.deadline).await.map(Some)
    }
}

/// The managed fields with our entry of operation `Update` turned into one of operation `Apply`; `None` if there is none, or
/// if all its fields are still wanted.
fn owned_by_apply(live: &Value, desired: &Value) -> Option<Vec<Value>> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let ours = |e: &Value, operation: &str| {
        e["manager"] == FIELD_MANAGER
            && e["operation"] == operation
            && e["subresource"].as_str().unwrap_or("").is_empty()
    };
    let created = entries.iter().find(|e| ours(e, "Update"))?;
    if covers(desired, &created["fieldsV1"]) {
        return None;
    }
    let mut created = created.clone();
    created["operation"] = "Apply".into();
    if let Some(applied) = entries.iter().find(|e| ours(e, "Apply")) {
        merge_fields(&mut created["fieldsV1"], &applied["fieldsV1"]);
    }
    let mut next: Vec<_> = entries.iter().filter(|e| !ours(e, "Update") && !ours(e, "Apply")).cloned().collect();
    next.push(created);
    Some(next)
}

/// Whether the object has all these fields. Items of lists are not told apart: a set that names some is not covered.
fn covers(object: &Value, fields: &Value) -> bool {
    fields.as_object().is_some_and(|fields| {
        fields.iter().all(|(path, inner)| match path.split_once(':') {
            Some(("f", name)) => object.get(name).is_some_and(|value| covers(value, inner)),
            _ => path == ".",
        })
    })
}

/// The union of two field sets.
fn merge_fields(into: &mut Value, from: &Value) {
    let Some(from) = from.as_object() else { return };
    if !into.is_object() {
        *into = json!({});
    }
    for (field, inner) in from {
        merge_fields(&mut into[field], inner);
    }
}

/// Whether the manager owns fields of the object by server-side apply.
fn applies(live: &Value, manager: &str) -> bool {
    appliers(live).any(|m| m == manager)
}

/// Whether anybody but us owns fields of the object by server-side apply.
fn others_apply(live: &Value) -> bool {
    appliers(live).next().is_some()
}

/// Who else owns fields of the object by server-side apply.
fn appliers(live: &Value) -> impl Iterator<Item = &str> {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let applied = entries.into_iter().flatten().filter(|e| e["operation"] == "Apply");
    applied.filter_map(|e| e["manager"].as_str()).filter(|manager| *manager != FIELD_MANAGER)
}

impl Known {
    /// What is known of an object that was just written.
    fn after_write(desired: &Value, written: &Value) -> Self {
        let mut pruned = Divergence::between(desired, written).missing;
        // What a server never stores is no sign of an old definition.
        pruned.retain(|path| !path.starts_with(".status"));
        let object = RemoteObject::new(written.clone());
        Self {
            uid: object.uid().map(ToOwned::to_owned),
            version: object.version().map(ToOwned::to_owned),
            generation: object.generation(),
            pruned,
        }
    }
}
