//! M1-M5: the pure half of a driver.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::{
    DriverCase,
    bed::Side,
    lab::{DriverLab, is_positive, soon},
};
use crate::{
    api::DRAction,
    protection::replication::{
        Claim, Destination, DriverCommand, DriverObservation, FinalSync, PeerMatch, ReplicationRequest, Role,
    },
    testing::conformance::{
        Unmet,
        kit::kit_cases,
        lab::{broken, ensure},
        report::CaseOutcome,
    },
};

pub(super) const CASES: &[DriverCase] = kit_cases![DriverLab;
    "M1": "claims, peer_class, decide and expect give the same answer to the same question",
        "a plan shows something else than what is done", pure;
    "M2": "decide answers every observation, and what is not known is not reached",
        "one odd object stops the protection of a group, or passes for success", total;
    "M3": "a volume is owned or not, and if not, the reason names it",
        "a volume is replicated twice or not at all, and nobody says why", claims;
    "M4": "two clusters' classes match both ways or neither, and if not, with the reason",
        "a policy is accepted whose volumes can never fail over", peer_classes;
    "M5": "what is declared is constant, and verdicts keep to it",
        "the hub waits for what never comes, or overlooks what does", capabilities;
];

async fn pure(lab: &DriverLab<'_>) -> CaseOutcome {
    let (driver, other) = (lab.driver(Side::First)?, lab.driver(Side::First)?);
    let protection = lab.bed.protection();
    for volume in lab.bed.volumes(Side::First) {
        let first = driver.claims(&volume, &protection);
        let same = first == driver.claims(&volume, &protection) && first == other.claims(&volume, &protection);
        ensure(same, format_args!("claims of {} differs from time to time", volume.id))?;
    }
    let (a, b) = (lab.bed.classes(Side::First), lab.bed.classes(Side::Second));
    ensure(driver.peer_class(&a, &b) == other.peer_class(&a, &b), "peer_class differs from time to time")?;
    let request = lab.complete(Side::First, &lab.primary(Side::First, None)?);
    let observed = driver.observe(&request, soon()).await?;
    let decision = driver.decide(&request, &observed);
    lab.bed.wait(std::time::Duration::from_secs(600)).await;
    for driver in [&driver, &other, &driver] {
        let again = driver.decide(&request, &observed);
        ensure(again == decision, format_args!("decide says {again:?} after {decision:?}"))?;
        for command in &decision.commands {
            let same = driver.expect(&observed, command) == other.expect(&observed, command);
            ensure(same, format_args!("expect of {:?} differs from time to time", command.summary))?;
        }
    }
    Ok("the same after ten minutes and from another instance".into())
}

/// The value with each of its parts in turn removed or replaced by something of another type.
fn distortions(value: &Value) -> Vec<Value> {
    let mut out = vec![Value::Null, json!([]), json!({}), json!("odd"), json!(-7), json!([null, {"odd": "odd"}])];
    let mut pointers = Vec::new();
    walk(value, "", &mut pointers);
    for pointer in pointers {
        for odd in [Value::Null, json!("odd"), json!(-1), json!({})] {
            let mut distorted = value.clone();
            if let Some(part) = distorted.pointer_mut(&pointer) {
                *part = odd;
                out.push(distorted);
            }
        }
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
        let mut distorted = value.clone();
        if let Some(object) = distorted.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.remove(&key.replace("~1", "/").replace("~0", "~"));
            out.push(distorted);
        }
    }
    out
}

fn walk(value: &Value, at: &str, out: &mut Vec<String>) {
    if !at.is_empty() {
        out.push(at.to_owned());
    }
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(k, v)| walk(v, &format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), out));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| walk(v, &format!("{at}/{i}"), out)),
        _ => {}
    }
}

/// Every role, action, step and way of ending for the volumes of a request.
fn questions(base: &ReplicationRequest) -> Vec<ReplicationRequest> {
    let mut out = Vec::new();
    for role in [Role::Primary, Role::Secondary, Role::Test] {
        for action in [None, Some(DRAction::Failover), Some(DRAction::Relocate)] {
            for final_sync in [FinalSync::No, FinalSync::Prepare, FinalSync::Run] {
                for deleting in [false, true] {
                    let mut request = ReplicationRequest { role, action, final_sync, deleting, ..base.clone() };
                    request.release = request.volumes.split_off(1);
                    request.peer_input = json!({"odd": ["odd"]});
                    out.push(request);
                }
            }
        }
    }
    out
}

async fn total(lab: &DriverLab<'_>) -> CaseOutcome {
    let base = lab.protect().await?;
    let driver = lab.driver(Side::First)?;
    let real = driver.observe(&lab.complete(Side::First, &base), soon()).await?;
    let (odd, questions) = (distortions(&real.0), questions(&base));
    for observed in &odd {
        let observed = DriverObservation(observed.clone());
        for request in &questions {
            let about = || {
                format!(
                    "{} {:?} deleting {}: observation {}",
                    request.role, request.action, request.deleting, observed.0
                )
            };
            let decision = catch_unwind(AssertUnwindSafe(|| driver.decide(request, &observed)))
                .map_err(|_| Unmet::Broken(format!("decide panics; {}", about())))?;
            for owned in request.volumes.iter().chain(&request.release) {
                let Some(verdict) = decision.volumes.get(&owned.volume.id) else {
                    return broken(format_args!("no verdict for {}; {}", owned.volume.id, about()));
                };
                let unknown = observed.0.is_null() && !real.0.is_null();
                ensure(!(unknown && is_positive(verdict)), format_args!("{verdict:?} from nothing; {}", about()))?;
            }
            for command in &decision.commands {
                catch_unwind(AssertUnwindSafe(|| driver.expect(&observed, command)))
                    .map_err(|_| Unmet::Broken(format!("expect panics at {command:?}; {}", about())))?;
            }
        }
        let odd_command = DriverCommand {
            summary: "odd".into(),
            guard: String::new(),
            volumes: Vec::new(),
            body: observed.0.clone(),
        };
        catch_unwind(AssertUnwindSafe(|| driver.expect(&real, &odd_command)))
            .map_err(|_| Unmet::Broken(format!("expect panics at an odd command, body {}", odd_command.body)))?;
    }
    let asked =
        if real.0.is_null() { "the driver observes nothing; odd ones are answered" } else { "all are answered" };
    Ok(format!("{asked}, in every role, action and step"))
}

async fn claims(lab: &DriverLab<'_>) -> CaseOutcome {
    lab.owned(Side::First)?;
    lab.owned(Side::Second)?;
    let driver = lab.driver(Side::First)?;
    let foreign = lab.bed.not_owned();
    if foreign.is_empty() {
        return Err(Unmet::NotTried("the test bed has no volumes that the driver must not own".into()));
    }
    for (volume, protection) in &foreign {
        match driver.claims(volume, protection) {
            Claim::NotMine(why) if why.contains(&volume.id.name) => {}
            other => return broken(format_args!("a volume {} that is not the driver's: {other:?}", volume.id)),
        }
    }
    Ok(format!("all of its own, none of {} others, which are named in the reason", foreign.len()))
}

async fn peer_classes(lab: &DriverLab<'_>) -> CaseOutcome {
    let driver = lab.driver(Side::First)?;
    let (a, b) = (lab.bed.classes(Side::First), lab.bed.classes(Side::Second));
    for (one, other) in [(&a, &b), (&b, &a)] {
        let PeerMatch::Peers(peer) = driver.peer_class(one, other) else {
            return broken(format_args!(
                "{:?} and {:?} do not match",
                one.storage_class.name, other.storage_class.name
            ));
        };
        let ids = [&one.cluster_id, &other.cluster_id];
        let named =
            ids.iter().all(|id| peer.cluster_ids.contains(id)) && peer.storage_class_name == one.storage_class.name;
        ensure(named, format_args!("the peer class does not name its clusters and its class: {peer:?}"))?;
    }
    for other in lab.bed.unmatched_classes() {
        for answer in [driver.peer_class(&a, &other), driver.peer_class(&other, &a)] {
            match answer {
                PeerMatch::No(why) if !why.trim().is_empty() => {}
                answer => return broken(format_args!("{:?} has no match, yet: {answer:?}", other.storage_class)),
            }
        }
    }
    Ok("a pair both ways, and no others, with reasons".into())
}

async fn capabilities(lab: &DriverLab<'_>) -> CaseOutcome {
    let (driver, caps) = (lab.driver(Side::First)?, lab.caps()?);
    ensure(!caps.name.is_empty(), "the driver has no name")?;
    let request = lab.protect().await?;
    let decision = lab.settle(Side::First, &request, "the volumes stay ready", |_| true).await?;
    ensure(driver.capabilities() == caps && lab.caps()? == caps, "what is declared changes")?;
    let mut sizes = std::collections::BTreeMap::new();
    for owned in &request.volumes {
        if let Some(group) = &owned.consistency_group {
            *sizes.entry(group).or_insert(0) += 1;
        }
    }
    let greatest = sizes.into_values().max();
    ensure(greatest <= caps.groups, format_args!("a group of {greatest:?} volumes, declared: {:?}", caps.groups))?;
    for (id, verdict) in &decision.volumes {
        let kept = verdict.last_sync.is_some() == caps.reports_rpo
            && verdict.restored.is_some() == caps.restores_claims
            && (caps.destination_ids || verdict.destination == Destination::Same);
        ensure(kept, format_args!("{id}: {verdict:?} does not keep to {caps:?}"))?;
    }
    let early = decision.final_sync;
    ensure(
        caps.final_sync || (early.prepared && early.complete),
        "without a final sync it is not prepared and complete at once",
    )?;
    Ok("constant; groups, last sync, destination and final sync as declared".into())
}
