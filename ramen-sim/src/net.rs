//! The network between the sites of a world: which client reaches which API server, how fast, and who is cut off.
//!
//! A link has a direction of its own for each pair (site of the client, server): a hub may fail to reach a cluster that
//! still reaches the hub.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use tokio::sync::Notify;

use crate::{
    shared::Shared,
    trace::{Kind, Trace},
};

/// How requests from one site to one server fare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Requests and answers pass, each after the network's latency.
    #[default]
    Up,
    /// Requests and answers pass, each after this long.
    Slow(Duration),
    /// Connections are refused, and those that are open break.
    Cut,
    /// Nothing passes and nobody is told: requests wait, watches are silent. What still waits when the link changes
    /// goes on then.
    Silent,
    /// Requests arrive and are acted upon, no answer ever returns. Watches are silent.
    HalfOpen,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up"),
            Self::Slow(time) => write!(f, "slow by {time:?}"),
            Self::Cut => f.write_str("cut"),
            Self::Silent => f.write_str("silent"),
            Self::HalfOpen => f.write_str("half-open"),
        }
    }
}

#[derive(Debug)]
struct State {
    latency: Duration,
    links: BTreeMap<(String, String), Link>,
    down: BTreeMap<String, Link>,
}

/// The links of a world. Clones share them.
#[derive(Clone, Debug)]
pub struct Network {
    state: Shared<State>,
    changed: Arc<Notify>,
    trace: Trace,
}

/// The connection was refused, or broke. It has the form in which an HTTP client reports it: a failed transport, not an
/// answer.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("connection from {from} to the API server of {to} failed: no route to host")]
pub struct Unreachable {
    /// The site of the client.
    pub from: String,
    /// The server.
    pub to: String,
}

impl Network {
    /// A network where everyone reaches everyone after `latency` in each direction. It should not be zero: time that
    /// does not pass hides loops that never rest.
    pub fn new(latency: Duration, trace: Trace) -> Self {
        let state = State { latency, links: BTreeMap::new(), down: BTreeMap::new() };
        Self { state: Shared::new(state), changed: Arc::new(Notify::new()), trace }
    }

    /// Sets how requests from a site to a server fare from now on.
    pub fn set(&self, from: &str, to: &str, link: Link) {
        self.state.with(|state| state.links.insert((from.to_owned(), to.to_owned()), link));
        self.trace.record(Kind::Fault, format!("{from} -> {to}"), format!("link {link}"));
        self.changed.notify_waiters();
    }

    /// Sets both directions between two sites that each have a server.
    pub fn set_between(&self, one: &str, other: &str, link: Link) {
        self.set(one, other, link);
        self.set(other, one, link);
    }

    /// Lets a server be like this to everyone, its own site included, whatever the links are; `Up` ends it.
    pub fn set_server(&self, server: &str, link: Link) {
        self.state.with(|state| match link {
            Link::Up => state.down.remove(server),
            _ => state.down.insert(server.to_owned(), link),
        });
        self.trace.record(Kind::Fault, server, format!("API server {link}"));
        self.changed.notify_waiters();
    }

    /// Heals every link and every server.
    pub fn heal(&self) {
        self.state.with(|state| {
            state.links.clear();
            state.down.clear();
        });
        self.trace.record(Kind::Fault, "network", "all links healed");
        self.changed.notify_waiters();
    }

    /// How requests from a site to a server fare now.
    pub fn link(&self, from: &str, to: &str) -> Link {
        self.state.with(|state| {
            let server = state.down.get(to).copied();
            server.unwrap_or_else(|| state.links.get(&(from.to_owned(), to.to_owned())).copied().unwrap_or_default())
        })
    }

    /// How long one way takes, if anything passes at all.
    fn latency(&self, link: Link) -> Duration {
        match link {
            Link::Slow(time) => time,
            _ => self.state.with(|state| state.latency),
        }
    }

    /// The way of a request to its server. Returns when it has arrived.
    ///
    /// # Errors
    /// When the link is cut, or is cut while the request waits.
    pub async fn there(&self, from: &str, to: &str) -> Result<(), Unreachable> {
        let link = self.wait_until(from, to, |link| link != Link::Silent).await;
        if link != Link::Cut {
            tokio::time::sleep(self.latency(link)).await;
        }
        match self.wait_until(from, to, |link| link != Link::Silent).await {
            Link::Cut => Err(Unreachable { from: from.to_owned(), to: to.to_owned() }),
            _ => Ok(()),
        }
    }

    /// The way of an answer back. Returns when it has arrived, which on a half-open link is never.
    ///
    /// # Errors
    /// As [`Network::there`].
    pub async fn back(&self, from: &str, to: &str) -> Result<(), Unreachable> {
        if self.link(from, to) == Link::HalfOpen {
            return std::future::pending().await;
        }
        self.there(from, to).await
    }

    /// Waits until the link is cut.
    pub(crate) async fn broken(&self, from: &str, to: &str) -> Unreachable {
        self.wait_until(from, to, |link| link == Link::Cut).await;
        Unreachable { from: from.to_owned(), to: to.to_owned() }
    }

    /// Waits until a watch event can pass and has passed.
    pub(crate) async fn deliver(&self, from: &str, to: &str) {
        let link = self.wait_until(from, to, |link| matches!(link, Link::Up | Link::Slow(_))).await;
        tokio::time::sleep(self.latency(link)).await;
    }

    async fn wait_until(&self, from: &str, to: &str, wanted: impl Fn(Link) -> bool) -> Link {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Registered before the look, or a change between the two would be missed.
            changed.as_mut().enable();
            let link = self.link(from, to);
            if wanted(link) {
                return link;
            }
            changed.await;
        }
    }
}
