//! A real browser opens the page of the demo and plays what a P2P-fed viewer received.
//!
//! Needs Chromium and its driver (Debian: `chromium`, `chromium-driver`); without them the test says so and passes, unless
//! `CI=true`, where it fails.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;

use serde_json::{Value, json};

const DRIVER: &str = "chromedriver";
const BROWSER: &str = "/usr/bin/chromium";

/// A process that is killed when the test ends, however it ends.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _is_gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Starts a program and reads its lines until one holds `marker`; gives what stands behind it.
fn start(command: &mut Command, from_stderr: bool, marker: &str) -> (Guarded, String) {
    let (out, err) =
        if from_stderr { (Stdio::null(), Stdio::piped()) } else { (Stdio::piped(), Stdio::null()) };
    let mut child =
        Guarded(command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().expect("the program starts"));
    let stream: Box<dyn Read + Send> = match (child.0.stdout.take(), child.0.stderr.take()) {
        (Some(stdout), _) => Box::new(stdout),
        (None, Some(stderr)) => Box::new(stderr),
        (None, None) => unreachable!("one of them is a pipe"),
    };
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while lines.read_line(&mut line).expect("the program's output is text") > 0 {
        if let Some((_, rest)) = line.split_once(marker) {
            let rest = rest.trim().to_string();
            // Read on, or the program would block on a full pipe.
            std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
            return (child, rest);
        }
        line.clear();
    }
    panic!("the program ended without saying \"{marker}\"");
}

/// A WebDriver session (W3C WebDriver): just enough of it.
struct Browser {
    port: u16,
    session: String,
}

impl Browser {
    fn open(port: u16, profile: &std::path::Path) -> Self {
        let args = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--autoplay-policy=no-user-gesture-required",
            "--window-size=1440,900",
            format!("--user-data-dir={}", profile.display()),
        ]);
        let options = json!({ "binary": BROWSER, "args": args });
        let body = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let answer = post(port, "/session", &body);
        let session = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        Self { port, session: session.to_string() }
    }

    fn go(&self, url: &str) {
        post(self.port, &format!("/session/{}/url", self.session), &json!({ "url": url }));
    }

    /// Runs a script in the page and gives what it returns.
    fn ask(&self, script: &str) -> Value {
        let path = format!("/session/{}/execute/sync", self.session);
        post(self.port, &path, &json!({ "script": script, "args": [] }))["value"].clone()
    }

    fn screenshot(&self) -> Value {
        get(self.port, &format!("/session/{}/screenshot", self.session))["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        request(self.port, "DELETE", &format!("/session/{}", self.session), "");
    }
}

fn post(port: u16, path: &str, body: &Value) -> Value {
    request(port, "POST", path, &body.to_string())
}

fn get(port: u16, path: &str) -> Value {
    request(port, "GET", path, "")
}

fn request(port: u16, method: &str, path: &str, body: &str) -> Value {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return Value::Null };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let is_sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    let mut reader = BufReader::new(stream);
    let mut len = 0;
    let mut line = String::new();
    while is_sent.is_ok() && reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            len = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut answer = vec![0; len];
    let is_read = reader.read_exact(&mut answer).is_ok();
    serde_json::from_slice(&answer).ok().filter(|_| is_read).unwrap_or(Value::Null)
}

fn is_missing() -> bool {
    let has_driver =
        Command::new(DRIVER).arg("--version").output().is_ok_and(|output| output.status.success());
    let is_missing = !has_driver || !std::path::Path::new(BROWSER).exists();
    assert!(
        !is_missing || std::env::var("CI").as_deref() != Ok("true"),
        "chromium and chromium-driver must be here in CI"
    );
    is_missing
}

/// Asks the page again and again until the answer satisfies `rule`.
fn wait_for(browser: &Browser, what: &str, script: &str, rule: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..120 {
        let answer = browser.ask(script);
        if rule(&answer) {
            return answer;
        }
        sleep(Duration::from_millis(500));
    }
    let message = browser.ask("return document.querySelector('#video-message')?.innerText");
    panic!("{what}: still {} after a minute; the page says {message}", browser.ask(script));
}

#[test]
fn the_page_plays_what_a_p2p_viewer_received() {
    if is_missing() {
        println!("skipped: needs {BROWSER} and {DRIVER} (Debian: chromium, chromium-driver)");
        return;
    }
    let mut demo = Command::new(env!("CARGO_BIN_EXE_livesky"));
    demo.args(["demo", "--viewers", "12", "--n1", "3", "--http", "127.0.0.1:0", "--seconds", "240"]);
    let (_demo, page) = start(&mut demo, true, "the page: ");
    let page = page.split_whitespace().next().expect("an address").to_string();
    let mut driver = Command::new(DRIVER);
    let (_driver, port) = start(driver.arg("--port=0"), false, "started successfully on port ");
    let port = port.trim_end_matches('.').parse().expect("a port");
    let profile = std::env::temp_dir().join(format!("livesky-browser-{}", std::process::id()));
    let browser = Browser::open(port, &profile);
    browser.go(&page);

    // The edge's own stream plays until a viewer that is fed by peers has received enough.
    let source = "return document.querySelector('#video-source').innerText";
    let is_of_viewer = |source: &Value| source.as_str().is_some_and(|source| source.contains("viewer #"));
    wait_for(&browser, "the P2P viewer's stream", source, is_of_viewer);
    let time = "return document.querySelector('#video').currentTime";
    let started = wait_for(&browser, "the video", time, |time| time.as_f64().is_some_and(|time| time > 0.5));
    let later =
        wait_for(&browser, "the video", time, |time| time.as_f64() > started.as_f64().map(|time| time + 3.0));
    assert!(later.as_f64() > started.as_f64());
    assert!(
        is_of_viewer(&browser.ask(source)),
        "what plays is still a P2P viewer's stream: {}",
        browser.ask(source)
    );
    let viewers = "return document.querySelectorAll('#viewers tbody tr, .card-table tbody tr').length";
    wait_for(&browser, "the viewers", viewers, |count| count.as_u64().is_some_and(|count| count >= 10));
    if let (Ok(path), Some(picture)) = (std::env::var("LIVESKY_SCREENSHOT"), browser.screenshot().as_str()) {
        std::fs::write(path, picture).expect("the picture, in base64, can be written");
    }
    drop(browser);
    let _is_removed = std::fs::remove_dir_all(profile);
}
