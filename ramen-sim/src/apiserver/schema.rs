//! Structural schemas of custom kinds: parsed once, then used to prune, default and validate every object.

mod formats;
mod normalize;
mod rules;
mod structural;
mod validate;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use rules::Rules;
pub(crate) use structural::check_structural;

/// How the items of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ListType {
    Atomic,
    Set,
    Map(Vec<String>),
}

/// What a map may hold beyond its named properties.
#[derive(Debug)]
enum Additional {
    None,
    Anything,
    Schema(Box<Schema>),
}

/// One node of a structural schema.
#[derive(Debug)]
pub(crate) struct Schema {
    kind: String,
    properties: BTreeMap<String, Schema>,
    additional: Additional,
    items: Option<Box<Schema>>,
    required: Vec<String>,
    default: Option<Value>,
    nullable: bool,
    preserve_unknown: bool,
    embedded: bool,
    int_or_string: bool,
    list_type: ListType,
    limits: Limits,
    all_of: Vec<Schema>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
    not: Option<Box<Schema>>,
    rules: Option<Rules>,
    /// Whether this node or one below it has rules: lets the walk skip the rest.
    has_rules: bool,
}

/// Bounds on a value.
#[derive(Debug, Default)]
struct Limits {
    allowed: Vec<Value>,
    format: String,
    pattern: Option<Regex>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    exclusive_minimum: bool,
    exclusive_maximum: bool,
    multiple_of: Option<f64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    unique_items: bool,
    min_properties: Option<u64>,
    max_properties: Option<u64>,
}

fn flag(node: &Value, field: &str) -> bool {
    node.get(field) == Some(&Value::Bool(true))
}

fn texts(node: &Value, field: &str) -> Vec<String> {
    let list = node.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|text| text.as_str().map(str::to_string)).collect()
}

fn text(node: &Value, field: &str) -> String {
    node.get(field).and_then(Value::as_str).unwrap_or_default().to_string()
}

impl Limits {
    fn parse(node: &Value) -> Self {
        let number = |field: &str| node.get(field).and_then(Value::as_f64);
        let count = |field: &str| node.get(field).and_then(Value::as_u64);
        Self {
            allowed: node.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            format: text(node, "format"),
            // A pattern that does not compile was refused with the definition.
            pattern: node.get("pattern").and_then(Value::as_str).and_then(|text| Regex::new(text).ok()),
            minimum: number("minimum"),
            maximum: number("maximum"),
            exclusive_minimum: flag(node, "exclusiveMinimum"),
            exclusive_maximum: flag(node, "exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: flag(node, "uniqueItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
        }
    }
}

impl Schema {
    /// Parses an `openAPIV3Schema`; what is no schema is read as one without demands.
    pub(crate) fn parse(node: &Value) -> Self {
        let list = |field: &str| -> Vec<Schema> {
            node.get(field).and_then(Value::as_array).into_iter().flatten().map(Schema::parse).collect()
        };
        let boxed =
            |field: &str| node.get(field).filter(|node| node.is_object()).map(|node| Box::new(Self::parse(node)));
        let map = node.get("properties").and_then(Value::as_object);
        let properties: BTreeMap<String, Schema> =
            map.into_iter().flatten().map(|(name, node)| (name.clone(), Self::parse(node))).collect();
        let additional = match node.get("additionalProperties") {
            Some(Value::Bool(true)) => Additional::Anything,
            Some(node @ Value::Object(_)) => Additional::Schema(Box::new(Self::parse(node))),
            _ => Additional::None,
        };
        let list_type = match node.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(texts(node, "x-kubernetes-list-map-keys")),
            _ => ListType::Atomic,
        };
        let items = boxed("items");
        let rules = Rules::parse(node);
        let has_rules = rules.is_some()
            || properties.values().any(|schema| schema.has_rules)
            || matches!(&additional, Additional::Schema(schema) if schema.has_rules)
            || items.as_ref().is_some_and(|schema| schema.has_rules);
        Self {
            kind: text(node, "type"),
            properties,
            additional,
            items,
            required: texts(node, "required"),
            default: node.get("default").cloned(),
            nullable: flag(node, "nullable"),
            preserve_unknown: flag(node, "x-kubernetes-preserve-unknown-fields"),
            embedded: flag(node, "x-kubernetes-embedded-resource"),
            int_or_string: flag(node, "x-kubernetes-int-or-string"),
            list_type,
            limits: Limits::parse(node),
            all_of: list("allOf"),
            any_of: list("anyOf"),
            one_of: list("oneOf"),
            not: boxed("not"),
            rules,
            has_rules,
        }
    }

    /// The schema of one field of a map.
    fn field(&self, name: &str) -> Option<&Schema> {
        match (self.properties.get(name), &self.additional) {
            (Some(schema), _) => Some(schema),
            (None, Additional::Schema(schema)) => Some(schema),
            (None, Additional::None | Additional::Anything) => None,
        }
    }

    /// The item of the old list that a new item continues; only list maps have such a relation.
    fn correlated<'a>(&self, item: &Value, old: Option<&'a Value>) -> Option<&'a Value> {
        let ListType::Map(keys) = &self.list_type else { return None };
        let old = old?.as_array()?;
        old.iter().find(|old| keys.iter().all(|key| old.get(key) == item.get(key)))
    }
}

/// Path of a field below another one, as `spec.replicas` or, for keys that are no identifiers, as Kubernetes joins them.
fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_string() } else { format!("{path}.{field}") }
}
