//! V12-V14 and R5: what the object of an observation is.

use std::time::Duration;

use serde_json::json;

use crate::{
    intercluster::{Freshness, ObjectKey, OutcomeKind, ResourceType},
    testing::conformance::{
        Case, CaseOutcome, Fault, Lab, Unmet,
        lab::{CALL, ensure, not_applicable},
        list_cases,
    },
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "V12": "an object too large is reported as such, not cut",
        "half a status is taken for the whole", too_large;
    "V13": "Secrets are never returned",
        "credentials of a cluster spread to everybody who may read views", secrets;
    "V14": "an object and its successor of the same name are told apart",
        "the state of a deleted object is taken for that of the new one", successor;
    "R5": "generation and observedGeneration come from one read",
        "a status that is about an older specification counts as current", one_read;
];

async fn too_large(lab: &Lab<'_>) -> CaseOutcome {
    let limit = lab.view_caps().max_object_bytes;
    // etcd takes no request above 1.5 MiB.
    if limit >= 1_500_000 {
        return not_applicable("it declares a limit that no object of an API server can exceed");
    }
    let a = lab.a();
    let key = lab.key(&a, "app");
    lab.create(&a, "app", &json!({"text": "x".repeat(limit)})).await?;
    lab.until("the object is Malformed", lab.view_caps().steady_within, async || {
        let seen = lab.read(&key, &Freshness::within(Duration::from_secs(1))).await;
        ensure(seen.outcome.found().is_none(), "it was found all the same, whole or cut")?;
        Ok((seen.outcome.kind() == OutcomeKind::Malformed).then_some(()))
    })
    .await?;
    Ok(format!("Malformed above {limit} bytes"))
}

async fn secrets(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let resource = ResourceType::of::<k8s_openapi::api::core::v1::Secret>();
    let content = "c2VjcmV0LW9mLXRoZS1raXQ=";
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": lab.namespace(), "name": "s"},
        "data": {"key": content}});
    lab.admin(&a)?.create(&resource, secret).await?;
    let key = ObjectKey::new(a, resource, Some(&lab.namespace()), "s");
    let _refused = lab.register(&key, "kit").await;
    lab.bed.wait(lab.view_caps().steady_within).await;
    for freshness in [Freshness::any(), Freshness::within(Duration::from_secs(1)), Freshness::live()] {
        let seen = lab.read(&key, &freshness).await;
        ensure(!seen.outcome.is_answered(), format_args!("it is {}", seen.outcome.kind()))?;
        let text = serde_json::to_string(&seen).unwrap_or_default();
        ensure(!text.contains(content), "its content is in the answer")?;
    }
    Ok(lab.read(&key, &Freshness::any()).await.outcome.kind().to_string())
}

async fn successor(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = lab.key(&a, "app");
    let soon = Freshness::within(Duration::from_secs(1));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let created = lab.create(&a, "app", &json!({"text": "same"})).await?;
        let uid = created["metadata"]["uid"].as_str().map(ToOwned::to_owned);
        lab.register(&key, "kit").await?;
        lab.bed.wait(Duration::from_secs(2)).await;
        let found = lab.found(&key, &soon, lab.view_caps().steady_within).await?;
        let object = found.outcome.found().cloned();
        let found = object.as_ref().and_then(|o| o.uid()).map(ToOwned::to_owned);
        ensure(found == uid, format_args!("created with uid {uid:?}, found with {found:?}"))?;
        seen.push((found, object.and_then(|o| o.version().map(ToOwned::to_owned))));
        lab.admin(&a)?.delete(&key).await?;
        lab.until("the object is gone", CALL, async || Ok(lab.remote(&a, "app").await?.is_none().then_some(())))
            .await?;
    }
    ensure(seen[0].0 != seen[1].0 && seen[0].1 != seen[1].1, format_args!("both are {:?}", seen[0]))?;
    Ok("uid and version differ".into())
}

async fn one_read(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let key = lab.key(&a, "app");
    lab.create(&a, "app", &json!({"serial": 0})).await?;
    lab.register(&key, "kit").await?;
    let admin = lab.admin(&a)?;
    lab.inflict(&a, Fault::Slow(Duration::from_millis(300))).await?;
    let writer = async {
        for n in 1..40_i64 {
            let object = lab.edit(&a, "app", json!({"spec": {"serial": n}})).await?;
            lab.bed.wait(Duration::from_millis(70)).await;
            let status = json!({"status": {"serial": n, "observedGeneration": object["metadata"]["generation"]}});
            admin.edit_status(&key, status).await?;
            lab.bed.wait(Duration::from_millis(130)).await;
        }
        Ok::<_, Unmet>(())
    };
    let reader = async {
        for _ in 0..25 {
            let seen = lab.read(&key, &Freshness::within(Duration::from_secs(1))).await;
            if let Some(found) = seen.outcome.found() {
                let object = found.json();
                let (generation, observed) = (found.generation(), found.observed_generation());
                ensure(observed <= generation, format_args!("generation {generation:?}, observed {observed:?}"))?;
                let same = observed != generation || object["status"]["serial"] == object["spec"]["serial"];
                ensure(same, format_args!("status {} counts as that of {}", object["status"], object["spec"]))?;
            }
            lab.bed.wait(Duration::from_millis(90)).await;
        }
        Ok::<_, Unmet>(())
    };
    let (wrote, read) = futures::join!(writer, reader);
    wrote?;
    read?;
    Ok("no observation mixed two states".into())
}
