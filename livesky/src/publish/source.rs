//! Bytes out of files, pipes and sockets.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::path::Path;

use futures_lite::{AsyncRead, AsyncReadExt, AsyncSeekExt, future};
use livesky_std::{Runtime, Smol, Udp, UdpOptions};

use crate::address::resolve;
use crate::error::Error;
use crate::failure::Failure;
use crate::input::Input;
use crate::publish::pace::Pace;
use crate::ticker::sleep;

/// Bytes asked for at once.
const CHUNK_LEN: usize = 64 << 10;
/// Bytes the kernel may hold for a UDP input: a second at 100 Mbit/s and more, as far as the system allows.
const UDP_BUFFER_LEN: usize = 16 << 20;

/// A connection that brought nothing for so long gives way to the next: its encoder may be gone without a word.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// So many bytes at the start of the buffer.
    Bytes(usize),
    /// Another connection, or the file from its beginning: what follows does not go on where the last bytes ended.
    Restarted,
    /// There is nothing more.
    End,
}

/// An opened input.
pub struct Source {
    name: String,
    kind: Kind,
}

enum Kind {
    File { file: smol::fs::File, is_looped: bool, was_read: bool },
    Stdin(smol::Unblock<io::Stdin>),
    Tcp { listener: smol::net::TcpListener, stream: Option<smol::net::TcpStream> },
    Udp(Box<Udp<Smol>>),
}

impl Source {
    /// Opens an input; `is_looped` starts a file over at its end.
    ///
    /// # Errors
    /// A file that cannot be read, an address nobody can listen at.
    pub async fn open(input: &Input, is_looped: bool) -> Result<Self, Error> {
        let name = input.to_string();
        if is_looped && !matches!(input, Input::File(_)) {
            return Err(Error::CannotLoop { input: name });
        }
        let kind = match input {
            Input::File(path) => Kind::File { file: open_file(path).await?, is_looped, was_read: false },
            Input::Stdin => Kind::Stdin(smol::Unblock::with_capacity(CHUNK_LEN, io::stdin())),
            Input::Tcp(address) => {
                let address = resolve_listen(address)?;
                let listener = smol::net::TcpListener::bind(address).await;
                Kind::Tcp { listener: listener.map_err(|error| busy(address, &error))?, stream: None }
            }
            Input::Udp(address) => {
                let address = resolve_listen(address)?;
                let options = UdpOptions { receive_buffer_bytes: UDP_BUFFER_LEN, ..UdpOptions::default() };
                let udp = Udp::bind(address, &options).map_err(|error| busy(address, &error))?;
                Kind::Udp(Box::new(udp))
            }
        };
        Ok(Self { name, kind })
    }

    /// As written on the command line.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who sets the pace.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        match self.kind {
            Kind::File { .. } => Pace::Recorded,
            Kind::Stdin(_) | Kind::Tcp { .. } => Pace::Piped,
            Kind::Udp(_) => Pace::Live,
        }
    }

    /// The next bytes, put into `buffer` in place of what it holds.
    ///
    /// # Errors
    /// When a file or standard input cannot be read; a connection that breaks is over, and the next one awaited.
    pub async fn read(&mut self, buffer: &mut Vec<u8>) -> Result<Chunk, Error> {
        let read = match &mut self.kind {
            Kind::File { file, is_looped, was_read } => read_file(file, *is_looped, was_read, buffer).await,
            Kind::Stdin(stdin) => read_some(stdin, buffer).await.map(end_or_bytes),
            Kind::Tcp { listener, stream } => read_connections(listener, stream, buffer).await,
            Kind::Udp(udp) => read_datagrams(udp, buffer).await,
        };
        read.map_err(|source| Error::Read { input: self.name.clone(), source })
    }
}

async fn open_file(path: &Path) -> Result<smol::fs::File, Error> {
    let read = |source| Error::Read { input: path.display().to_string(), source };
    let file = smol::fs::File::open(path).await.map_err(read)?;
    if file.metadata().await.map_err(read)?.is_dir() {
        return Err(read(io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

/// `:5000` is every address of the computer.
fn resolve_listen(text: &str) -> Result<SocketAddr, Error> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    resolve(&full).map_err(|why| Error::Listen(Failure::new(why)))
}

fn busy(address: SocketAddr, error: &io::Error) -> Error {
    Error::Listen(Failure::listen("the input", address, "the input's address", error))
}

const fn end_or_bytes(count: usize) -> Chunk {
    if count == 0 { Chunk::End } else { Chunk::Bytes(count) }
}

async fn read_some(reader: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> io::Result<usize> {
    buffer.resize(CHUNK_LEN, 0);
    let count = reader.read(buffer).await?;
    buffer.truncate(count);
    Ok(count)
}

async fn read_file(
    file: &mut smol::fs::File,
    is_looped: bool,
    was_read: &mut bool,
    buffer: &mut Vec<u8>,
) -> io::Result<Chunk> {
    let count = read_some(file, buffer).await?;
    if count > 0 {
        *was_read = true;
        return Ok(Chunk::Bytes(count));
    }
    // A file emptied under our hands would be started over for ever.
    if !is_looped || !core::mem::take(was_read) {
        return Ok(Chunk::End);
    }
    file.seek(io::SeekFrom::Start(0)).await?;
    Ok(Chunk::Restarted)
}

/// One connection after the other; each is a stream of its own. One that brings bytes is not disturbed by those that come.
async fn read_connections(
    listener: &smol::net::TcpListener,
    stream: &mut Option<smol::net::TcpStream>,
    buffer: &mut Vec<u8>,
) -> io::Result<Chunk> {
    loop {
        let Some(connected) = stream else {
            *stream = Some(listener.accept().await?.0);
            return Ok(Chunk::Restarted);
        };
        let reading = async { Ok(Next::Read(read_some(connected, buffer).await)) };
        let replacing = async {
            sleep(SILENCE_MAX).await;
            listener.accept().await.map(|(newer, _)| Next::Replaced(newer))
        };
        match future::or(reading, replacing).await? {
            Next::Read(Ok(count)) if count > 0 => return Ok(Chunk::Bytes(count)),
            Next::Read(_) => *stream = None,
            Next::Replaced(newer) => {
                *stream = Some(newer);
                return Ok(Chunk::Restarted);
            }
        }
    }
}

/// What comes next of connections.
enum Next {
    Read(io::Result<usize>),
    Replaced(smol::net::TcpStream),
}

async fn read_datagrams(udp: &mut Udp<Smol>, buffer: &mut Vec<u8>) -> io::Result<Chunk> {
    buffer.clear();
    core::future::poll_fn(|cx| {
        udp.poll_receive(cx, Smol::now(), &mut |_, datagram| buffer.extend_from_slice(datagram))
    })
    .await?;
    Ok(Chunk::Bytes(buffer.len()))
}
