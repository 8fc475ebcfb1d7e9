//! The page's files as a browser asks for them.

use super::client::{get, request};
use super::stage::{Setup, Stage};

#[test]
fn files_of_the_page_carry_their_type_and_a_tag_that_spares_the_next_visit() {
    let stage = Stage::new(&Setup::default());
    let page = get(stage.http, "/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let tag = page.header("etag").unwrap().to_owned();
    assert!(page.text().contains("assets/js/main.js"));
    for (path, content_type) in [
        ("/assets/js/main.js", "text/javascript; charset=utf-8"),
        ("/assets/vendor/hls.light.min.mjs", "text/javascript; charset=utf-8"),
        ("/assets/css/base.css", "text/css; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/assets/fonts/inter.woff2", "font/woff2"),
    ] {
        let file = get(stage.http, path);
        assert_eq!((file.status, file.header("content-type")), (200, Some(content_type)), "{path}");
    }
    let known = request(stage.http, "GET", "/", &format!("If-None-Match: \"x\", {tag}\r\n"));
    assert_eq!(known.status, 304);
    assert!(known.body().is_empty());
}
