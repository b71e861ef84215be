use super::*;
use crate::hub::application::bed::Bed;

fn values(bed: &mut Bed) -> Vec<(String, f64)> {
    let policy = bed.policy().clone();
    samples(&bed.now.drpc, &policy).into_iter().map(|s| (s.name.to_owned(), s.value)).collect()
}

#[test]
fn an_application_reports_its_sync_and_its_protection() {
    let mut bed = Bed::deployed();
    let policy = bed.policy().clone();
    let all = samples(&bed.now.drpc, &policy);
    let sync = all.iter().find(|s| s.name == "ramen_last_sync_timestamp_seconds").unwrap();
    let labels: Vec<_> = sync.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        labels,
        [
            "obj_type=DRPlacementControl",
            "obj_name=busybox",
            "obj_namespace=app",
            "policyname=policy",
            "scheduling_interval=5m"
        ]
    );
    assert!((sync.value - 1_000_000.0).abs() < f64::EPSILON);
    let values = values(&mut bed);
    let of = |name: &str| values.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
    assert_eq!(of("ramen_workload_protection_status"), Some(1.0));
    assert_eq!(of("ramen_unsupported_consistency_grouping_enabled"), Some(0.0));
    assert_eq!(of("ramen_progression_state"), Some(0.0));
}

#[test]
fn shared_storage_has_no_last_sync_and_an_application_that_goes_has_no_gauges() {
    let mut bed = Bed::deployed();
    let policy = bed.policy();
    policy.spec.scheduling_interval = "0m".into();
    policy.status.as_mut().unwrap().async_.peer_classes.clear();
    assert!(!values(&mut bed).iter().any(|(name, _)| name.contains("last_sync") || name.contains("progression")));
    bed.now.drpc.metadata.deletion_timestamp = bed.now.drpc.metadata.creation_timestamp.clone();
    assert_eq!(values(&mut bed), []);
}
