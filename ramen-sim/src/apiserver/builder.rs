//! How a server is set up.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::access::Access;
use super::decode::FieldValidation;
use super::ids::Ids;
use super::log::RequestLog;
use super::output::Output;
use super::request::{Query, RequestInfo};
use super::resource::Registry;
use super::state::{Call, State};
use super::status::Failure;
use super::store::{Retention, Store};
use super::{ApiServer, Inner};
use crate::clock::Clock;

/// Sets up an [`ApiServer`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    name: String,
    seed: u64,
    clock: Option<Clock>,
    retention: Retention,
}

impl Builder {
    pub(super) fn new(name: String) -> Self {
        let retention = Retention { age: SignedDuration::from_mins(10), changes: 100_000 };
        Self { name, seed: 0, clock: None, retention }
    }

    /// The seed of uids and generated names. Servers of one world may share it: the name of the cluster counts too.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// A clock that other parts of the world share; without one the server starts its own.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// How long, and how many changes of each resource, history is kept: how far back watches may begin.
    pub fn history(mut self, age: SignedDuration, changes: usize) -> Self {
        self.retention = Retention { age, changes };
        self
    }

    /// Starts the server, with the namespaces that every cluster has.
    pub fn build(self) -> ApiServer {
        let state = State {
            store: Store::new(self.retention),
            registry: Registry::with_core_kinds(),
            clock: self.clock.unwrap_or_else(Clock::start),
            ids: Ids::seeded(self.seed, &self.name),
        };
        let inner = Inner {
            name: self.name,
            state: Mutex::new(state),
            access: Mutex::new(Access::default()),
            interceptors: Mutex::new(Vec::new()),
            log: Mutex::new(RequestLog::default()),
            sequence: Mutex::new(0),
        };
        let server = ApiServer { inner: Arc::new(inner) };
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            // The names are valid and the store is empty: this cannot fail.
            let _ = server.create(&namespace);
        }
        server
    }
}

/// Why objects could not be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The document is no YAML, or not of Kubernetes' form.
    #[error("a document cannot be read: {0}; give YAML documents, each one object with apiVersion and kind")]
    Malformed(String),
    /// The server has no such kind.
    #[error("the server has no kind {kind} in {api_version}; install its CustomResourceDefinition first")]
    UnknownKind {
        /// `apiVersion` of the object.
        api_version: String,
        /// `kind` of the object.
        kind: String,
    },
    /// The server refused the object.
    #[error("{kind} {name} is refused: {}", failure.message)]
    Refused {
        /// `kind` of the object.
        kind: String,
        /// Name of the object.
        name: String,
        /// What the server answered.
        failure: Box<Failure>,
    },
}

impl ApiServer {
    /// Installs CustomResourceDefinitions from YAML: one or several documents. They are served at once.
    ///
    /// # Errors
    /// When a document cannot be read or is refused; those before it stay installed.
    pub fn install_crds(&self, yaml: &str) -> Result<(), InstallError> {
        use serde::Deserialize as _;
        for document in serde_yaml::Deserializer::from_str(yaml) {
            let value = Value::deserialize(document).map_err(|problem| InstallError::Malformed(problem.to_string()))?;
            if !value.is_null() {
                self.install(&value)?;
            }
        }
        Ok(())
    }

    /// Creates an object directly, without a request that logs or faults would see. Validation and defaults apply.
    ///
    /// # Errors
    /// When the kind is unknown or the server refuses the object.
    pub fn install(&self, object: &Value) -> Result<(), InstallError> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
        self.create(object).map_err(|failure| match failure {
            None => InstallError::UnknownKind { api_version: text("/apiVersion"), kind: text("/kind") },
            Some(failure) => {
                InstallError::Refused { kind: text("/kind"), name: text("/metadata/name"), failure: Box::new(failure) }
            }
        })
    }

    /// `Err(None)` when the kind is unknown.
    fn create(&self, object: &Value) -> Result<(), Option<Failure>> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let api_version = text("/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let mut state = self.inner.state();
        let resource = state.registry.by_kind(group, version, text("/kind")).ok_or(None)?;
        let info = RequestInfo {
            verb: "create".into(),
            agent: "ramen-sim".into(),
            namespace: text("/metadata/namespace").to_string(),
            ..RequestInfo::default()
        };
        let query = Query::default();
        let call = Call {
            info: &info,
            resource,
            query: &query,
            body: object.to_string().into(),
            content_type: "application/json",
            output: Output::Object,
            validation: FieldValidation::Ignore,
            read_at: None,
            warnings: std::cell::RefCell::default(),
        };
        state.handle(&call).map_err(Some)?;
        Ok(())
    }
}
