//! Letting go of one object: deleting it, or taking our mark off.

use kube::api::PatchParams;

use super::{
    deliver::Pass,
    marks::{Mark, Standing},
    remote::{Patch, Trouble},
};
use crate::intercluster::{DeletePolicy, Failure, FailureClass, ObjectKey, RemoteObject};

const ATTEMPTS: usize = 5;

/// How far an object has been let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Released {
    /// It is gone, or nothing of ours is on it.
    Done,
    /// Its deletion was accepted; the object or its finalizers still exist.
    Waiting,
}

impl Pass<'_> {
    /// Lets go of an object, as the policy says. `uid` is that of the object that was delivered, if it is on record: an object
    /// that others created since then is not ours to delete.
    pub(super) async fn release(
        &self,
        key: &ObjectKey,
        uid: Option<&str>,
        policy: DeletePolicy,
    ) -> Result<Released, Failure> {
        for _ in 0..ATTEMPTS {
            let live = match self.remote.get(key, self.deadline).await {
                Ok(Some(live)) => RemoteObject::new(live),
                // Without its kind an object cannot exist.
                Ok(None) | Err(Trouble::KindAbsent) => return Ok(Released::Done),
                Err(trouble) => return Err(trouble.into_failure(key)),
            };
            let ours = matches!(self.mark.standing(live.json()), Standing::Ours(_));
            let recreated = uid.is_some_and(|uid| live.uid() != Some(uid));
            if !ours || recreated || self.shared.is_wanted_by_another(key, &self.record, self.deadline).await? {
                return Ok(Released::Done);
            }
            if live.is_deleting() && policy == DeletePolicy::Delete {
                return Ok(Released::Waiting);
            }
            // Another leader may have put the record anew since this pass read it, and the object may be the new record's.
            self.confirm_current().await?;
            match policy {
                DeletePolicy::Orphan => match self.unmark(key, &live).await {
                    Ok(()) | Err(Trouble::Absent | Trouble::NamespaceAbsent) => return Ok(Released::Done),
                    Err(Trouble::Changed) => {}
                    Err(trouble) => return Err(trouble.into_failure(key)),
                },
                DeletePolicy::Delete => {
                    let (Some(uid), Some(version)) = (live.uid(), live.version()) else {
                        let cause = "the cluster sent it without a uid or a resource version";
                        return Err(Failure::new(FailureClass::Malformed, cause).on(key.cluster.clone()).about(key));
                    };
                    // Only as it was read: whoever changed it since then may have taken it over.
                    match self.remote.delete(key, uid, Some(version), self.deadline).await {
                        // The answer does not tell whether finalizers hold it back: look again.
                        Ok(()) | Err(Trouble::Changed | Trouble::Absent | Trouble::NamespaceAbsent) => {}
                        Err(trouble) => return Err(trouble.into_failure(key)),
                    }
                }
            }
        }
        Ok(Released::Waiting)
    }

    async fn unmark(&self, key: &ObjectKey, live: &RemoteObject) -> Result<(), Trouble> {
        let patch = Mark::removal(live.version().unwrap_or_default());
        self.remote.patch(key, &PatchParams::default(), &Patch::Merge(&patch), self.deadline).await.map(|_| ())
    }
}
