//! Which path is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, CONNECTION,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::live;
use super::playlist::Playlists;
use super::reply::{Refusal, refusal};
use super::site::{Site, Start};
use super::stop::Stopped;
use super::{api, assets, metrics};

/// What every handler may use.
#[derive(Clone)]
pub(super) struct App {
    pub(super) site: Arc<Site>,
    pub(super) playlists: Arc<Playlists>,
    pub(super) stopped: Stopped,
}

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// The server's paths.
pub(super) fn router(app: App) -> Router {
    let mut router = Router::new()
        .route("/", get(assets::index))
        .route("/assets/{*path}", get(assets::asset))
        .method_not_allowed_fallback(wrong_method)
        .fallback(stream);
    if app.site.board.is_some() {
        router = router
            .route("/api/channels", get(api::channels))
            .route("/api/state", get(api::state))
            .route("/api/events", get(api::events))
            .route("/api/history", get(api::history))
            .route("/api/reports", get(api::reports))
            .route("/api/reports/events", get(api::report_events))
            .route("/metrics", get(metrics::metrics))
            .method_not_allowed_fallback(wrong_method);
    }
    router.layer(from_fn(share)).with_state(app)
}

/// What those hear who come when all connections are taken.
pub(super) fn full_router() -> Router {
    let refuse = async || {
        let mut response =
            refusal(StatusCode::SERVICE_UNAVAILABLE, "all HTTP connections are taken: try again later");
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    };
    Router::new().fallback(refuse).layer(from_fn(share))
}

/// Lets pages of other origins read every answer, and answers their preflight questions.
async fn share(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert(ALLOW, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ANY);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        response
    } else {
        next.run(request).await
    };
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    response
}

async fn wrong_method(method: Method) -> Response {
    let mut response =
        refusal(StatusCode::METHOD_NOT_ALLOWED, &format!("{method} is not answered here: GET only"));
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

/// What a path below no other route asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    /// `/NAME.ts`
    Endless(&'a str),
    /// `/NAME/index.m3u8`
    Playlist(&'a str),
    /// `/NAME/17.ts`
    Segment(&'a str, u64),
    Nothing,
}

fn asked(path: &str) -> Asked<'_> {
    let path = path.trim_start_matches('/');
    if let Some((stream, file)) = path.rsplit_once('/') {
        if file == "index.m3u8" {
            return Asked::Playlist(stream);
        }
        let digits =
            file.strip_suffix(".ts").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(sequence) = digits.and_then(|digits| digits.parse().ok()) {
            return Asked::Segment(stream, sequence);
        }
    }
    path.strip_suffix(".ts").map_or(Asked::Nothing, Asked::Endless)
}

/// Streams for players.
async fn stream(State(app): State<App>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return wrong_method(request.method().clone()).await;
    }
    let uri = request.uri();
    match asked(uri.path()) {
        Asked::Endless(path) => {
            let is_from_oldest =
                uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "start=oldest"));
            let start = if is_from_oldest { Start::Oldest } else { Start::Newest };
            live::live(&app, path, start)
        }
        Asked::Playlist(path) => app.playlists.playlist(path).await,
        Asked::Segment(path, sequence) => app.playlists.segment(path, sequence),
        Asked::Nothing => refusal(StatusCode::NOT_FOUND, &format!("nothing is at {}", uri.path())),
    }
}

/// No stream at `path`.
pub(super) fn unknown_stream(path: &str) -> Response {
    Refusal::unknown_channel(path).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_is_asked_for() {
        for (path, expected) in [
            ("/live1.ts", Asked::Endless("live1")),
            ("/viewer/live1.ts", Asked::Endless("viewer/live1")),
            ("/live1/index.m3u8", Asked::Playlist("live1")),
            ("/viewer/live1/index.m3u8", Asked::Playlist("viewer/live1")),
            ("/live1/17.ts", Asked::Segment("live1", 17)),
            ("/live1/.ts", Asked::Endless("live1/")),
            ("/live1/99999999999999999999.ts", Asked::Endless("live1/99999999999999999999")),
            ("/live1", Asked::Nothing),
            ("/", Asked::Nothing),
            ("/index.m3u8", Asked::Nothing),
        ] {
            assert_eq!(asked(path), expected, "{path}");
        }
    }
}
