//! What a controller can do: read its cache, write to its cluster.

use std::{fmt, sync::Arc, time::Duration};

use kube::{
    Client,
    api::{DeleteParams, DynamicObject, PostParams},
};
use serde_json::Value;
use thiserror::Error;

use super::{
    cache::{Key, News, Store},
    fields::Fields,
    informer::Inbox,
    kind::Kind,
};
use crate::{
    clock::Clock,
    shared::Shared,
    trace::{Kind as Happening, Trace},
};

/// How long a request may take before it counts as failed: no client of ours waits for ever.
const DEADLINE: Duration = Duration::from_secs(60);

/// Why a pass could not be finished; it is repeated with a growing wait.
#[derive(Debug, Error)]
pub enum Error {
    /// The API server refused or could not be asked.
    #[error("{verb} of {object}: {source}")]
    Api {
        /// What was asked.
        verb: &'static str,
        /// About which object.
        object: String,
        /// The answer.
        source: Box<kube::Error>,
    },
    /// The API server did not answer.
    #[error("{verb} of {object}: no answer within {DEADLINE:?}")]
    NoAnswer {
        /// What was asked.
        verb: &'static str,
        /// About which object.
        object: String,
    },
    /// Something else is in the way.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// Whether the object is not there.
    pub fn is_not_found(&self) -> bool {
        self.has_code(404)
    }

    /// Whether the object is there already, or was changed by another.
    pub fn is_conflict(&self) -> bool {
        self.has_code(409)
    }

    fn has_code(&self, code: u16) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(source.as_ref(), kube::Error::Api(status) if status.code == code))
    }
}

/// What a controller works with. What it writes is known to its cache at once.
#[derive(Clone)]
pub struct Context {
    pub(super) client: Client,
    pub(super) store: Shared<Store>,
    pub(super) inbox: Inbox,
    pub(super) actor: String,
    pub(super) clock: Clock,
    pub(super) trace: Trace,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("actor", &self.actor).finish_non_exhaustive()
    }
}

impl Context {
    /// The client of the process.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The clock of the process.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Now, as Kubernetes writes it.
    pub fn now(&self) -> String {
        self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Tells the timeline.
    pub fn tell(&self, text: impl AsRef<str>) {
        self.trace.record(Happening::Workload, self.actor.clone(), text);
    }

    /// An object as the cache knows it.
    pub fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Arc<DynamicObject>> {
        self.store.with(|store| store.get(kind, &Key::new(namespace, name)))
    }

    /// All objects of a kind as the cache knows them.
    pub fn list(&self, kind: &Kind) -> Vec<Arc<DynamicObject>> {
        self.store.with(|store| store.list(kind))
    }

    /// The kinds the cache holds.
    pub fn kinds(&self) -> Vec<Kind> {
        self.store.with(|store| store.kinds())
    }

    /// An object as the server has it now.
    ///
    /// # Errors
    /// When the server cannot be asked; an object that is not there is no error.
    pub async fn live(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Option<DynamicObject>, Error> {
        let api = kind.api(self.client(), namespace);
        answered("get", kind, name, api.get_opt(name)).await
    }

    /// Creates an object.
    ///
    /// # Errors
    /// When the server refuses or cannot be asked.
    pub async fn create(&self, kind: &Kind, object: &DynamicObject) -> Result<DynamicObject, Error> {
        let key = Key::of(object);
        let api = kind.api(self.client(), &key.namespace);
        let created = answered("create", kind, &key.name, api.create(&PostParams::default(), object)).await?;
        self.heard(kind, &created);
        Ok(created)
    }

    /// Replaces an object, under the resourceVersion it was read with.
    ///
    /// # Errors
    /// When it was changed in between, or the server refuses or cannot be asked.
    pub async fn replace(&self, kind: &Kind, object: &DynamicObject) -> Result<DynamicObject, Error> {
        let key = Key::of(object);
        let api = kind.api(self.client(), &key.namespace);
        let replaced =
            answered("update", kind, &key.name, api.replace(&key.name, &PostParams::default(), object)).await?;
        // A deletion that waited for this very update leaves no event but the deletion's own.
        if !(replaced.is_deleting() && replaced.metadata.finalizers.as_ref().is_none_or(Vec::is_empty)) {
            self.heard(kind, &replaced);
        }
        Ok(replaced)
    }

    /// Replaces the status of an object, under the resourceVersion it was read with.
    ///
    /// # Errors
    /// As [`Context::replace`].
    pub async fn replace_status(&self, kind: &Kind, object: &DynamicObject) -> Result<DynamicObject, Error> {
        let key = Key::of(object);
        let api = kind.api(self.client(), &key.namespace);
        let replaced = answered(
            "update of status",
            kind,
            &key.name,
            api.replace_status(&key.name, &PostParams::default(), object),
        )
        .await?;
        self.heard(kind, &replaced);
        Ok(replaced)
    }

    /// Changes a field of an object's status if it is not so already.
    ///
    /// # Errors
    /// As [`Context::replace`].
    pub async fn ensure_status(
        &self,
        kind: &Kind,
        object: &DynamicObject,
        status: &[(&str, Value)],
    ) -> Result<DynamicObject, Error> {
        let mut wanted = object.clone();
        for (field, value) in status {
            wanted.set_status(field, value.clone());
        }
        if wanted.data == object.data { Ok(wanted) } else { self.replace_status(kind, &wanted).await }
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// # Errors
    /// When the server refuses or cannot be asked.
    pub async fn delete(&self, kind: &Kind, key: &Key, params: &DeleteParams) -> Result<(), Error> {
        let api = kind.api(self.client(), &key.namespace);
        match answered("delete", kind, &key.name, api.delete(&key.name, params)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn heard(&self, kind: &Kind, object: &DynamicObject) {
        // Nobody listens when the process ends: then nobody needs to know.
        let _ = self.inbox.send((kind.clone(), News::Changed(object.clone().into())));
    }
}

async fn answered<T>(
    verb: &'static str,
    kind: &Kind,
    name: &str,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, Error> {
    let object = || format!("{} {name}", kind.plural);
    match tokio::time::timeout(DEADLINE, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => Err(Error::Api { verb, object: object(), source: source.into() }),
        Err(_) => Err(Error::NoAnswer { verb, object: object() }),
    }
}
