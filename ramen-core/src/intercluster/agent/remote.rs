//! Requests about single objects of one cluster, with a deadline each and an answer that is exact.

use std::{future::Future, time::Duration};

use http::Request as HttpRequest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, APIResourceList};
use kube::core::{DynamicObject, Request, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::classify::{Finding, classify, failure_of};
use crate::{
    intercluster::{ClusterName, Failure, FailureClass, ObjectKey, ResourceType},
    time::Deadline,
};

/// Why a request about an object did not do what it should.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// The object does not exist: the API server said so of this very object.
    Absent,
    /// The object's namespace does not exist.
    NamespaceAbsent,
    /// The kind does not exist: a fresh discovery said so.
    KindAbsent,
    /// The object to create exists.
    Exists,
    /// A precondition of the request does not hold.
    Changed,
    /// Other managers hold fields that the request would change.
    Held {
        /// The managers.
        managers: Vec<String>,
        /// The fields.
        fields: Vec<String>,
    },
    /// Anything else.
    Failed(Failure),
}

impl Trouble {
    /// As a failure of a delivery that concerns `key`.
    pub fn into_failure(self, key: &ObjectKey) -> Failure {
        let failure = match self {
            Self::Failed(failure) => failure,
            Self::KindAbsent => kind_missing(&key.resource),
            Self::NamespaceAbsent => Failure::new(FailureClass::Prerequisite, "its namespace does not exist")
                .remedy(format!("create namespace {}", key.namespace.as_deref().unwrap_or_default())),
            Self::Held { managers, fields } => Failure::new(
                FailureClass::Conflict,
                format!("field manager {} holds {}", managers.join(", "), fields.join(", ")),
            )
            .remedy("let that manager release the fields, leave them out of the intent, or force the apply"),
            Self::Absent => Failure::new(FailureClass::Conflict, "it disappeared while it was written"),
            Self::Exists => Failure::new(FailureClass::Conflict, "it appeared while it was created"),
            Self::Changed => Failure::new(FailureClass::Conflict, "it keeps changing while it is written"),
        };
        failure.on(key.cluster.clone()).about(key)
    }
}

/// The failure of a delivery whose kind the cluster does not know.
pub(crate) fn kind_missing(resource: &ResourceType) -> Failure {
    let cause = format!("the cluster does not know the kind {} of {}", resource.kind, resource.api_version());
    let definition = format!("{}.{}", resource.plural, resource.group);
    Failure::new(FailureClass::Prerequisite, cause).remedy(format!("install CustomResourceDefinition {definition}"))
}

/// A cluster, as requests see it.
#[derive(Clone)]
pub struct Remote {
    /// Its name, for failures to tell.
    pub cluster: ClusterName,
    /// The client to it.
    pub client: kube::Client,
    /// The longest that one request may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("cluster", &self.cluster).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Remote {
    /// Reads an object. `Ok(None)` is positive evidence that it does not exist.
    pub async fn get(&self, key: &ObjectKey, deadline: Deadline) -> Result<Option<Value>, Trouble> {
        let request = self.path(key).get(&key.name, &kube::api::GetParams::default());
        match self.call(key, request, deadline).await {
            Ok(object) => self.identical(key, object).map(Some),
            Err(Trouble::Absent | Trouble::NamespaceAbsent) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Creates an object that must not exist yet.
    pub async fn create(
        &self,
        key: &ObjectKey,
        object: &Value,
        manager: &str,
        deadline: Deadline,
    ) -> Result<Value, Trouble> {
        let params = kube::api::PostParams { dry_run: false, field_manager: Some(manager.into()) };
        let request = self.path(key).create(&params, object.to_string().into_bytes());
        self.call(key, request, deadline).await
    }

    /// Replaces an object under the resource version that it carries.
    pub async fn replace(
        &self,
        key: &ObjectKey,
        object: &Value,
        manager: &str,
        deadline: Deadline,
    ) -> Result<Value, Trouble> {
        let params = kube::api::PostParams { dry_run: false, field_manager: Some(manager.into()) };
        let request = self.path(key).replace(&key.name, &params, object.to_string().into_bytes());
        self.call(key, request, deadline).await
    }

    /// Writes the status of an object under the resource version that it carries.
    pub async fn replace_status(&self, key: &ObjectKey, object: &Value, deadline: Deadline) -> Result<Value, Trouble> {
        let params = kube::api::PostParams::default();
        let request = self.path(key).replace_subresource("status", &key.name, &params, object.to_string().into_bytes());
        self.call(key, request, deadline).await
    }

    /// Lists the objects of a kind, in one namespace or in all, with the labels of the selector.
    pub async fn list(
        &self,
        resource: &ResourceType,
        namespace: Option<&str>,
        selector: Option<&str>,
        deadline: Deadline,
    ) -> Result<Vec<Value>, Trouble> {
        let key = ObjectKey::new(self.cluster.clone(), resource.clone(), namespace, "");
        let (mut items, mut next) = (Vec::new(), None);
        loop {
            let params = kube::api::ListParams {
                label_selector: selector.map(ToOwned::to_owned),
                limit: Some(500),
                continue_token: next,
                ..Default::default()
            };
            let mut page: Value = self.call(&key, self.path(&key).list(&params), deadline).await?;
            let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) else {
                let failure = Failure::new(FailureClass::Malformed, "the list has no items");
                return Err(Trouble::Failed(failure.on(self.cluster.clone()).about(&resource.kind)));
            };
            items.extend(more);
            let token = page.pointer("/metadata/continue").and_then(Value::as_str).filter(|t| !t.is_empty());
            next = token.map(ToOwned::to_owned);
            if next.is_none() {
                return Ok(items);
            }
        }
    }

    /// Patches an object.
    pub async fn patch(
        &self,
        key: &ObjectKey,
        params: &kube::api::PatchParams,
        patch: &Patch<'_>,
        deadline: Deadline,
    ) -> Result<Value, Trouble> {
        let path = self.path(key);
        let request = match patch {
            Patch::Apply(object) => path.patch(&key.name, params, &kube::api::Patch::Apply(*object)),
            Patch::Merge(object) => path.patch(&key.name, params, &kube::api::Patch::Merge(*object)),
            Patch::Json(operations) => {
                let body = operations.to_string().into_bytes();
                HttpRequest::patch(format!("{}/{}", path.url_path, key.name))
                    .header(http::header::ACCEPT, "application/json")
                    .header(http::header::CONTENT_TYPE, "application/json-patch+json")
                    .body(body)
                    .map_err(kube::core::request::Error::BuildRequest)
            }
        };
        self.call(key, request, deadline).await
    }

    /// Deletes the object of this uid, and no other; if a version is given, only if the object is at it.
    pub async fn delete(
        &self,
        key: &ObjectKey,
        uid: &str,
        version: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), Trouble> {
        let resource_version = version.map(ToOwned::to_owned);
        let params = kube::api::DeleteParams {
            propagation_policy: Some(kube::api::PropagationPolicy::Background),
            preconditions: Some(kube::api::Preconditions { uid: Some(uid.into()), resource_version }),
            ..Default::default()
        };
        let request = self.path(key).delete(&key.name, &params);
        self.call::<Value>(key, request, deadline).await.map(|_| ())
    }

    fn path(&self, key: &ObjectKey) -> Request {
        Request::new(DynamicObject::url_path(&key.resource.api_resource(), key.namespace.as_deref()))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        key: &ObjectKey,
        request: Result<HttpRequest<Vec<u8>>, kube::core::request::Error>,
        deadline: Deadline,
    ) -> Result<T, Trouble> {
        let about = |failure: Failure| Trouble::Failed(failure.on(self.cluster.clone()).about(key));
        let request =
            request.map_err(|e| about(Failure::new(FailureClass::Invalid, format!("no request can be made: {e}"))))?;
        let deadline = deadline.at_most(self.timeout);
        let answer = within(deadline, self.client.request::<T>(request)).await.map_err(about)?;
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        Err(match classify(&error, key) {
            Finding::Absent => Trouble::Absent,
            Finding::NamespaceAbsent => Trouble::NamespaceAbsent,
            Finding::UnknownPath(message) => {
                within(deadline, self.explain_unknown_path(&key.resource, &message)).await.unwrap_or_else(about)
            }
            Finding::Exists => Trouble::Exists,
            Finding::Changed => Trouble::Changed,
            Finding::Held { managers, fields } => Trouble::Held { managers, fields },
            Finding::Expired => about(Failure::new(FailureClass::Malformed, "the position asked for is too old")),
            Finding::Failed(failure) => about(failure),
        })
    }

    /// A 404 that names nothing: either the kind is not there, which only a fresh discovery can prove, or the answer came from
    /// something that is no API server.
    pub(crate) async fn explain_unknown_path(&self, resource: &ResourceType, message: &str) -> Trouble {
        match self.serves(resource).await {
            Ok(Served::Not) => Trouble::KindAbsent,
            Ok(Served::InOtherVersion(version)) => {
                Trouble::Failed(version_not_served(resource, &version).on(self.cluster.clone()))
            }
            Ok(Served::AsAsked) => Trouble::Failed(
                Failure::new(FailureClass::Malformed, format!("status 404 without an object's name: {message}"))
                    .on(self.cluster.clone())
                    .remedy("check what answers at the API server's address; a proxy may"),
            ),
            Err(failure) => Trouble::Failed(failure.on(self.cluster.clone())),
        }
    }

    /// Whether the cluster serves the kind, by a discovery made now.
    async fn serves(&self, resource: &ResourceType) -> Result<Served, Failure> {
        let asked = resource.api_version();
        if resource.group.is_empty() {
            let list = self.discover::<APIResourceList>(&format!("/api/{}", resource.version)).await;
            let has = list.map_err(|e| malformed_if_404(&e))?.resources.iter().any(|r| r.name == resource.plural);
            return Ok(if has { Served::AsAsked } else { Served::Not });
        }
        let groups = self.discover::<APIGroupList>("/apis").await.map_err(|e| malformed_if_404(&e))?;
        let mut served = Served::Not;
        let versions = groups.groups.into_iter().filter(|g| g.name == resource.group).flat_map(|g| g.versions);
        for version in versions.map(|v| v.group_version) {
            // The list of groups says that the version is there, so a 404 proves nothing.
            let list = self.discover::<APIResourceList>(&format!("/apis/{version}")).await;
            let has = list.map_err(|e| malformed_if_404(&e))?.resources.iter().any(|r| r.name == resource.plural);
            match has {
                true if version == asked => return Ok(Served::AsAsked),
                true => served = Served::InOtherVersion(version),
                false => {}
            }
        }
        Ok(served)
    }

    async fn discover<T: DeserializeOwned>(&self, path: &str) -> kube::Result<T> {
        let request = HttpRequest::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }

    /// The object, if it is the one asked for.
    fn identical(&self, key: &ObjectKey, object: Value) -> Result<Value, Trouble> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let same = text("/metadata/name") == Some(&key.name)
            && text("/metadata/namespace") == key.namespace.as_deref()
            && text("/kind") == Some(&key.resource.kind);
        if same {
            return Ok(object);
        }
        let found =
            json!([object.get("kind"), object.pointer("/metadata/namespace"), object.pointer("/metadata/name")]);
        let failure = Failure::new(FailureClass::Malformed, format!("the answer is about another object: {found}"));
        Err(Trouble::Failed(failure.on(self.cluster.clone()).about(key)))
    }
}

/// What a discovery says of a kind.
enum Served {
    /// It is there in the version asked for.
    AsAsked,
    /// It is there, and so may its objects be, but only in another version.
    InOtherVersion(String),
    /// No version of its group has it.
    Not,
}

/// The failure of a request whose kind the cluster serves in another version only.
fn version_not_served(resource: &ResourceType, served: &str) -> Failure {
    let cause = format!("the cluster serves {} in {served}, not in {}", resource.kind, resource.api_version());
    let definition = format!("{}.{}", resource.plural, resource.group);
    Failure::new(FailureClass::Prerequisite, cause)
        .remedy(format!("bring CustomResourceDefinition {definition} to a release that serves the version"))
}

/// The bodies of a patch.
#[derive(Debug, Clone, Copy)]
pub enum Patch<'a> {
    /// Server-side apply.
    Apply(&'a Value),
    /// JSON merge patch.
    Merge(&'a Value),
    /// JSON patch: a list of operations.
    Json(&'a Value),
}

fn is_404(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

fn malformed_if_404(error: &kube::Error) -> Failure {
    if is_404(error) {
        return Failure::new(FailureClass::Malformed, "what answers knows no API groups")
            .remedy("check what answers at the API server's address; a proxy may");
    }
    failure_of(error)
}

/// The result of `future`, or `TimedOut`.
pub(crate) async fn within<F: Future>(deadline: Deadline, future: F) -> Result<F::Output, Failure> {
    tokio::time::timeout_at(deadline.instant(), future)
        .await
        .map_err(|_| Failure::new(FailureClass::TimedOut, "no answer came by the deadline"))
}
