//! The page and its files, built into the program.

use core::fmt::Write;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::reply::{fresh, refusal};
use super::router::App;
use super::site::{Page, Site};

#[derive(RustEmbed)]
#[folder = "web"]
struct Web;

const HTML: &str = "text/html; charset=utf-8";

/// `/`
pub(super) async fn index(State(app): State<App>, headers: HeaderMap) -> Response {
    match app.site.page {
        Page::Overlay => file("index.html", &headers),
        Page::Links => fresh(HTML, links(&app.site)),
        Page::None => refusal(StatusCode::NOT_FOUND, "the page is off"),
    }
}

/// `/assets/...`
pub(super) async fn asset(State(app): State<App>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    match app.site.page {
        Page::Overlay => file(&format!("assets/{path}"), &headers),
        Page::Links | Page::None => refusal(StatusCode::NOT_FOUND, &format!("nothing is at /assets/{path}")),
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => HTML,
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Web::get(path) else {
        return refusal(StatusCode::NOT_FOUND, &format!("nothing is at /{path}"));
    };
    let tag = tag_of(&file);
    let is_known = headers.get_all(IF_NONE_MATCH).iter().any(|known| {
        known
            .to_str()
            .is_ok_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag))
    });
    let mut response =
        if is_known { Response::new(Body::empty()) } else { Response::new(Body::from(file.data)) };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

fn tag_of(file: &EmbeddedFile) -> String {
    let mut tag = String::from("\"");
    for byte in file.metadata.sha256_hash().iter().take(12) {
        let _fits = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Streams as links for players; paths hold nothing that means something in HTML.
fn links(site: &Site) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>LiveSky</title>\
         <style>body{font:1rem/1.6 system-ui,sans-serif;margin:2rem;color-scheme:light dark}</style>\
         <h1>LiveSky</h1><p>Open one of these in a player:</p><ul>",
    );
    for path in site.paths() {
        let _fits = write!(
            html,
            "<li>{path}: <a href=\"{path}/index.m3u8\">{path}/index.m3u8</a>, <a href=\"{path}.ts\">{path}.ts</a></li>"
        );
    }
    html.push_str("</ul></html>\n");
    html
}
