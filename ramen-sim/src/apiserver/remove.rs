//! Deletion: at once, after a grace period, or once finalizers are gone.

use std::sync::Arc;

use serde_json::{Value, json};

use super::read::{Filter, list_metadata};
use super::request::RequestInfo;
use super::state::{Answer, Call, State};
use super::status::{self, Failure, FieldError, Named};
use super::store::{Key, Stored};
use super::{decode, meta};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The options of a deletion.
#[derive(Debug, Clone, Default)]
struct DeleteOptions {
    uid: Option<String>,
    revision: Option<String>,
    propagation: Option<String>,
    grace_seconds: Option<i64>,
}

impl DeleteOptions {
    fn parse(call: &Call<'_>) -> Result<Self, Failure> {
        let body = if call.body.trim_ascii().is_empty() {
            Value::Null
        } else {
            let parsed = decode::parse(&call.body, call.content_type);
            parsed.map_err(|problem| Failure::bad_request(format!("couldn't get version/kind; {problem}")))?.0
        };
        if body.get("kind").and_then(Value::as_str).is_some_and(|kind| kind != "DeleteOptions" && !kind.is_empty()) {
            return Err(Failure::bad_request(format!("expected DeleteOptions, found {}", body["kind"])));
        }
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_string);
        // A body speaks for all options; the query counts only without one.
        let query = |key: &str| Some(call.query.get(key)).filter(|text| body.is_null() && !text.is_empty());
        let grace = body.get("gracePeriodSeconds").and_then(Value::as_i64);
        let legacy = body.get("orphanDependents").and_then(Value::as_bool);
        let policy = text("/propagationPolicy").or(query("propagationPolicy").map(str::to_string));
        Self::check(policy.as_deref(), legacy, body.get("dryRun"))?;
        let legacy = legacy.map(|orphan| if orphan { "Orphan" } else { "Background" }.to_string());
        Ok(Self {
            uid: text("/preconditions/uid"),
            revision: text("/preconditions/resourceVersion"),
            propagation: policy.or(legacy),
            grace_seconds: grace.or(query("gracePeriodSeconds").and_then(|text| text.parse().ok())),
        })
    }

    fn check(policy: Option<&str>, orphan_dependents: Option<bool>, dry_run: Option<&Value>) -> Result<(), Failure> {
        let allowed = ["Background", "Foreground", "Orphan", "nil"].map(Value::from);
        let mut errors = Vec::new();
        if let (Some(policy), Some(_)) = (policy, orphan_dependents) {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid("propagationPolicy", &json!(policy), why));
        }
        if let Some(policy) = policy.filter(|policy| !allowed[..3].contains(&json!(policy))) {
            errors.push(FieldError::not_supported("propagationPolicy", &json!(policy), &allowed));
        }
        let asked = dry_run.and_then(Value::as_array);
        if asked.is_some_and(|list| list.iter().any(|word| word != "All")) {
            errors.push(FieldError::not_supported("dryRun", &json!(asked), &[json!("All")]));
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure::invalid(Named { group: "meta.k8s.io", kind: "DeleteOptions", name: "" }, &errors))
    }

    fn check_preconditions(&self, call: &Call<'_>, live: &Value) -> Result<(), Failure> {
        let name = meta::text(live, "name");
        // Namespaces have a storage of their own, which names the resource and not the kind.
        let is_namespace = call.resource.group.is_empty() && call.resource.plural == "namespaces";
        let named = if is_namespace { call.resource.named(name) } else { call.resource.kind_named(name) };
        let (uid, revision) = (meta::text(live, "uid"), meta::text(live, "resourceVersion"));
        if let Some(wanted) = self.uid.as_deref().filter(|wanted| *wanted != uid) {
            let why = format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might \
                 have been deleted and then recreated"
            );
            return Err(Failure::conflict(named, &why));
        }
        if let Some(wanted) = self.revision.as_deref().filter(|wanted| *wanted != revision) {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
                 ({revision}). The object might have been modified"
            );
            return Err(Failure::conflict(named, &why));
        }
        Ok(())
    }

    /// The finalizers that the propagation policy leaves on the object.
    fn finalizers(&self, live: &Value) -> Vec<Value> {
        let present = meta::finalizers(live);
        let (orphan, foreground) = match self.propagation.as_deref() {
            Some("Orphan") => (true, false),
            Some("Foreground") => (false, true),
            Some(_) => (false, false),
            // Without a policy, finalizers that say one stay in force.
            None => (present.contains(&ORPHAN), present.contains(&FOREGROUND)),
        };
        let others = present.iter().copied().filter(|name| *name != ORPHAN && *name != FOREGROUND);
        let policy = orphan.then_some(ORPHAN).into_iter().chain(foreground.then_some(FOREGROUND));
        let wanted: Vec<&str> = others.chain(policy).collect();
        // The order changes only when the set does.
        let same = wanted.len() == present.len() && wanted.iter().all(|name| present.contains(name));
        if same { present } else { wanted }.into_iter().map(Value::from).collect()
    }
}

/// A body speaks for all options of a deletion: whether it is a dry run is then not said by the query.
pub(crate) fn read_dry_run(info: &mut RequestInfo, body: &[u8], content_type: &str) {
    if !matches!(info.verb.as_str(), "delete" | "deletecollection") || body.trim_ascii().is_empty() {
        return;
    }
    let options = decode::parse(body, content_type).map(|(options, _)| options).unwrap_or_default();
    info.dry_run = options["dryRun"].as_array().is_some_and(|list| !list.is_empty());
}

/// What a deletion led to.
enum Removal {
    /// The object is gone; this was its last state.
    Gone(Arc<Stored>),
    /// The object waits for finalizers or for its grace period to end.
    Pending(Arc<Stored>),
}

impl State {
    pub(crate) fn delete(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let options = DeleteOptions::parse(call)?;
        let key = call.key();
        let live = self.store.get(&call.resource.group_resource(), &key).ok_or_else(|| call.not_found())?;
        match self.remove(call, &key, &live, &options)? {
            Removal::Gone(last) if !call.resource.returns_deleted() => {
                let value = last.value();
                let named = call.resource.named(&call.info.name);
                Ok(Answer::value(&status::deleted(named, meta::text(&value, "uid"))))
            }
            Removal::Gone(object) | Removal::Pending(object) => {
                Ok(Answer::ok(call.output.render(&call.resource, &object, self.clock.now(), true)))
            }
        }
    }

    pub(crate) fn delete_collection(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let options = DeleteOptions::parse(call)?;
        let selected = self.select(&Filter::of(call)?);
        let mut items = Vec::with_capacity(selected.len());
        for (key, stored) in selected {
            self.remove(call, &key, &stored, &options)?;
            items.push(stored);
        }
        let metadata = list_metadata(&call.resource, self.store.revision());
        Ok(Answer::ok(call.output.render_list(&call.resource, &items, &metadata, self.clock.now())))
    }

    fn remove(
        &mut self,
        call: &Call<'_>,
        key: &Key,
        stored: &Arc<Stored>,
        options: &DeleteOptions,
    ) -> Result<Removal, Failure> {
        let live = stored.value();
        options.check_preconditions(call, &live)?;
        let is = |group: &str, plural: &str| call.resource.group == group && call.resource.plural == plural;
        if is("", "pods") {
            return Ok(self.remove_pod(call, key, &live, stored, options));
        }
        let waits = live.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        if is("", "namespaces") && meta::is_deleting(&live) && waits {
            // A second request changes nothing, its propagation policy included.
            return Ok(Removal::Pending(stored.clone()));
        }
        let mut object = live.clone();
        let mut finalizers = options.finalizers(&live);
        let mut held = !finalizers.is_empty();
        if is("", "namespaces") {
            object["status"]["phase"] = "Terminating".into();
            held |= waits;
        }
        if is("apiextensions.k8s.io", "customresourcedefinitions") {
            super::definitions::mark_terminating(&mut finalizers, &mut object, &self.clock);
            held = true;
        }
        if !held {
            return Ok(Removal::Gone(self.erase(call, key, stored)));
        }
        object["metadata"]["finalizers"] = finalizers.into();
        self.mark(&mut object, 0);
        if is("", "namespaces") {
            // A namespace has no grace period, not even one of no length.
            meta::remove(&mut object, "deletionGracePeriodSeconds");
        }
        meta::drop_empty(&mut object);
        if object == live {
            return Ok(Removal::Pending(stored.clone()));
        }
        Ok(Removal::Pending(self.persist(call, key, object)))
    }

    /// Pods that run somewhere are given time to stop; who runs them deletes them for good.
    fn remove_pod(
        &mut self,
        call: &Call<'_>,
        key: &Key,
        live: &Value,
        stored: &Arc<Stored>,
        options: &DeleteOptions,
    ) -> Removal {
        let text = |pointer: &str| live.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let ended = matches!(text("/status/phase"), "Succeeded" | "Failed");
        let own = live.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
        let mut grace = options.grace_seconds.unwrap_or(own);
        if grace < 0 {
            grace = 1;
        }
        if text("/spec/nodeName").is_empty() || ended {
            grace = 0;
        }
        let pending = live.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
        if meta::is_deleting(live) && pending.is_some_and(|pending| pending > 0) {
            let shorter = options.grace_seconds.is_some_and(|asked| pending.is_some_and(|pending| asked < pending));
            if !shorter {
                return Removal::Pending(stored.clone());
            }
        }
        let finalizers = options.finalizers(live);
        let mut object = live.clone();
        object["metadata"]["finalizers"] = finalizers.clone().into();
        if meta::is_deleting(live) {
            object["metadata"]["deletionTimestamp"] = meta::time_text(self.clock.now(), grace).into();
            object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
        } else {
            self.mark(&mut object, grace);
        }
        meta::drop_empty(&mut object);
        let marked = if object == *live { stored.clone() } else { self.persist(call, key, object) };
        if grace > 0 || !finalizers.is_empty() {
            return Removal::Pending(marked);
        }
        Removal::Gone(self.erase(call, key, &marked))
    }

    /// Puts the marks of a requested deletion on an object that has none yet.
    fn mark(&self, object: &mut Value, grace: i64) {
        if meta::is_deleting(object) {
            return;
        }
        object["metadata"]["deletionTimestamp"] = meta::time_text(self.clock.now(), grace).into();
        object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
        if let Some(generation) = object.pointer("/metadata/generation").and_then(Value::as_i64) {
            object["metadata"]["generation"] = json!(generation + 1);
        }
    }

    /// Takes the object out of the store.
    fn erase(&mut self, call: &Call<'_>, key: &Key, stored: &Arc<Stored>) -> Arc<Stored> {
        if call.info.dry_run {
            return stored.clone();
        }
        let resource = call.resource.group_resource();
        let gone = self.store.remove(&resource, key, self.clock.now());
        self.after_removal(&resource, stored);
        gone.unwrap_or_else(|| stored.clone())
    }

    /// Ends a deletion whose last finalizer an update took away; answers with the object as the update made it.
    pub(crate) fn release(&mut self, call: &Call<'_>, key: &Key, new: &Value) -> Arc<Stored> {
        let released = Arc::new(Stored::unsaved(new.clone()));
        self.erase(call, key, &released);
        released
    }
}
