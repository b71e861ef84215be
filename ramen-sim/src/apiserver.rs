//! A Kubernetes API server in process.
//!
//! It is a tower service that [`kube::Client`] takes, so that controllers run against it unmodified: through the same
//! client, the same watches and the same failures as against a real server, in virtual time when the runtime's clock is
//! paused. It can also be [served](ApiServer::serve) over HTTP on loopback for `kubectl` and other programs.
//!
//! What is served: the built-in kinds that disaster recovery deals with, and every CustomResourceDefinition that is
//! created. Nothing runs beside the requests: no controller binds volumes, collects garbage or ends namespaces.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ramen_sim::apiserver::ApiServer;
//!
//! let server = ApiServer::builder("east").seed(7).build();
//! let namespaces = kube::Api::<kube::core::DynamicObject>::all_with(
//!     server.client("me"),
//!     &kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk("", "v1", "Namespace")),
//! );
//! assert_eq!(namespaces.get("default").await?.metadata.name.as_deref(), Some("default"));
//! assert_eq!(server.requests().counts()[&("me".to_string(), "get".to_string())], 1);
//! # Ok(())
//! # }
//! ```

mod access;
mod builder;
mod custom;
mod decode;
mod definitions;
mod discovery;
mod fields;
mod hooks;
mod ids;
mod log;
pub(crate) mod meta;
mod openapi;
mod output;
mod ownership;
mod patch;
pub(crate) mod quantity;
mod read;
mod remove;
mod request;
mod resource;
mod reviews;
pub(crate) mod schema;
mod selector;
mod serve;
mod service;
mod state;
pub(crate) mod status;
mod store;
mod table;
mod watch;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use serde_json::Value;
use tower::ServiceExt as _;

pub use crate::clock::Clock;
pub use access::Identity;
pub use builder::{Builder, InstallError};
pub use hooks::{After, Before, Delivery, EventInfo, Interceptor};
pub use log::{Entry, RequestLog};
pub use request::RequestInfo;
pub use serve::Served;
pub use service::{ApiService, Body, BoxError, ReadAt};
pub use status::{Failure, FieldError, Named};
pub use store::GroupResource;

use access::Access;
use state::State;
use store::Key;

/// One simulated cluster's API server. Clones are handles on the same server.
#[derive(Debug, Clone)]
pub struct ApiServer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    state: Mutex<State>,
    access: Mutex<Access>,
    interceptors: Mutex<Vec<Arc<dyn Interceptor>>>,
    log: Mutex<RequestLog>,
    sequence: Mutex<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while handling one request (a bug) leaves the data of the others as sound as it was.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn interceptors(&self) -> Vec<Arc<dyn Interceptor>> {
        lock(&self.interceptors).clone()
    }

    fn begin(&self, info: &RequestInfo) -> u64 {
        let now = self.state().clock.now();
        let mut sequence = lock(&self.sequence);
        *sequence += 1;
        let request = RequestInfo { sequence: *sequence, ..info.clone() };
        lock(&self.log).begin(now, request);
        *sequence
    }

    fn end(&self, sequence: u64, code: u16) {
        lock(&self.log).end(sequence, code);
    }

    fn authenticate(&self, authorization: &str) -> Result<Identity, Failure> {
        lock(&self.access).authenticate(authorization)
    }

    fn authorize(&self, identity: &Identity, info: &RequestInfo) -> Result<(), Failure> {
        access::authorize(&self.state(), identity, info)
    }
}

impl ApiServer {
    /// Begins a server for the cluster of that name.
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder::new(name.into())
    }

    /// The name of the cluster.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The server as a tower service, for [`kube::Client::new`] or for layers (faults, links) in between.
    pub fn service(&self) -> ApiService {
        ApiService::new(self)
    }

    /// A client with all rights. `agent` is the user agent under which its requests are logged.
    ///
    /// Must be called inside a tokio runtime: the client runs a task of its own.
    pub fn client(&self, agent: &str) -> kube::Client {
        self.client_of(agent, None)
    }

    /// A client that authenticates with a bearer token (see [`ApiServer::grant_token`]).
    pub fn client_with_token(&self, agent: &str, token: &str) -> kube::Client {
        self.client_of(agent, Some(token))
    }

    fn client_of(&self, agent: &str, token: Option<&str>) -> kube::Client {
        let agent = HeaderValue::from_str(agent).ok();
        let token = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        let service = self.service().map_request(move |mut request: http::Request<kube::client::Body>| {
            let headers = request.headers_mut();
            for (name, value) in [(http::header::USER_AGENT, &agent), (http::header::AUTHORIZATION, &token)] {
                if let Some(value) = value {
                    headers.insert(name, value.clone());
                }
            }
            request
        });
        kube::Client::new(service, "default")
    }

    /// The server's clock.
    pub fn clock(&self) -> Clock {
        self.inner.state().clock
    }

    /// Gives the server another clock from now on: one that is [wrong](Clock::skewed), or right again.
    pub fn set_clock(&self, clock: Clock) {
        self.inner.state().clock = clock;
    }

    /// The requests so far.
    pub fn requests(&self) -> RequestLog {
        lock(&self.inner.log).clone()
    }

    /// Forgets the requests so far, so that what follows can be counted.
    pub fn clear_requests(&self) {
        lock(&self.inner.log).clear();
    }

    /// Adds an interceptor behind those that are there.
    pub fn intercept(&self, interceptor: Arc<dyn Interceptor>) {
        lock(&self.inner.interceptors).push(interceptor);
    }

    /// Removes all interceptors.
    pub fn clear_interceptors(&self) {
        lock(&self.inner.interceptors).clear();
    }

    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.inner.state().store.revision()
    }

    /// Forgets all history up to a revision: watches and reads from before get 410 Expired.
    pub fn compact(&self, revision: u64) {
        self.inner.state().store.compact(revision);
    }

    /// Reads one object directly, without a request. `namespace` is empty for cluster scope.
    pub fn object(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        self.inner.state().peek(group, resource, namespace, name)
    }

    /// Reads all objects of a resource directly, without a request, in key order.
    pub fn objects(&self, group: &str, resource: &str) -> Vec<Value> {
        self.inner.state().peek_all(group, resource)
    }

    /// Everything the cluster holds, without a request: each resource that has objects, with its objects in key order.
    pub fn snapshot(&self) -> std::collections::BTreeMap<GroupResource, Vec<Value>> {
        let state = self.inner.state();
        let resources: Vec<GroupResource> =
            state.store.counts().filter(|(_, count)| *count > 0).map(|(resource, _)| resource.clone()).collect();
        resources
            .into_iter()
            .map(|resource| {
                let objects = state.peek_all(&resource.group, &resource.resource);
                (resource, objects)
            })
            .collect()
    }

    /// Lets a bearer token speak for a user with the given groups. What the user may do is up to the RBAC objects in
    /// the cluster; the group `system:masters` may do everything.
    pub fn grant_token(&self, token: &str, user: &str, groups: &[&str]) {
        lock(&self.inner.access).grant(token, user, groups);
    }

    /// Makes a bearer token worthless: requests with it get 401.
    pub fn revoke_token(&self, token: &str) {
        lock(&self.inner.access).revoke(token);
    }

    /// Whether an object lies at this place; for tests that must not depend on how it looks.
    pub fn exists(&self, group: &str, resource: &str, namespace: &str, name: &str) -> bool {
        let resource = GroupResource::new(group, resource);
        self.inner.state().store.get(&resource, &Key::new(namespace, name)).is_some()
    }
}
