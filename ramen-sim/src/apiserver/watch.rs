//! Watches: what changes, event by event, from a revision on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::output::Output;
use super::read::{Filter, parse_revision};
use super::state::{Answer, Call, State};
use super::status::{Failure, FieldError, Named};
use super::store::{Change, Compacted, Key, Stored};

/// How often a bookmark is sent to those who asked for them.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);
/// How long a watch lasts when the client names no timeout; Kubernetes takes 30 to 60 minutes at random.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2700);

/// One event ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: &'static str,
    pub(crate) revision: u64,
    pub(crate) key: Option<Key>,
    pub(crate) object: Bytes,
}

impl Event {
    /// The line that goes over the wire.
    pub(crate) fn line(&self) -> Bytes {
        let mut line = Vec::with_capacity(self.object.len() + 32);
        line.extend_from_slice(b"{\"type\":\"");
        line.extend_from_slice(self.kind.as_bytes());
        line.extend_from_slice(b"\",\"object\":");
        line.extend_from_slice(&self.object);
        line.extend_from_slice(b"}\n");
        Bytes::from(line)
    }
}

/// A running watch.
#[derive(Debug)]
pub(crate) struct Watch {
    filter: Filter,
    output: Output,
    /// The watcher has seen everything up to here.
    position: u64,
    /// What is sent before changes are: the initial objects, and the bookmark that ends them.
    backlog: VecDeque<(Option<Key>, Arc<Stored>)>,
    initial_bookmark: bool,
    bookmarks: bool,
    headed: bool,
    changed: Arc<Notify>,
    next_bookmark: Instant,
    ends: Instant,
    expired: Option<Compacted>,
    over: bool,
}

/// What a watch does next.
#[derive(Debug)]
pub(crate) enum Next {
    Event(Event),
    /// Nothing to send now: wait for a change, at most until then.
    Wait(Instant),
    End,
}

impl State {
    pub(crate) fn watch(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let filter = Filter::of(call)?;
        let asked = parse_revision(call.query.get("resourceVersion"))?;
        let initial = initial_events(call)?;
        let bookmarks = call.query.flag("allowWatchBookmarks");
        let timeout = call.query.number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
        let current = self.store.revision();
        if let Some(asked) = asked.filter(|asked| *asked > current) {
            return Err(Failure::revision_too_large(asked, current));
        }
        let from = match (initial, asked) {
            (Some(true), _) | (None, None | Some(0)) => None,
            (Some(false), None | Some(0)) => Some(current),
            (_, Some(asked)) => Some(asked),
        };
        let backlog = match from {
            Some(_) => VecDeque::new(),
            None => self.select(&filter).into_iter().map(|(key, object)| (Some(key), object)).collect(),
        };
        let group_resource = filter.resource.group_resource();
        let now = Instant::now();
        Ok(Answer::Watch(Watch {
            changed: self.store.changes_of(&group_resource),
            filter,
            output: call.output,
            position: from.unwrap_or(current),
            backlog,
            initial_bookmark: initial == Some(true) && bookmarks,
            bookmarks,
            headed: true,
            next_bookmark: now + BOOKMARK_PERIOD,
            ends: now + timeout.map_or(DEFAULT_TIMEOUT, Duration::from_secs),
            expired: from.and_then(|from| self.store.check_readable(&group_resource, from).err()),
            over: false,
        }))
    }
}

/// Whether the watch is to begin with all objects there are; checks the options that belong together.
fn initial_events(call: &Call<'_>) -> Result<Option<bool>, Failure> {
    let given = call.query.contains("sendInitialEvents");
    let rule = call.query.get("resourceVersionMatch");
    let error = match (given, rule) {
        (false, "") => return Ok(None),
        (true, "NotOlderThan") => return Ok(Some(call.query.flag("sendInitialEvents"))),
        (false, _) => FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        (true, "") => FieldError::forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (true, other) => FieldError::not_supported("resourceVersionMatch", &json!(other), &[json!("NotOlderThan")]),
    };
    Err(Failure::invalid(Named { group: "meta.k8s.io", kind: "ListOptions", name: "" }, &[error]))
}

impl Watch {
    /// The next thing to send, if there is one.
    pub(crate) fn next(&mut self, state: &State) -> Next {
        if self.over || Instant::now() >= self.ends {
            return Next::End;
        }
        if let Some(compacted) = self.expired {
            return Next::Event(self.expire(compacted));
        }
        if let Some((key, object)) = self.backlog.pop_front() {
            return Next::Event(self.event("ADDED", key, &object, state));
        }
        if std::mem::take(&mut self.initial_bookmark) {
            return Next::Event(self.bookmark(true));
        }
        let resource = self.filter.resource.group_resource();
        loop {
            match state.store.next_change(&resource, self.position) {
                Ok(Some(change)) => {
                    self.position = change.revision;
                    if let Some((kind, object)) = transition(&self.filter, &change) {
                        return Next::Event(self.event(kind, Some(change.key), &object, state));
                    }
                }
                Ok(None) => break,
                Err(compacted) => return Next::Event(self.expire(compacted)),
            }
        }
        if self.bookmarks && Instant::now() >= self.next_bookmark {
            self.next_bookmark = Instant::now() + BOOKMARK_PERIOD;
            // Other resources may have moved the revision on: all of it is behind this watcher too.
            self.position = state.store.revision();
            return Next::Event(self.bookmark(false));
        }
        let until = if self.bookmarks { self.ends.min(self.next_bookmark) } else { self.ends };
        Next::Wait(until)
    }

    /// What wakes the watch when its resource changes.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    /// Ends the watch after what was sent last.
    pub(crate) fn end(&mut self) {
        self.over = true;
    }

    fn event(&mut self, kind: &'static str, key: Option<Key>, object: &Stored, state: &State) -> Event {
        let headed = std::mem::take(&mut self.headed);
        let body = self.output.render(&self.filter.resource, object, state.clock.now(), headed);
        Event { kind, revision: object.revision, key, object: body }
    }

    fn bookmark(&self, initial_end: bool) -> Event {
        let resource = &self.filter.resource;
        let mut metadata = json!({ "resourceVersion": self.position.to_string() });
        if initial_end {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let (kind, version) = match self.output {
            Output::Object => (resource.kind.clone(), resource.api_version()),
            Output::Metadata => ("PartialObjectMetadata".into(), "meta.k8s.io/v1".into()),
            Output::Table(_) => ("Table".into(), "meta.k8s.io/v1".into()),
        };
        let mut object = json!({ "kind": kind, "apiVersion": version, "metadata": metadata });
        if let Output::Table(_) = self.output {
            let inner =
                json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata });
            object["columnDefinitions"] = Value::Null;
            object["rows"] = json!([{ "cells": [], "object": inner }]);
        }
        Event { kind: "BOOKMARK", revision: self.position, key: None, object: Bytes::from(object.to_string()) }
    }

    fn expire(&mut self, compacted: Compacted) -> Event {
        self.over = true;
        let message = format!("too old resource version: {} ({})", self.position, compacted.oldest);
        let status = Failure::expired(message).to_status();
        Event { kind: "ERROR", revision: self.position, key: None, object: Bytes::from(status.to_string()) }
    }
}

/// What a change means to a watcher who sees only what the filter lets through.
fn transition(filter: &Filter, change: &Change) -> Option<(&'static str, Arc<Stored>)> {
    let fits = |object: &Arc<Stored>| filter.matches(&change.key, object);
    let before = change.previous.as_ref().is_some_and(fits);
    let after = !change.deleted && fits(&change.object);
    match (before, after) {
        (false, true) => Some(("ADDED", change.object.clone())),
        (true, true) => Some(("MODIFIED", change.object.clone())),
        (true, false) if change.deleted => Some(("DELETED", change.object.clone())),
        // To this watcher the object is gone: it gets the last state that it may see, at the revision of the change.
        (true, false) => change.previous.as_ref().map(|previous| ("DELETED", previous.at_revision(change.revision))),
        (false, false) => None,
    }
}
