//! One of the servers that are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use http::Request;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::bodies;
use super::dice::Dice;
use super::kinds::Kind;
use super::normal::Normal;
use super::operation::{Accept, Action, Base, PatchType, Since, Step, placeholder};
use super::wrong::OVERSIZE;

/// The last object that a watch sees: what came before it is complete.
const SENTINEL: &str = "zz-sentinel";

/// Answers in full, the default.
const OBJECT: &str = "application/json";

/// A server and what one sequence has done to it.
pub struct Target {
    client: Client,
    prefix: String,
    normal: Normal,
    objects: BTreeMap<String, Known>,
    start: String,
    watches: Vec<Watch>,
}

/// What is known of an object.
#[derive(Clone, Debug, Default)]
struct Known {
    first: Value,
    last: Value,
}

#[derive(Debug)]
struct Watch {
    kind: Kind,
    namespace: &'static str,
    events: JoinHandle<anyhow::Result<Vec<Value>>>,
}

/// An answer before it is normalised.
#[derive(Debug)]
struct Answer {
    code: u16,
    content_type: String,
    warnings: usize,
    body: Value,
}

impl Target {
    /// Creates the sequence's namespaces. The prefix must be new to the server.
    ///
    /// # Errors
    /// The server does not answer, or refuses a namespace.
    pub async fn begin(client: Client, prefix: &str) -> anyhow::Result<Self> {
        let (objects, watches) = (BTreeMap::new(), Vec::new());
        let (prefix, normal) = (prefix.to_owned(), Normal::new(prefix));
        let mut target = Self { client, prefix, normal, objects, start: String::new(), watches };
        for namespace in ["a", "b", "c"] {
            let body = json!({"metadata": {"name": target.namespace(namespace)}});
            let answer =
                target.send("POST", "/api/v1/namespaces", "application/json", OBJECT, body.to_string()).await?;
            anyhow::ensure!(answer.code == 201, "no namespace: {} {}", answer.code, answer.body);
            target.start = answer.body["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        }
        Ok(target)
    }

    fn namespace(&self, namespace: &str) -> String {
        format!("{}-{namespace}", self.prefix)
    }

    fn collection(&self, kind: &Kind, namespace: &str) -> String {
        kind.path(kind.namespaced.then(|| self.namespace(namespace)).as_deref())
    }

    fn object(&self, step: &Step) -> String {
        let name = if step.kind.namespaced { step.name.to_owned() } else { self.namespace(step.name) };
        format!("{}/{name}", self.collection(&step.kind, step.namespace))
    }

    /// Carries out a step and returns the normal form of its answer.
    ///
    /// # Errors
    /// The server does not answer, which is not a difference between answers.
    pub async fn perform(&mut self, step: &Step) -> anyhow::Result<Value> {
        let collection = self.collection(&step.kind, step.namespace);
        let object = self.object(step);
        let path = step.subresource.map_or(object.clone(), |s| format!("{object}/{s}"));
        let json = "application/json";
        let answer = match &step.action {
            Action::Create(body) => self.write("POST", &collection, step, json, body).await?,
            Action::Patch(PatchType::Apply, body) => {
                self.write("PATCH", &path, step, PatchType::Apply.content_type(), body).await?
            }
            Action::Patch(patch, body) => self.write("PATCH", &path, step, patch.content_type(), body).await?,
            Action::Replace(base, edit) => {
                let body = self.replacement(step, &object, *base, edit).await?;
                self.write("PUT", &path, step, json, &body).await?
            }
            Action::Delete(options) => {
                self.write("DELETE", &path, step, json, options.as_ref().unwrap_or(&Value::Null)).await?
            }
            Action::DeleteCollection => self.write("DELETE", &collection, step, json, &Value::Null).await?,
            Action::Get(accept) => self.send("GET", &path, json, accept.header(false), String::new()).await?,
            Action::List(accept) => self.pages(&collection, step, *accept).await?,
            Action::Watch(since) => self.watch(&collection, step, *since).await?,
            Action::Raw(method, path, content_type, body) => {
                let path = path.strip_prefix('!').map_or(format!("{collection}{path}"), str::to_owned);
                let path = self.fill(&path, &object);
                let body = self.fill(body, &object).replace(OVERSIZE, &"x".repeat(3_300_000));
                self.send(method, &path, content_type, OBJECT, body).await?
            }
        };
        let dry = step.query.iter().any(|(key, _)| *key == "dryRun");
        if (200..300).contains(&answer.code) && answer.body["metadata"]["uid"].is_string() && !dry {
            let known = self.objects.entry(object).or_default();
            if known.first["metadata"]["uid"] != answer.body["metadata"]["uid"] {
                known.first = answer.body.clone();
            }
            known.last = answer.body.clone();
            if answer.code == 201 && step.kind.kind == "PersistentVolumeClaim" {
                self.settle(step, &answer.body).await?;
            }
        }
        let body = self.normal.value(answer.body);
        Ok(json!({"code": answer.code, "type": answer.content_type, "warnings": answer.warnings, "body": body}))
    }

    /// Lets a real server write a new claim once more, which it does at the first update although nothing changes
    /// (docs/simulator.md); a difference at that point would hide what comes after it.
    async fn settle(&mut self, step: &Step, created: &Value) -> anyhow::Result<()> {
        let (path, merge) = (self.object(step), PatchType::Merge.content_type());
        let settled = self.send("PATCH", &path, merge, OBJECT, "{}".to_owned()).await?;
        let version = |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        self.normal.settle(&version(created), &version(&settled.body));
        if let Some(known) = self.objects.get_mut(&path) {
            *known = Known { first: settled.body.clone(), last: settled.body };
        }
        Ok(())
    }

    /// The object of the step as it is stored now, in normal form; nothing when it is not there.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn stored(&mut self, step: &Step) -> anyhow::Result<Value> {
        let path = self.object(step);
        let answer = self.send("GET", &path, "application/json", OBJECT, String::new()).await?;
        Ok(if answer.code == 200 { self.normal.value(answer.body) } else { json!(answer.code) })
    }

    /// Ends the watches and returns the normal form of what each has seen.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn finish(mut self) -> anyhow::Result<Vec<Value>> {
        let mut seen = Vec::new();
        for watch in std::mem::take(&mut self.watches) {
            let collection = self.collection(&watch.kind, watch.namespace);
            let body = sentinel(&watch.kind).to_string().replace(placeholder::PREFIX, &self.prefix);
            // A second watch of the collection finds it there already.
            self.send("POST", &collection, "application/json", OBJECT, body).await?;
            let events = watch.events.await??;
            let mut events: Vec<Value> = events.into_iter().map(|event| self.normal.value(event)).collect();
            // A settled claim is seen twice with one version.
            let mut seen_before = BTreeSet::new();
            events.retain(|event| {
                event["type"] == "DELETED" || seen_before.insert(event["object"]["metadata"].to_string())
            });
            seen.push(json!({"watch": format!("{} {}", watch.kind.plural, watch.namespace), "events": events}));
        }
        Ok(seen)
    }

    async fn write(
        &self,
        method: &str,
        path: &str,
        step: &Step,
        content_type: &str,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let object = self.object(step);
        let path = self.with_query(path, &step.query, &object);
        let body = if body.is_null() { String::new() } else { self.fill(&body.to_string(), &object) };
        self.send(method, &path, content_type, OBJECT, body).await
    }

    async fn replacement(&self, step: &Step, object: &str, base: Base, edit: &Value) -> anyhow::Result<Value> {
        let mut body = match (base, self.objects.get(object)) {
            (Base::Stale, Some(known)) => known.first.clone(),
            _ => {
                let answer = self.send("GET", object, "application/json", OBJECT, String::new()).await?;
                if answer.code == 200 {
                    answer.body
                } else {
                    let name = object.rsplit('/').next().unwrap_or_default();
                    json!({"apiVersion": step.kind.api_version(), "kind": step.kind.kind, "metadata": {"name": name}})
                }
            }
        };
        if base == Base::Blind
            && let Some(metadata) = body["metadata"].as_object_mut()
        {
            metadata.remove("resourceVersion");
        }
        merge_patch(&mut body, edit);
        Ok(body)
    }

    async fn pages(&self, collection: &str, step: &Step, accept: Accept) -> anyhow::Result<Answer> {
        let object = self.object(step);
        let first = self.with_query(collection, &step.query, &object);
        let mut answer = self.send("GET", &first, "application/json", accept.header(true), String::new()).await?;
        let mut pages = vec![answer.body.clone()];
        while let Some(token) = pages.last().and_then(|p| p["metadata"]["continue"].as_str()).filter(|t| !t.is_empty())
        {
            let exact = |key: &str| key.starts_with("resourceVersion");
            let mut query: Vec<_> = step.query.iter().filter(|(key, _)| !exact(key)).cloned().collect();
            query.push(("continue", token.to_owned()));
            let next = self.with_query(collection, &query, &object);
            answer = self.send("GET", &next, "application/json", accept.header(true), String::new()).await?;
            pages.push(answer.body.clone());
            if pages.len() > 50 {
                break;
            }
        }
        answer.body = json!(pages);
        Ok(answer)
    }

    /// Opens a watch; its events are gathered until the sentinel appears.
    async fn watch(&mut self, collection: &str, step: &Step, since: Since) -> anyhow::Result<Answer> {
        let mut query = step.query.clone();
        query.push(("watch", "true".to_owned()));
        match since {
            Since::Now => {
                let list = self
                    .send("GET", collection, "application/json", Accept::Metadata.header(true), String::new())
                    .await?;
                let version = list.body["metadata"]["resourceVersion"].as_str().unwrap_or_default();
                query.push(("resourceVersion", version.to_owned()));
            }
            Since::Start => query.push(("resourceVersion", self.start.clone())),
            Since::Streaming => {
                query.retain(|(key, _)| *key != "allowWatchBookmarks");
                query.push(("sendInitialEvents", "true".to_owned()));
                query.push(("allowWatchBookmarks", "true".to_owned()));
                query.push(("resourceVersionMatch", "NotOlderThan".to_owned()));
            }
        }
        let path = self.with_query(collection, &query, &self.object(step));
        let request = Request::get(path).header("accept", "application/json").body(Body::empty())?;
        let response = self.client.send(request).await?;
        if response.status() != 200 {
            return answer(response).await;
        }
        let content_type = header(&response, "content-type");
        let events = tokio::spawn(gather(response.into_body(), self.namespace(SENTINEL)));
        self.watches.push(Watch { kind: step.kind, namespace: step.namespace, events });
        Ok(Answer { code: 200, content_type, warnings: 0, body: Value::Null })
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        accept: &str,
        body: String,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder().method(method).uri(path).header("accept", accept);
        if !body.is_empty() {
            request = request.header("content-type", content_type);
        }
        let request = request.body(Body::from(body.into_bytes()))?;
        let response = tokio::time::timeout(Duration::from_secs(30), self.client.send(request))
            .await
            .with_context(|| format!("{method} {path}: no answer in 30 s"))?
            .with_context(|| format!("{method} {path}"))?;
        answer(response).await.with_context(|| format!("{method} {path}"))
    }

    fn with_query(&self, path: &str, query: &[(&'static str, String)], object: &str) -> String {
        let mut path = path.to_owned();
        for (index, (key, value)) in query.iter().enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(key);
            path.push('=');
            path.push_str(&percent_encoded(&self.fill(value, object)));
        }
        path
    }

    fn fill(&self, text: &str, object: &str) -> String {
        let unknown = Known::default();
        let known = self.objects.get(object).unwrap_or(&unknown);
        let of = |object: &Value, field: &str, without: &str| {
            object["metadata"][field].as_str().unwrap_or(without).to_owned()
        };
        text.replace(placeholder::PREFIX, &self.prefix)
            .replace(placeholder::UID, &of(&known.last, "uid", "unknown"))
            .replace(placeholder::VERSION, &of(&known.last, "resourceVersion", "1"))
            .replace(placeholder::OLD_VERSION, &of(&known.first, "resourceVersion", "1"))
            .replace(placeholder::START, &self.start)
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("prefix", &self.prefix).field("watches", &self.watches).finish_non_exhaustive()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        for watch in &self.watches {
            watch.events.abort();
        }
    }
}

/// An object that every selector of a watch accepts.
fn sentinel(kind: &Kind) -> Value {
    let mut dice = Dice::new(0);
    let mut object = bodies::object(&mut dice, kind, SENTINEL);
    let name = object["metadata"]["name"].clone();
    object["metadata"] =
        json!({"name": name, "labels": {"tier": "gold", "app": "web", "sequence": placeholder::PREFIX}});
    object
}

/// Events until the sentinel; the initial ones of a streaming list in the order of their names, other bookmarks left out.
async fn gather(mut body: Body, prefixed: String) -> anyhow::Result<Vec<Value>> {
    let (mut events, mut buffer) = (Vec::<Value>::new(), Vec::new());
    loop {
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let mut event: Value = serde_json::from_slice(&line)?;
            let initial_end = &event["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true";
            let name = &event["object"]["metadata"]["name"];
            if name.as_str().is_some_and(|name| name == prefixed || name == SENTINEL) {
                return Ok(events);
            }
            if initial_end && let Some(object) = event["object"].as_object_mut() {
                // Besides metadata it has what Go writes for an empty struct of the kind.
                object.retain(|key, _| ["apiVersion", "kind", "metadata"].contains(&key.as_str()));
            }
            if initial_end {
                events.sort_by_cached_key(|e| e["object"]["metadata"]["name"].to_string());
            }
            if event["type"] != "BOOKMARK" || initial_end {
                events.push(event);
            }
        }
        match tokio::time::timeout(Duration::from_secs(10), body.frame()).await {
            Ok(Some(frame)) => buffer.extend_from_slice(&frame?.into_data().unwrap_or_default()),
            Ok(None) => {
                events.push(json!("the watch ended before its last object"));
                return Ok(events);
            }
            Err(_) => {
                events.push(json!("the last object did not appear in 10 s"));
                return Ok(events);
            }
        }
    }
}

async fn answer(response: http::Response<Body>) -> anyhow::Result<Answer> {
    let (code, content_type) = (response.status().as_u16(), header(&response, "content-type"));
    let warnings = response.headers().get_all("warning").iter().count();
    let bytes = response.into_body().collect().await?.to_bytes();
    // Text that is no JSON is prose.
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(if bytes.is_empty() { "" } else { "<text>" }));
    Ok(Answer { code, content_type, warnings, body })
}

fn header(response: &http::Response<Body>, name: &str) -> String {
    response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// RFC 7396, for the edits of a replacement.
fn merge_patch(into: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            into.as_object_mut().map(|object| object.remove(key));
        } else {
            merge_patch(&mut into[key], value);
        }
    }
}
