//! Finds out whether a store can be used, and whether it knows conditional writes.

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion, path::Path};
use ramen_core::{
    intercluster::{Failure, FailureClass},
    protection::cluster_data::{StoreCapabilities, StoreError},
    time::Deadline,
};

use super::failures::{failure, is_lost_race, is_unsupported, must};

/// First segment of the keys that probes write and delete again.
pub(super) const PROBES: &str = ".ramen-probe";

/// Under a key that nobody else uses, writes an object, tries to create it again and to replace an outdated version of it, and deletes it.
///
/// A store that lets either of the two through ignores conditions, whatever it says of itself.
pub(super) async fn probe(
    objects: &dyn ObjectStore,
    profile: &str,
    key: &str,
    deadline: Deadline,
) -> Result<StoreCapabilities, StoreError> {
    let location = Path::parse(key)
        .map_err(|e| Failure::new(FailureClass::Invalid, e).about(format!("S3 profile {profile}, key {key}")))?;
    let body = || Bytes::from_static(b"probe\n").into();
    let first = must(profile, key, deadline, objects.put(&location, body())).await?;
    let outdated = UpdateVersion { e_tag: Some("\"00000000000000000000000000000000\"".into()), version: first.version };
    let mut conditional = true;
    for mode in [PutMode::Create, PutMode::Update(outdated)] {
        let put = objects.put_opts(&location, body(), PutOptions::from(mode));
        match tokio::time::timeout_at(deadline.instant(), put).await {
            Ok(Ok(_)) => conditional = false,
            Ok(Err(fault)) if is_unsupported(&fault) => conditional = false,
            Ok(Err(fault)) if is_lost_race(&fault) => {}
            Ok(Err(fault)) => return Err(failure(profile, key, &fault).into()),
            Err(_) => {
                let late = Failure::new(FailureClass::TimedOut, "no answer by the deadline");
                return Err(late.about(format!("S3 profile {profile}, {key}")).into());
            }
        }
    }
    must(profile, key, deadline, objects.delete(&location)).await?;
    Ok(StoreCapabilities { conditional_writes: conditional })
}
