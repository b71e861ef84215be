//! The way of requests from a hub side to a simulated API server, with everything that the kit makes go wrong on it.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use jiff::Timestamp;
use ramen_core::{
    intercluster::ClusterName,
    testing::conformance::{Fault, Verb},
};
use ramen_sim::{
    apiserver::{ApiServer, Body, BoxError},
    clock::Clock,
};
use serde_json::json;
use tokio::sync::watch;
use tower::ServiceExt;

/// The way to one server: shared by all hub sides that use it.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) server: ApiServer,
    pub(super) token: String,
    pub(super) faults: watch::Sender<Vec<Fault>>,
    pub(super) attempts: Mutex<Vec<Timestamp>>,
    clock: Clock,
}

impl Way {
    pub(super) fn new(name: &ClusterName, server: ApiServer, clock: Clock) -> Self {
        let token = format!("token-of-the-hub-for-{name}");
        server.grant_token(&token, "hub", &["system:masters"]);
        let (faults, _) = watch::channel(Vec::new());
        Self { server, token, faults, attempts: Mutex::default(), clock }
    }
}

/// A hub side's end of a way. When the hub side is dead its requests neither arrive nor return.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) way: Arc<Way>,
    /// Where it leads, as configured when it was made.
    pub(super) server: ApiServer,
    pub(super) alive: Arc<AtomicBool>,
}

impl Wire {
    pub(super) fn client(self) -> kube::Client {
        kube::Client::new(self, "default")
    }

    async fn gate(&self) {
        if !self.alive.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    async fn pass(self, request: Request<kube::client::Body>) -> Result<Response<Body>, BoxError> {
        self.gate().await;
        self.way.attempts.lock().unwrap_or_else(PoisonError::into_inner).push(self.way.clock.now());
        let faults = self.way.faults.borrow().clone();
        let (mut head, body) = request.into_parts();
        let watching = head.uri.query().is_some_and(|query| query.contains("watch=true"));
        let (mut delay, mut repeated) = (Duration::ZERO, false);
        let mut token = self.way.token.as_str();
        for fault in &faults {
            match fault {
                Fault::Stopped => return Err(refused()),
                Fault::Cut => std::future::pending().await,
                Fault::Slow(by) => delay += *by,
                Fault::CredentialsRevoked => token = "revoked",
                Fault::Forbidden(verb, of) if is_about(&head, *verb, &of.group, &of.plural) => {
                    let message = format!("{} is forbidden: User \"hub\" cannot {verb:?} resource", of.plural);
                    return Ok(status(StatusCode::FORBIDDEN, "Forbidden", &message, &of.plural, ""));
                }
                Fault::ForeignNotFound => {
                    let page = Full::new(Bytes::from("<html>no such page</html>")).map_err(|never| match never {});
                    let mut answer = Response::new(page.boxed_unsync());
                    *answer.status_mut() = StatusCode::NOT_FOUND;
                    return Ok(answer);
                }
                Fault::NotFoundOfAnother if head.method == Method::GET => {
                    let message = "samples \"another-object\" not found";
                    return Ok(status(StatusCode::NOT_FOUND, "NotFound", message, "samples", "another-object"));
                }
                Fault::RepeatsWrites => repeated = head.method != Method::GET,
                _ => {}
            }
        }
        head.headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}"))?);
        let body = body.collect().await?.to_bytes();
        let request = move || Request::from_parts(head.clone(), Full::new(body.clone()));
        if repeated {
            let (late, again) = (request(), self.server.service());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(30)).await;
                let _ = again.oneshot(late).await;
            });
        }
        tokio::time::sleep(delay / 2).await;
        let answer = self.server.service().oneshot(request()).await?;
        tokio::time::sleep(delay / 2).await;
        self.gate().await;
        if self.way.faults.borrow().contains(&Fault::Cut) {
            std::future::pending::<()>().await;
        }
        Ok(if watching { answer.map(|body| self.events(body)) } else { answer })
    }

    /// A watch meets what goes wrong after it began.
    fn events(self, body: Body) -> Body {
        let faults = self.way.faults.subscribe();
        StreamBody::new(stream::unfold(Some((self, body, faults)), next_event)).boxed_unsync()
    }
}

type Watching = (Wire, Body, watch::Receiver<Vec<Fault>>);

async fn next_event(state: Option<Watching>) -> Option<(Result<Frame<Bytes>, BoxError>, Option<Watching>)> {
    let (wire, mut body, mut faults) = state?;
    let frame = loop {
        if faults.borrow_and_update().contains(&Fault::Stopped) {
            return Some((Err(refused()), None));
        }
        tokio::select! {
            biased;
            _ = faults.changed() => {}
            frame = body.frame() => break frame,
        }
    };
    let slow = faults.borrow().iter().find_map(|fault| match fault {
        Fault::Slow(by) => Some(*by / 2),
        _ => None,
    });
    tokio::time::sleep(slow.unwrap_or_default()).await;
    // What the network swallows is sent again when it is well.
    let passing = faults.wait_for(|faults| !faults.contains(&Fault::Cut)).await.is_ok();
    wire.gate().await;
    if !passing {
        return None;
    }
    frame.map(|frame| (frame, Some((wire, body, faults))))
}

fn refused() -> BoxError {
    std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused").into()
}

fn is_about(head: &http::request::Parts, verb: Verb, group: &str, plural: &str) -> bool {
    let method = match verb {
        Verb::Read => Method::GET,
        Verb::Delete => Method::DELETE,
    };
    let mut parts = head.uri.path().trim_start_matches('/').split('/');
    let of_group = match parts.next() {
        Some("apis") => parts.next() == Some(group),
        _ => group.is_empty(),
    };
    head.method == method && of_group && parts.any(|part| part == plural)
}

fn status(code: StatusCode, reason: &str, message: &str, kind: &str, name: &str) -> Response<Body> {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message,
        "code": code.as_u16(), "details": {"name": name, "kind": kind},
    });
    let mut answer =
        Response::new(Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed_unsync());
    *answer.status_mut() = code;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

impl tower::Service<Request<kube::client::Body>> for Wire {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        Box::pin(self.clone().pass(request))
    }
}
