//! The epoch record of a group: read with its version, written only over that version.

use bytes::Bytes;
use object_store::{GetOptions, GetResult, ObjectStore, PutMode, PutOptions, UpdateVersion, path::Path};
use ramen_core::{
    intercluster::{Failure, FailureClass},
    protection::cluster_data::{EpochRecord, GroupPrefix, StoreError},
    time::Deadline,
};

use super::failures::{call, failure, is_lost_race, must};

/// The record's path below the group's prefix. Ramen lists by type (`<type>/`), so it never meets it.
pub(super) const RECORD: &str = "epoch/a";

/// A record and what its next version must replace.
#[derive(Debug, Clone)]
pub(super) struct Versioned {
    pub(super) record: EpochRecord,
    version: UpdateVersion,
}

/// One store's view of the records in it.
#[derive(Debug)]
pub(super) struct Records<'a> {
    pub(super) objects: &'a dyn ObjectStore,
    pub(super) profile: &'a str,
    /// Whether writes can depend on a version.
    pub(super) conditional: bool,
}

impl Records<'_> {
    /// The record as it is now.
    pub(super) async fn read(&self, group: &GroupPrefix, deadline: Deadline) -> Result<Option<Versioned>, StoreError> {
        let location = location(self.profile, group)?;
        let what = format!("epoch record {location}");
        let Some(found) =
            call(self.profile, &what, deadline, self.objects.get_opts(&location, GetOptions::default())).await?
        else {
            return Ok(None);
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let body = must(self.profile, &what, deadline, GetResult::bytes(found)).await?;
        let record = serde_json::from_slice(&body).map_err(|e| {
            Failure::new(FailureClass::Malformed, e)
                .about(format!("S3 profile {}, {what}", self.profile))
                .remedy("restore the object from a version of it, or remove it if the group is not protected any more")
        })?;
        Ok(Some(Versioned { record, version }))
    }

    /// Replaces the record that was read. `false`: another writer was faster, read again.
    pub(super) async fn write(
        &self,
        group: &GroupPrefix,
        over: Option<&Versioned>,
        record: &EpochRecord,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let location = location(self.profile, group)?;
        let what = format!("epoch record {location}");
        let body = serde_json::to_vec(record).map_err(|e| {
            Failure::new(FailureClass::Malformed, e).about(format!("S3 profile {}, {what}", self.profile))
        })?;
        let mode = match (self.conditional, over) {
            (false, _) => PutMode::Overwrite,
            (true, None) => PutMode::Create,
            (true, Some(seen)) => PutMode::Update(seen.version.clone()),
        };
        let put = self.objects.put_opts(&location, Bytes::from(body).into(), PutOptions::from(mode));
        match tokio::time::timeout_at(deadline.instant(), put).await {
            Ok(Ok(_)) if self.conditional => Ok(true),
            // Without conditional writes the best that can be had is to look who was last.
            Ok(Ok(_)) => Ok(self.read(group, deadline).await?.is_some_and(|v| v.record == *record)),
            Ok(Err(fault)) if is_lost_race(&fault) => Ok(false),
            Ok(Err(fault)) => Err(failure(self.profile, what, &fault).into()),
            Err(_) => Err(Failure::new(FailureClass::TimedOut, "no answer by the deadline")
                .about(format!("S3 profile {}, {what}", self.profile))
                .into()),
        }
    }
}

fn location(profile: &str, group: &GroupPrefix) -> Result<Path, StoreError> {
    path(profile, group, RECORD)
}

/// The key of `below` the group's prefix, byte by byte as given: nothing is escaped.
pub(super) fn path(profile: &str, group: &GroupPrefix, below: &str) -> Result<Path, StoreError> {
    let key = format!("{group}{below}");
    Path::parse(key.trim_end_matches('/'))
        .map_err(|e| Failure::new(FailureClass::Invalid, e).about(format!("S3 profile {profile}, key {key}")).into())
}
