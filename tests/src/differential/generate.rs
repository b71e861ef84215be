//! Random sequences of steps.

use serde_json::{Value, json};

use super::bodies::{self, NAMES};
use super::dice::Dice;
use super::kinds::{KINDS, Kind};
use super::normal::GENERATED;
use super::operation::{Accept, Action, Base, PatchType, Since, Step, placeholder};

/// The steps of one sequence. The same seed gives the same steps.
#[must_use]
pub fn sequence(seed: u64, steps: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    // Two kinds a sequence: requests that never meet on an object show little.
    let focus = [any_kind(&mut dice), any_kind(&mut dice)];
    let mut present: Vec<(Kind, &'static str, &'static str)> = Vec::new();
    let mut sequence = Vec::with_capacity(steps);
    for index in 0..steps {
        let kind = if dice.percent(88) { dice.pick(&focus) } else { any_kind(&mut dice) };
        let mut step = step(&mut dice, kind);
        if index < focus.len() && dice.percent(70) {
            // Early watches see most.
            step = Step { kind: focus[index], subresource: None, query: Vec::new(), ..step };
            watch(&mut dice, &mut step);
        }
        let alike: Vec<_> = present.iter().filter(|(known, ..)| *known == kind).copied().collect();
        // A request on what was never created is refused at once and shows little.
        if !alike.is_empty() && needs_object(&step) && dice.percent(85) {
            (_, step.namespace, step.name) = dice.pick(&alike);
        } else if alike.is_empty() && needs_object(&step) && dice.percent(85) {
            create(&mut dice, &mut step);
        }
        if matches!(step.action, Action::Create(_) | Action::Patch(PatchType::Apply, _)) {
            present.push((kind, step.namespace, step.name));
        } else if matches!(step.action, Action::Delete(_)) {
            present.retain(|known| *known != (kind, step.namespace, step.name));
        }
        sequence.push(step);
    }
    sequence
}

/// Whether a step is about an object that must be there. (The name in an applied or created body is the step's own.)
fn needs_object(step: &Step) -> bool {
    match &step.action {
        Action::Patch(patch, _) => *patch != PatchType::Apply,
        Action::Replace(..) | Action::Delete(_) | Action::Get(_) => true,
        _ => false,
    }
}

fn any_kind(dice: &mut Dice) -> Kind {
    dice.weighted(&KINDS.iter().map(|kind| (kind.weight, *kind)).collect::<Vec<_>>())
}

#[derive(Clone, Copy)]
enum Choice {
    Create,
    Apply,
    Merge,
    Json,
    Strategic,
    Replace,
    Finalizers,
    Delete,
    DeleteCollection,
    Get,
    List,
    Watch,
    Wrong,
}

fn step(dice: &mut Dice, kind: Kind) -> Step {
    use Choice as C;
    let choice = dice.weighted(&[
        (15, C::Create),
        (22, C::Apply),
        (12, C::Merge),
        (7, C::Json),
        (if kind.strategic { 9 } else { 1 }, C::Strategic),
        (12, C::Replace),
        (5, C::Finalizers),
        (9, C::Delete),
        (2, C::DeleteCollection),
        (4, C::Get),
        (6, C::List),
        (3, C::Watch),
        (6, C::Wrong),
    ]);
    let mut step = Step {
        kind,
        namespace: dice.weighted(&[(12, "a"), (4, "b"), (1, "c")]),
        name: dice.pick(NAMES),
        subresource: None,
        action: Action::DeleteCollection,
        query: Vec::new(),
    };
    match choice {
        C::Create => create(dice, &mut step),
        C::Apply => apply(dice, &mut step),
        C::Merge | C::Json | C::Strategic => patch(dice, &mut step, choice),
        C::Replace => replace(dice, &mut step),
        C::Finalizers => {
            let patch =
                json!({"metadata": {"finalizers": dice.pick(&[json!([]), Value::Null, json!(["example.com/hold"])])}});
            step.action = Action::Patch(PatchType::Merge, patch);
        }
        C::Delete => delete(dice, &mut step),
        C::DeleteCollection => {
            step.query = selectors(dice, &kind, false);
            step.action = Action::DeleteCollection;
        }
        C::Get => step.action = Action::Get(accept(dice)),
        C::List => list(dice, &mut step),
        C::Watch => watch(dice, &mut step),
        C::Wrong => super::wrong::request(dice, &mut step),
    }
    step
}

fn accept(dice: &mut Dice) -> Accept {
    dice.weighted(&[(6, Accept::Object), (2, Accept::Table), (2, Accept::Metadata)])
}

/// Parameters that every write takes.
fn write_query(dice: &mut Dice, managed: bool) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    if managed || dice.percent(70) {
        query.push(("fieldManager", dice.pick(&["m1", "m2", "m3"]).to_owned()));
    }
    if dice.percent(6) {
        query.push(("dryRun", dice.weighted(&[(9, "All"), (1, "Some")]).to_owned()));
    }
    if dice.percent(20) {
        query.push((
            "fieldValidation",
            dice.weighted(&[(5, "Strict"), (3, "Ignore"), (3, "Warn"), (1, "Odd")]).to_owned(),
        ));
    }
    query
}

fn create(dice: &mut Dice, step: &mut Step) {
    step.subresource = None;
    let mut body = bodies::object(dice, &step.kind, step.name);
    step.query = write_query(dice, false);
    if step.kind.status && dice.percent(20) {
        bodies::merge(&mut body, bodies::status(dice, &step.kind));
    }
    if dice.percent(3)
        && let Some(metadata) = body["metadata"].as_object_mut()
    {
        // Nothing is stored: where a random name falls in a list would differ for no reason.
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), json!(GENERATED));
        step.query.retain(|(key, _)| *key != "dryRun");
        step.query.push(("dryRun", "All".to_owned()));
    }
    step.action = Action::Create(mark(&step.kind, body));
}

fn apply(dice: &mut Dice, step: &mut Step) {
    step.query = write_query(dice, true);
    if dice.percent(35) {
        step.query.push(("force", dice.pick(&["true", "true", "true", "false"]).to_owned()));
    }
    let mut body = bodies::object(dice, &step.kind, step.name);
    if step.kind.status && dice.percent(25) {
        step.subresource = Some("status");
        body = json!({"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": body["metadata"]["name"]}});
        bodies::merge(&mut body, bodies::status(dice, &step.kind));
    } else {
        if dice.percent(50) {
            // A partial intent: an owner of few fields.
            let fragment = bodies::content(dice, &step.kind, false);
            bodies::merge(&mut body, fragment);
        }
        body = mark(&step.kind, body);
    }
    if dice.percent(4) {
        body["metadata"]["resourceVersion"] = json!(dice.pick(&[placeholder::VERSION, placeholder::OLD_VERSION]));
    }
    step.action = Action::Patch(PatchType::Apply, body);
}

fn patch(dice: &mut Dice, step: &mut Step, choice: Choice) {
    step.query = write_query(dice, false);
    if step.kind.status && dice.percent(18) {
        step.subresource = Some("status");
    }
    step.action = match choice {
        Choice::Json => Action::Patch(PatchType::Json, json_patch(dice, &step.kind)),
        Choice::Strategic => Action::Patch(PatchType::Strategic, fragment(dice, step)),
        _ => Action::Patch(PatchType::Merge, fragment(dice, step)),
    };
}

/// A part of an object, as a patch carries it.
fn fragment(dice: &mut Dice, step: &Step) -> Value {
    if step.subresource.is_some() {
        return bodies::status(dice, &step.kind);
    }
    if dice.percent(20) {
        return bodies::removal(dice, &step.kind);
    }
    let mut fragment = json!({});
    if dice.percent(75) {
        fragment = bodies::content(dice, &step.kind, false);
    }
    if dice.percent(40) {
        bodies::merge(&mut fragment, json!({"metadata": bodies::some_metadata(dice)}));
    }
    if step.kind.status && dice.percent(8) {
        bodies::merge(&mut fragment, bodies::status(dice, &step.kind));
    }
    if dice.percent(6) {
        fragment["metadata"]["resourceVersion"] =
            json!(dice.pick(&[placeholder::VERSION, placeholder::OLD_VERSION, "x"]));
    }
    if dice.percent(2) {
        fragment["metadata"]["managedFields"] = json!([]);
    }
    fragment
}

fn json_patch(dice: &mut Dice, kind: &Kind) -> Value {
    let set = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
    let mut operations = vec![match kind.kind {
        "Widget" => dice.pick(&[
            set("/spec/replicas", json!(4)),
            set("/spec/tags", json!(["new"])),
            set("/spec/tags/-", json!("more")),
            json!({"op": "remove", "path": "/spec/replicas"}),
            json!({"op": "replace", "path": "/spec/mode", "value": "sync"}),
            json!({"op": "remove", "path": "/spec/ports/0"}),
            json!({"op": "test", "path": "/spec/id", "value": "w-1"}),
            json!({"op": "copy", "from": "/spec/mode", "path": "/spec/note"}),
            json!({"op": "move", "from": "/spec/labels", "path": "/spec/settings"}),
            json!({"op": "replace", "path": "/spec/absent/deeper", "value": 1}),
        ]),
        _ => dice.pick(&[
            set("/metadata/annotations", json!({"patched": "yes"})),
            set("/metadata/finalizers", json!(["example.com/hold"])),
            json!({"op": "remove", "path": "/metadata/finalizers"}),
            json!({"op": "remove", "path": "/metadata/finalizers/0"}),
            json!({"op": "test", "path": "/metadata/uid", "value": placeholder::UID}),
        ]),
    }];
    if dice.percent(30) {
        operations.push(set("/metadata/labels", bodies::labels(dice)));
    }
    if dice.percent(10) {
        operations.push(json!({"op": "test", "path": "/metadata/resourceVersion", "value": placeholder::VERSION}));
    }
    json!(operations)
}

fn replace(dice: &mut Dice, step: &mut Step) {
    step.query = write_query(dice, false);
    if step.kind.status && dice.percent(25) {
        step.subresource = Some("status");
    }
    let base = dice.weighted(&[(7, Base::Fresh), (2, Base::Stale), (2, Base::Blind)]);
    step.action = Action::Replace(base, fragment(dice, step));
}

fn delete(dice: &mut Dice, step: &mut Step) {
    let mut options = json!({});
    if dice.percent(35) {
        options["propagationPolicy"] =
            json!(dice.weighted(&[(3, "Foreground"), (3, "Background"), (3, "Orphan"), (1, "Odd")]));
    }
    if dice.percent(20) {
        options["preconditions"] = dice.pick(&[
            json!({"uid": placeholder::UID}),
            json!({"uid": "other"}),
            json!({"resourceVersion": placeholder::VERSION}),
            json!({"resourceVersion": placeholder::OLD_VERSION}),
        ]);
    }
    if dice.percent(6) {
        options["gracePeriodSeconds"] = json!(dice.pick(&[0, 5, -1]));
    }
    if dice.percent(5) {
        options["orphanDependents"] = json!(true);
    }
    if dice.percent(5) {
        step.query.push(("dryRun", "All".to_owned()));
    }
    if step.kind.kind == "Namespace" && dice.percent(40) {
        // One of the sequence's own namespaces: what is refused in a terminating one shows in later steps.
        step.name = "c";
    }
    step.action = Action::Delete(options.as_object().is_some_and(|o| !o.is_empty()).then_some(options));
}

fn list(dice: &mut Dice, step: &mut Step) {
    step.query = selectors(dice, &step.kind, true);
    if dice.percent(40) {
        step.query.push(("limit", dice.pick(&["1", "2", "100"]).to_owned()));
    }
    if dice.percent(8) {
        step.query.push(("resourceVersion", dice.pick(&[placeholder::VERSION, placeholder::START]).to_owned()));
        step.query.push(("resourceVersionMatch", "Exact".to_owned()));
    }
    step.action = Action::List(accept(dice));
}

fn watch(dice: &mut Dice, step: &mut Step) {
    step.namespace = dice.pick(&["a", "b"]);
    if dice.percent(40) {
        step.query.push(("labelSelector", dice.pick(&["tier=gold", "tier in (gold,iron)", "app"]).to_owned()));
    }
    if dice.percent(15) {
        step.query.push(("allowWatchBookmarks", "true".to_owned()));
    }
    own_only(&step.kind, &mut step.query);
    step.action = Action::Watch(dice.pick(&[Since::Now, Since::Start, Since::Streaming]));
}

fn selectors(dice: &mut Dice, kind: &Kind, wrong: bool) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    if dice.percent(45) {
        let selector = dice.pick(&[
            "tier=gold",
            "tier!=gold",
            "tier in (gold,iron)",
            "app",
            "!app",
            "tier notin (iron),app",
            "tier==iron",
        ]);
        query.push(("labelSelector", selector.to_owned()));
    } else if wrong && dice.percent(4) {
        query.push(("labelSelector", dice.pick(&["tier in (", "=x", "a=b=c", "tier=not/a/value"]).to_owned()));
    }
    if dice.percent(15) {
        query.push((
            "fieldSelector",
            dice.pick(&["metadata.name=alpha", "metadata.name!=beta", "spec.mode=sync"]).to_owned(),
        ));
    } else if wrong && dice.percent(4) {
        query.push(("fieldSelector", dice.pick(&["spec.nope=1", "metadata.name", "status.phase=Ready"]).to_owned()));
    }
    own_only(kind, &mut query);
    query
}

/// Outside namespaces a collection holds the objects of every sequence: a label tells whose they are.
fn own_only(kind: &Kind, query: &mut Vec<(&'static str, String)>) {
    if kind.namespaced {
        return;
    }
    let own = format!("sequence={}", placeholder::PREFIX);
    match query.iter_mut().find(|(key, _)| *key == "labelSelector") {
        Some((_, selector)) => *selector = format!("{own},{selector}"),
        None => query.push(("labelSelector", own)),
    }
}

/// Adds that label.
fn mark(kind: &Kind, mut object: Value) -> Value {
    if !kind.namespaced && !object["metadata"]["labels"].is_string() {
        object["metadata"]["labels"]["sequence"] = json!(placeholder::PREFIX);
    }
    object
}
