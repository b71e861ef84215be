//! The server over HTTP on loopback, for `kubectl` and other programs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::Service as _;

use super::ApiServer;
use super::service::ApiService;

/// A server that listens. Dropping it ends all its connections.
#[derive(Debug)]
pub struct Served {
    name: String,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig (YAML) whose one context leads here, with all rights.
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_of("admin", None)
    }

    /// A kubeconfig whose user authenticates with a bearer token.
    pub fn kubeconfig_with_token(&self, user: &str, token: &str) -> String {
        self.kubeconfig_of(user, Some(token))
    }

    fn kubeconfig_of(&self, user: &str, token: Option<&str>) -> String {
        let (name, url) = (&self.name, self.url());
        let credentials = token.map_or_else(|| "{}".to_string(), |token| format!("{{ token: {token:?} }}"));
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {name:?}\n\
             clusters:\n- name: {name:?}\n  cluster: {{ server: {url:?} }}\n\
             users:\n- name: {user:?}\n  user: {credentials}\n\
             contexts:\n- name: {name:?}\n  context: {{ cluster: {name:?}, user: {user:?} }}\n"
        )
    }

    /// Stops listening and ends all connections.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // The only outcome is the cancellation that was just asked for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ApiServer {
    /// Serves the API over plain HTTP (1.1 and 2) on a port of the loopback interface; port 0 takes a free one.
    ///
    /// Sockets know nothing of virtual time: use it in a runtime whose clock runs.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn serve(&self, port: u16) -> io::Result<Served> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, self.service()));
        Ok(Served { name: self.name().to_string(), address, task })
    }
}

async fn accept(listener: TcpListener, service: ApiService) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let service = service.clone();
                    connections.spawn(connection(stream, service));
                }
                Err(problem) => {
                    tracing::warn!(%problem, "cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, service: ApiService) {
    let served = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), Bridge(service)).await;
    // A connection that breaks is the client's to notice.
    if let Err(problem) = served {
        tracing::debug!(%problem, "connection ended");
    }
}

/// The service as hyper takes it, with errors of one concrete type.
struct Bridge(ApiService);

impl hyper::service::Service<Request<Incoming>> for Bridge {
    type Response = Response<UnsyncBoxBody<Bytes, io::Error>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let answer = self.0.clone().call(request);
        Box::pin(async move {
            let response = answer.await.map_err(io::Error::other)?;
            Ok(response.map(|body| body.map_err(io::Error::other).boxed_unsync()))
        })
    }
}
