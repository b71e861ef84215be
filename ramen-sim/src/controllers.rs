//! The controllers that a cluster runs beside its API server, each small and on its own.

mod attach;
mod binder;
pub mod csiaddons;
mod discovery;
mod garbage;
pub mod kit;
mod namespaces;
mod pods;
mod protection;
mod quantity;

pub use attach::Attacher;
pub use binder::Binder;
pub use garbage::GarbageCollector;
pub use namespaces::Namespaces;
pub use protection::Protection;
