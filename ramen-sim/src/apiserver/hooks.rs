//! Where faults come in: before a request is handled, after it was, and at each event that a watch delivers.

use std::fmt;

use async_trait::async_trait;

use super::request::RequestInfo;
use super::status::Failure;

/// What becomes of a request before the server handles it.
#[derive(Debug, Clone, PartialEq)]
pub enum Before {
    /// It is handled.
    Continue,
    /// It is refused; nothing happens in the cluster.
    Fail(Failure),
    /// Reads answer as of this revision: a stale cache. Writes are handled as usual.
    ReadAt(u64),
    /// It never gets an answer; nothing happens in the cluster.
    Hang,
    /// The connection breaks; nothing happens in the cluster.
    Break,
}

/// What becomes of an answer once the server has handled the request.
#[derive(Debug, Clone, PartialEq)]
pub enum After {
    /// It is sent.
    Deliver,
    /// The caller is told of a failure although the server did what was asked.
    Fail(Failure),
    /// The caller never hears, although the server did what was asked.
    Hang,
    /// The connection breaks before the answer arrives, although the server did what was asked.
    Break,
}

/// What becomes of an event on its way to one watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It arrives.
    Deliver,
    /// It is lost, and the watch goes on as if nothing had been.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// The watch ends before the event arrives.
    Close,
}

/// An event of a watch, as faults see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventInfo {
    /// ADDED, MODIFIED, DELETED or BOOKMARK.
    pub kind: &'static str,
    /// Revision that the event brings the watcher to.
    pub revision: u64,
    /// Namespace of the object; empty for bookmarks and cluster scope.
    pub namespace: String,
    /// Name of the object; empty for bookmarks.
    pub name: String,
}

/// Looks at every request and may delay it (by awaiting), refuse it, or lose it.
///
/// Interceptors run in the order in which they were added; the first that does not let a request pass decides.
#[async_trait]
pub trait Interceptor: Send + Sync + fmt::Debug {
    /// Called before the request is handled.
    async fn before(&self, request: &RequestInfo) -> Before {
        let _ = request;
        Before::Continue
    }

    /// Called after the request was handled, with the code of the answer.
    async fn after(&self, request: &RequestInfo, code: u16) -> After {
        let _ = (request, code);
        After::Deliver
    }

    /// Called for each event before it goes to the watcher that `request` began.
    async fn deliver(&self, request: &RequestInfo, event: &EventInfo) -> Delivery {
        let _ = (request, event);
        Delivery::Deliver
    }
}
