//! How a storage driver refuses, in the vocabulary of gRPC that csi-addons decides upon.

use thiserror::Error;

/// The gRPC status codes that the csi-addons controllers tell apart, and those a simulated driver answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The volume, its peer or its content is not in the state that the call needs. On promotion csi-addons retries
    /// with force.
    FailedPrecondition,
    /// The array cannot be reached.
    Unavailable,
    /// The call was interrupted and may be repeated.
    Aborted,
    /// The driver failed.
    Internal,
    /// No such volume.
    NotFound,
    /// The driver does not offer the call.
    Unimplemented,
    /// The driver did not answer in time; whether it acted is unknown.
    DeadlineExceeded,
    /// The call makes no sense for this volume.
    InvalidArgument,
}

impl Code {
    /// The name as gRPC prints it in an error text.
    pub fn grpc_name(self) -> &'static str {
        match self {
            Self::FailedPrecondition => "FailedPrecondition",
            Self::Unavailable => "Unavailable",
            Self::Aborted => "Aborted",
            Self::Internal => "Internal",
            Self::NotFound => "NotFound",
            Self::Unimplemented => "Unimplemented",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::InvalidArgument => "InvalidArgument",
        }
    }
}

/// A refused driver call. Its text has the form in which Go programs print a gRPC error, since conditions carry it
/// whole.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("rpc error: code = {} desc = {message}", code.grpc_name())]
pub struct DriverError {
    /// What sort of refusal.
    pub code: Code,
    /// Which volume or array, and why.
    pub message: String,
}

impl DriverError {
    /// A refusal with the given code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Why a write or an attachment was refused. A refused write is not acknowledged and changes nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IoError {
    /// No such volume on the array of this cluster.
    #[error("volume {handle} does not exist on array {array}")]
    NoSuchVolume {
        /// The array that was asked.
        array: String,
        /// The handle that it does not know.
        handle: String,
    },
    /// The cluster is not connected to any array.
    #[error("cluster {0} has no storage array: connect it with StorageSystem::connect")]
    NoArray(String),
    /// The volume is not attached to the node.
    #[error("volume {handle} is not attached to node {node}")]
    NotAttached {
        /// The handle of the volume.
        handle: String,
        /// The node that tried.
        node: String,
    },
    /// The address of the node lies in a fenced range.
    #[error("cluster {cluster} is fenced off array {array}")]
    Fenced {
        /// The fenced cluster.
        cluster: String,
        /// The array that refuses it.
        array: String,
    },
    /// The volume is a replica, or waits for its content.
    #[error("volume {0} is read-only: it is a secondary, or has no complete content yet")]
    ReadOnly(String),
    /// The array is down.
    #[error("array {0} is down")]
    ArrayDown(String),
}
