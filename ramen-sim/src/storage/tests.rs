//! What the storage system promises to those who judge a controller by it.

use std::time::Duration;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// Two arrays that replicate every minute, used by dr1 and dr2.
fn two_arrays() -> StorageSystem {
    let mut storage = StorageSystem::new();
    for (array, cluster, address) in [("east", "dr1", "10.1.0.1"), ("west", "dr2", "10.2.0.1")] {
        let config = ArrayConfig { replication_id: format!("{array}-rid"), ..ArrayConfig::new("block.example.com") };
        storage.add_array(array, config);
        storage.connect(cluster, array, [address]);
    }
    storage.pair("east", "west", LinkConfig::default());
    storage
}

/// A volume of dr1, replicated, attached and written `writes` times.
fn protected(storage: &mut StorageSystem, writes: u32) -> String {
    let handle = storage.create_volume("dr1", 1 << 20).unwrap().handle;
    storage.enable("dr1", &handle, None).unwrap();
    storage.attach("dr1", "n1", &handle).unwrap();
    write(storage, "dr1", &handle, writes);
    handle
}

fn write(storage: &mut StorageSystem, cluster: &str, handle: &str, writes: u32) {
    for _ in 0..writes {
        storage.write(cluster, "n1", handle, &format!("pod-on-{cluster}"), 4096).unwrap();
    }
}

fn pass(storage: &mut StorageSystem, time: Duration) {
    storage.advance(storage.now() + time);
}

fn code<T: std::fmt::Debug>(answer: Result<T, DriverError>) -> Code {
    answer.unwrap_err().code
}

#[test]
fn a_copy_lags_and_then_equals_its_source() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, Duration::from_secs(1));
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 0, "two seconds under way");
    assert_eq!(storage.bytes_in_flight("dr1", &handle).unwrap(), 3 * 4096);
    pass(&mut storage, MINUTE);
    write(&mut storage, "dr1", &handle, 2);
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 3);
    assert_eq!(storage.lost("dr2", &handle).unwrap().len(), 2, "what the next cut will bring");
    pass(&mut storage, 2 * MINUTE);
    assert_eq!(storage.view("dr1", &handle).unwrap().checksum, storage.view("dr2", &handle).unwrap().checksum);
    let info = storage.info("dr1", &handle).unwrap();
    assert_eq!((info.role, info.health), (Role::Primary, Health::Healthy));
}

#[test]
fn a_narrow_link_takes_longer() {
    let mut storage = two_arrays();
    storage.pair("east", "west", LinkConfig { bytes_per_second: Some(4096), ..LinkConfig::default() });
    let handle = protected(&mut storage, 30);
    pass(&mut storage, Duration::from_secs(31));
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 0);
    pass(&mut storage, Duration::from_secs(1));
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 30);
}

#[test]
fn a_relocate_in_the_right_order_loses_nothing_and_never_has_two_writers() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, MINUTE);
    write(&mut storage, "dr1", &handle, 4);
    storage.detach("dr1", "n1", &handle);
    storage.demote("dr1", &handle).unwrap();
    assert_eq!(code(storage.promote("dr2", &handle, false)), Code::FailedPrecondition, "the last writes are under way");
    assert!(!storage.resync("dr1", &handle, false).unwrap());
    pass(&mut storage, Duration::from_secs(3));
    assert!(storage.resync("dr1", &handle, false).unwrap(), "all delivered");
    storage.promote("dr2", &handle, false).unwrap();
    storage.attach("dr2", "n1", &handle).unwrap();
    write(&mut storage, "dr2", &handle, 5);
    assert!(storage.lost("dr2", &handle).unwrap().is_empty());
    assert!(storage.dual_writers().is_empty());
    pass(&mut storage, 2 * MINUTE);
    assert_eq!(storage.view("dr1", &handle).unwrap().writes, 12, "the direction has turned");
}

#[test]
fn a_promotion_by_force_before_the_last_cut_arrived_is_seen_to_lose_writes() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, MINUTE);
    write(&mut storage, "dr1", &handle, 4);
    storage.detach("dr1", "n1", &handle);
    storage.demote("dr1", &handle).unwrap();
    storage.promote("dr2", &handle, true).unwrap();
    pass(&mut storage, 10 * MINUTE);
    assert_eq!(storage.lost("dr2", &handle).unwrap().len(), 4);
}

#[test]
fn a_failover_leaves_two_writers_on_record_and_split_content_that_only_force_heals() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, MINUTE);
    storage.set_link_up("east", "west", false);
    assert_eq!(code(storage.promote("dr2", &handle, false)), Code::FailedPrecondition);
    storage.promote("dr2", &handle, true).unwrap();
    storage.attach("dr2", "n1", &handle).unwrap();
    write(&mut storage, "dr2", &handle, 1);
    assert!(storage.dual_writers().is_empty(), "dr1 has not written since");
    write(&mut storage, "dr1", &handle, 1);
    let [seen] = storage.dual_writers() else { panic!("one pair: {:?}", storage.dual_writers()) };
    assert_eq!((seen.first.as_str(), seen.second.as_str(), seen.forced), ("dr1", "dr2", true));
    let lineage = storage.view("dr1", &handle).unwrap().lineage;
    assert_eq!(storage.writable_clusters(lineage).len(), 2);

    storage.set_link_up("east", "west", true);
    pass(&mut storage, 5 * MINUTE);
    assert_eq!(storage.info("dr2", &handle).unwrap().health, Health::Error);
    assert_eq!(storage.view("dr1", &handle).unwrap().writes, 4, "nobody overwrites a primary");
    storage.demote("dr1", &handle).unwrap();
    assert_eq!(code(storage.resync("dr1", &handle, false)), Code::FailedPrecondition);
    assert!(!storage.resync("dr1", &handle, true).unwrap(), "a full copy takes its time");
    assert_eq!(code(storage.promote("dr1", &handle, true)), Code::FailedPrecondition, "nothing complete to promote");
    pass(&mut storage, MINUTE);
    assert!(storage.resync("dr1", &handle, true).unwrap());
    assert_eq!(
        storage.view("dr1", &handle).unwrap(),
        VolumeView {
            attachments: vec![("dr1".into(), "n1".into())],
            role: Some(Role::Secondary),
            ..storage.view("dr2", &handle).unwrap()
        }
    );
}

#[test]
fn a_resync_by_force_never_discards_content_without_a_reachable_primary() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, MINUTE);
    write(&mut storage, "dr1", &handle, 2);
    storage.demote("dr1", &handle).unwrap();
    storage.set_link_up("east", "west", false);
    assert!(!storage.resync("dr1", &handle, true).unwrap());
    assert_eq!(storage.view("dr1", &handle).unwrap().writes, 5);
}

#[test]
fn a_secondary_refuses_writes_and_a_fence_refuses_a_cluster() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 1);
    pass(&mut storage, MINUTE);
    storage.attach("dr2", "n1", &handle).unwrap();
    assert!(matches!(storage.write("dr2", "n1", &handle, "pod", 1), Err(IoError::ReadOnly(_))));
    storage.fence("east", "10.1.0.0/16").unwrap();
    assert!(matches!(storage.write("dr1", "n1", &handle, "pod", 1), Err(IoError::Fenced { .. })));
    storage.unfence("east", "10.1.0.0/16").unwrap();
    write(&mut storage, "dr1", &handle, 1);
}

#[test]
fn a_shared_volume_shows_two_writers_unless_the_first_is_fenced() {
    for fenced in [false, true] {
        let mut storage = StorageSystem::new();
        storage.add_array("metro", ArrayConfig::new("block.example.com"));
        storage.connect("dr1", "metro", ["10.1.0.1"]);
        storage.connect("dr2", "metro", ["10.2.0.1"]);
        let handle = storage.create_volume("dr1", 1 << 20).unwrap().handle;
        storage.attach("dr1", "n1", &handle).unwrap();
        write(&mut storage, "dr1", &handle, 2);
        if fenced {
            storage.fence("metro", "10.1.0.1/32").unwrap();
        }
        storage.attach("dr2", "n1", &handle).unwrap();
        write(&mut storage, "dr2", &handle, 2);
        let late = storage.write("dr1", "n1", &handle, "pod-on-dr1", 4096);
        assert_eq!(late.is_err(), fenced);
        assert_eq!(storage.dual_writers().is_empty(), fenced);
        assert_eq!(storage.view("dr2", &handle).unwrap().writes, if fenced { 4 } else { 5 });
    }
}

#[test]
fn a_group_is_cut_at_one_moment_and_single_volumes_are_not() {
    for grouped in [true, false] {
        let mut storage = two_arrays();
        storage.pair("east", "west", LinkConfig { bytes_per_second: Some(4096), ..LinkConfig::default() });
        let handles: Vec<String> = (0..2).map(|_| storage.create_volume("dr1", 1 << 20).unwrap().handle).collect();
        if grouped {
            let group = storage.create_group("dr1").unwrap();
            storage.set_group_members("dr1", &group, &handles).unwrap();
            storage.enable("dr1", Source::Group(group), None).unwrap();
        } else {
            for handle in &handles {
                storage.enable("dr1", handle, None).unwrap();
            }
        }
        for handle in &handles {
            storage.attach("dr1", "n1", handle).unwrap();
        }
        let mut always = true;
        for round in 0..400 {
            // The first volume is written far more, so that its copies take longer.
            write(&mut storage, "dr1", &handles[0], 5);
            write(&mut storage, "dr1", &handles[1], u32::from(round % 3 == 0));
            pass(&mut storage, Duration::from_secs(1));
            always &= storage.is_consistent_cut("dr2", &handles).unwrap();
        }
        assert_eq!(always, grouped, "grouped: {grouped}");
    }
}

#[test]
fn a_stalled_link_answers_and_never_finishes() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    storage.set_link_stalled("east", "west", true);
    pass(&mut storage, 600 * MINUTE);
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 0);
    assert_eq!(storage.info("dr1", &handle).unwrap().health, Health::Degraded);
    storage.set_link_stalled("east", "west", false);
    pass(&mut storage, 2 * MINUTE);
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 3);
}

#[test]
fn maintenance_stops_what_replicates_into_the_array_and_may_be_required() {
    let mut storage = two_arrays();
    let strict = ArrayConfig {
        maintenance_before_forced_promotion: true,
        replication_id: "west-rid".into(),
        ..ArrayConfig::new("block.example.com")
    };
    let mut with_strict = StorageSystem::new();
    with_strict.add_array("east", ArrayConfig::new("block.example.com"));
    with_strict.add_array("west", strict);
    with_strict.connect("dr1", "east", ["10.1.0.1"]);
    with_strict.connect("dr2", "west", ["10.2.0.1"]);
    with_strict.pair("east", "west", LinkConfig::default());
    let handle = protected(&mut with_strict, 1);
    pass(&mut with_strict, MINUTE);
    assert_eq!(code(with_strict.promote("dr2", &handle, true)), Code::FailedPrecondition);
    with_strict.set_maintenance("dr2", "west-rid", true).unwrap();
    with_strict.promote("dr2", &handle, true).unwrap();

    let handle = protected(&mut storage, 1);
    storage.set_maintenance("dr2", "west-rid", true).unwrap();
    pass(&mut storage, 5 * MINUTE);
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 0);
    storage.set_maintenance("dr2", "west-rid", false).unwrap();
    pass(&mut storage, 5 * MINUTE);
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 1);
}

#[test]
fn deleting_a_volume_spares_a_secondary_and_tells_of_a_last_copy() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, MINUTE);
    assert_eq!(code(storage.delete_volume("dr1", &handle)), Code::FailedPrecondition, "still attached");
    storage.detach("dr1", "n1", &handle);
    storage.delete_volume("dr2", &handle).unwrap();
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 3, "a replica belongs to its primary");
    storage.delete_volume("dr1", &handle).unwrap();
    let copies: Vec<bool> = storage.destroyed().iter().map(|one| one.last_copy).collect();
    assert_eq!(copies, [false, true]);
}

#[test]
fn disabling_while_the_peer_is_away_keeps_the_replica() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, MINUTE);
    storage.set_array_up("west", false);
    storage.disable("dr1", &handle).unwrap();
    storage.set_array_up("west", true);
    assert_eq!(storage.view("dr2", &handle).unwrap().writes, 3);
}

#[test]
fn replicas_may_have_handles_of_their_own() {
    let mut storage = two_arrays();
    storage.add_array("west", ArrayConfig { own_destination_handles: true, ..ArrayConfig::new("block.example.com") });
    let handle = protected(&mut storage, 1);
    pass(&mut storage, MINUTE);
    let there = storage.info("dr1", &handle).unwrap().destination_handle;
    assert_ne!(there, handle);
    assert_eq!(storage.view("dr2", &there).unwrap().writes, 1);
    assert_eq!(code(storage.view("dr2", &handle)), Code::NotFound);
}

#[test]
fn a_clone_is_apart_from_its_origin() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, MINUTE);
    let clone = storage.clone_volume("dr2", &handle).unwrap().handle;
    storage.attach("dr2", "n1", &clone).unwrap();
    write(&mut storage, "dr2", &clone, 2);
    assert_eq!(storage.view("dr2", &clone).unwrap().writes, 5);
    assert_eq!(storage.view("dr1", &handle).unwrap().writes, 3);
    assert!(storage.dual_writers().is_empty());
}

#[test]
fn a_volume_that_joins_or_leaves_a_replicated_group_does_so_on_both_sides() {
    let mut storage = two_arrays();
    let handles: Vec<String> = (0..2).map(|_| storage.create_volume("dr1", 1 << 20).unwrap().handle).collect();
    let group = storage.create_group("dr1").unwrap();
    storage.set_group_members("dr1", &group, &handles[..1]).unwrap();
    storage.enable("dr1", Source::Group(group.clone()), None).unwrap();
    pass(&mut storage, MINUTE);
    storage.set_group_members("dr1", &group, &handles).unwrap();
    pass(&mut storage, 2 * MINUTE);
    assert_eq!(storage.group_members("dr2", &group).unwrap().len(), 2);
    assert_eq!(storage.info("dr1", Source::Group(group.clone())).unwrap().health, Health::Healthy);
    storage.set_group_members("dr1", &group, &handles[1..]).unwrap();
    assert_eq!(code(storage.view("dr2", &handles[0])), Code::NotFound, "its replica went with it");
    assert_eq!(storage.group_members("dr2", &group).unwrap().len(), 1);
    pass(&mut storage, 2 * MINUTE);
    storage.demote("dr1", Source::Group(group.clone())).unwrap();
    pass(&mut storage, MINUTE);
    storage.promote("dr2", Source::Group(group), false).unwrap();
}

/// A fail back that promoted the side that had demoted itself first would lose what the other wrote in between.
#[test]
fn what_was_written_between_two_moves_is_not_left_behind() {
    let mut storage = two_arrays();
    let handle = protected(&mut storage, 3);
    pass(&mut storage, MINUTE * 3);
    storage.demote("dr1", &handle).unwrap();
    pass(&mut storage, MINUTE);
    storage.set_array_up("east", false);
    storage.promote("dr2", &handle, false).unwrap();
    storage.set_array_up("east", true);
    storage.attach("dr2", "n1", &handle).unwrap();
    write(&mut storage, "dr2", &handle, 2);
    storage.demote("dr2", &handle).unwrap();
    assert_eq!(code(storage.promote("dr1", &handle, false)), Code::FailedPrecondition);
    pass(&mut storage, MINUTE);
    storage.promote("dr1", &handle, false).unwrap();
    assert_eq!(storage.view("dr1", &handle).unwrap().writes, 5);
}
