//! The page with the metrics: as much of HTTP as it takes to be asked for it.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::clock::ServerClock;

/// The longest request that is read.
const LONGEST: usize = 8 << 10;

/// Whoever has not asked by then gets no answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers `GET /metrics` with what `text` gives, until `stop` comes. By the clock, nobody has long to ask.
pub async fn serve_metrics(
    listener: TcpListener,
    clock: ServerClock,
    text: impl Fn() -> String + Send + Sync + 'static,
    stop: impl Future<Output = ()>,
) {
    let text = Arc::new(text);
    let room = Arc::new(Semaphore::new(16));
    tokio::pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => return,
        };
        let (Ok((stream, _)), Ok(place)) = (stream, room.clone().acquire_owned().await) else { continue };
        let (text, clock) = (text.clone(), clock.clone());
        tokio::spawn(async move {
            // Whether it was heard makes no difference.
            let _ = clock.within(PATIENCE, answer(stream, &*text)).await;
            drop(place);
        });
    }
}

async fn answer(mut stream: TcpStream, text: &(impl Fn() -> String + ?Sized)) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 1024];
        match stream.read(&mut part).await? {
            0 => return Ok(()),
            length => request.extend_from_slice(&part[..length]),
        }
        if request.len() > LONGEST {
            return Ok(());
        }
    }
    let (status, body) = match request.split(|byte| *byte == b' ').take(2).collect::<Vec<_>>()[..] {
        [b"GET", b"/metrics"] => ("200 OK", text()),
        [b"GET", _] => ("404 Not Found", "The metrics are at /metrics.\n".to_owned()),
        _ => ("405 Method Not Allowed", "The metrics are at /metrics.\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
