//! The edge's HTTP stream, for a viewer whose UDP is blocked: cut into frames again, into the same log.

use core::net::SocketAddr;
use core::str::FromStr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use livesky_core::media::{Dts, FrameId, FrameInfo};
use livesky_std::{FrameLog, LoggedFrame};
use smol::net::TcpStream;

use crate::address::{ChannelUrl, resolve};
use crate::media::cut::{CutFrame, Cutter};
use crate::ticker::sleep;

/// Where an edge serves HTTP unless told otherwise.
const HTTP_PORT: u16 = 8_080;
/// An answer's head is no longer than this.
const HEAD_LEN_MAX: usize = 16 << 10;
/// A stream that brings nothing for so long is broken.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Where a stream is read by HTTP: `http://HOST[:PORT]/PATH`, its host looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamUrl {
    address: SocketAddr,
    host: String,
    path: String,
}

impl StreamUrl {
    /// The edge's own, by convention: its address, port 8080, `/CHANNEL.ts`.
    #[must_use]
    pub fn of(url: &ChannelUrl) -> Self {
        let address = SocketAddr::new(url.edge.ip(), HTTP_PORT);
        Self { address, host: address.to_string(), path: format!("/{}.ts", url.channel.as_str()) }
    }
}

impl FromStr for StreamUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "a stream's address is http://HOST:PORT/CHANNEL.ts";
        let rest = text.strip_prefix("http://").ok_or(form)?;
        let (host, path) = rest.split_once('/').ok_or(form)?;
        if rest.contains(|letter: char| letter.is_control() || letter == ' ') {
            return Err(form.into());
        }
        let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
        let address = if has_port { resolve(host)? } else { resolve(&format!("{host}:80"))? };
        Ok(Self { address, host: host.to_owned(), path: format!("/{path}") })
    }
}

impl core::fmt::Display for StreamUrl {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "http://{}{}", self.host, self.path)
    }
}

/// What came by HTTP.
#[derive(Debug, Default)]
pub struct HttpTotals {
    /// Bytes of the streams.
    pub bytes: AtomicU64,
    /// Frames cut from them.
    pub frames: AtomicU64,
}

/// Reads the stream into `log`, its frames as of `epoch`, until it ends.
///
/// # Errors
/// When there is no such stream, it is none of MPEG-TS, or the connection breaks.
pub async fn read(url: StreamUrl, log: FrameLog, epoch: u16, totals: Arc<HttpTotals>) -> io::Result<()> {
    let mut connection = within(TcpStream::connect(url.address)).await?;
    // Of HTTP/1.0 the body is what comes until the end: no chunks.
    let request = format!("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", url.path, url.host);
    within(connection.write_all(request.as_bytes())).await?;
    let mut buffer = vec![0; 64 << 10];
    let mut intake = Intake { log, epoch, next: FrameId(0), cutter: Cutter::new(), init: Vec::new(), totals };
    let body = read_head(&mut connection).await?;
    intake.push(&body)?;
    loop {
        let len = within(connection.read(&mut buffer)).await?;
        if len == 0 {
            return Ok(());
        }
        intake.push(buffer.get(..len).unwrap_or_default())?;
    }
}

async fn within<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let silence = async {
        sleep(SILENCE_MAX).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    future::or(step, silence).await
}

/// Reads the answer's head; gives what of the body came with it.
async fn read_head(connection: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = [0; 2_048];
    loop {
        let len = within(connection.read(&mut buffer)).await?;
        head.extend_from_slice(buffer.get(..len).unwrap_or_default());
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = head.split_off(end + 4);
            return check_head(&head).map(|()| body);
        }
        if len == 0 || head.len() > HEAD_LEN_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// Only an answer of 200 is a stream; with 404 there is none of the name.
fn check_head(head: &[u8]) -> io::Result<()> {
    let status = head
        .strip_prefix(b"HTTP/1.")
        .and_then(|rest| rest.get(1..5))
        .and_then(|code| code.strip_prefix(b" "));
    match status {
        Some(b"200") => Ok(()),
        Some(b"404") => Err(io::Error::new(io::ErrorKind::NotFound, "there is no such stream (404)")),
        Some(code) => Err(io::Error::other(format!("the answer is {}", String::from_utf8_lossy(code)))),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP")),
    }
}

/// Bytes into frames into the log.
struct Intake {
    log: FrameLog,
    epoch: u16,
    next: FrameId,
    cutter: Cutter,
    init: Vec<u8>,
    totals: Arc<HttpTotals>,
}

impl Intake {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.totals.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.cutter.push(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        while let Some(cut) = self.cutter.next_frame() {
            let init = self.cutter.init();
            if init != self.init {
                self.log.set_init(&init);
                self.init = init;
            }
            self.log_frame(cut);
        }
        Ok(())
    }

    fn log_frame(&mut self, cut: CutFrame) {
        let info = FrameInfo {
            id: self.next,
            dts: Dts::from_ticks(cut.dts),
            pts_offset_ticks: cut.pts_offset,
            len: u32::try_from(cut.bytes.len()).unwrap_or(u32::MAX),
            key: cut.key,
        };
        self.next = self.next.next();
        self.totals.frames.fetch_add(1, Ordering::Relaxed);
        self.log.push(LoggedFrame { epoch: self.epoch, info, bytes: cut.bytes.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_addresses_are_read_and_refused_with_a_reason() {
        let url: StreamUrl = "http://127.0.0.1:8080/live1.ts".parse().unwrap();
        assert_eq!(url, StreamUrl::of(&"livesky://127.0.0.1:7000/live1".parse().unwrap()));
        assert_eq!(url.to_string(), "http://127.0.0.1:8080/live1.ts");
        let plain: StreamUrl = "http://127.0.0.1/a/b.ts".parse().unwrap();
        assert_eq!((plain.address.port(), plain.path.as_str()), (80, "/a/b.ts"));
        for text in ["https://127.0.0.1/live1.ts", "http://127.0.0.1", "http://127.0.0.1/a b", "live1"] {
            assert!(text.parse::<StreamUrl>().unwrap_err().contains("http://HOST:PORT"), "{text}");
        }
    }

    #[test]
    fn only_an_answer_of_200_is_a_stream() {
        use io::ErrorKind::{InvalidData, NotFound, Other};
        for (head, failure) in [
            ("HTTP/1.0 200 OK\r\n\r\n", None),
            ("HTTP/1.1 200 OK\r\n\r\n", None),
            ("HTTP/1.0 404 Not Found\r\n\r\n", Some(NotFound)),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", Some(Other)),
            ("SSH-2.0 200", Some(InvalidData)),
            ("", Some(InvalidData)),
        ] {
            assert_eq!(check_head(head.as_bytes()).err().map(|error| error.kind()), failure, "{head}");
        }
    }
}
