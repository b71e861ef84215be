//! One request, written so that it can be sent to any server.

use std::fmt;

use serde_json::Value;

use super::kinds::Kind;

/// Text in names, bodies and queries that [`super::target::Target`] replaces by what holds on its server.
pub mod placeholder {
    /// The prefix of everything this sequence creates.
    pub const PREFIX: &str = "{p}";
    /// The uid of the object that the step is about.
    pub const UID: &str = "{uid}";
    /// Its newest known resourceVersion.
    pub const VERSION: &str = "{rv}";
    /// The first resourceVersion it was seen with.
    pub const OLD_VERSION: &str = "{oldrv}";
    /// The resourceVersion at which the sequence began.
    pub const START: &str = "{start}";
}

/// A request on one object or collection.
#[derive(Clone, Debug)]
pub struct Step {
    /// The kind.
    pub kind: Kind,
    /// Which of the sequence's two namespaces; without meaning for kinds that live in none.
    pub namespace: &'static str,
    /// The object's name without prefix.
    pub name: &'static str,
    /// A subresource of it.
    pub subresource: Option<&'static str>,
    /// What is done.
    pub action: Action,
    /// Query parameters.
    pub query: Vec<(&'static str, String)>,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// POST to the collection.
    Create(Value),
    /// PATCH with this content type.
    Patch(PatchType, Value),
    /// PUT of the object as the server has it, changed by a merge patch.
    Replace(Base, Value),
    /// DELETE with these options as the body.
    Delete(Option<Value>),
    /// DELETE of the collection.
    DeleteCollection,
    /// GET.
    Get(Accept),
    /// GET of the collection, following `continue` to the end.
    List(Accept),
    /// A watch, read when the sequence ends.
    Watch(Since),
    /// Anything else: method, what follows the collection's path, content type, body.
    Raw(&'static str, String, &'static str, String),
}

/// The kinds of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// Server-side apply.
    Apply,
    /// JSON merge patch (RFC 7396).
    Merge,
    /// JSON patch (RFC 6902).
    Json,
    /// Strategic merge patch.
    Strategic,
}

impl PatchType {
    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Apply => "application/apply-patch+yaml",
            Self::Merge => "application/merge-patch+json",
            Self::Json => "application/json-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
        }
    }
}

/// Which state of the object a replacement starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// As it is now.
    Fresh,
    /// As it was when first seen: its resourceVersion is outdated if it changed since.
    Stale,
    /// As it is now, without resourceVersion.
    Blind,
}

/// The form in which an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// The object.
    Object,
    /// Columns, as kubectl asks for them.
    Table,
    /// Metadata alone.
    Metadata,
}

impl Accept {
    /// The `Accept` header of a request for an object, or for a list of them.
    #[must_use]
    pub fn header(self, list: bool) -> &'static str {
        match (self, list) {
            (Self::Object, _) => "application/json",
            (Self::Table, _) => "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            (Self::Metadata, false) => "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json",
            (Self::Metadata, true) => {
                "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
            }
        }
    }
}

/// Where a watch starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// At a list made just before it.
    Now,
    /// Where the sequence started.
    Start,
    /// With the present objects as events, then a bookmark (a streaming list).
    Streaming,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = if self.kind.namespaced { format!("{}/", self.namespace) } else { String::new() };
        let subresource = self.subresource.map(|s| format!("/{s}")).unwrap_or_default();
        let object = format!("{} {namespace}{}{subresource}", self.kind.plural, self.name);
        match &self.action {
            Action::Create(body) => write!(f, "create {object} {body}")?,
            Action::Patch(patch, body) => write!(f, "patch({patch:?}) {object} {body}")?,
            Action::Replace(base, edit) => write!(f, "replace({base:?}) {object} {edit}")?,
            Action::Delete(None) => write!(f, "delete {object}")?,
            Action::Delete(Some(options)) => write!(f, "delete {object} {options}")?,
            Action::DeleteCollection => write!(f, "deletecollection {} {namespace}", self.kind.plural)?,
            Action::Get(accept) => write!(f, "get({accept:?}) {object}")?,
            Action::List(accept) => write!(f, "list({accept:?}) {} {namespace}", self.kind.plural)?,
            Action::Watch(since) => write!(f, "watch({since:?}) {} {namespace}", self.kind.plural)?,
            Action::Raw(method, path, content_type, body) => {
                let body: String = body.chars().take(200).collect();
                write!(f, "{method} {} {namespace} {path} [{content_type}] {body}", self.kind.plural)?;
            }
        }
        for (key, value) in &self.query {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}
