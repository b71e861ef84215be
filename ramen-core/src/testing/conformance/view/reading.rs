//! V1-V9: what a read answers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    intercluster::{Freshness, ObjectKey, Observation, OutcomeKind, ResourceType},
    testing::conformance::{
        Case, CaseOutcome, Fault, Lab, Unmet, Verb,
        lab::{CALL, broken, ensure, not_applicable},
        list_cases, sample,
    },
    time::Deadline,
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "V1": "Found carries the whole object: generation, uid, deletionTimestamp, status",
        "a decision is made on half an object", whole;
    "V2": "observed-at is the hub's time at which the read began, and stays within the steady bound under load",
        "an old answer passes for a new one", observed_at;
    "V3": "no older than asked for: else Stale or a failure; age zero is read after the call",
        "a cluster is promoted on what was true an hour ago", greatest_age;
    "V4": "a read after an intent's revision finds nothing older than that revision's apply: else Pending",
        "a cluster counts as demoted because of its state before the demotion", after_revision;
    "V5": "deleted, unknown kind, no right, no credentials, cut off and slow are six different outcomes",
        "a cluster that cannot be reached counts as empty, and a second primary is made", outcomes;
    "V6": "a 404 without a Kubernetes Status, or about another object, is not Absent",
        "a broken load balancer makes every application look undeployed", foreign_not_found;
    "V7": "once a cluster is cut off, reads with a greatest age stop finding within the detection bound",
        "a dead cluster goes on looking healthy", detection;
    "V8": "the object is the one that was asked for, also when the interest moves to another",
        "one application's state is taken for another's", identity;
    "V9": "a read that failed never finds: its old object is Stale at most",
        "an error hides behind the last success", failed_read;
];

async fn whole(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = lab.key(&a, "app");
    lab.create(&a, "app", &json!({"text": "a", "free": {"deep": [1, {"x": null, "y": 2}]}})).await?;
    let admin = lab.admin(&a)?;
    admin.edit_status(&key, json!({"status": {"state": "Primary", "observedGeneration": 1}})).await?;
    lab.edit(&a, "app", json!({"extra": {"kept": 1}, "metadata": {"finalizers": ["kit.example/hold"]}})).await?;
    admin.delete(&key).await?;
    let expected = lab.must_be_there(&a, "app").await?;
    let within = lab.view_caps().steady_within;
    let seen = lab.found(&key, &Freshness::within(Duration::from_secs(1)), within).await;
    lab.edit(&a, "app", json!({"metadata": {"finalizers": null}})).await?;
    let seen = seen?;
    let object = seen.outcome.found().map(|o| without_managed_fields(o.json()));
    ensure(object == Some(without_managed_fields(&expected)), format_args!("{object:?} instead of {expected}"))?;
    Ok("equal to the object on the cluster".into())
}

/// Views may leave out `managedFields`, which say nothing about the object's state and are the largest part of it.
fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"].as_object_mut().map(|metadata| metadata.remove("managedFields"));
    object
}

async fn observed_at(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let caps = lab.view_caps();
    for n in 0..20 {
        lab.create(&a, &format!("app-{n}"), &json!({"serial": n})).await?;
        lab.register(&lab.key(&a, &format!("app-{n}")), "kit").await?;
    }
    lab.bed.wait(caps.steady_within).await;
    for n in 0..20 {
        let key = lab.key(&a, &format!("app-{n}"));
        for write in 0..5 {
            lab.edit(&a, &key.name, json!({"spec": {"serial": write}})).await?;
        }
        let seen = lab.read(&key, &Freshness::any()).await;
        ensure(seen.outcome.found().is_some(), format_args!("{key}: {}", seen.outcome.kind()))?;
        let age = seen.age(lab.now()).unwrap_or(Duration::MAX);
        ensure(age <= caps.steady_within + lab.bed.slack(), format_args!("{key} was {age:?} old"))?;
    }
    if !caps.live_reads {
        return Ok("within the steady bound under load; it declares no live reads".into());
    }
    let delay = Duration::from_secs(2);
    lab.inflict(&a, Fault::Slow(delay)).await?;
    let called = lab.now();
    let seen = lab.read_live(&lab.key(&a, "app-0")).await;
    let answered = lab.now();
    let Some(at) = seen.observed_at else { return broken(format_args!("a slow read: {:?}", seen.outcome)) };
    ensure(at >= called, format_args!("observed at {at}, before the call at {called}"))?;
    ensure(at < answered, format_args!("observed at {at}, when the answer came, not when the read began"))?;
    Ok("within the steady bound under load; a slow read is dated by its beginning".into())
}

async fn greatest_age(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let caps = lab.view_caps();
    let key = lab.key(&a, "app");
    lab.create(&a, "app", &json!({"text": "old"})).await?;
    lab.register(&key, "kit").await?;
    lab.bed.wait(caps.steady_within).await;
    let within = |seen: &Observation, max: Duration| -> Result<(), Unmet> {
        let age = seen.age(lab.now()).unwrap_or(Duration::MAX);
        let answered = seen.outcome.is_answered();
        ensure(
            !answered || age <= max + lab.bed.slack(),
            format_args!("{} of age {age:?}, asked for {max:?}", seen.outcome.kind()),
        )
    };
    for max in [caps.steady_within, Duration::from_secs(1)] {
        within(&lab.read(&key, &Freshness::within(max)).await, max)?;
    }
    if caps.live_reads {
        lab.edit(&a, "app", json!({"spec": {"text": "new"}})).await?;
        let called = lab.now();
        let seen = lab.read_live(&key).await;
        let text = seen.outcome.found().map(|o| o.json()["spec"]["text"].clone());
        ensure(text == Some("new".into()), format_args!("a live read answers {:?}", seen.outcome))?;
        ensure(seen.observed_at >= Some(called), "a live read was begun before the call")?;
    }
    lab.inflict(&a, Fault::Cut).await?;
    let max = Duration::from_secs(3);
    lab.bed.wait(max * 2).await;
    let seen = lab.read(&key, &Freshness::within(max)).await;
    ensure(
        !seen.outcome.is_answered(),
        format_args!("cut off for longer than asked, and still {}", seen.outcome.kind()),
    )?;
    Ok(format!("fresh while connected, {} when cut off for longer than asked", seen.outcome.kind()))
}

async fn after_revision(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = lab.key(&a, "app");
    let intent = lab.saying(&a, "app", "first")?;
    lab.put_applied(&intent).await?;
    lab.register(&key, "kit").await?;
    lab.bed.wait(lab.view_caps().steady_within).await;
    lab.inflict(&a, Fault::Forbidden(Verb::Delete, sample::late_sample())).await?;
    lab.inflict(&a, Fault::Slow(Duration::from_secs(4))).await?;
    let receipt = lab.put(&lab.saying(&a, "app", "second")?).await?;
    let revision = Lab::revision(&receipt)?;
    let fresh = Freshness::any().after(intent.id.clone(), revision.clone());
    let early = lab.read(&key, &fresh).await;
    ensure(
        early.outcome.found().is_none_or(|o| o.json()["spec"]["text"] == "second"),
        "it found the object as it was before",
    )?;
    lab.heal(&a).await?;
    lab.inflict(&a, Fault::Cut).await?;
    let third = Lab::revision(&lab.put(&lab.saying(&a, "app", "third")?).await?)?;
    let unapplied = lab.read(&key, &Freshness::any().after(intent.id.clone(), third.clone())).await;
    let pending =
        matches!(unapplied.outcome.kind(), OutcomeKind::Pending | OutcomeKind::Unreachable | OutcomeKind::TimedOut);
    ensure(pending, format_args!("not applied yet, and the read says {}", unapplied.outcome.kind()))?;
    lab.heal(&a).await?;
    let record = lab.applied(&intent.id, lab.caps().catch_up_within).await?;
    let fresh = Freshness::any().after(intent.id.clone(), third);
    let seen = lab.found(&key, &fresh, lab.view_caps().steady_within).await?;
    let object = seen.outcome.found().map(|o| o.json().clone()).unwrap_or_default();
    ensure(object["spec"]["text"] == "third", format_args!("it found {}", object["spec"]))?;
    let generation = record.objects.first().and_then(|o| o.generation);
    ensure(object["metadata"]["generation"].as_i64() >= generation, "the generation is older than the apply's")?;
    Ok("nothing older was found; the applied revision was".into())
}

async fn outcomes(lab: &Lab<'_>) -> CaseOutcome {
    if !lab.view_caps().live_reads {
        return not_applicable("it declares no live reads");
    }
    let a = lab.a();
    let key = lab.key(&a, "app");
    let late = sample::late_sample();
    let unknown = ObjectKey::new(a.clone(), late.clone(), Some(&lab.namespace()), "app");
    lab.install(&a, &late).await?;
    lab.create(&a, "app", &json!({"text": "a"})).await?;
    lab.found(&key, &Freshness::live(), CALL).await?;
    lab.until("an object of the second kind is Absent", lab.view_caps().steady_within, async || {
        Ok((lab.read_live(&unknown).await.outcome.kind() == OutcomeKind::Absent).then_some(()))
    })
    .await?;
    let expect = async |what: &str, key: &ObjectKey, allowed: &[OutcomeKind]| -> Result<(), Unmet> {
        // The first answer counts where it could mislead; a cached discovery or connection may need a moment.
        lab.until(&format!("{what} is {allowed:?}"), lab.view_caps().detect_within, async || {
            let seen = lab.read_live(key).await.outcome;
            if matches!(seen.kind(), OutcomeKind::Absent | OutcomeKind::Found) && !allowed.contains(&seen.kind()) {
                return broken(format_args!("{what} is {}", seen.kind()));
            }
            Ok(allowed.contains(&seen.kind()).then_some(()))
        })
        .await
    };
    lab.uninstall(&a, &late).await?;
    lab.until("the kind is KindAbsent", lab.caps().prerequisite_within, async || {
        Ok((lab.read_live(&unknown).await.outcome.kind() == OutcomeKind::KindAbsent).then_some(()))
    })
    .await?;
    let mut tried = vec!["KindAbsent"];
    for (name, fault, allowed) in [
        ("Forbidden", Fault::Forbidden(Verb::Read, sample::sample()), [OutcomeKind::Forbidden].as_slice()),
        ("Unauthenticated", Fault::CredentialsRevoked, &[OutcomeKind::Unauthenticated]),
        ("TimedOut", Fault::Slow(Duration::from_secs(60)), &[OutcomeKind::TimedOut, OutcomeKind::Unreachable]),
        ("Unreachable", Fault::Cut, &[OutcomeKind::Unreachable]),
        ("Unreachable (stopped)", Fault::Stopped, &[OutcomeKind::Unreachable]),
    ] {
        match lab.inflict(&a, fault).await {
            Err(Unmet::NotTried(_)) => continue,
            other => other?,
        }
        if name == "Unreachable" {
            let first = lab.read_live(&key).await.outcome.kind();
            ensure(
                matches!(first, OutcomeKind::TimedOut | OutcomeKind::Unreachable),
                format_args!("cut off is {first}"),
            )?;
        }
        expect(name, &key, allowed).await?;
        tried.push(name);
        lab.heal(&a).await?;
        lab.found(&key, &Freshness::live(), lab.caps().catch_up_within).await?;
    }
    lab.admin(&a)?.delete(&key).await?;
    let kind = lab.read_live(&key).await.outcome.kind();
    ensure(kind == OutcomeKind::Absent, format_args!("a deleted object is {kind}"))?;
    Ok(format!("Absent, {}", tried.join(", ")))
}

async fn foreign_not_found(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = lab.key(&a, "app");
    let mut seen = Vec::new();
    for fault in [Fault::ForeignNotFound, Fault::NotFoundOfAnother] {
        lab.inflict(&a, fault).await?;
        lab.always(Duration::from_secs(10), async || {
            let kind = lab.read(&key, &Freshness::within(Duration::from_secs(1))).await.outcome.kind();
            let claims = matches!(kind, OutcomeKind::Absent | OutcomeKind::Found | OutcomeKind::KindAbsent);
            ensure(!claims, format_args!("it is {kind}"))
        })
        .await?;
        seen.push(lab.read(&key, &Freshness::within(Duration::from_secs(1))).await.outcome.kind().to_string());
        lab.heal(&a).await?;
    }
    Ok(seen.join(", "))
}

async fn detection(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = lab.key(&a, "app");
    lab.create(&a, "app", &json!({"text": "a"})).await?;
    lab.register(&key, "kit").await?;
    let hour = Freshness::within(Duration::from_secs(3600));
    lab.found(&key, &hour, lab.view_caps().steady_within).await?;
    lab.inflict(&a, Fault::Cut).await?;
    lab.bed.wait(lab.view_caps().detect_within + lab.bed.slack()).await;
    let mut last = None;
    for _ in 0..5 {
        let seen = lab.read(&key, &hour).await;
        ensure(!seen.outcome.is_answered(), format_args!("it is {} after the detection bound", seen.outcome.kind()))?;
        last = Some(seen.outcome.kind());
        lab.bed.wait(Duration::from_secs(1)).await;
    }
    Ok(last.map(|kind| kind.to_string()).unwrap_or_default())
}

async fn identity(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let (x, y) = (lab.key(&a, "x"), lab.key(&a, "y"));
    for name in ["x", "y"] {
        lab.create(&a, name, &json!({"text": name})).await?;
    }
    let maps = ResourceType::of::<k8s_openapi::api::core::v1::ConfigMap>();
    let z = ObjectKey::new(a.clone(), maps, Some(&lab.namespace()), "x");
    lab.register(&x, "kit").await?;
    lab.bed.wait(lab.view_caps().steady_within).await;
    lab.view().unregister(&x, "kit", Deadline::after(CALL)).await?;
    lab.register(&y, "kit").await?;
    for freshness in [Freshness::any(), Freshness::within(Duration::from_secs(60)), Freshness::any()] {
        for key in [&y, &x, &z] {
            let seen = lab.read(key, &freshness).await;
            ensure(seen.key == *key, format_args!("asked for {key}, answered about {}", seen.key))?;
            if let Some(object) = seen.outcome.found().map(crate::intercluster::RemoteObject::json) {
                let same =
                    object["metadata"]["name"] == key.name.as_str() && object["kind"] == key.resource.kind.as_str();
                ensure(same, format_args!("asked for {key}, found {}", object["metadata"]["name"]))?;
            }
        }
    }
    Ok("each answer was about the object asked for".into())
}

async fn failed_read(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = lab.key(&a, "app");
    lab.create(&a, "app", &json!({"text": "a"})).await?;
    lab.register(&key, "kit").await?;
    lab.found(&key, &Freshness::within(Duration::from_secs(60)), lab.view_caps().steady_within).await?;
    let mut seen = Vec::new();
    for fault in [Fault::Cut, Fault::CredentialsRevoked, Fault::ForeignNotFound, Fault::Slow(Duration::from_secs(60))] {
        let name = format!("{fault:?}");
        match lab.inflict(&a, fault).await {
            Err(Unmet::NotTried(_)) => continue,
            other => other?,
        }
        // Whatever was seen before the fault is older than this by now.
        lab.bed.wait(Duration::from_secs(2)).await;
        let outcome = lab.read(&key, &Freshness::within(Duration::from_secs(1))).await.outcome;
        ensure(!outcome.is_answered(), format_args!("{name}: {}", outcome.kind()))?;
        seen.push(format!("{name}: {}", outcome.kind()));
        lab.heal(&a).await?;
        lab.found(&key, &Freshness::within(Duration::from_secs(1)), lab.caps().catch_up_within).await?;
    }
    ensure(!seen.is_empty(), "no fault could be tried")?;
    Ok(seen.join(", "))
}
