use crate::{
    api::{DRAction, names::annotations},
    decision::Item,
    hub::application::bed::{Bed, DR1, DR2, writes},
};

/// A hub that was restored: the application has a new uid, and the records are there or not.
fn restored(records: bool) -> Bed {
    let mut bed = Bed::deployed();
    bed.now.drpc.metadata.uid = Some("new-uid".into());
    bed.now.drpc.status = None;
    if !records {
        for cluster in [DR1, DR2] {
            bed.facts(cluster).vrg_intent = Item::Read(Ok(None));
            bed.facts(cluster).namespace_intent = Item::Read(Ok(None));
        }
    }
    bed
}

#[test]
fn a_restored_hub_takes_over_what_runs_without_changing_a_role() {
    for records in [true, false] {
        let mut bed = restored(records);
        let before = [bed.vrg(DR1).spec.clone(), bed.vrg(DR2).spec.clone()];
        let decision = bed.step();
        assert!(decision.waits[0].what.contains("VRG adoption in progress"), "{:?}", decision.waits);
        bed.comply();
        assert_eq!([bed.vrg(DR1).spec.clone(), bed.vrg(DR2).spec.clone()], before, "records: {records}");
        bed.run();
        assert_eq!(bed.summary(), "Deployed/Completed Available=True PeerReady=True Protected=True");
        for cluster in [DR1, DR2] {
            assert_eq!(bed.vrg(cluster).metadata.annotations.as_ref().unwrap()[annotations::DRPC_UID], "new-uid");
        }
    }
}

#[test]
fn nothing_else_is_done_before_what_runs_has_been_taken_over() {
    let mut bed = restored(false);
    bed.ask(Some(DRAction::Failover), DR2);
    let decision = bed.step();
    let promotes = |s: &crate::decision::Step<_>| {
        crate::hub::application::bed::short(&s.command).is_some_and(|w| w.contains("vrg dr2 primary"))
    };
    assert!(!decision.steps.iter().any(promotes));
    assert_eq!(bed.stay().steps, []);
}

#[test]
fn removing_what_nobody_has_on_record_takes_it_over_first() {
    let mut bed = restored(false);
    bed.now.drpc.metadata.deletion_timestamp = bed.now.drpc.metadata.creation_timestamp.clone();
    let plan = bed.run();
    let writes = writes(&plan);
    let at = |what: &str| writes.iter().position(|w| w == what).unwrap_or_else(|| panic!("{what}\n{plan}"));
    assert!(at("delete vrg dr2") < at("delete vrg dr1"), "{plan}");
    assert!(at("vrg dr2 secondary 1") < at("delete vrg dr2"), "{plan}");
    assert_eq!(bed.now.drpc.metadata.finalizers, Some(vec![]));
}
