//! Every name that other software sees: labels, annotations, finalizers, conditions, reasons, progressions, phases,
//! events, metrics, the
//! formulas of object names and of S3 keys.
//!
//! These strings are the contract with RamenDR's other half, with storage vendors, GitOps, monitoring and users'
//! scripts. They live here and
//! nowhere else, one file a topic, each with a line that says who writes it and why. `tests/data/names.golden` pins
//! every value: a change
//! there is a change of compatibility and belongs in the changelog.
//!
//! Constants are declared through the crate's `names!` macro, which registers them as it declares them: [`all`] cannot
//! miss one. Formulas are
//! plain functions in [`object_names`] and [`s3_keys`]; they are total, so a name that Kubernetes would refuse is still
//! computed exactly as
//! RamenDR computes it, and refused where the object is created.

/// One registered name, as [`all`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Module path below this one, such as `annotations` or `conditions::vrg`.
    pub topic: &'static str,
    /// Identifier of the constant.
    pub constant: &'static str,
    /// The string itself.
    pub value: &'static str,
}

/// A constant and its value, as one topic registers it.
pub(in crate::api::names) type Entry = (&'static str, &'static str);

/// Declares string constants and, in the same go, the `REGISTRY` of the topic, so that no constant can be left out of
/// the golden list.
macro_rules! names {
    ($($(#[$doc:meta])+ $constant:ident = $value:literal;)+) => {
        $($(#[$doc])+ pub const $constant: &str = $value;)+

        pub(in crate::api::names) const REGISTRY: &[crate::api::names::Entry] =
            &[$((stringify!($constant), $constant)),+];
    };
}
pub(in crate::api::names) use names;

pub mod annotations;
pub mod conditions;
pub mod configuration;
pub mod csi;
pub mod csi_addons;
pub mod events;
pub mod finalizers;
pub mod hashes;
pub mod kubernetes;
pub mod labels;
pub mod metrics;
pub mod object_names;
pub mod ocm;
pub mod phases;
pub mod progressions;
pub mod recipes;
pub mod resources;
pub mod s3_keys;
pub mod velero;
pub mod volsync;

/// Lists `(topic path, registry)` from topic paths.
macro_rules! topics {
    ($($first:ident $(:: $next:ident)?),+ $(,)?) => {
        &[$((concat!(stringify!($first) $(, "::", stringify!($next))?), $first $(:: $next)? ::REGISTRY)),+]
    };
}

const TOPICS: &[(&str, &[Entry])] = topics![
    annotations,
    conditions::drcluster,
    conditions::drclusterconfig,
    conditions::drpc,
    conditions::drpolicy,
    conditions::group_sync,
    conditions::maintenance_mode,
    conditions::pvc,
    conditions::vrg,
    configuration,
    csi,
    csi_addons,
    events,
    finalizers,
    kubernetes,
    labels,
    metrics,
    object_names::fixed,
    ocm,
    phases,
    progressions,
    recipes,
    resources,
    s3_keys,
    velero,
    volsync,
];

/// Every constant of every topic, in the order of the topics and of their declaration.
pub fn all() -> impl Iterator<Item = Name> {
    TOPICS
        .iter()
        .flat_map(|&(topic, registry)| registry.iter().map(move |&(constant, value)| Name { topic, constant, value }))
}

#[cfg(test)]
mod tests;
