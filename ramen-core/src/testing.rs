//! For the tests of embedders and implementors: mocks, a transport in memory, and kits that check whether an implementation
//! keeps the promises of its trait.

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "conformance")]
pub mod memory;
#[cfg(feature = "mock")]
pub mod mock;
#[cfg(feature = "conformance")]
pub mod mutants;
