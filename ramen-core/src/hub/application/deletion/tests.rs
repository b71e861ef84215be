use std::collections::BTreeMap;

use crate::{
    api::names::annotations,
    decision::{Item, Sight},
    hub::application::{
        bed::{Bed, DR1, DR2, unreachable, writes},
        decide,
    },
    intercluster::{Failure, FailureClass},
};

fn deleting() -> Bed {
    let mut bed = Bed::deployed();
    bed.now.drpc.metadata.deletion_timestamp = bed.now.drpc.metadata.creation_timestamp.clone();
    bed
}

fn declare_lost(bed: &mut Bed, cluster: &str) {
    match &mut bed.facts(cluster).drcluster {
        Item::Read(Sight::Found(drcluster)) => {
            drcluster.metadata.annotations = Some(BTreeMap::from([(annotations::DECLARED_LOST.into(), "true".into())]));
        }
        other => panic!("{other:?}"),
    }
}

fn is_removed(bed: &Bed) -> bool {
    bed.now.drpc.metadata.finalizers.as_ref().is_none_or(Vec::is_empty)
}

#[test]
fn nothing_is_removed_while_a_cluster_does_not_answer_unless_it_was_declared_lost() {
    for cluster in [DR1, DR2] {
        for sight in [
            unreachable(cluster),
            Sight::Pending,
            Sight::Stale(None),
            Sight::Failed(Failure::new(FailureClass::Forbidden, "no right")),
        ] {
            let mut bed = deleting();
            let kind = sight.kind();
            bed.sees(cluster, sight);
            let plan = bed.run();
            assert!(!writes(&plan).iter().any(|w| w.starts_with("delete") || w.starts_with("orphan")), "{plan}");
            assert!(!is_removed(&bed));
            assert!(bed.message("Available").contains("declared-lost=true"), "{kind}: {}", bed.message("Available"));
            assert_eq!(bed.run().steps, [], "{cluster} {kind}: written once");
            declare_lost(&mut bed, cluster);
            let plan = bed.run();
            assert!(is_removed(&bed), "{cluster} {kind}\n{plan}");
            assert!(writes(&plan).contains(&format!("delete vrg {cluster}")), "its record ends all the same\n{plan}");
        }
    }
}

#[test]
fn the_primary_goes_only_after_the_secondary_is_seen_to_be_gone() {
    let mut bed = deleting();
    let first = bed.stay();
    assert!(writes(&first).contains(&"delete vrg dr2".to_owned()), "{first}");
    // The record is gone; its object has a finalizer and is still there.
    bed.facts(DR2).vrg_intent = Item::Read(Ok(None));
    bed.vrg(DR2).metadata.deletion_timestamp = bed.now.drpc.metadata.creation_timestamp.clone();
    let plan = bed.stay();
    assert_eq!(writes(&plan), Vec::<String>::new(), "{plan}");
    bed.sees(DR2, Sight::Absent);
    assert!(writes(&bed.stay()).contains(&"delete vrg dr1".to_owned()));
}

#[test]
fn a_record_that_was_never_applied_does_not_outlive_its_application() {
    let mut bed = Bed::new();
    bed.step();
    bed.now.drpc.metadata.deletion_timestamp = bed.now.drpc.metadata.creation_timestamp.clone();
    let plan = bed.run();
    for record in ["delete vrg dr1", "delete vrg dr2", "orphan ns dr1", "orphan ns dr2"] {
        assert!(writes(&plan).contains(&record.to_owned()), "{record}\n{plan}");
    }
    assert!(is_removed(&bed));
}

#[test]
fn deleting_the_placement_takes_the_protection_away_and_leaves_the_decision() {
    let mut bed = Bed::deployed();
    bed.placement().deleting = true;
    bed.run();
    assert!(is_removed(&bed));
    assert_eq!(bed.decisions(), DR1);
    assert_eq!(bed.placement().held_by, None);
}

#[test]
fn an_application_of_which_nothing_was_made_goes_at_once() {
    let mut bed = Bed::new();
    bed.now.drpc.metadata.deletion_timestamp = bed.now.drpc.metadata.creation_timestamp.clone();
    let decision = decide(&bed.now);
    assert_eq!((decision.needs, decision.steps), (vec![], vec![]));
}

#[test]
fn a_kind_that_is_not_installed_confirms_that_nothing_is_left() {
    let mut bed = deleting();
    bed.facts(DR2).vrg_intent = Item::Read(Ok(None));
    bed.sees(DR2, Sight::KindAbsent);
    bed.run();
    assert!(is_removed(&bed));
}

#[test]
fn a_removal_without_its_policy_says_what_it_needs() {
    let mut bed = deleting();
    bed.now.policy = Item::Read(Sight::Absent);
    let plan = bed.run();
    assert!(!is_removed(&bed));
    assert!(plan.waits[0].what.contains("DRPolicy policy"), "{plan}");
}
