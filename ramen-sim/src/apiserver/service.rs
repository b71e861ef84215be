//! The server as a tower service: HTTP in, HTTP out, on whatever transport carries it.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, StreamBody};

use super::decode::FieldValidation;
use super::hooks::{After, Before, Delivery, EventInfo};
use super::output::Output;
use super::patch;
use super::request::{Query, RequestInfo};
use super::resource::Resource;
use super::state::{Answer, Call};
use super::status::Failure;
use super::watch::{Event, Next, Watch};
use super::{ApiServer, Inner};

/// Requests above this size are refused.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// An error of the transport rather than of the API.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Asks, as an extension of a request, that reads answer as of this revision: a stale cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAt(pub u64);

/// The server as a [`tower::Service`]; see [`ApiServer::service`].
#[derive(Debug, Clone)]
pub struct ApiService {
    inner: Arc<Inner>,
}

impl ApiService {
    pub(super) fn new(server: &ApiServer) -> Self {
        Self { inner: server.inner.clone() }
    }
}

impl<B> tower::Service<Request<B>> for ApiService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = self.inner.clone();
        let (head, body) = request.into_parts();
        Box::pin(async move {
            let body = Limited::new(body, BODY_LIMIT).collect().await;
            let body = match body {
                Ok(body) => Ok(body.to_bytes()),
                Err(problem) if problem.is::<LengthLimitError>() => {
                    Err(Failure::too_large(format!("Request entity too large: limit is {BODY_LIMIT}")))
                }
                Err(problem) => return Err(problem),
            };
            inner.answer(head, body).await
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Inner {
    async fn answer(
        self: Arc<Self>,
        head: http::request::Parts,
        body: Result<Bytes, Failure>,
    ) -> Result<Response<Body>, BoxError> {
        let query = Query::parse(head.uri.query());
        let mut info = RequestInfo::parse(&head.method, head.uri.path(), &query);
        if let Ok(body) = &body {
            super::remove::read_dry_run(&mut info, body, text(&head.headers, &header::CONTENT_TYPE));
        }
        info.agent = text(&head.headers, &header::USER_AGENT).to_string();
        let identity = self.authenticate(text(&head.headers, &header::AUTHORIZATION));
        if let Ok(identity) = &identity {
            info.user.clone_from(&identity.name);
            info.groups.clone_from(&identity.groups);
        }
        info.sequence = self.begin(&info);
        let mut read_at = head.extensions.get::<ReadAt>().map(|ReadAt(revision)| *revision);
        let interceptors = self.interceptors();
        for interceptor in &interceptors {
            match interceptor.before(&info).await {
                Before::Continue => {}
                Before::ReadAt(revision) => read_at = Some(revision),
                Before::Fail(failure) => return Ok(self.finish(&info, Err(failure), &[])),
                Before::Hang => std::future::pending().await,
                Before::Break => return Err(broken()),
            }
        }
        let mut warnings = Vec::new();
        let outcome = match (identity, body) {
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
            (Ok(identity), Ok(body)) => self
                .authorize(&identity, &info)
                .and_then(|()| self.handle(&info, &query, &head, body, read_at, &mut warnings)),
        };
        let code = match &outcome {
            Ok(Handled::Answer(Answer::Json { code, .. })) | Err(Failure { code, .. }) => *code,
            Ok(Handled::Answer(Answer::Watch(_)) | Handled::Document(..)) => 200,
            Ok(Handled::Plain(code, _)) => code.as_u16(),
        };
        for interceptor in &interceptors {
            match interceptor.after(&info, code).await {
                After::Deliver => {}
                After::Fail(failure) => return Ok(self.finish(&info, Err(failure), &[])),
                After::Hang => std::future::pending().await,
                After::Break => return Err(broken()),
            }
        }
        Ok(self.finish(&info, outcome, &warnings))
    }

    fn handle(
        &self,
        info: &RequestInfo,
        query: &Query,
        head: &http::request::Parts,
        body: Bytes,
        read_at: Option<u64>,
        told: &mut Vec<String>,
    ) -> Result<Handled, Failure> {
        if !info.is_resource() {
            return super::discovery::answer(self, info, text(&head.headers, &header::ACCEPT));
        }
        let mut state = self.state();
        let Some(resource) = state.registry.get(&info.group, &info.version, &info.resource) else {
            if !state.registry.knows_group(&info.group) {
                return Ok(super::discovery::not_found());
            }
            return super::reviews::answer(self, &mut state, info, &body).map(Handled::Answer);
        };
        let output = Output::negotiate(text(&head.headers, &header::ACCEPT), query.get("includeObject"))?;
        let content_type = text(&head.headers, &header::CONTENT_TYPE);
        check_media_type(info, &resource, content_type)?;
        let validation = FieldValidation::parse(info, query, &body)?;
        let warnings = RefCell::default();
        let call = Call { info, resource, query, body, content_type, output, validation, read_at, warnings };
        let outcome = state.handle(&call).map(Handled::Answer);
        *told = call.warnings.into_inner();
        outcome
    }

    fn finish(
        self: &Arc<Self>,
        info: &RequestInfo,
        outcome: Result<Handled, Failure>,
        warnings: &[String],
    ) -> Response<Body> {
        let (code, kind, body, retry_after) = match outcome {
            Ok(Handled::Answer(Answer::Watch(watch))) => {
                self.end(info.sequence, 200);
                return self.clone().stream(info.clone(), watch);
            }
            Ok(Handled::Answer(Answer::Json { code, body })) => (code, "application/json", body, None),
            Ok(Handled::Document(kind, body)) => (200, kind, body, None),
            Ok(Handled::Plain(code, body)) => (code.as_u16(), "text/plain; charset=utf-8", body, None),
            Err(failure) => {
                let body = Bytes::from(failure.to_status().to_string());
                (failure.code, "application/json", body, failure.retry_after())
            }
        };
        self.end(info.sequence, code);
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        for warning in warnings {
            let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
                headers.append(header::WARNING, value);
            }
        }
        response
    }

    /// The body of a watch: a line an event, until the watch ends.
    fn stream(self: Arc<Self>, info: RequestInfo, watch: Watch) -> Response<Body> {
        let frames = futures::stream::unfold((self, info, watch), |(inner, info, mut watch)| async move {
            loop {
                // Wait for changes from before the look at the history on, so that none falls in between.
                let changed = watch.changed();
                let mut changed = std::pin::pin!(changed.notified());
                changed.as_mut().enable();
                let next = watch.next(&inner.state());
                match next {
                    Next::End => return None,
                    Next::Wait(until) => tokio::select! {
                        biased;
                        () = changed => {}
                        () = tokio::time::sleep_until(until) => {}
                    },
                    Next::Event(event) => match inner.delivery(&info, &event).await {
                        Delivery::Deliver => {
                            let frame = Ok::<_, BoxError>(Frame::data(event.line()));
                            return Some((futures::stream::iter(vec![frame]), (inner, info, watch)));
                        }
                        Delivery::Duplicate => {
                            let line = event.line();
                            let frames = vec![Ok(Frame::data(line.clone())), Ok(Frame::data(line))];
                            return Some((futures::stream::iter(frames), (inner, info, watch)));
                        }
                        Delivery::Drop => {}
                        Delivery::Close => watch.end(),
                    },
                }
            }
        });
        let mut response = Response::new(StreamBody::new(frames.flatten()).boxed_unsync());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    async fn delivery(&self, info: &RequestInfo, event: &Event) -> Delivery {
        let interceptors = self.interceptors();
        if interceptors.is_empty() {
            return Delivery::Deliver;
        }
        let part = |part: fn(&super::store::Key) -> &str| event.key.as_ref().map(part).unwrap_or_default().to_string();
        let event = EventInfo {
            kind: event.kind,
            revision: event.revision,
            namespace: part(super::store::Key::namespace),
            name: part(super::store::Key::name),
        };
        for interceptor in interceptors {
            match interceptor.deliver(info, &event).await {
                Delivery::Deliver => {}
                other => return other,
            }
        }
        Delivery::Deliver
    }
}

/// What handling a request led to.
#[derive(Debug)]
pub(super) enum Handled {
    Answer(Answer),
    /// JSON of a media type of its own.
    Document(&'static str, Bytes),
    /// Text, as health checks answer.
    Plain(StatusCode, Bytes),
}

fn broken() -> BoxError {
    Box::new(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer"))
}

/// Objects come as JSON or YAML, patches as the kinds of patch that the resource takes.
fn check_media_type(info: &RequestInfo, resource: &Resource, content_type: &str) -> Result<(), Failure> {
    if info.verb == "patch" && !info.name.is_empty() {
        return patch::Kind::parse(resource, content_type).map(|_| ());
    }
    if !matches!(info.verb.as_str(), "create" | "update") {
        return Ok(());
    }
    match content_type.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" | "application/yaml" => Ok(()),
        _ => Err(Failure::unsupported_media_type(&["application/json", "application/yaml"])),
    }
}
