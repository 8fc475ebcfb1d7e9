//! A small HTTP client: one request a connection.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::stage::PATIENCE;

/// An answer whose body is still to be read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
}

/// Sends a request and reads the answer's head.
pub(crate) fn request(server: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{headers}\r\n")
        .unwrap();
    let mut reader = BufReader::with_capacity(1 << 10, stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no status: {line:?}")).parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    Answer { status, headers, reader }
}

pub(crate) fn get(server: SocketAddr, path: &str) -> Answer {
    request(server, "GET", path, "")
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The next chunk of a body without a length; `None` at its end.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        assert_eq!(self.header("transfer-encoding"), Some("chunked"));
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let len = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let mut chunk = vec![0; len + 2];
        self.reader.read_exact(&mut chunk).unwrap();
        chunk.truncate(len);
        (len > 0).then_some(chunk)
    }

    /// The whole body.
    pub(crate) fn body(mut self) -> Vec<u8> {
        let mut body = Vec::new();
        if self.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk() {
                body.extend(chunk);
            }
        } else {
            self.reader.read_to_end(&mut body).unwrap();
        }
        body
    }

    pub(crate) fn text(self) -> String {
        String::from_utf8(self.body()).unwrap()
    }

    pub(crate) fn json(self) -> serde_json::Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Chunks of `span`, joined.
    pub(crate) fn body_of(mut self, span: Duration) -> Vec<u8> {
        let mut body = Vec::new();
        let until = deadline(span);
        while let Some(chunk) = self.chunk().filter(|_| !until()) {
            body.extend(chunk);
        }
        body
    }
}

fn deadline(span: Duration) -> impl Fn() -> bool {
    use livesky_std::Runtime;
    let began = livesky_std::Smol::now();
    move || livesky_std::Smol::now().since(began) > span
}
