//! What users write and read.

pub mod names;
