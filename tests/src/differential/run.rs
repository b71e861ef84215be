//! Sequences on two servers, and what they answer differently.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Request;
use kube::Client;
use serde_json::{Value, json};

use super::generate;
use super::kinds;
use super::operation::Step;
use super::target::Target;

/// How much to compare.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Decides every sequence.
    pub seed: u64,
    /// The first sequence to run: a single one is replayed by naming it here.
    pub first: usize,
    /// Number of sequences.
    pub sequences: usize,
    /// Steps in a sequence.
    pub steps: usize,
}

/// One place at which two answers differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// Where in the answer.
    pub path: String,
    /// What the first server says there.
    pub left: Value,
    /// What the second one says.
    pub right: Value,
}

/// Differences with the same cause, as far as can be told: same kind of step, same place, same values.
#[derive(Clone, Debug)]
pub struct Group {
    /// How many steps showed it.
    pub count: usize,
    /// The first sequence that showed it.
    pub sequence: usize,
    /// The steps of that sequence that are needed to show it.
    pub steps: Vec<Step>,
    /// Where the answers to the last of them differ.
    pub mismatches: Vec<Mismatch>,
}

/// What a run has found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Steps answered by both servers.
    pub steps: usize,
    /// How often each code was answered by the first server: a run that sees nothing but refusals shows little.
    pub codes: BTreeMap<u64, usize>,
    /// Watch events compared.
    pub events: usize,
    /// Groups by signature.
    pub groups: BTreeMap<String, Group>,
}

/// One difference in one sequence: up to which step, and where.
struct Finding {
    signature: String,
    steps: usize,
    mismatches: Vec<Mismatch>,
}

/// Prefixes must be new to both servers, also when a sequence is repeated.
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// Runs the sequences on both servers.
///
/// # Errors
/// A server does not answer, or refuses what every sequence needs.
pub async fn compare(left: &Client, right: &Client, options: Options) -> anyhow::Result<Report> {
    for client in [left, right] {
        install_definitions(client).await?;
    }
    let mut report = Report::default();
    for sequence in options.first..options.first + options.sequences {
        let steps = generate::sequence(options.seed.wrapping_mul(1_000_003) + sequence as u64, options.steps);
        for finding in run(left, right, &steps, &mut report).await? {
            let group = report.groups.entry(finding.signature).or_insert_with(|| Group {
                count: 0,
                sequence,
                steps: steps[..finding.steps].to_vec(),
                mismatches: finding.mismatches,
            });
            group.count += 1;
        }
    }
    Ok(report)
}

/// Installs the generator's definitions where they are not yet, and waits until they are served.
async fn install_definitions(client: &Client) -> anyhow::Result<()> {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for definition in kinds::definitions() {
        let request =
            Request::post(path).header("content-type", "application/json").body(serde_json::to_vec(&definition)?)?;
        match client.request::<Value>(request).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => return Err(error.into()),
        }
    }
    for kind in kinds::KINDS {
        let mut attempts = 0;
        while let Err(error) = client.request::<Value>(Request::get(kind.path(None)).body(Vec::new())?).await {
            attempts += 1;
            anyhow::ensure!(attempts < 100, "{} is not served: {error}", kind.plural);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// Runs one sequence. It ends early when the servers no longer hold the same object: what follows would differ for that.
async fn run(left: &Client, right: &Client, steps: &[Step], report: &mut Report) -> anyhow::Result<Vec<Finding>> {
    let prefix = format!("q{}q", RUNS.fetch_add(1, Ordering::Relaxed));
    let begin = |client: &Client| Target::begin(client.clone(), &prefix);
    let (mut left, mut right) = futures::try_join!(begin(left), begin(right))?;
    let mut findings = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let (one, other) = futures::try_join!(left.perform(step), right.perform(step))?;
        report.steps += 1;
        *report.codes.entry(one["code"].as_u64().unwrap_or_default()).or_default() += 1;
        let mismatches = answers_differ(&one, &other);
        if mismatches.is_empty() {
            continue;
        }
        findings.push(Finding { signature: signature(step, &mismatches), steps: index + 1, mismatches });
        let (one, other) = futures::try_join!(left.stored(step), right.stored(step))?;
        if one != other {
            return Ok(findings);
        }
    }
    let (one, other) = futures::try_join!(left.finish(), right.finish())?;
    for (one, other) in one.iter().zip(&other) {
        report.events += one["events"].as_array().map_or(0, Vec::len);
        let mismatches = mismatches(one, other);
        if let Some(first) = mismatches.first() {
            let signature = format!("events of {}: {}", one["watch"], shape(first));
            findings.push(Finding { signature, steps: steps.len(), mismatches });
        }
    }
    Ok(findings)
}

/// Shortens the example of each group to the steps it needs, which repeats its sequence some tens of times.
///
/// # Errors
/// A server does not answer.
pub async fn shorten(left: &Client, right: &Client, report: &mut Report) -> anyhow::Result<()> {
    for (signature, group) in &mut report.groups {
        group.steps = shrink(left, right, signature, group.steps.clone()).await?;
    }
    Ok(())
}

/// Leaves out steps as long as the same difference shows.
async fn shrink(left: &Client, right: &Client, signature: &str, mut steps: Vec<Step>) -> anyhow::Result<Vec<Step>> {
    let mut budget = 60;
    let mut chunk = steps.len().div_ceil(2);
    while chunk >= 1 && budget > 0 {
        let mut start = 0;
        let mut shorter = false;
        while start < steps.len() && budget > 0 {
            let mut candidate = steps.clone();
            candidate.drain(start..(start + chunk).min(steps.len()));
            budget -= 1;
            let findings = run(left, right, &candidate, &mut Report::default()).await?;
            if let Some(finding) = findings.iter().find(|finding| finding.signature == signature) {
                steps = candidate[..finding.steps].to_vec();
                shorter = true;
            } else {
                start += chunk;
            }
        }
        if chunk == 1 && !shorter {
            break;
        }
        chunk = if chunk == 1 { 1 } else { chunk.div_ceil(2) };
    }
    Ok(steps)
}

/// Where two answers differ. When one server refuses what the other accepts, that is the difference, not every field.
fn answers_differ(left: &Value, right: &Value) -> Vec<Mismatch> {
    if left["code"] == right["code"] {
        return mismatches(left, right);
    }
    let outcome = |answer: &Value| {
        let body = &answer["body"];
        if body["kind"] == "Status" {
            json!([answer["code"], body["reason"], body["details"]])
        } else {
            answer["code"].clone()
        }
    };
    vec![Mismatch { path: "outcome".to_owned(), left: outcome(left), right: outcome(right) }]
}

/// The places, ten at most, at which two values differ.
#[must_use]
pub fn mismatches(left: &Value, right: &Value) -> Vec<Mismatch> {
    let mut found = Vec::new();
    differ(String::new(), left, right, &mut found);
    found
}

fn differ(path: String, left: &Value, right: &Value, found: &mut Vec<Mismatch>) {
    if left == right || found.len() >= 10 {
        return;
    }
    match (left, right) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let absent = Value::String("<absent>".to_owned());
                let (one, other) = (one.get(key).unwrap_or(&absent), other.get(key).unwrap_or(&absent));
                differ(format!("{path}.{key}"), one, other, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differ(format!("{path}[{index}]"), one, other, found);
            }
        }
        _ => found.push(Mismatch { path, left: left.clone(), right: right.clone() }),
    }
}

fn signature(step: &Step, mismatches: &[Mismatch]) -> String {
    use super::operation::Action;
    let action = match &step.action {
        Action::Create(_) => "create".to_owned(),
        Action::Patch(patch, _) => format!("patch({patch:?})"),
        Action::Replace(base, _) => format!("replace({base:?})"),
        Action::Delete(_) => "delete".to_owned(),
        Action::DeleteCollection => "deletecollection".to_owned(),
        Action::Get(accept) => format!("get({accept:?})"),
        Action::List(accept) => format!("list({accept:?})"),
        Action::Watch(since) => format!("watch({since:?})"),
        Action::Raw(method, path, content_type, body) => {
            let body: String = body.chars().take(40).collect();
            format!("{method} {path} [{content_type}] {body}")
        }
    };
    let subresource = step.subresource.map(|s| format!("/{s}")).unwrap_or_default();
    let first = mismatches.first().map(shape).unwrap_or_default();
    format!("{action} {}{subresource}: {first}", step.kind.plural)
}

/// A difference without what is particular to its sequence.
fn shape(mismatch: &Mismatch) -> String {
    let short = |value: &Value| {
        let text = value.to_string();
        if text.chars().count() > 60 { text.chars().take(60).chain("…".chars()).collect() } else { text }
    };
    let path: String = mismatch.path.chars().filter(|c| !c.is_ascii_digit()).collect();
    format!("{path}: {} / {}", short(&mismatch.left), short(&mismatch.right))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<_> = self.codes.iter().map(|(code, count)| format!("{code}: {count}")).collect();
        writeln!(f, "{} steps, {} watch events; codes {}", self.steps, self.events, codes.join(", "))?;
        writeln!(f, "{} groups of differences", self.groups.len())?;
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
        for (signature, group) in groups {
            writeln!(f, "\n{} x {signature}\n  in sequence {}, by these steps:", group.count, group.sequence)?;
            for step in &group.steps {
                writeln!(f, "    {step}")?;
            }
            for mismatch in &group.mismatches {
                writeln!(f, "  {}\n    first:  {}\n    second: {}", mismatch.path, mismatch.left, mismatch.right)?;
            }
        }
        Ok(())
    }
}
