//! The structure of a CRD as a table of facts: what the API server would do with an object, without the prose.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::{Context, Result, bail};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde::Deserialize as _;
use serde_json::Value;

/// Facts by place: `<crd> <path>#<keyword>` to the keyword's value.
///
/// The path names properties (`spec.action`), the element of a list as `[]` and of a map as `{}`. A path that starts
/// with `=` is outside the schema.
pub type Facts = BTreeMap<String, Value>;

/// Keywords whose order the API server does not look at.
const SETS: [&str; 2] = ["required", "enum"];

/// Reads the facts of one CRD.
///
/// # Errors
///
/// When `crd` is not a CRD with exactly one version and a schema.
pub fn facts(crd: &Value) -> Result<Facts> {
    let name = crd["metadata"]["name"].as_str().context("metadata.name is missing: this is no CRD")?;
    let mut spec = crd["spec"].clone();
    let Some([version]) = spec["versions"].as_array_mut().map(Vec::as_mut_slice) else {
        bail!("{name}: spec.versions must hold exactly one version");
    };
    let schema = version["schema"]["openAPIV3Schema"].take();
    if !schema.is_object() {
        bail!("{name}: spec.versions[0].schema.openAPIV3Schema is missing");
    }
    let mut facts = Facts::new();
    collect_plain(&format!("{name} ="), &spec, &mut facts);
    collect_schema(&format!("{name} "), &schema, &mut facts);
    Ok(facts)
}

/// What is outside the schema: every leaf by its path.
fn collect_plain(path: &str, value: &Value, facts: &mut Facts) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members.iter().filter(|(key, _)| *key != "description") {
                collect_plain(&format!("{path}.{key}"), member, facts);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_plain(&format!("{path}[{index}]"), item, facts);
            }
        }
        Value::Null => {}
        leaf => {
            facts.insert(path.to_owned(), leaf.clone());
        }
    }
}

/// A schema node: one fact for each keyword, then its children.
fn collect_schema(path: &str, schema: &Value, facts: &mut Facts) {
    let Value::Object(keywords) = schema else {
        facts.insert(format!("{path}#"), schema.clone());
        return;
    };
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("description", Value::String(_)) => {}
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    let separator = if path.ends_with(' ') { "" } else { "." };
                    collect_schema(&format!("{path}{separator}{name}"), property, facts);
                }
            }
            ("items", items) => collect_schema(&format!("{path}[]"), items, facts),
            ("additionalProperties", values) => collect_schema(&format!("{path}{{}}"), values, facts),
            (set, Value::Array(members)) if SETS.contains(&set) => {
                let mut members = members.clone();
                members.sort_by_key(Value::to_string);
                facts.insert(format!("{path}#{set}"), members.into());
            }
            // A bound is a number, however it is written.
            (_, Value::Number(number)) => {
                facts.insert(format!("{path}#{keyword}"), number.as_f64().into());
            }
            (_, value) => {
                facts.insert(format!("{path}#{keyword}"), value.clone());
            }
        }
    }
}

/// The facts of every CRD in a folder of YAML files, one CRD a file.
///
/// # Errors
///
/// When a file cannot be read or is no CRD; the error names it.
pub fn read_folder(folder: &Path) -> Result<Facts> {
    let mut all = Facts::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path)?;
            let crd: Value = serde_yaml::from_str(&text).with_context(|| format!("{}", path.display()))?;
            all.extend(facts(&crd).with_context(|| format!("{}", path.display()))?);
        }
    }
    Ok(all)
}

/// The facts of the CRDs that our types generate.
///
/// # Errors
///
/// When a type generates no schema.
pub fn ours() -> Result<Facts> {
    let mut all = Facts::new();
    for crd in ramen_core::api::crds() {
        all.extend(facts(&serde_json::to_value(crd)?)?);
    }
    Ok(all)
}

/// How many CRDs the facts are about.
#[must_use]
pub fn kinds(facts: &Facts) -> usize {
    facts
        .keys()
        .filter_map(|key| key.split_once(' '))
        .map(|(name, _)| name)
        .collect::<std::collections::BTreeSet<_>>()
        .len()
}

/// One line a fact: the place, a tab, the value as compact JSON.
#[must_use]
pub fn to_table(facts: &Facts) -> String {
    facts.iter().map(|(place, value)| format!("{place}\t{value}\n")).collect()
}

/// Reads what [`to_table`] wrote.
///
/// # Errors
///
/// When a line is not a fact; the error names it.
pub fn from_table(table: &str) -> Result<Facts> {
    let mut facts = Facts::new();
    for (number, line) in table.lines().enumerate() {
        let (place, value) = line.split_once('\t').with_context(|| format!("line {}: no tab", number + 1))?;
        let value = serde_json::from_str(value).with_context(|| format!("line {}", number + 1))?;
        facts.insert(place.to_owned(), value);
    }
    Ok(facts)
}

/// A fact on which two sets of CRDs differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where.
    pub place: String,
    /// What upstream has there.
    pub theirs: Option<Value>,
    /// What we have there.
    pub ours: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        write!(f, "{}: upstream has {}, ours {}", self.place, show(&self.theirs), show(&self.ours))
    }
}

/// Every fact on which the two differ, in the order of their places.
#[must_use]
pub fn differences(theirs: &Facts, ours: &Facts) -> Vec<Difference> {
    let places: std::collections::BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
    let differs = places.into_iter().filter(|place| theirs.get(*place) != ours.get(*place));
    differs
        .map(|place| Difference {
            place: place.clone(),
            theirs: theirs.get(place).cloned(),
            ours: ours.get(place).cloned(),
        })
        .collect()
}

/// The places that docs/differences.md declares: the items of its section "CRD structure", each a place in backticks
/// and a reason after a colon.
///
/// # Errors
///
/// When there is no such section, or an item has no reason.
pub fn declared(document: &str) -> Result<Vec<String>> {
    let (_, section) = document.split_once("\n## CRD structure\n").context("no section \"CRD structure\"")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let items = section.lines().filter_map(|line| line.strip_prefix("- `"));
    items
        .map(|item| match item.split_once("`: ") {
            Some((place, reason)) if !reason.trim().is_empty() => Ok(place.to_owned()),
            _ => bail!("`{item}`: a declared difference needs a reason after its place and a colon"),
        })
        .collect()
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How many kinds were compared.
    pub kinds: usize,
    /// Differences that nobody declared.
    pub undeclared: Vec<Difference>,
    /// Declared places where there is no difference (any more).
    pub stale: Vec<String>,
    /// How many declared differences there are.
    pub declared: usize,
}

impl Report {
    /// Whether every difference is declared and every declaration is true.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.undeclared.is_empty() && self.stale.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.undeclared {
            writeln!(f, "{difference}")?;
        }
        for place in &self.stale {
            writeln!(f, "{place}: declared as a difference, but there is none")?;
        }
        write!(f, "{} kinds, {} differences", self.kinds, self.undeclared.len())?;
        if self.declared > 0 {
            write!(f, ", {} declared", self.declared)?;
        }
        writeln!(f)
    }
}

/// Compares upstream's facts with ours, given the places that are declared to differ.
#[must_use]
pub fn compare(theirs: &Facts, ours: &Facts, declared: &[String]) -> Report {
    let differences = differences(theirs, ours);
    let stale: Vec<_> =
        declared.iter().filter(|place| differences.iter().all(|found| found.place != **place)).cloned().collect();
    let count = declared.len() - stale.len();
    let undeclared = differences.into_iter().filter(|found| !declared.contains(&found.place)).collect();
    Report { kinds: kinds(ours), undeclared, stale, declared: count }
}

/// The CRDs of our types as `config/crd` holds them: name and text of each file.
///
/// # Errors
///
/// When a CRD cannot be written as YAML.
pub fn files() -> Result<Vec<(String, String)>> {
    as_files(ramen_core::api::crds(), "ramen-core/src/api")
}

/// The CRDs for Open Cluster Management's kinds as `config/crd-compat` holds them: name and text of each file.
///
/// # Errors
///
/// When a CRD cannot be written as YAML.
pub fn compatible_files() -> Result<Vec<(String, String)>> {
    as_files(ramen_core::api::foreign::compatible_crds(), "ramen-core/src/api/foreign")
}

fn as_files(crds: Vec<CustomResourceDefinition>, types: &str) -> Result<Vec<(String, String)>> {
    let files = crds.into_iter().map(|crd| {
        let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
        let text = format!(
            "# Generated by `make crds` from {types}. Edit the types, not this file.\n{}",
            serde_yaml::to_string(&crd)?
        );
        Ok((name, text))
    });
    files.collect()
}

/// Objects of Open Cluster Management's kinds, as an upstream hub, agents and users write them.
///
/// # Errors
///
/// When a file of `tests/data/ocm-objects` cannot be read; the error names it.
pub fn ocm_objects() -> Result<Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/ocm-objects");
    let mut objects = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        for document in serde_yaml::Deserializer::from_str(&text) {
            objects.push(Value::deserialize(document).with_context(|| format!("{}", path.display()))?);
        }
    }
    Ok(objects)
}
