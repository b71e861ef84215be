//! What a server knows, and the one request at a time that works on it.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::decode::FieldValidation;
use super::ids::Ids;
use super::output::Output;
use super::request::{Query, RequestInfo};
use super::resource::{Registry, Resource, Rules};
use super::status::Failure;
use super::store::{Key, Store, Stored};
use crate::clock::Clock;

/// Objects, kinds and the sources of time and names.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
}

/// A request about a resource, taken apart.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) info: &'a RequestInfo,
    pub(crate) resource: Arc<Resource>,
    pub(crate) query: &'a Query,
    pub(crate) body: Bytes,
    pub(crate) content_type: &'a str,
    pub(crate) output: Output,
    pub(crate) validation: FieldValidation,
    /// Read as of this revision instead of the latest: a stale read.
    pub(crate) read_at: Option<u64>,
    /// What is remarkable about the request: it is told even when the request fails.
    pub(crate) warnings: RefCell<Vec<String>>,
}

impl Call<'_> {
    /// Where the object that the URL names lies.
    pub(crate) fn key(&self) -> Key {
        self.key_of(&self.info.name)
    }

    pub(crate) fn key_of(&self, name: &str) -> Key {
        Key::new(if self.resource.namespaced { &self.info.namespace } else { "" }, name)
    }

    pub(crate) fn not_found(&self) -> Failure {
        Failure::not_found(self.resource.named(&self.info.name))
    }

    /// Who is recorded as owner of what is written.
    pub(crate) fn manager(&self) -> String {
        match self.query.get("fieldManager") {
            "" => self.info.agent.split('/').next().unwrap_or_default().chars().take(128).collect(),
            manager => manager.to_string(),
        }
    }
}

/// What a request is answered with, before it becomes HTTP.
#[derive(Debug)]
pub(crate) enum Answer {
    /// An object (or list, or Status) as JSON.
    Json { code: u16, body: Bytes },
    /// A stream of watch events.
    Watch(super::watch::Watch),
}

impl Answer {
    pub(crate) fn ok(body: Bytes) -> Self {
        Self::Json { code: 200, body }
    }

    pub(crate) fn value(value: &Value) -> Self {
        Self::ok(Bytes::from(value.to_string()))
    }
}

/// The outcome of a write: the object as it is now, and whether it is new.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Arc<Stored>,
    pub(crate) created: bool,
}

impl State {
    /// Dispatches a request about a resource.
    pub(crate) fn handle(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        self.check_served(call)?;
        match call.info.verb.as_str() {
            "get" => self.get(call),
            "list" => self.list(call),
            "watch" => self.watch(call),
            "create" => self.create(call),
            "update" => self.update(call),
            "patch" => self.patch(call),
            "delete" => self.delete(call),
            "deletecollection" => self.delete_collection(call),
            _ => Err(Failure::method_not_allowed()),
        }
    }

    /// Whether the resource takes this verb on this subresource and scope.
    fn check_served(&self, call: &Call<'_>) -> Result<(), Failure> {
        let verb = call.info.verb.as_str();
        let is_namespace = call.resource.plural == "namespaces" && call.resource.group.is_empty();
        let scoped = !call.info.namespace.is_empty() && !is_namespace;
        if scoped && !call.resource.namespaced {
            return Err(Failure::unknown_resource());
        }
        if call.resource.namespaced && !scoped && !matches!(verb, "list" | "watch") {
            let known =
                if call.info.name.is_empty() { Failure::method_not_allowed() } else { Failure::unknown_resource() };
            return Err(known);
        }
        match call.info.subresource.as_str() {
            "" => {
                let collection = call.info.name.is_empty();
                let fits = match verb {
                    "create" | "list" | "deletecollection" => collection,
                    "get" | "update" | "patch" | "delete" => !collection,
                    "watch" => true,
                    _ => false,
                };
                let custom = matches!(call.resource.rules, Rules::Custom(_));
                if custom && collection && matches!(verb, "update" | "patch") {
                    return Err(Failure::bad_request("name must be provided"));
                }
                let named_create = custom && verb == "create";
                if !(fits || named_create) || (verb == "deletecollection" && is_namespace) {
                    return Err(Failure::method_not_allowed());
                }
                Ok(())
            }
            "status" if call.resource.has_status => match verb {
                "get" | "update" | "patch" => Ok(()),
                _ => Err(Failure::method_not_allowed()),
            },
            "finalize" if is_namespace => {
                if verb == "update" {
                    Ok(())
                } else {
                    Err(Failure::method_not_allowed())
                }
            }
            _ if matches!(call.resource.rules, Rules::Custom(_)) => Err(call.not_found()),
            _ => Err(Failure::unknown_resource()),
        }
    }

    /// Answers a write with the object in the form asked for.
    pub(crate) fn written(&self, call: &Call<'_>, written: &Written) -> Answer {
        let body = call.output.render(&call.resource, &written.object, self.clock.now(), true);
        let code = if written.created { 201 } else { 200 };
        Answer::Json { code, body }
    }
}
