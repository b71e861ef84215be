//! Rules: which request meets which fault.

use std::{fmt, time::Duration};

use super::{answer::ApiError, call::Call, weather::Weather};
use crate::shared::Shared;

/// What befalls a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The server answers with an error and does nothing.
    Refuse(ApiError),
    /// The server acts, and answers with an error all the same.
    RefuseAfterApply(ApiError),
    /// The server acts, and the answer is lost: the client waits for ever.
    LoseAnswer,
    /// The server acts, and the connection breaks before the answer.
    BreakAfterApply,
    /// The request takes this much longer to arrive.
    Delay(Duration),
    /// A get or list is answered from a past that lies this long back, as by a cache that lags. Other requests are not
    /// touched.
    Stale(Duration),
    /// The events of this watch arrive this much later, in order.
    LateEvents(Duration),
    /// This watch ends, without an error, after so many events.
    DropWatch(u32),
    /// The process dies before the request leaves.
    CrashBefore,
    /// The process dies when the server has acted, before it learns of it.
    CrashAfter,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(error) => write!(f, "refused with {}", error.code().as_u16()),
            Self::RefuseAfterApply(error) => write!(f, "applied and refused with {}", error.code().as_u16()),
            Self::LoseAnswer => f.write_str("applied, answer lost"),
            Self::BreakAfterApply => f.write_str("applied, connection broke"),
            Self::Delay(time) => write!(f, "delayed by {time:?}"),
            Self::Stale(age) => write!(f, "answered as of {age:?} ago"),
            Self::LateEvents(time) => write!(f, "events late by {time:?}"),
            Self::DropWatch(events) => write!(f, "watch dropped after {events} events"),
            Self::CrashBefore => f.write_str("crash before the request"),
            Self::CrashAfter => f.write_str("crash after the request"),
        }
    }
}

/// Which requests a rule is about. Empty means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matcher {
    /// Name of the process that asks.
    pub process: Option<String>,
    /// Name of the server that is asked.
    pub server: Option<String>,
    /// Kubernetes verb: get, list, watch, create, update, patch, delete, deletecollection.
    pub verb: Option<String>,
    /// Plural name of the resource.
    pub resource: Option<String>,
    /// Name of the object.
    pub name: Option<String>,
    /// Only requests that write.
    pub writes: bool,
}

impl Matcher {
    /// Every request of a process.
    pub fn process(name: impl Into<String>) -> Self {
        Self { process: Some(name.into()), ..Self::default() }
    }

    /// Every request to a server.
    pub fn server(name: impl Into<String>) -> Self {
        Self { server: Some(name.into()), ..Self::default() }
    }

    /// Restricts to a verb.
    #[must_use]
    pub fn verb(self, verb: impl Into<String>) -> Self {
        Self { verb: Some(verb.into()), ..self }
    }

    /// Restricts to a resource by its plural name.
    #[must_use]
    pub fn resource(self, resource: impl Into<String>) -> Self {
        Self { resource: Some(resource.into()), ..self }
    }

    /// Restricts to objects of a name.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Restricts to requests that write.
    #[must_use]
    pub fn writes(self) -> Self {
        Self { writes: true, ..self }
    }

    fn matches(&self, process: &str, server: &str, call: &Call) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.process, process)
            && fits(&self.server, server)
            && fits(&self.verb, &call.verb)
            && fits(&self.resource, &call.resource)
            && fits(&self.name, &call.name)
            && (!self.writes || call.is_write())
    }
}

/// An action for some of the requests that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    matcher: Matcher,
    action: Action,
    skip: u64,
    times: u64,
}

impl Rule {
    /// The action befalls the next matching request, once.
    pub fn once(matcher: Matcher, action: Action) -> Self {
        Self { matcher, action, skip: 0, times: 1 }
    }

    /// The action befalls every matching request until the rules are cleared.
    pub fn always(matcher: Matcher, action: Action) -> Self {
        Self { matcher, action, skip: 0, times: u64::MAX }
    }

    /// The action befalls only the n-th request that matches from now on, counted from 1. Sweeping n over all requests
    /// of a run, with a crash before and after each, is how a test shows that a crash anywhere converges.
    pub fn nth(n: u64, matcher: Matcher, action: Action) -> Self {
        Self { matcher, action, skip: n.saturating_sub(1), times: 1 }
    }

    /// The same rule for so many matching requests.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    weather: Option<Weather>,
}

/// The faults that requests of a world meet. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Shared<State>);

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule. Of several that match a request the oldest wins, and all of them count it.
    pub fn add(&self, rule: Rule) {
        self.0.with(|state| state.rules.push(rule));
    }

    /// Sets, or with `None` ends, the seeded random faults.
    pub fn set_weather(&self, weather: Option<Weather>) {
        self.0.with(|state| state.weather = weather);
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.0.with(|state| *state = State::default());
    }

    /// What befalls this request.
    pub(super) fn decide(&self, process: &str, server: &str, call: &Call, now: Duration) -> Option<Action> {
        self.0.with(|state| {
            let mut chosen = None;
            for rule in state.rules.iter_mut().filter(|rule| rule.matcher.matches(process, server, call)) {
                if rule.skip > 0 {
                    rule.skip -= 1;
                } else if chosen.is_none() {
                    chosen = Some(rule.action);
                    rule.times = rule.times.saturating_sub(1);
                }
            }
            state.rules.retain(|rule| rule.times > 0);
            // Weather is asked even when a rule has decided, so that adding a rule does not shift what befalls other
            // requests.
            let random = state.weather.as_mut().and_then(|weather| weather.draw(call, now));
            chosen.or(random)
        })
    }
}
