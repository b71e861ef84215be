//! `mockall` mocks of the traits.
//!
//! A unit test of an embedder, against a transport that is down:
//!
//! ```
//! # use std::time::Duration;
//! # use k8s_openapi::api::core::v1::Namespace;
//! use ramen_core::{intercluster::*, testing::mock::MockObjectTransport, time::Deadline};
//!
//! /// What the embedder wrote: asks for a namespace, and says so in a word.
//! async fn ensure(transport: &dyn ObjectTransport, name: &str) -> String {
//!     let namespace: Namespace = serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap();
//!     let intent = Intent::new(IntentId::new("dr1", format!("{name}-ns-mw")), "embedder", Manifest::of(&namespace).unwrap());
//!     match transport.put(&intent, &Precondition::None, Deadline::after(Duration::from_secs(5))).await {
//!         Ok(receipt) => format!("{:?}", receipt.delivery),
//!         Err(failure) => failure.class().to_string(),
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut transport = MockObjectTransport::new();
//! transport
//!     .expect_put()
//!     .withf(|intent, precondition, _| intent.id.name == "app-ns-mw" && *precondition == Precondition::None)
//!     .once()
//!     .returning(|_, _, _| Err(Failure::new(FailureClass::Unreachable, "connection refused")));
//! assert_eq!(ensure(&transport, "app").await, "Unreachable");
//! # }
//! ```

pub use crate::intercluster::{
    MockClusterRegistry, MockClusterView, MockObjectTransport, MockPlacement, MockSecretPropagator,
};
