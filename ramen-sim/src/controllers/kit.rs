//! What every simulated controller is built with: kinds, a cache fed by watches, and a loop that reconciles one key at
//! a time.
//!
//! It is an engine of its own, small and independent of the library under test, so that an error in that engine cannot
//! hide in the world it is judged by. It has no order that depends on hashing, no thread and no clock but tokio's.

mod cache;
mod context;
mod fields;
mod informer;
mod kind;
mod manager;

pub use cache::{Key, Store};
pub use context::{Context, Error};
pub use fields::Fields;
pub use kind::Kind;
pub use manager::{Backoff, Controller, Manager, Next};
