//! The differential test: the same requests to two API servers, and what they answer differently.
//!
//! A seed gives sequences of [`operation::Step`]s; each sequence works in namespaces of its own, so that one difference
//! does not drown the next sequence. [`target::Target`] sends a step to one server and brings the answer into a form in
//! which two servers can be equal ([`normal`]); [`run`] compares, shrinks a sequence that differs by leaving steps out, and
//! groups what is left. docs/simulator.md says what stays different and why.
//!
//! Compared: code, content type, number of warnings, reason and details of a `Status` with its causes' reasons and
//! fields, whole objects with `managedFields`, lists, tables, watch events. Left out: prose of messages, the values (not the
//! identity and order) of uids and resourceVersions, times.

pub mod bodies;
pub mod dice;
pub mod generate;
pub mod kinds;
pub mod normal;
pub mod operation;
pub mod run;
pub mod target;
pub mod wrong;
