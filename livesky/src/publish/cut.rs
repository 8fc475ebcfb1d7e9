//! An input, cut into frames.

use std::path::Path;

use livesky_core::media::{ChannelSettings, Dts};
use livesky_core::relay::NewFrame;
use livesky_std::{PublishedFrame, Runtime, Smol};

use crate::cli::PublishArgs;
use crate::error::Error;
use crate::input::Input;
use crate::media::cut::{CutError, CutFrame, Cutter};
use crate::media::looped::Looper;
use crate::media::packet::{PACKET_LEN, SYNC_BYTE};
use crate::publish::measure::cadence_us;
use crate::publish::pace::Pace;
use crate::publish::raw::{Clock, RawCutter};
use crate::publish::source::{Chunk, Source};

/// Media read before a recording is on the air: its rate and cadence are measured on it.
const HEAD_RECORDED_US: i64 = 30_000_000;
/// The same of an input that comes in real time: viewers wait for it.
const HEAD_LIVE_US: i64 = 1_000_000;
/// A head is no longer than this in bytes.
const HEAD_LEN_MAX: usize = 64 << 20;

/// The first frames of an input, and what a decoder needs before them.
#[derive(Debug)]
pub struct Head {
    /// The frames.
    pub frames: Vec<PublishedFrame>,
    /// What a decoder needs.
    pub init: Vec<u8>,
}

/// Frames out of an input.
pub struct Cuts {
    source: Source,
    cutting: Cutting,
    buffer: Vec<u8>,
    is_over: bool,
}

enum Cutting {
    Raw(RawCutter),
    MpegTs(Box<MpegTs>),
}

/// MPEG-TS as frames to be published; a file may be passed over again and again.
#[derive(Debug, Default)]
pub struct MpegTs {
    cutter: Cutter,
    looper: Option<Looper>,
    looped: Vec<u8>,
    init: Vec<u8>,
    is_init_new: bool,
}

impl Cuts {
    /// Opens the input the arguments name.
    ///
    /// # Errors
    /// An input that cannot be opened; a file whose last packet is cut off.
    pub async fn open(args: &PublishArgs) -> Result<Self, Error> {
        if let (Input::File(path), false) = (&args.input, args.is_raw) {
            check_end(path)?;
        }
        let source = Source::open(&args.input, args.is_looped).await?;
        let cutting = if args.is_raw {
            Cutting::Raw(raw_cutter(args, source.pace()))
        } else {
            Cutting::MpegTs(Box::new(MpegTs::new(args.is_looped)))
        };
        Ok(Self { source, cutting, buffer: Vec::new(), is_over: false })
    }

    /// Who sets the pace.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.source.pace()
    }

    /// Reads what the channel's settings are measured on.
    ///
    /// # Errors
    /// When there is no frame in the input, or it cannot be read.
    pub async fn read_head(&mut self) -> Result<Head, Error> {
        let span_us = match self.pace() {
            Pace::Recorded => HEAD_RECORDED_US,
            Pace::Piped | Pace::Live => HEAD_LIVE_US,
        };
        let mut frames: Vec<PublishedFrame> = Vec::new();
        let mut len = 0;
        while let Some(frame) = self.next().await? {
            len += frame.bytes.len();
            let first = frames.first().map_or(frame.frame.dts, |first| first.frame.dts);
            let is_long = frame.frame.dts.micros_since(first) >= span_us || len > HEAD_LEN_MAX;
            frames.push(frame);
            if is_long {
                break;
            }
        }
        if frames.is_empty() {
            return Err(self.failure(CutError::Empty));
        }
        Ok(Head { frames, init: self.take_new_init().unwrap_or_default() })
    }

    /// The next frame; `None` at the end of the input.
    ///
    /// # Errors
    /// When the input cannot be read, or cannot be cut.
    pub async fn next(&mut self) -> Result<Option<PublishedFrame>, Error> {
        loop {
            if let Some(frame) = self.cutting.pop() {
                return Ok(Some(frame));
            }
            if self.is_over {
                return Ok(None);
            }
            let chunk = self.source.read(&mut self.buffer).await?;
            let cut = match chunk {
                Chunk::Bytes(_) => self.cutting.push(&self.buffer),
                Chunk::Restarted => {
                    self.cutting.restart();
                    Ok(())
                }
                Chunk::End => {
                    self.is_over = true;
                    self.cutting.finish()
                }
            };
            cut.map_err(|source| self.failure(source))?;
        }
    }

    /// What a decoder needs before the frame returned last and those after it, when that is not what it was before.
    pub fn take_new_init(&mut self) -> Option<Vec<u8>> {
        match &mut self.cutting {
            Cutting::Raw(_) => None,
            Cutting::MpegTs(ts) => ts.take_new_init(),
        }
    }

    fn failure(&self, source: CutError) -> Error {
        Error::Cut { input: self.source.name().into(), source }
    }
}

impl Cutting {
    fn push(&mut self, bytes: &[u8]) -> Result<(), CutError> {
        match self {
            Self::Raw(raw) => {
                raw.push(Smol::now(), bytes);
                Ok(())
            }
            Self::MpegTs(ts) => ts.push(bytes),
        }
    }

    fn pop(&mut self) -> Option<PublishedFrame> {
        match self {
            Self::Raw(raw) => raw.pop(),
            Self::MpegTs(ts) => ts.pop(),
        }
    }

    fn finish(&mut self) -> Result<(), CutError> {
        match self {
            Self::Raw(raw) => {
                raw.finish();
                Ok(())
            }
            Self::MpegTs(ts) => ts.finish(),
        }
    }

    fn restart(&mut self) {
        match self {
            Self::Raw(_) => {}
            Self::MpegTs(ts) => ts.restart(),
        }
    }
}

impl MpegTs {
    /// A stream; a looped one runs on over [`Self::restart`] as if it never ended.
    #[must_use]
    pub fn new(is_looped: bool) -> Self {
        Self { looper: is_looped.then(Looper::new), ..Self::default() }
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// When they cannot be cut.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), CutError> {
        let Some(looper) = &mut self.looper else { return self.cutter.push(bytes) };
        self.looped.clear();
        looper.push(bytes, &mut self.looped);
        self.cutter.push(&self.looped)
    }

    /// The next frame.
    pub fn pop(&mut self) -> Option<PublishedFrame> {
        let CutFrame { dts, pts_offset, key, bytes } = self.cutter.next_frame()?;
        // Tables change where decoding can begin, or not at all.
        if key {
            let init = self.cutter.init();
            self.is_init_new |= init != self.init;
            self.init = init;
        }
        let dts = Dts::from_ticks(dts);
        let frame = NewFrame { dts, pts_offset_ticks: pts_offset, len: 0, key };
        Some(PublishedFrame { frame, bytes: bytes.into() })
    }

    /// What a decoder needs, when it changed.
    pub fn take_new_init(&mut self) -> Option<Vec<u8>> {
        core::mem::take(&mut self.is_init_new).then(|| self.init.clone())
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// When there was no frame at all.
    pub fn finish(&mut self) -> Result<(), CutError> {
        self.cutter.finish()
    }

    /// What follows is the file once more, or another stream.
    pub fn restart(&mut self) {
        match &mut self.looper {
            Some(looper) => looper.restart(),
            None => self.cutter = Cutter::new(),
        }
    }
}

/// A file that is not looked into is cut by its rate, other bytes as they come.
fn raw_cutter(args: &PublishArgs, pace: Pace) -> RawCutter {
    let defaults = ChannelSettings::default();
    let cadence_us = args.fps.map_or(defaults.cadence_us, cadence_us);
    let rate_bps = args.rate_kbps.map_or(u64::from(defaults.rate_bps), |kbps| u64::from(kbps) * 1_000);
    let len = rate_bps.saturating_mul(u64::from(cadence_us)) / 8_000_000;
    let clock = match pace {
        Pace::Recorded => Clock::Bytes(usize::try_from(len).unwrap_or(usize::MAX)),
        Pace::Piped | Pace::Live => Clock::Arrival,
    };
    RawCutter::new(clock, cadence_us)
}

/// A file that begins as MPEG-TS is to be whole packets. What is no regular file has no end to look at, and a pipe is not even opened
/// here: that waits for its writer.
fn check_end(path: &Path) -> Result<(), Error> {
    use std::io::Read;
    let input = || path.display().to_string();
    let read = |source| Error::Read { input: input(), source };
    let metadata = std::fs::metadata(path).map_err(read)?;
    let rest = metadata.len() % PACKET_LEN as u64;
    if !metadata.is_file() || rest == 0 {
        return Ok(());
    }
    let mut first = [0];
    let mut file = std::fs::File::open(path).map_err(read)?;
    if file.read(&mut first).map_err(read)? == 1 && first == [SYNC_BYTE] {
        return Err(Error::Truncated { input: input(), rest });
    }
    Ok(())
}
