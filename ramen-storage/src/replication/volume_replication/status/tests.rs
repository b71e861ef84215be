use ramen_core::protection::replication::{DataProtected as P, DataReady as R};

use super::{
    super::samples::{PROMOTED, RESYNCING as SYNCING, replication},
    *,
};

struct Row {
    what: &'static str,
    state: &'static str,
    observed: i64,
    conditions: &'static [&'static str],
    expected: (R, P, bool),
    says: &'static str,
}

fn check(wanted: &VolumeReplicationState, leaving: bool, rows: &[Row]) {
    for Row { what, state, observed, conditions, expected, says } in rows {
        let found = replication(wanted.as_str(), false, state, *observed, conditions);
        let seen = standing(&found, wanted, leaving);
        assert_eq!((seen.data_ready.state, seen.data_protected.state, seen.reached), *expected, "{what}");
        assert!(seen.data_ready.message.contains(says), "{what}: {}", seen.data_ready.message);
    }
}

const ERROR: (R, P, bool) = (R::Error, P::Error, false);
const PROGRESSING: (R, P, bool) = (R::Progressing, P::Progressing, false);
const READY: (R, P, bool) = (R::Ready, P::Replicating, true);

/// A wrong row lets an application start on a volume that is not writable, or never lets it start.
#[test]
fn when_a_primary_volume_can_be_used() {
    let row =
        |what, state, observed, conditions, expected, says| Row { what, state, observed, conditions, expected, says };
    check(
        &VolumeReplicationState::Primary,
        false,
        &[
            row("a clean promotion leaves no Validated", "Primary", 2, &PROMOTED, READY, "ready for use"),
            row("an older generation was looked at", "Primary", 1, &PROMOTED, PROGRESSING, "generation not updated"),
            row("nothing is said", "Unknown", 2, &[], ERROR, "Failed to get the condition Completed"),
            row(
                "Completed is old",
                "Primary",
                2,
                &["Completed=True@1"],
                ERROR,
                "Stale generation for condition Completed",
            ),
            row("Completed is unknown", "Unknown", 2, &["Completed=Unknown@2"], ERROR, "Unknown status"),
            row("a failed promotion", "Unknown", 2, &["Completed=False@2"], ERROR, "Completed says so"),
            row(
                "Enable was refused",
                "Unknown",
                2,
                &["Validated=False@2", "Completed=False@2"],
                ERROR,
                "Validated says so",
            ),
            row(
                "Enable was refused once, and then all went well",
                "Primary",
                2,
                &["Validated=False@2", "Completed=True@2"],
                READY,
                "ready for use",
            ),
            row(
                "an old refusal, promoted since",
                "Primary",
                2,
                &["Validated=False@1", "Completed=True@2"],
                READY,
                "ready",
            ),
            row(
                "an old approval, promoted since",
                "Primary",
                2,
                &["Validated=True@1", "Completed=True@2"],
                READY,
                "ready",
            ),
            row(
                "an old refusal, and a promotion that is not confirmed",
                "Secondary",
                2,
                &["Validated=False@1", "Completed=True@2"],
                ERROR,
                "Stale generation for condition Validated",
            ),
            row(
                "an old refusal, and a failed promotion",
                "Secondary",
                2,
                &["Validated=False@1", "Completed=False@2"],
                ERROR,
                "Completed says so",
            ),
            row(
                "approved and promoted",
                "Unknown",
                2,
                &["Validated=True@2", "Completed=True@2"],
                READY,
                "ready for use",
            ),
        ],
    );
}

/// Otherwise a group whose replication could never begin could never be removed; and one that is replicated could be removed
/// before csi-addons has acted.
#[test]
fn replication_that_never_began_does_not_hold_up_its_end() {
    let row =
        |what, conditions, expected, says| Row { what, state: "Unknown", observed: 2, conditions, expected, says };
    check(
        &VolumeReplicationState::Primary,
        true,
        &[
            row(
                "refused",
                &["Validated=False@2", "Completed=False@2"],
                (R::Error, P::Error, true),
                "Validated says so",
            ),
            row("refused before", &["Validated=False@1", "Completed=False@2"], ERROR, "Completed says so"),
            row("not promoted", &["Completed=False@2"], ERROR, "Completed says so"),
            row("promoted", &["Completed=True@2"], READY, "ready for use"),
        ],
    );
}

/// A wrong row releases a volume before the peer has its last write, or never releases it.
#[test]
fn when_a_secondary_volume_has_reached_its_peer() {
    const SYNCED: (R, P, bool) = (R::Replicated, P::Protected, true);
    const BEHIND: (R, P, bool) = (R::Replicating, P::Replicating, true);
    let row =
        |what, state, observed, conditions, expected, says| Row { what, state, observed, conditions, expected, says };
    check(
        &VolumeReplicationState::Secondary,
        false,
        &[
            row("in sync", "Secondary", 2, &PROMOTED, SYNCED, "in sync"),
            row("in sync, of the generation before", "Secondary", 1, &PROMOTED, PROGRESSING, "generation not updated"),
            row("not demoted yet, by its state", "Primary", 2, &PROMOTED, ERROR, "does not report state Secondary"),
            row("resyncing", "Secondary", 2, &SYNCING, BEHIND, "is syncing"),
            row("resyncing, whatever the state", "Primary", 2, &SYNCING, BEHIND, "is syncing"),
            row(
                "right after the demotion",
                "Secondary",
                2,
                &["Completed=True@2", "Degraded=True@2", "Resyncing=False@2"],
                ERROR,
                "Degraded says so",
            ),
            row(
                "resyncing and healthy at once",
                "Secondary",
                2,
                &["Completed=True@2", "Degraded=False@2", "Resyncing=True@2"],
                ERROR,
                "Degraded says so",
            ),
            row(
                "the demotion failed",
                "Primary",
                2,
                &["Completed=False@2", "Degraded=True@2"],
                ERROR,
                "Completed says so",
            ),
            row("no word of Resyncing", "Secondary", 2, &["Completed=True@2", "Degraded=False@2"], ERROR, "Resyncing"),
            row(
                "an old word of Resyncing",
                "Secondary",
                2,
                &["Completed=True@2", "Degraded=False@2", "Resyncing=False@1"],
                ERROR,
                "Stale generation for condition Resyncing",
            ),
            row(
                "an old word of Degraded",
                "Secondary",
                2,
                &["Completed=True@2", "Degraded=False@1", "Resyncing=False@2"],
                ERROR,
                "Stale generation for condition Degraded",
            ),
            row(
                "a demotion does not ask for Validated",
                "Secondary",
                2,
                &["Validated=False@2", PROMOTED[0], PROMOTED[1], PROMOTED[2]],
                SYNCED,
                "in sync",
            ),
        ],
    );
}

/// Metadata stored with the wrong handle restores a volume that does not exist on the peer.
#[test]
fn metadata_is_not_stored_before_the_handle_on_the_peer_is_known() {
    let with = |conditions: &[&str], id: Option<&str>| {
        let mut found = replication("primary", false, "Primary", 2, conditions);
        found.status.as_mut().unwrap().destination_volume_id = id.map(Into::into);
        destination(&found)
    };
    assert_eq!(with(&PROMOTED, None), Destination::Same);
    assert_eq!(with(&["DestinationInfoAvailable=True@1"], Some("h")), Destination::Handle("h".into()));
    assert!(matches!(with(&["DestinationInfoAvailable=True@2"], Some("")), Destination::Pending(_)));
    assert!(matches!(with(&["DestinationInfoAvailable=True@2"], None), Destination::Pending(_)));
    assert!(matches!(with(&["DestinationInfoAvailable=False@2"], Some("old")), Destination::Pending(_)));
    let mut new = replication("primary", false, "", 2, &[]);
    new.status = None;
    assert!(matches!(destination(&new), Destination::Pending(_)));
}

#[test]
fn the_last_sync_is_read_as_go_writes_it() {
    let mut found = replication("primary", false, "Primary", 2, &PROMOTED);
    assert_eq!(last_sync(&found), None);
    let status = found.status.as_mut().unwrap();
    status.last_sync_time = Some(Time(Timestamp::from_second(1_700_000_000).unwrap()));
    status.last_sync_duration = Some("1m2s".into());
    status.last_sync_bytes = Some(4096);
    let sync = last_sync(&found).unwrap();
    assert_eq!(sync.time.map(Timestamp::as_second), Some(1_700_000_000));
    assert_eq!((sync.duration.map(|span| span.as_secs()), sync.bytes), (Some(62), Some(4096)));
}
