//! V10 and V11: who is interested in what.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    intercluster::{ObjectKey, Registration},
    testing::conformance::{
        Case, CaseOutcome, Lab, Unmet,
        lab::{CALL, ensure},
        list_cases,
    },
    time::Deadline,
};

pub(in super::super) const CASES: &[Case] = list_cases![
    "V10": "registrations are counted by registrant, the last one out ends the view, and lists by label are exact",
        "one application's end blinds another that watches the same object", counted;
    "V11": "registrations that nobody claims after a crash of the hub are gone within the declared bound",
        "views pile up on the clusters for ever", collected;
];

async fn listed(lab: &Lab<'_>, labels: &[(&str, &str)]) -> Result<Vec<(ObjectKey, String)>, Unmet> {
    let labels: BTreeMap<_, _> = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let all = lab.view().registrations(&labels, Deadline::after(CALL)).await?;
    Ok(all.into_iter().map(|r| (r.key, r.registrant)).collect())
}

async fn counted(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let (x, y) = (lab.key(&a, "x"), lab.key(&a, "y"));
    lab.create(&a, "x", &json!({"text": "x"})).await?;
    let register = async |key: &ObjectKey, who: &str, colour: &str| -> Result<(), Unmet> {
        let labels = [("kit".to_owned(), "v10".to_owned()), ("colour".to_owned(), colour.to_owned())].into();
        let registration = Registration { key: key.clone(), registrant: who.into(), labels };
        Ok(lab.view().register(&registration, Deadline::after(CALL)).await?)
    };
    register(&x, "one", "red").await?;
    register(&x, "two", "red").await?;
    register(&y, "one", "blue").await?;
    let of = |key: &ObjectKey, who: &str| (key.clone(), who.to_owned());
    let red = listed(lab, &[("kit", "v10"), ("colour", "red")]).await?;
    ensure(red == [of(&x, "one"), of(&x, "two")], format_args!("red ones are {red:?}"))?;
    let all = listed(lab, &[("kit", "v10")]).await?;
    ensure(all == [of(&x, "one"), of(&x, "two"), of(&y, "one")], format_args!("all are {all:?}"))?;
    register(&y, "one", "red").await?;
    let blue = listed(lab, &[("kit", "v10"), ("colour", "blue")]).await?;
    ensure(blue.is_empty(), "registering again kept the old labels")?;
    let transport = lab.view();
    let mut changes = transport.changes();
    transport.unregister(&x, "one", Deadline::after(CALL)).await?;
    let left = listed(lab, &[("kit", "v10")]).await?;
    ensure(left == [of(&x, "two"), of(&y, "one")], format_args!("after one went: {left:?}"))?;
    lab.bed.wait(lab.view_caps().steady_within).await;
    lab.edit(&a, "x", json!({"spec": {"text": "changed"}})).await?;
    let within = lab.view_caps().notify_within;
    lab.next("the one who stayed of a change", within, &mut changes, |c| (c.key == x).then_some(())).await?;
    transport.unregister(&x, "two", Deadline::after(CALL)).await?;
    transport.unregister(&x, "two", Deadline::after(CALL)).await?;
    let left = listed(lab, &[("kit", "v10")]).await?;
    ensure(left == [of(&y, "one")], format_args!("after both went: {left:?}"))?;
    Ok("counted by registrant; lists exact; ending twice is fine".into())
}

async fn collected(lab: &Lab<'_>) -> CaseOutcome {
    let a = lab.a();
    let (kept, left) = (lab.key(&a, "kept"), lab.key(&a, "left"));
    lab.register(&kept, "kit").await?;
    lab.register(&left, "kit").await?;
    lab.kill_hub().await?;
    lab.register(&kept, "kit").await?;
    let labels = [("case", "V11")];
    lab.until("the unclaimed registration is gone", lab.view_caps().collect_within, async || {
        Ok((!listed(lab, &labels).await?.iter().any(|(key, _)| *key == left)).then_some(()))
    })
    .await?;
    ensure(listed(lab, &labels).await?.iter().any(|(key, _)| *key == kept), "the claimed one went too")?;
    Ok(format!("gone within {:?}, the claimed one stayed", lab.view_caps().collect_within))
}
