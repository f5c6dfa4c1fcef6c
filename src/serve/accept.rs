//! Connections: taken, limited, and let go of in order.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::app::App;
use super::patience::Patient;

/// Longest head of a request, and the size of the buffer that bodies are read through.
const HEAD_BYTES: usize = 128 << 10;
/// Pause after a connection that could not be taken, as when no file may be opened.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until the server is told to stop, and then those that are left.
pub(super) async fn accept(listener: TcpListener, app: &Arc<App>, router: Router) {
    let most = u32::try_from(app.options.connections)
        .unwrap_or(u32::MAX)
        .max(1);
    let slots = Arc::new(Semaphore::new(most as usize));
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            biased;
            () = app.stopped() => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = serve(stream, Arc::clone(app), router.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
    // Nobody can connect from here on.
    drop(listener);
    drop(slots.acquire_many(most).await);
}

/// One connection, from its first request to its last.
async fn serve(stream: TcpStream, app: Arc<App>, router: Router) {
    // Answers are small and should not wait for more of them.
    drop(stream.set_nodelay(true));
    let (stream, is_too_late) = Patient::new(stream, app.options.patience);
    app.meters.connected();
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.options.patience)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    if let Err(error) = ended
        && error.is_timeout()
    {
        is_too_late.store(true, Ordering::Relaxed);
    }
    app.meters.disconnected();
}
