//! What is played, written to a file or a pipe.

use core::pin::Pin;
use std::io;
use std::path::Path;

use futures_lite::{AsyncWrite, AsyncWriteExt};
use livesky_std::{FrameLogReader, LogEntry};

/// Where bytes go.
pub type Sink = Pin<Box<dyn AsyncWrite + Send>>;

/// How writing came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The channel's log ended.
    All,
    /// Whoever read has gone.
    ReaderGone,
}

/// Opens a file, or standard output for `-`.
///
/// # Errors
/// The operating system's.
pub async fn open(path: &Path) -> io::Result<Sink> {
    if path == Path::new("-") {
        return Ok(Box::pin(smol::Unblock::new(io::stdout())));
    }
    Ok(Box::pin(smol::fs::File::create(path).await?))
}

/// Writes what a decoder needs once, then the frames as they are played.
///
/// # Errors
/// When the sink takes no more; a reader that went is no error.
pub async fn write(mut frames: FrameLogReader, sink: &mut Sink) -> io::Result<Written> {
    let ended = copy(&mut frames, sink).await;
    let flushed = sink.flush().await;
    match ended.and(flushed) {
        Ok(()) => Ok(Written::All),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::ReaderGone),
        Err(error) => Err(error),
    }
}

async fn copy(frames: &mut FrameLogReader, sink: &mut Sink) -> io::Result<()> {
    let mut is_begun = false;
    while let Some(entry) = frames.next().await {
        // A decoder gets over a gap that ends at a key frame.
        let LogEntry::Frame(frame) = entry else { continue };
        if !is_begun {
            sink.write_all(&frames.init()).await?;
            is_begun = true;
        }
        sink.write_all(&frame.bytes).await?;
        if frames.frames_behind() == 0 {
            sink.flush().await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use livesky_core::media::{FrameId, FrameInfo};
    use livesky_std::{FrameLog, LoggedFrame};

    use super::*;

    fn log_of(frames: u8) -> FrameLog {
        let log = FrameLog::new(100, 1_000);
        log.set_init(b"init");
        for id in 0..frames {
            let info = FrameInfo { id: FrameId(u32::from(id)), len: 1, key: id == 0, ..FrameInfo::default() };
            log.push(LoggedFrame { epoch: 0, info, bytes: Arc::from([id]) });
        }
        log
    }

    #[test]
    fn init_comes_once_then_the_frames() {
        let path = std::env::temp_dir().join(format!("livesky-output-{}", std::process::id()));
        let log = log_of(3);
        let reader = log.reader();
        log.close();
        let written = smol::block_on(async {
            let mut sink = open(&path).await.unwrap();
            write(reader, &mut sink).await.unwrap()
        });
        assert_eq!(written, Written::All);
        assert_eq!(std::fs::read(&path).unwrap(), b"init\0\x01\x02");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_reader_that_goes_is_no_error() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut sink: Sink = Box::pin(smol::Unblock::new(writer));
        let log = log_of(3);
        let frames = log.reader();
        log.close();
        assert_eq!(smol::block_on(write(frames, &mut sink)).unwrap(), Written::ReaderGone);
    }
}
