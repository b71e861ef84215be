//! What an object store's errors mean.

use std::{error::Error, fmt::Display, future::Future};

use object_store::Error as StoreFault;
use ramen_core::{
    intercluster::{Failure, FailureClass},
    protection::cluster_data::StoreError,
    time::Deadline,
};

/// Runs one call of the store until the deadline. A missing object is `Ok(None)`; a missing bucket is not.
pub(super) async fn call<T>(
    profile: &str,
    what: impl Display,
    deadline: Deadline,
    request: impl Future<Output = object_store::Result<T>>,
) -> Result<Option<T>, StoreError> {
    match tokio::time::timeout_at(deadline.instant(), request).await {
        Err(_) => {
            Err(Failure::new(FailureClass::TimedOut, "no answer by the deadline").about(at(profile, what)).into())
        }
        Ok(Ok(value)) => Ok(Some(value)),
        Ok(Err(fault)) if is_missing_object(&fault) => Ok(None),
        Ok(Err(fault)) => Err(failure(profile, what, &fault).into()),
    }
}

/// Like [`call`], where a missing object cannot be the answer.
pub(super) async fn must<T>(
    profile: &str,
    what: impl Display,
    deadline: Deadline,
    request: impl Future<Output = object_store::Result<T>>,
) -> Result<T, StoreError> {
    let about = at(profile, &what);
    call(profile, what, deadline, request).await?.ok_or_else(|| {
        Failure::new(FailureClass::Prerequisite, "the store answered that it does not exist").about(about).into()
    })
}

/// Whether the write lost against another one: the precondition did not hold.
pub(super) fn is_lost_race(fault: &StoreFault) -> bool {
    matches!(fault, StoreFault::Precondition { .. } | StoreFault::AlreadyExists { .. })
        // A conditional overwrite of an object that was deleted meanwhile: S3 answers 404 instead of 412.
        || is_missing_object(fault)
}

/// Whether the store does not know conditional writes at all.
pub(super) fn is_unsupported(fault: &StoreFault) -> bool {
    matches!(fault, StoreFault::NotImplemented { .. } | StoreFault::NotSupported { .. })
        || words(fault).contains("NotImplemented")
}

/// The failure that an error of the store is.
pub(super) fn failure(profile: &str, what: impl Display, fault: &StoreFault) -> Failure {
    let cause = words(fault);
    let (class, remedy) = classify(fault, &cause);
    let failure = Failure::new(class, cause).about(at(profile, what));
    match remedy {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
    }
}

fn classify(fault: &StoreFault, cause: &str) -> (FailureClass, Option<&'static str>) {
    match fault {
        StoreFault::PermissionDenied { .. } => {
            (FailureClass::Forbidden, Some("grant the profile's credentials the right to read, write, list and delete"))
        }
        StoreFault::Unauthenticated { .. } => {
            (FailureClass::Unauthenticated, Some("correct the keys in the profile's Secret"))
        }
        StoreFault::Precondition { .. } | StoreFault::AlreadyExists { .. } => (FailureClass::Conflict, None),
        StoreFault::NotImplemented { .. } | StoreFault::NotSupported { .. } => (FailureClass::Unsupported, None),
        StoreFault::InvalidPath { .. } => (FailureClass::Invalid, None),
        _ if is_missing_bucket(cause) => {
            (FailureClass::Prerequisite, Some("create the bucket, or correct its name in the profile"))
        }
        _ if ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "401 Unauthorized"]
            .iter()
            .any(|code| cause.contains(code)) =>
        {
            (FailureClass::Unauthenticated, Some("correct the keys in the profile's Secret"))
        }
        _ if ["SlowDown", "429 Too Many"].iter().any(|code| cause.contains(code)) => (FailureClass::Throttled, None),
        _ if cause.contains("status code: 4") => {
            (FailureClass::Invalid, Some("correct the profile as the store's answer says"))
        }
        _ => (FailureClass::Unreachable, Some("check that the store runs and that the profile's endpoint leads to it")),
    }
}

fn is_missing_object(fault: &StoreFault) -> bool {
    matches!(fault, StoreFault::NotFound { .. }) && !is_missing_bucket(&words(fault))
}

fn is_missing_bucket(cause: &str) -> bool {
    cause.contains("NoSuchBucket")
}

fn at(profile: &str, what: impl Display) -> String {
    format!("S3 profile {profile}, {what}")
}

/// The error and its sources, each once.
fn words(fault: &StoreFault) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(error) = source {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(words: &str) -> StoreFault {
        StoreFault::Generic { store: "S3", source: words.into() }
    }

    fn missing(words: &str) -> StoreFault {
        StoreFault::NotFound { path: "ns/app/epoch/a".into(), source: words.into() }
    }

    /// A wrong row tells an operator to mend the wrong thing, or takes metadata for absent that is only out of reach.
    #[test]
    fn what_the_errors_of_a_store_mean() {
        for (fault, class) in [
            (StoreFault::PermissionDenied { path: String::new(), source: "403".into() }, FailureClass::Forbidden),
            (StoreFault::Unauthenticated { path: String::new(), source: "401".into() }, FailureClass::Unauthenticated),
            (generic("error sending request: connection refused"), FailureClass::Unreachable),
            (
                generic("Server returned non-2xx status code: 503 Service Unavailable: SlowDown"),
                FailureClass::Throttled,
            ),
            (generic("<Code>InvalidAccessKeyId</Code>"), FailureClass::Unauthenticated),
            (missing("<Code>NoSuchBucket</Code>"), FailureClass::Prerequisite),
            (generic("Server returned non-2xx status code: 400 Bad Request: wrong region"), FailureClass::Invalid),
        ] {
            assert_eq!(failure("west", "key a", &fault).class(), class, "{fault}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_bucket_is_not_a_missing_object() {
        let deadline = Deadline::after(std::time::Duration::from_secs(1));
        let object = call::<()>("west", "key a", deadline, async { Err(missing("<Code>NoSuchKey</Code>")) }).await;
        assert!(matches!(object, Ok(None)));
        let bucket = call::<()>("west", "key a", deadline, async { Err(missing("<Code>NoSuchBucket</Code>")) }).await;
        assert!(matches!(bucket, Err(StoreError::Failed(f)) if f.class() == FailureClass::Prerequisite));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_ends_with_the_deadline() {
        let deadline = Deadline::after(std::time::Duration::from_secs(1));
        let answer = call::<()>("west", "key a", deadline, std::future::pending()).await;
        assert!(matches!(answer, Err(StoreError::Failed(f)) if f.class() == FailureClass::TimedOut));
    }
}
