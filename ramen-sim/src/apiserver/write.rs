//! Create, update and patch: one path on which every change of an object goes.

use bytes::Bytes;
use serde_json::{Value, json};

use super::decode;
use super::state::{Answer, Call, State, Written};
use super::status::{Failure, FieldError};
use super::store::{Key, Stored};
use super::{meta, ownership, patch};
use crate::apply::keep_times;

/// etcd refuses values above this size.
const OBJECT_LIMIT: usize = 1_572_864;
/// How often a generated name is tried before a collision is reported.
const NAME_ATTEMPTS: usize = 8;

impl State {
    pub(crate) fn create(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let object = decode::written(call)?;
        let namespace = meta::text(&object, "namespace");
        if call.resource.namespaced && !namespace.is_empty() && namespace != call.info.namespace {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(message));
        }
        let written = self.create_object(call, object)?;
        Ok(self.written(call, &written))
    }

    /// Gives an object with `generateName` a free name.
    fn name(&mut self, call: &Call<'_>, object: &mut Value) {
        let base = meta::text(object, "generateName").to_string();
        if base.is_empty() || !meta::text(object, "name").is_empty() {
            return;
        }
        for _ in 0..NAME_ATTEMPTS {
            let name = self.ids.name(&base);
            let taken = self.store.get(&call.resource.group_resource(), &call.key_of(&name)).is_some();
            object["metadata"]["name"] = name.into();
            if !taken {
                return;
            }
        }
    }

    fn create_object(&mut self, call: &Call<'_>, mut object: Value) -> Result<Written, Failure> {
        let resource = &call.resource;
        if call.info.verb == "create" && !matches!(meta::text(&object, "resourceVersion"), "" | "0") {
            return Err(Failure::unclassified("resourceVersion should not be set on objects to be created"));
        }
        meta::remove(&mut object, "uid");
        if call.info.verb == "create" {
            // Only a POST is cleaned of these: a PUT or an apply that creates an object can create one that is deleted.
            meta::remove(&mut object, "deletionTimestamp");
            meta::remove(&mut object, "deletionGracePeriodSeconds");
        }
        if !resource.namespaced {
            meta::remove(&mut object, "namespace");
        }
        if !(applies(call) && call.info.dry_run) {
            // A dry run that creates by an apply gives back the resourceVersion that it was given.
            meta::remove(&mut object, "resourceVersion");
        }
        if applies(call) {
            let unknown = resource.normalize(&mut object, true);
            decode::judge(call, &[], &unknown)?;
        }
        if resource.namespaced {
            object["metadata"]["namespace"] = call.info.namespace.clone().into();
        }
        self.admit_create(call, &object)?;
        object["metadata"]["uid"] = self.ids.uid().into();
        object["metadata"]["creationTimestamp"] = meta::time_text(self.clock.now(), 0).into();
        // An apply has recorded its owners already.
        if !applies(call) {
            ownership::track(call, None, &mut object, self.clock.now());
        }
        self.name(call, &mut object);
        resource.prepare_create(&mut object, self.clock.now());

        let name = meta::text(&object, "name").to_string();
        let errors = meta::validate(&object, resource.name_rule(), resource.namespaced);
        let errors = resource.validate(&object, None, "", errors);
        if !errors.is_empty() {
            return Err(Failure::invalid(named_by_object(call, &object, &name), &errors));
        }
        let key = call.key_of(&name);
        if self.store.get(&resource.group_resource(), &key).is_some() {
            return Err(Failure::already_exists(resource.named(&name)));
        }
        check_size(&object)?;
        let object = self.persist(call, &key, object);
        Ok(Written { object, created: true })
    }

    /// What admission has against a creation: a namespace that does not exist or is going away.
    fn admit_create(&self, call: &Call<'_>, object: &Value) -> Result<(), Failure> {
        self.check_definition_alive(call)?;
        if !call.resource.namespaced {
            return Ok(());
        }
        let name = &call.info.namespace;
        let Some(namespace) = self.peek("", "namespaces", "", name) else {
            let named = super::status::Named { group: "", kind: "namespaces", name };
            return Err(Failure::not_found(named));
        };
        if namespace["status"]["phase"] != "Terminating" {
            return Ok(());
        }
        let why = format!("unable to create new content in namespace {name} because it is being terminated");
        let cause = json!({
            "reason": "NamespaceTerminating",
            "message": format!("namespace {name} is being terminated"),
            "field": "metadata.namespace",
        });
        let object_name = meta::text(object, "name");
        Err(Failure::forbidden_because(call.resource.named(object_name), &why, &cause))
    }

    /// What admission has against an update: a claim grows only when it is bound and its class lets it.
    fn admit_update(&self, call: &Call<'_>, new: &Value, old: &Value) -> Result<(), Failure> {
        let is_claim = call.resource.group.is_empty() && call.resource.plural == "persistentvolumeclaims";
        if !is_claim || !call.info.subresource.is_empty() {
            return Ok(());
        }
        let class = |name: &str| self.peek("storage.k8s.io", "storageclasses", "", name);
        crate::kinds::refuse_growth(new, old, class)
            .map_or(Ok(()), |why| Err(Failure::forbidden(call.resource.named(&call.info.name), why)))
    }

    /// Writes unless it is a dry run; either way returns what would be stored.
    pub(crate) fn persist(&mut self, call: &Call<'_>, key: &Key, mut object: Value) -> std::sync::Arc<Stored> {
        if call.info.dry_run {
            return std::sync::Arc::new(Stored::unsaved(object));
        }
        let resource = call.resource.group_resource();
        let stored = self.store.put(&resource, key.clone(), &mut object, self.clock.now());
        self.after_write(&resource, key);
        stored
    }

    pub(crate) fn update(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let mut object = decode::written(call)?;
        check_name(call, &object)?;
        let written = self.change(call, call.resource.create_on_update(), move |_, live| {
            if meta::text(&object, "resourceVersion").is_empty()
                && let (true, Some(live)) = (call.resource.unconditional_update(), live)
            {
                object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
            }
            Ok(object)
        })?;
        Ok(self.written(call, &written))
    }

    pub(crate) fn patch(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let kind = patch::Kind::parse(&call.resource, call.content_type)?;
        let applies = kind == patch::Kind::Apply;
        let force = call.query.flag("force");
        if applies && !call.query.has("fieldManager") {
            let error = FieldError::required("fieldManager", "is required for apply patch");
            let named = super::status::Named { group: "meta.k8s.io", kind: "PatchOptions", name: "" };
            return Err(Failure::invalid(named, &[error]));
        }
        let creates = applies && call.info.subresource.is_empty();
        // A configuration is read before the object is looked for; other patches are read when they are applied.
        let configuration = applies.then(|| patch::parse(kind, call)).transpose()?;
        if let Some(configuration) = &configuration {
            check_name(call, configuration)?;
        }
        let written = self.change(call, creates, |state, live| {
            let Some(live) = live.or(configuration.as_ref()).map(|_| live) else { return Err(call.not_found()) };
            let parsed = configuration.map_or_else(|| patch::parse(kind, call), Ok)?;
            let patched = patch::patched(kind, call, live, &parsed, force, state.clock.now())?;
            let readable = if kind.decodes() { decode::check_kind(&call.resource, &patched) } else { Ok(()) };
            readable.and_then(|()| decode::check(&call.resource, &patched)).map_err(|failure| {
                // What an apply made cannot be turned into the kind: an error of the server, as Kubernetes has it.
                if applies { Failure::unclassified(failure.message) } else { decode::unfit_patch(&failure.message) }
            })?;
            check_name(call, &patched)?;
            Ok(patched)
        })?;
        Ok(self.written(call, &written))
    }

    /// Changes one object: `make` says what it shall be, given what it is.
    fn change(
        &mut self,
        call: &Call<'_>,
        may_create: bool,
        make: impl FnOnce(&Self, Option<&Value>) -> Result<Value, Failure>,
    ) -> Result<Written, Failure> {
        let resource = &call.resource;
        let key = call.key();
        let Some(stored) = self.store.get(&resource.group_resource(), &key) else {
            if !may_create || !call.info.subresource.is_empty() {
                return Err(call.not_found());
            }
            let object = make(self, None)?;
            let uid = meta::text(&object, "uid");
            if !uid.is_empty() {
                let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: ");
                return Err(Failure::conflict(resource.named(&call.info.name), &why));
            }
            return self.create_object(call, object);
        };
        let old = super::output::versioned_value(resource, &stored);
        let mut new = make(self, Some(&old))?;
        if call.info.verb == "patch" {
            let unknown = resource.normalize(&mut new, applies(call));
            decode::judge(call, &[], &unknown)?;
        }
        check_preconditions(call, &new, &old)?;
        self.settle(call, &mut new, &old)?;
        self.admit_update(call, &new, &old)?;
        keep_times(&old, &mut new);
        if new == old {
            return Ok(Written { object: stored, created: false });
        }
        check_size(&new)?;
        if releases(resource, &new, &old) && !call.info.dry_run {
            let object = self.release(call, &key, &new);
            return Ok(Written { object, created: false });
        }
        let object = self.persist(call, &key, new);
        Ok(Written { object, created: false })
    }

    /// Brings an update into its final form and validates it.
    fn settle(&mut self, call: &Call<'_>, new: &mut Value, old: &Value) -> Result<(), Failure> {
        let resource = &call.resource;
        let subresource = call.info.subresource.as_str();
        if new["metadata"].get("namespace").is_some()
            && new["metadata"].get("namespace") != old["metadata"].get("namespace")
        {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(message));
        }
        if !applies(call) {
            ownership::track(call, Some(old), new, self.clock.now());
        }
        meta::inherit(new, old);
        resource.prepare_update(new, old, subresource, self.clock.now());
        meta::drop_empty(new);
        let errors = meta::validate_update(new, old);
        let errors = resource.validate(new, Some(old), subresource, errors);
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure::invalid(named_by_object(call, new, &call.info.name), &errors))
    }
}

/// An invalid object is named by the kind it claims.
fn named_by_object<'a>(call: &'a Call<'_>, object: &'a Value, name: &'a str) -> super::status::Named<'a> {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or(&call.resource.kind);
    super::status::Named { group: &call.resource.group, kind, name }
}

/// Whether the request is a server-side apply.
fn applies(call: &Call<'_>) -> bool {
    call.info.verb == "patch"
        && patch::Kind::parse(&call.resource, call.content_type).is_ok_and(|kind| kind == patch::Kind::Apply)
}

/// The name (and namespace) in the body must be those of the URL.
fn check_name(call: &Call<'_>, object: &Value) -> Result<(), Failure> {
    let (name, wanted) = (meta::text(object, "name"), &call.info.name);
    if name.is_empty() {
        let message =
            format!("the name of the object ({wanted} based on URL) was undeterminable: name must be provided");
        return Err(Failure::bad_request(message));
    }
    if name != wanted {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({wanted})"
        )));
    }
    let (namespace, wanted) = (meta::text(object, "namespace"), &call.info.namespace);
    if call.resource.namespaced && !namespace.is_empty() && namespace != wanted {
        return Err(Failure::bad_request(format!(
            "the namespace of the object ({namespace}) does not match the namespace on the URL ({wanted})"
        )));
    }
    Ok(())
}

fn check_preconditions(call: &Call<'_>, new: &Value, old: &Value) -> Result<(), Failure> {
    let named = call.resource.named(&call.info.name);
    let (uid, live) = (meta::text(new, "uid"), meta::text(old, "uid"));
    // The uid of a patch is no precondition: one that differs is a change of what must not change.
    if call.info.verb == "update" && !uid.is_empty() && uid != live {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {live}");
        return Err(Failure::conflict(named, &why));
    }
    let asked = meta::text(new, "resourceVersion");
    match asked.parse::<u64>() {
        Err(_) if !asked.is_empty() => {
            Err(Failure::unclassified(format!("strconv.ParseUint: parsing {asked:?}: invalid syntax")))
        }
        Ok(0) | Err(_) if call.resource.unconditional_update() => Ok(()),
        Ok(0) | Err(_) => {
            let error = FieldError::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            Err(Failure::invalid(named, &[error]))
        }
        Ok(_) if asked == meta::text(old, "resourceVersion") => Ok(()),
        Ok(_) => Err(Failure::modified(named)),
    }
}

/// Whether this update takes away the last thing that held back a deletion.
fn releases(resource: &super::resource::Resource, new: &Value, old: &Value) -> bool {
    let grace = old.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or_default();
    let namespace = resource.group.is_empty() && resource.plural == "namespaces";
    let held =
        namespace && new.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    meta::is_deleting(old) && grace == 0 && meta::finalizers(new).is_empty() && !held
}

fn check_size(object: &Value) -> Result<(), Failure> {
    if Bytes::from(object.to_string()).len() <= OBJECT_LIMIT {
        return Ok(());
    }
    Err(Failure::unclassified("etcdserver: request is too large"))
}
