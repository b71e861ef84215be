//! The macro that makes a kind of another project: `kube`'s own derivation knows neither kinds without a spec, nor
//! unknown fields beside it.

use serde::de::Error;

/// Defines the root struct of a kind, its encoding, `kube::Resource` and `kube::CustomResourceExt`.
///
/// `spec` and `status` are optional: a kind without one keeps what an object has there among its other fields.
macro_rules! foreign_kind {
    (
        $(#[$doc:meta])+
        $kind:ident ($group:literal, $version:literal, $plural:literal, $scope:ident)
        $(spec: $spec:ty;)?
        $(status: $status:ty;)?
        short_names: $short_names:expr;
        columns: $columns:expr;
    ) => {
        $(#[$doc])+
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $kind {
            /// Standard metadata.
            pub metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
            $(
                /// What is asked for.
                pub spec: $spec,
            )?
            $(
                /// What was seen; absent until its writer has come by.
                pub status: Option<$status>,
            )?
            /// Other fields of the object, beside its metadata.
            pub other: crate::api::foreign::OtherFields,
        }

        impl $kind {
            /// An object of that name; the namespace, where the kind has one, is the caller's to set.
            #[must_use]
            pub fn new(name: &str $(, spec: $spec)?) -> Self {
                let metadata = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                    name: Some(name.to_owned()),
                    ..Default::default()
                };
                Self { metadata, $(spec: std::convert::identity::<$spec>(spec),)? ..Default::default() }
            }
        }

        impl kube::Resource for $kind {
            type DynamicType = ();
            type Scope = kube::core::$scope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                stringify!($kind).into()
            }
            fn group((): &()) -> std::borrow::Cow<'_, str> {
                $group.into()
            }
            fn version((): &()) -> std::borrow::Cow<'_, str> {
                $version.into()
            }
            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }
            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }

        impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                #[derive(serde::Serialize)]
                #[serde(rename_all = "camelCase")]
                struct Wire<'a> {
                    api_version: &'static str,
                    kind: &'static str,
                    metadata: &'a k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
                    $(spec: &'a $spec,)?
                    $(
                        #[serde(skip_serializing_if = "Option::is_none")]
                        status: Option<&'a $status>,
                    )?
                    #[serde(flatten)]
                    other: &'a crate::api::foreign::OtherFields,
                }
                let wire = Wire {
                    api_version: concat!($group, "/", $version),
                    kind: stringify!($kind),
                    metadata: &self.metadata,
                    $(spec: std::convert::identity::<&$spec>(&self.spec),)?
                    $(status: Option::<&$status>::from(&self.status),)?
                    other: &self.other,
                };
                serde::Serialize::serialize(&wire, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                #[serde(rename_all = "camelCase")]
                struct Wire {
                    #[serde(default)]
                    api_version: Option<String>,
                    #[serde(default)]
                    kind: Option<String>,
                    #[serde(default)]
                    metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
                    $(
                        #[serde(default)]
                        spec: $spec,
                    )?
                    $(
                        #[serde(default)]
                        status: Option<$status>,
                    )?
                    #[serde(flatten)]
                    other: crate::api::foreign::OtherFields,
                }
                let wire = <Wire as serde::Deserialize>::deserialize(from)?;
                crate::api::foreign::kind::expect("kind", stringify!($kind), wire.kind.as_deref())?;
                let api_version = concat!($group, "/", $version);
                crate::api::foreign::kind::expect("apiVersion", api_version, wire.api_version.as_deref())?;
                Ok(Self {
                    metadata: wire.metadata,
                    $(spec: std::convert::identity::<$spec>(wire.spec),)?
                    $(status: std::convert::identity::<Option<$status>>(wire.status),)?
                    other: wire.other,
                })
            }
        }

        impl kube::CustomResourceExt for $kind {
            fn crd() -> k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition {
                let properties = vec![
                    $(("spec", crate::api::foreign::crd::schema_of::<$spec>()),)?
                    $(("status", crate::api::foreign::crd::schema_of::<$status>()),)?
                ];
                crate::api::foreign::crd::build::<Self>(properties, $columns)
            }
            fn crd_name() -> &'static str {
                concat!($plural, ".", $group)
            }
            fn api_resource() -> kube::discovery::ApiResource {
                kube::discovery::ApiResource::erase::<Self>(&())
            }
            fn shortnames() -> &'static [&'static str] {
                $short_names
            }
        }
    };
}
pub(super) use foreign_kind;

/// Refuses an object that says it is something else; one that says nothing passes.
pub(super) fn expect<E: Error>(field: &str, expected: &str, found: Option<&str>) -> Result<(), E> {
    match found {
        Some(found) if found != expected && !found.is_empty() => {
            Err(E::custom(format!("{field}: expected {expected}, found {found}")))
        }
        _ => Ok(()),
    }
}
