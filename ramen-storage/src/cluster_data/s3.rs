//! Opens the store that a profile of the operators' configuration describes.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use k8s_openapi::ByteString;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, S3ConditionalPut},
};
use ramen_core::{
    api::S3StoreProfile,
    intercluster::{Failure, FailureClass},
    protection::cluster_data::NO_STORE,
    time::Clock,
};

use super::{Breaker, ObjectStoreClusterData};

/// Ramen's bound on one operation; deadlines of callers are usually shorter.
const OPERATION: Duration = Duration::from_secs(12);
const CONNECT: Duration = Duration::from_secs(3);

/// Keys of a Secret with S3 credentials.
const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";

/// What a store lets somebody in with. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Credentials {
    access_key: String,
    secret_key: String,
}

impl S3Credentials {
    /// Reads the data of a Secret. `secret` names it (`<namespace>/<name>`) in errors.
    ///
    /// # Errors
    /// `Invalid`, naming the Secret and the key that is missing, empty or not text.
    pub fn from_secret(secret: &str, data: &BTreeMap<String, ByteString>) -> Result<Self, Failure> {
        let read = |key: &str| {
            let refuse = |cause: &str| {
                Failure::new(FailureClass::Invalid, cause)
                    .about(format!("Secret {secret}, key {key}"))
                    .remedy(format!("set {ACCESS_KEY} and {SECRET_KEY} to the keys of the store"))
            };
            let bytes = data.get(key).ok_or_else(|| refuse("the key is missing"))?;
            // A trailing newline is what `echo` and editors leave; no key of any store ends with one.
            let text = std::str::from_utf8(&bytes.0).map_err(|_| refuse("the value is not text"))?.trim();
            if text.is_empty() { Err(refuse("the value is empty")) } else { Ok(text.to_owned()) }
        };
        Ok(Self { access_key: read(ACCESS_KEY)?, secret_key: read(SECRET_KEY)? })
    }
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Credentials([redacted])")
    }
}

/// The store of a profile, behind a [`Breaker`]. Does not contact it.
///
/// # Errors
/// `Invalid`, naming the profile and the field that cannot be used.
pub fn open(
    profile: &S3StoreProfile,
    credentials: &S3Credentials,
    writer: &str,
    clock: Arc<dyn Clock>,
) -> Result<Breaker, Failure> {
    let objects = connect(profile, credentials)?;
    Ok(Breaker::new(Arc::new(ObjectStoreClusterData::new(&profile.s3_profile_name, objects, writer, clock))))
}

/// The bucket of a profile, for what puts something of its own between it and [`ObjectStoreClusterData`]. Does not contact it.
///
/// Requests use path-style addresses, as Ramen's do, and the profile's certificates, which Ramen hands to Velero only. A request is
/// tried twice at most: the caller's deadline and the breaker decide on more.
///
/// # Errors
/// As [`open`].
pub fn connect(profile: &S3StoreProfile, credentials: &S3Credentials) -> Result<Arc<dyn ObjectStore>, Failure> {
    let name = &profile.s3_profile_name;
    let refuse = |field: &str, cause: &str| {
        Failure::new(FailureClass::Invalid, cause).about(format!("S3 profile {name}, field {field}"))
    };
    if name.is_empty() || name == NO_STORE {
        return Err(refuse("s3ProfileName", "it is empty or the reserved name of no store"));
    }
    for (field, value) in [("s3Bucket", &profile.s3_bucket), ("s3Region", &profile.s3_region)] {
        if value.is_empty() {
            return Err(refuse(field, "it is empty"));
        }
    }
    let endpoint: http::Uri = profile
        .s3_compatible_endpoint
        .parse()
        .map_err(|e: http::uri::InvalidUri| refuse("s3CompatibleEndpoint", &e.to_string()))?;
    if !matches!(endpoint.scheme_str(), Some("http" | "https")) || endpoint.host().is_none() {
        return Err(refuse("s3CompatibleEndpoint", "it is not a URL with http or https and a host"));
    }
    let mut options = ClientOptions::new()
        .with_timeout(OPERATION)
        .with_connect_timeout(CONNECT)
        .with_allow_http(endpoint.scheme_str() == Some("http"));
    if let Some(pem) = &profile.ca_certificates {
        let certificates =
            Certificate::from_pem_bundle(&pem.0).map_err(|e| refuse("caCertificates", &e.to_string()))?;
        options = certificates.into_iter().fold(options, ClientOptions::with_root_certificate);
    }
    let store = AmazonS3Builder::new()
        .with_bucket_name(&profile.s3_bucket)
        .with_region(&profile.s3_region)
        .with_endpoint(profile.s3_compatible_endpoint.trim_end_matches('/'))
        .with_virtual_hosted_style_request(false)
        .with_access_key_id(&credentials.access_key)
        .with_secret_access_key(&credentials.secret_key)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(RetryConfig { max_retries: 1, retry_timeout: OPERATION, backoff: BackoffConfig::default() })
        .with_client_options(options)
        .build()
        .map_err(|e| refuse("s3CompatibleEndpoint", &e.to_string()))?;
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests {
    use ramen_core::{protection::cluster_data::ClusterDataStore, time::SystemClock};

    use super::*;

    fn profile() -> S3StoreProfile {
        S3StoreProfile {
            s3_profile_name: "west".into(),
            s3_bucket: "bucket".into(),
            s3_compatible_endpoint: "http://127.0.0.1:9".into(),
            s3_region: "west-1".into(),
            ..S3StoreProfile::default()
        }
    }

    fn secret(pairs: &[(&str, &str)]) -> Result<S3Credentials, Failure> {
        let data = pairs.iter().map(|(k, v)| ((*k).to_owned(), ByteString(v.as_bytes().to_vec()))).collect();
        S3Credentials::from_secret("ops/west", &data)
    }

    #[test]
    fn a_profile_that_cannot_be_used_is_refused_with_the_field() {
        let credentials = secret(&[(ACCESS_KEY, "key"), (SECRET_KEY, "secret\n")]).unwrap();
        let broken = |change: fn(&mut S3StoreProfile)| {
            let mut profile = profile();
            change(&mut profile);
            open(&profile, &credentials, "test", Arc::new(SystemClock)).unwrap_err().to_string()
        };
        for (error, field) in [
            (broken(|p| p.s3_profile_name = "NoS3".into()), "s3ProfileName"),
            (broken(|p| p.s3_bucket.clear()), "s3Bucket"),
            (broken(|p| p.s3_region.clear()), "s3Region"),
            (broken(|p| p.s3_compatible_endpoint = "not a url".into()), "s3CompatibleEndpoint"),
            (broken(|p| p.s3_compatible_endpoint = "ftp://store".into()), "s3CompatibleEndpoint"),
            (
                broken(|p| p.ca_certificates = Some(ByteString(b"-----BEGIN CERTIFICATE-----\nx".to_vec()))),
                "caCertificates",
            ),
        ] {
            assert!(error.contains(field), "{error}");
        }
        assert_eq!(open(&profile(), &credentials, "test", Arc::new(SystemClock)).unwrap().profile(), "west");
    }

    #[test]
    fn a_malformed_secret_is_refused_with_the_key_and_never_shown() {
        for (pairs, key) in [
            (vec![(SECRET_KEY, "hunter2")], ACCESS_KEY),
            (vec![(ACCESS_KEY, "AKIAEXAMPLE")], SECRET_KEY),
            (vec![(ACCESS_KEY, "AKIAEXAMPLE"), (SECRET_KEY, " \n")], SECRET_KEY),
        ] {
            let error = secret(&pairs).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains("ops/west") && !error.contains("hunter2"), "{error}");
        }
        let shown = format!("{:?}", secret(&[(ACCESS_KEY, "key"), (SECRET_KEY, "hunter2")]).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
