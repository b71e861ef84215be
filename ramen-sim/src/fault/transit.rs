//! The way of a request from a process to a server and back, with everything that may happen on it.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::{
    future::{BoxFuture, Either, select},
    stream,
};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use tower::{BoxError, Service, ServiceExt, util::BoxCloneService};

use super::{
    call::Call,
    rule::{Action, Faults},
};
use crate::{
    clock::Clock,
    net::Network,
    process::Incarnation,
    shared::Shared,
    trace::{Kind, Trace},
};

/// The body of an answer after its transit.
pub type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

type Inner = BoxCloneService<Request<Body>, Response<AnswerBody>, BoxError>;

/// An API server as the network sees it. Clones share it.
#[derive(Clone, Debug)]
pub struct Server {
    name: Arc<str>,
    inner: Shared<Inner>,
}

/// Puts any service that speaks the Kubernetes API behind a network: the simulated server, or an HTTP client of a real
/// one.
pub fn server<S, B>(name: &str, service: S) -> Server
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let service = service
        .map_err(Into::into)
        .map_response(|response: Response<B>| response.map(|body| body.map_err(Into::into).boxed_unsync()));
    Server { name: name.into(), inner: Shared::new(BoxCloneService::new(service)) }
}

impl Server {
    /// The name by which links and rules know it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The service that a `kube::Client` of one process uses to reach one server.
#[derive(Clone, Debug)]
pub struct Transit {
    /// The process that asks.
    pub from: Incarnation,
    /// The server that is asked.
    pub to: Server,
    /// The network between them.
    pub network: Network,
    /// What may befall requests.
    pub faults: Faults,
    /// Where it is told.
    pub trace: Trace,
    /// The time by which faults go.
    pub clock: Clock,
}

impl Transit {
    /// A client whose requests take this way.
    pub fn client(self) -> kube::Client {
        kube::Client::new(self, "default")
    }

    async fn pass(self, request: Request<Body>) -> Result<Response<AnswerBody>, BoxError> {
        let call = Call::of(&request);
        if self.from.is_observer() {
            let answer = self.to.inner.with(|inner| inner.clone()).oneshot(request).await;
            return answer.inspect(|answer| self.told(&call, answer.status()));
        }
        self.from.gate().await;
        let number = self.from.count_request();
        let (from, to) = (self.from.site().to_owned(), self.to.name().to_owned());
        let action = self.faults.decide(self.from.name(), &to, &call, self.clock.elapsed());
        if let Some(action) = action {
            self.trace.record(Kind::Fault, self.actor(), format!("{call}: {action} (request {number})"));
        }
        if action == Some(Action::CrashBefore) {
            self.from.kill();
        }
        self.from.gate().await;
        if let Some(Action::Delay(time)) = action {
            tokio::time::sleep(time).await;
        }
        self.network.there(&from, &to).await.inspect_err(|error| self.told(&call, error))?;
        // A process that died while its request was under way may or may not have been heard; here it was not.
        self.from.gate().await;
        if let Some(Action::Refuse(error)) = action {
            self.told(&call, error.code());
            self.network.back(&from, &to).await?;
            return Ok(error.response().map(full));
        }
        let request = mark_stale(request, &call, action);
        let answer = self.to.inner.with(|inner| inner.clone()).oneshot(request).await;
        match &answer {
            Ok(answer) => self.told(&call, answer.status()),
            Err(error) => self.told(&call, error),
        }
        self.aftermath(&from, &to, action, answer?).await.map(|answer| self.body(&call, action, answer))
    }

    /// What happens once the server has acted.
    async fn aftermath(
        &self,
        from: &str,
        to: &str,
        action: Option<Action>,
        answer: Response<AnswerBody>,
    ) -> Result<Response<AnswerBody>, BoxError> {
        match action {
            Some(Action::CrashAfter) => self.from.kill(),
            Some(Action::LoseAnswer) => std::future::pending().await,
            _ => {}
        }
        self.network.back(from, to).await?;
        self.from.gate().await;
        match action {
            Some(Action::BreakAfterApply) => {
                Err(crate::net::Unreachable { from: from.to_owned(), to: to.to_owned() }.into())
            }
            Some(Action::RefuseAfterApply(error)) => Ok(error.response().map(full)),
            _ => Ok(answer),
        }
    }

    /// A watch goes on meeting the network after its head has arrived; other answers have arrived whole.
    fn body(&self, call: &Call, action: Option<Action>, answer: Response<AnswerBody>) -> Response<AnswerBody> {
        if call.verb != "watch" || !answer.status().is_success() {
            return answer;
        }
        let (late, left) = match action {
            Some(Action::LateEvents(time)) => (time, u32::MAX),
            Some(Action::DropWatch(events)) => (Duration::ZERO, events),
            _ => (Duration::ZERO, u32::MAX),
        };
        answer.map(|body| {
            let watch = Watch { body, transit: self.clone(), late, left };
            StreamBody::new(stream::unfold(Some(watch), next_event)).boxed_unsync()
        })
    }

    fn told(&self, call: &Call, outcome: impl std::fmt::Display) {
        self.trace.record(Kind::Request, self.actor(), format!("{call} -> {outcome}"));
    }

    fn actor(&self) -> String {
        format!("{} => {}", self.from.name(), self.to.name())
    }
}

struct Watch {
    body: AnswerBody,
    transit: Transit,
    late: Duration,
    left: u32,
}

/// The next event of a watch, once the network has let it through; an error when the link is cut; nothing when the
/// watch ends.
async fn next_event(watch: Option<Watch>) -> Option<(Result<Frame<Bytes>, BoxError>, Option<Watch>)> {
    let mut watch = watch?;
    let transit = watch.transit.clone();
    let (from, to) = (transit.from.site(), transit.to.name());
    if watch.left == 0 {
        return None;
    }
    let late = watch.late;
    let frame = {
        let arrive = async {
            let frame = watch.body.frame().await;
            tokio::time::sleep(late).await;
            transit.network.deliver(from, to).await;
            frame
        };
        match select(std::pin::pin!(arrive), std::pin::pin!(transit.network.broken(from, to))).await {
            Either::Left((frame, _)) => frame,
            Either::Right((broken, _)) => return Some((Err(broken.into()), None)),
        }
    };
    transit.from.gate().await;
    watch.left = watch.left.saturating_sub(1);
    frame.map(|frame| (frame, Some(watch)))
}

impl Service<Request<Body>> for Transit {
    type Response = Response<AnswerBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().pass(request))
    }
}

/// How old the answer to a get or list shall be. It lies in the extensions of the request; a server that keeps history
/// obeys it, others answer with what they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerAsOf(pub Duration);

fn mark_stale(mut request: Request<Body>, call: &Call, action: Option<Action>) -> Request<Body> {
    if let Some(Action::Stale(age)) = action
        && matches!(call.verb.as_str(), "get" | "list")
    {
        request.extensions_mut().insert(AnswerAsOf(age));
    }
    request
}

fn full(body: String) -> AnswerBody {
    Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync()
}
