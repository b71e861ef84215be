//! Get and list.

use std::sync::Arc;

use serde_json::{Value, json};

use super::output::versioned_value;
use super::request::Query;
use super::resource::{Resource, Rules};
use super::selector::{FieldSelector, LabelSelector};
use super::state::{Answer, Call, State};
use super::status::Failure;
use super::store::{Key, Range, Stored};

/// Which objects of a collection a request is about.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) resource: Arc<Resource>,
    pub(crate) namespace: String,
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
    /// Only the object of this name (a watch of one object).
    pub(crate) name: String,
}

impl Filter {
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, Failure> {
        let labels = LabelSelector::parse(call.query.get("labelSelector"))?;
        let fields = FieldSelector::parse(call.query.get("fieldSelector"), &call.resource.selectable_fields())?;
        let namespace = if call.resource.namespaced { call.info.namespace.clone() } else { String::new() };
        Ok(Self { resource: call.resource.clone(), namespace, labels, fields, name: call.info.name.clone() })
    }

    pub(crate) fn matches(&self, key: &Key, object: &Stored) -> bool {
        if !self.name.is_empty() && key.name() != self.name {
            return false;
        }
        if !self.namespace.is_empty() && key.namespace() != self.namespace {
            return false;
        }
        if !self.labels.matches(&object.labels) {
            return false;
        }
        if self.fields.is_empty() {
            return true;
        }
        let value = if self.fields.needs_object() { object.value() } else { Value::Null };
        self.fields.matches(|field| match field {
            "metadata.name" => key.name().to_string(),
            "metadata.namespace" => key.namespace().to_string(),
            _ => selected(&value, field),
        })
    }
}

/// The value of a selectable field as text; absent fields are empty, as the typed form has them.
fn selected(value: &Value, field: &str) -> String {
    let mut at = value;
    for part in field.split('.') {
        at = &at[part];
    }
    match at {
        Value::Null => match field {
            "spec.unschedulable" | "spec.hostNetwork" => "false".into(),
            // Kubernetes selects events by the component that reported them.
            "source" => value["source"]["component"].as_str().unwrap_or_default().into(),
            _ => String::new(),
        },
        Value::String(text) => text.clone(),
        Value::Object(_) if field == "source" => value["source"]["component"].as_str().unwrap_or_default().into(),
        other => other.to_string(),
    }
}

/// A `continue` token: where the next page begins and at which revision. Revision -1 means the latest.
struct Continue {
    revision: i64,
    start: String,
    /// How many objects come before, which the next page would have to count again.
    seen: Option<usize>,
}

impl Continue {
    fn parse(text: &str) -> Result<Self, Failure> {
        use base64::Engine as _;
        let bad = |problem: String| Failure::bad_request(format!("invalid continue token: {problem}"));
        let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .map_err(|problem| bad(format!("continue key is not valid: {problem}")))?;
        let token: Value =
            serde_json::from_slice(&decoded).map_err(|problem| bad(format!("continue key is not valid: {problem}")))?;
        if token["v"] != "meta.k8s.io/v1" {
            return Err(bad("continue key is not valid: server does not recognize this encoded version".into()));
        }
        let start = token["start"].as_str().unwrap_or_default().trim_end_matches('\0').to_string();
        match (token["rv"].as_i64(), start.is_empty()) {
            (Some(revision), false) if revision != 0 => {
                let seen = token["seen"].as_u64().and_then(|seen| usize::try_from(seen).ok());
                Ok(Self { revision, start, seen })
            }
            _ => Err(bad("continue key is not valid: incorrect encoded start resourceVersion or key".into())),
        }
    }

    fn encode(revision: i64, last: &str, seen: Option<usize>) -> String {
        use base64::Engine as _;
        let mut token = json!({ "v": "meta.k8s.io/v1", "rv": revision, "start": format!("{last}\0") });
        if let Some(seen) = seen {
            token["seen"] = seen.into();
        }
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token.to_string())
    }
}

/// The options of a list that decide at which revision it reads.
struct ListOptions {
    limit: usize,
    token: Option<Continue>,
    /// Read exactly here; none means the latest.
    revision: Option<u64>,
}

impl ListOptions {
    fn parse(query: &Query, current: u64) -> Result<Self, Failure> {
        let limit = query.number("limit")?.unwrap_or_default();
        let rule = query.get("resourceVersionMatch");
        let asked =
            parse_revision(query.get("resourceVersion")).map_err(|failure| Failure::bad_request(failure.message))?;
        let has_token = query.has("continue");
        check_match(rule, query.get("resourceVersion"), has_token)?;
        if let Some(asked) = asked.filter(|asked| *asked > current) {
            return Err(Failure::revision_too_large(asked, current));
        }
        let token = has_token.then(|| Continue::parse(query.get("continue"))).transpose()?;
        let exact = rule == "Exact" || (rule.is_empty() && limit > 0 && asked.is_some_and(|asked| asked > 0));
        let revision = match &token {
            Some(token) if token.revision > 0 => u64::try_from(token.revision).ok(),
            None if exact => asked,
            Some(_) | None => None,
        };
        Ok(Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), token, revision })
    }

    /// How many objects come before the page, as far as that is known without counting.
    fn seen(&self) -> Option<usize> {
        self.token.as_ref().map_or(Some(0), |token| token.seen)
    }
}

/// The metadata of a list; lists of custom kinds write `continue` even when there is nothing to continue.
pub(crate) fn list_metadata(resource: &Resource, revision: u64) -> Value {
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    if matches!(resource.rules, Rules::Custom(_)) {
        metadata["continue"] = "".into();
    }
    metadata
}

/// A resourceVersion of a request; none when it is not given.
pub(crate) fn parse_revision(text: &str) -> Result<Option<u64>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let detail =
            format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax");
        Failure::unclassified(detail)
    })
}

fn check_match(rule: &str, revision: &str, has_token: bool) -> Result<(), Failure> {
    let refuse = |detail: &str| {
        let errors = [super::status::FieldError::forbidden("resourceVersionMatch", detail)];
        let named = super::status::Named { group: "meta.k8s.io", kind: "ListOptions", name: "" };
        Err(Failure::invalid(named, &errors))
    };
    match rule {
        "" => Ok(()),
        _ if has_token => refuse("resourceVersionMatch is forbidden when continue is provided"),
        _ if revision.is_empty() => refuse("resourceVersionMatch is forbidden unless resourceVersion is provided"),
        "Exact" if revision == "0" => refuse("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""),
        "Exact" | "NotOlderThan" => Ok(()),
        other => {
            let allowed = [json!("Exact"), json!("NotOlderThan"), json!("")];
            let error = super::status::FieldError::not_supported("resourceVersionMatch", &json!(other), &allowed);
            let named = super::status::Named { group: "meta.k8s.io", kind: "ListOptions", name: "" };
            Err(Failure::invalid(named, &[error]))
        }
    }
}

impl State {
    pub(crate) fn get(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let resource = call.resource.group_resource();
        let asked = parse_revision(call.query.get("resourceVersion"))?;
        if let Some(asked) = asked.filter(|asked| *asked > self.store.revision()) {
            return Err(Failure::revision_too_large(asked, self.store.revision()));
        }
        let found = match call.read_at {
            None => self.store.get(&resource, &call.key()),
            Some(revision) => {
                let found = self.store.get_at(&resource, &call.key(), revision);
                found.map_err(|_| Failure::expired("the requested revision has been compacted"))?
            }
        };
        let found = found.ok_or_else(|| call.not_found())?;
        Ok(Answer::ok(call.output.render(&call.resource, &found, self.clock.now(), true)))
    }

    pub(crate) fn list(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let filter = Filter::of(call)?;
        let options = ListOptions::parse(call.query, self.store.revision())?;
        let after = options.token.as_ref().map(|token| call.key_of_start(&token.start));
        let range = Range { namespace: filter.namespace.clone(), after };
        let revision = options.revision.or(call.read_at);
        let resource = call.resource.group_resource();
        let shown = revision.unwrap_or_else(|| self.store.revision());
        let gone = |_| expired(options.token.as_ref());
        let mut listed = self.store.scan(&resource, &range, revision).map_err(gone)?;
        let mut page = Vec::new();
        let mut last: Option<&Key> = None;
        let mut metadata = list_metadata(&call.resource, shown);
        while let Some((key, object)) = listed.next() {
            if options.limit > 0 && page.len() == options.limit && !filter.fields.names_one() {
                let start = last.map(|key| call.start_of(key)).unwrap_or_default();
                let whole = filter.labels.is_empty() && filter.fields.is_empty();
                let seen = options.seen().filter(|_| whole).map(|seen| seen + page.len());
                let at = i64::try_from(shown).unwrap_or(i64::MAX);
                metadata["continue"] = Continue::encode(at, &start, seen).into();
                if whole {
                    let total = self.store.count(&resource, &filter.namespace, revision).map_err(gone)?;
                    let left = seen.map_or_else(|| listed.count() + 1, |seen| total.saturating_sub(seen));
                    metadata["remainingItemCount"] = left.into();
                }
                break;
            }
            if filter.matches(key, object) {
                page.push(object.clone());
                last = Some(key);
            }
        }
        Ok(Answer::ok(call.output.render_list(&call.resource, &page, &metadata, self.clock.now())))
    }

    /// The objects that a collection request is about, in key order.
    pub(crate) fn select(&self, filter: &Filter) -> Vec<(Key, Arc<Stored>)> {
        let range = Range { namespace: filter.namespace.clone(), after: None };
        let listed = self.store.list(&filter.resource.group_resource(), &range, None).unwrap_or_default();
        listed.into_iter().filter(|(key, object)| filter.matches(key, object)).collect()
    }

    /// An object as data, for rules that look at other objects.
    pub(crate) fn peek(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let resource = super::store::GroupResource::new(group, plural);
        let stored = self.store.get(&resource, &Key::new(namespace, name))?;
        Some(match self.registry.any_version(&resource) {
            Some(resource) => versioned_value(&resource, &stored),
            None => stored.value(),
        })
    }

    /// All objects of a resource as data.
    pub(crate) fn peek_all(&self, group: &str, plural: &str) -> Vec<Value> {
        let resource = super::store::GroupResource::new(group, plural);
        let listed = self.store.list(&resource, &Range::default(), None).unwrap_or_default();
        let version = self.registry.any_version(&resource);
        let value = |stored: &Stored| match &version {
            Some(resource) => versioned_value(resource, stored),
            None => stored.value(),
        };
        listed.iter().map(|(_, stored)| value(stored)).collect()
    }
}

impl Call<'_> {
    /// Keys in tokens are relative to what is listed: without the namespace when one namespace is listed.
    fn start_of(&self, key: &Key) -> String {
        if self.resource.namespaced && !self.info.namespace.is_empty() { key.name().to_string() } else { key.0.clone() }
    }

    fn key_of_start(&self, start: &str) -> Key {
        if self.resource.namespaced && !self.info.namespace.is_empty() {
            self.key_of(start)
        } else {
            Key(start.to_string())
        }
    }
}

/// 410: for a page, with a token that continues at the latest revision instead.
fn expired(token: Option<&Continue>) -> Failure {
    match token {
        None => Failure::expired("The resourceVersion for the provided list is too old."),
        Some(token) => {
            let message = "The provided continue parameter is too old to display a consistent list result. You can \
                start a new list without the continue parameter, or use the continue token in this response to \
                retrieve the remainder of the results. Continuing with the provided token results in an inconsistent \
                list - objects that were created, modified, or deleted between the time the first chunk was returned \
                and now may show up in the list.";
            let mut failure = Failure::expired(message);
            failure.continue_token = Some(Continue::encode(-1, &token.start, None));
            failure
        }
    }
}
