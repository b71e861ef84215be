//! Following all objects of a kind on one cluster: a list, then a watch whose events and bookmarks prove that it is current.

use std::{pin::pin, sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use kube::{
    api::{ListParams, WatchEvent, WatchParams},
    core::{DynamicObject, Request, Resource},
};
use serde_json::Value;

use super::{
    classify::{Finding, classify},
    remote::{Remote, Trouble, within},
};
use crate::{
    intercluster::{Failure, FailureClass, ObjectKey, ResourceType},
    time::{Clock, Deadline},
};

/// What is followed, and how patiently.
#[derive(Debug, Clone)]
pub struct Follow {
    /// Where.
    pub remote: Remote,
    /// Which kind.
    pub resource: ResourceType,
    /// Only objects with these labels.
    pub selector: Option<String>,
    /// The hub's clock.
    pub clock: Arc<dyn Clock>,
    /// Silence after which the watch is taken for dead.
    pub silence: Duration,
    /// Longest delay between two attempts.
    pub retry_most: Duration,
}

/// Where the news go. Times are the hub's.
pub trait Sink: Send {
    /// These are all objects, as of `at`.
    fn reset(&mut self, objects: Vec<Value>, at: Timestamp);
    /// The object is now like this.
    fn changed(&mut self, object: Value, at: Timestamp);
    /// The object, last seen like this, is gone.
    fn deleted(&mut self, object: Value, at: Timestamp);
    /// Nothing that was not told changed until `at`.
    fn current(&mut self, at: Timestamp);
    /// From now on nothing is known to be current.
    fn lost(&mut self, trouble: &Trouble);
}

/// Objects fetched in one request.
const PAGE: u32 = 500;
/// The server is asked to end a watch after this time, so that a forgotten connection does not live for ever.
const WATCH_SECONDS: u32 = 290;

impl Follow {
    /// Follows for ever.
    pub async fn run(self, sink: &mut dyn Sink) {
        let mut failures = 0_u32;
        loop {
            let trouble = match self.list(sink).await {
                // A list proves little: a server may answer lists and refuse every watch, and lists are what costs it most.
                Ok(version) => self.watch(version, sink, &mut failures).await,
                Err(trouble) => Some(trouble),
            };
            if let Some(trouble) = trouble {
                sink.lost(&trouble);
            }
            let delay = Duration::from_millis(500).saturating_mul(1 << failures.min(10)).min(self.retry_most);
            failures = failures.saturating_add(1);
            tokio::time::sleep(delay).await;
        }
    }

    fn path(&self) -> Request {
        Request::new(DynamicObject::url_path(&self.resource.api_resource(), None))
    }

    /// Lists everything, page by page, and answers with the version to watch from.
    async fn list(&self, sink: &mut dyn Sink) -> Result<String, Trouble> {
        let began = self.clock.now();
        let (mut objects, mut next) = (Vec::new(), None::<String>);
        loop {
            let params = ListParams {
                label_selector: self.selector.clone(),
                limit: Some(PAGE),
                continue_token: next,
                ..Default::default()
            };
            let request = self.path().list(&params).map_err(|e| self.failed(FailureClass::Invalid, &e.to_string()))?;
            let deadline = Deadline::after(self.remote.timeout);
            let answer = within(deadline, self.remote.client.request::<Value>(request)).await;
            let mut page = match answer.map_err(|f| Trouble::Failed(f.on(self.remote.cluster.clone())))? {
                Ok(page) => page,
                Err(error) => return Err(self.explain(&error).await),
            };
            let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else {
                return Err(self.failed(FailureClass::Malformed, "the list has no items"));
            };
            objects.extend(items.into_iter().map(|item| self.typed(item)));
            let text = |field: &str| page.pointer(field).and_then(Value::as_str).filter(|s| !s.is_empty());
            next = text("/metadata/continue").map(ToOwned::to_owned);
            if next.is_none() {
                let version = text("/metadata/resourceVersion").map(ToOwned::to_owned);
                let version = version.ok_or_else(|| self.failed(FailureClass::Malformed, "the list has no version"))?;
                sink.reset(objects, began);
                return Ok(version);
            }
        }
    }

    /// Items of a list of a built-in kind do not say what they are.
    fn typed(&self, mut item: Value) -> Value {
        if let Some(map) = item.as_object_mut() {
            map.entry("apiVersion").or_insert_with(|| self.resource.api_version().into());
            map.entry("kind").or_insert_with(|| self.resource.kind.clone().into());
        }
        item
    }

    /// Watches until a new list is needed (`None`) or something is wrong. An event ends the row of failures.
    async fn watch(&self, mut version: String, sink: &mut dyn Sink, failures: &mut u32) -> Option<Trouble> {
        loop {
            let params = WatchParams {
                label_selector: self.selector.clone(),
                timeout: Some(WATCH_SECONDS),
                bookmarks: true,
                ..Default::default()
            };
            let request = match self.path().watch(&params, &version) {
                Ok(request) => request,
                Err(error) => return Some(self.failed(FailureClass::Invalid, &error.to_string())),
            };
            let opened = self.remote.client.request_events::<Value>(request);
            let events = match within(Deadline::after(self.remote.timeout), opened).await {
                Ok(Ok(events)) => events,
                Ok(Err(error)) => return self.unless_expired(&error).await,
                Err(failure) => return Some(Trouble::Failed(failure.on(self.remote.cluster.clone()))),
            };
            let mut events = pin!(events);
            let mut heard = false;
            loop {
                let event = match tokio::time::timeout(self.silence, events.next()).await {
                    Ok(Some(Ok(event))) => event,
                    Ok(Some(Err(error))) => return self.unless_expired(&error).await,
                    Ok(None) => break,
                    Err(_) => return Some(self.failed(FailureClass::Unreachable, "the watch fell silent")),
                };
                heard = true;
                match self.take(event, sink) {
                    Ok(next) => {
                        *failures = 0;
                        version = next.unwrap_or(version);
                    }
                    Err(error) => return self.unless_expired(&error).await,
                }
            }
            if !heard {
                // A server that ends every watch at once must not be asked in a busy loop.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Hands an event on; answers with the version that it proves.
    fn take(&self, event: WatchEvent<Value>, sink: &mut dyn Sink) -> Result<Option<String>, kube::Error> {
        let now = self.clock.now();
        let version =
            |object: &Value| object.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(ToOwned::to_owned);
        Ok(match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                let version = version(&object);
                sink.changed(object, now);
                version
            }
            WatchEvent::Deleted(object) => {
                let version = version(&object);
                sink.deleted(object, now);
                version
            }
            WatchEvent::Bookmark(bookmark) => {
                sink.current(now);
                Some(bookmark.metadata.resource_version)
            }
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        })
    }

    /// `None` if the position was too old, which a new list mends.
    async fn unless_expired(&self, error: &kube::Error) -> Option<Trouble> {
        match classify(error, &self.any_key()) {
            Finding::Expired => None,
            _ => Some(self.explain(error).await),
        }
    }

    async fn explain(&self, error: &kube::Error) -> Trouble {
        match classify(error, &self.any_key()) {
            Finding::Failed(failure) => Trouble::Failed(failure.on(self.remote.cluster.clone())),
            Finding::UnknownPath(message) => {
                let asked = self.remote.explain_unknown_path(&self.resource, &message);
                let answer = within(Deadline::after(self.remote.timeout), asked).await;
                answer.unwrap_or_else(|f| Trouble::Failed(f.on(self.remote.cluster.clone())))
            }
            other => self.failed(FailureClass::Malformed, &format!("the answer to a list makes no sense: {other:?}")),
        }
    }

    /// A key that stands for the whole kind.
    fn any_key(&self) -> ObjectKey {
        ObjectKey::new(self.remote.cluster.clone(), self.resource.clone(), None, String::new())
    }

    fn failed(&self, class: FailureClass, cause: &str) -> Trouble {
        Trouble::Failed(Failure::new(class, cause).on(self.remote.cluster.clone()).about(&self.resource.kind))
    }
}
