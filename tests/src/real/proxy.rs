//! A TCP proxy whose line can be cut, held, slowed down or made to answer 503.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The state of a line. A change takes effect at once, on open connections too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Bytes pass.
    Open,
    /// Every connection is closed, and new ones are closed as soon as they are accepted.
    Cut,
    /// Connections stay and are accepted, and nothing passes in either direction until the line changes. This is what a
    /// network that loses packets looks like: only the client's own deadline ends a request. What was held is delivered
    /// when the line opens again.
    Held,
    /// Requests reach the server and are carried out; answers are held. The client cannot know what happened.
    HalfOpen,
    /// Every chunk of bytes is this late, in each direction.
    Slow(Duration),
    /// Every request is answered with this HTTP status and an S3 error body; the server sees nothing. Connections that were
    /// open before are closed. For servers without TLS only (the stores).
    Answer(u16),
}

impl Link {
    fn passes(self, direction: Direction) -> bool {
        match self {
            Self::Open | Self::Slow(_) => true,
            Self::HalfOpen => direction == Direction::ToServer,
            Self::Held | Self::Cut | Self::Answer(_) => false,
        }
    }

    /// Whether a connection to the server outlives a change to this state.
    fn keeps_connections(self) -> bool {
        !matches!(self, Self::Cut | Self::Answer(_))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// A proxy on a free loopback port in front of one server. Dropping it closes every connection.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    link: watch::Sender<Link>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy, its line open, to a port on 127.0.0.1. The server need not run yet.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(server: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (link, state) = watch::channel(Link::Open);
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                tokio::select! {
                    Ok((client, _)) = listener.accept() => {
                        connections.spawn(connection(client, server, state.clone()));
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { port, link, accepting })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the state of the line.
    pub fn set(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// The state of the line.
    #[must_use]
    pub fn state(&self) -> Link {
        *self.link.borrow()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(client: TcpStream, server: u16, mut link: watch::Receiver<Link>) {
    loop {
        let state = *link.borrow_and_update();
        match state {
            Link::Cut => return,
            Link::Open | Link::Held | Link::HalfOpen | Link::Slow(_) => return forward(client, server, link).await,
            // A client's pool opens connections ahead of their use: what counts is the state when a request is sent.
            Link::Answer(status) => tokio::select! {
                _ = client.readable() => return answer(client, status, link).await,
                _ = link.changed() => {}
            },
        }
    }
}

/// Copies both ways until one side ends or the line no longer keeps connections.
async fn forward(client: TcpStream, server: u16, mut link: watch::Receiver<Link>) {
    // A server that is down refuses: so does the proxy, by closing.
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { return };
    for stream in [&client, &server] {
        // Small requests must not wait for each other's acknowledgements.
        let _ = stream.set_nodelay(true);
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = pump(from_client, to_server, Direction::ToServer, link.clone());
    let back = pump(from_server, to_client, Direction::ToClient, link.clone());
    tokio::select! {
        _ = futures::future::join(there, back) => {}
        _ = link.wait_for(|state| !state.keeps_connections()) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    mut link: watch::Receiver<Link>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if link.wait_for(|state| state.passes(direction)).await.is_err() {
            return Ok(());
        }
        let state = *link.borrow();
        if let Link::Slow(delay) = state {
            tokio::time::sleep(delay).await;
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}

/// Answers one request. The connection is closed in order after it, so that no client takes a pooled one for the server's
/// when the line has changed.
async fn answer(client: TcpStream, status: u16, mut link: watch::Receiver<Link>) {
    let service = service_fn(move |_request| async move {
        let code = if status == 503 { "SlowDown" } else { "InternalError" };
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>set by the test</Message></Error>"
        );
        let mut response = http::Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::SERVICE_UNAVAILABLE);
        response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/xml"));
        Ok::<_, Infallible>(response)
    });
    tokio::select! {
        _ = hyper::server::conn::http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(client), service) => {}
        _ = link.wait_for(|&state| state != Link::Answer(status)) => {}
    }
}

#[cfg(test)]
mod tests;
