//! A whole server as a program runs it: a node, a listener, a page with metrics, until a signal ends it.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::host::CallHost;
use super::listen::{ServeError, Server, bind_tcp};
use super::options::ServerOptions;
use super::page::serve_metrics;
use crate::address::Address;
use crate::node::Node;

/// Serves a node until the process is interrupted or asked to end; then lets calls end, and keeps what is to be kept.
/// `ready` is told where it listens, and where the metrics are.
///
/// # Errors
/// It cannot listen; or the store failed, and has to be opened again.
pub fn serve(
    options: ServerOptions,
    node: &Node,
    metrics: Option<&str>,
    ready: impl FnOnce(&Address, Option<std::net::SocketAddr>),
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clock = options.clock.clone();
    runtime.block_on(async {
        let server = Server::bind(options, Arc::new(node.clone())).await?;
        let page = match metrics {
            Some(address) => Some(bind_tcp(address).await?),
            None => None,
        };
        ready(&server.address(), page.as_ref().and_then(|page| page.local_addr().ok()));
        if let Some(page) = page {
            let (counters, node) = (server.metrics(), node.clone());
            tokio::spawn(serve_metrics(page, clock, move || counters.text() + &node.metrics(), std::future::pending()));
        }
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let failed = node.clone();
        server
            .run(async move {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => return,
                        _ = terminate.recv() => return,
                        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {
                            if failed.failure().is_some() {
                                return;
                            }
                        }
                    }
                }
            })
            .await;
        Ok::<(), ServeError>(())
    })?;
    node.shutdown().map_err(|error| ServeError::Io(io::Error::other(error.to_string())))
}
