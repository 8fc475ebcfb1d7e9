//! The command line.

use core::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use livesky_core::media::Overlay;

use crate::address::ChannelUrl;
use crate::config::{Bounds, CAPACITY_MBPS, CHANNELS_MAX, CLIENTS_MAX, HTTP_CONNECTIONS_MAX, N1, STUN_PORT};
use crate::input::Input;
use crate::plan::PlanArgs;
use crate::scaling::ScalingArgs;
use crate::simulate::SimulateArgs;
use crate::watch::fallback::StreamUrl;

/// Hybrid CDN-P2P live streaming: publish a stream, serve it from an edge, watch it and pass it on.
#[derive(Debug, Parser)]
#[command(name = "livesky", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Publish an MPEG-TS stream as a channel
    Publish(PublishArgs),
    /// Run an edge: clients by UDP, publishers by TCP, people by HTTP
    Edge(EdgeArgs),
    /// Watch a channel, and pass it on to other viewers
    Watch(WatchArgs),
    /// Everything in one process: a clip, a publisher, an edge and a crowd of viewers
    Demo(DemoArgs),
    /// Thousands of viewers in virtual time: the same machines over a simulated network
    Simulate(SimulateArgs),
    /// Where edges should stand: sites, sizes and who serves whom, with proof
    Plan(Box<PlanArgs>),
}

/// Arguments of `publish`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  livesky publish clip.ts --loop --to 127.0.0.1:7000 --channel live1
  ffmpeg -re -i in.mp4 -c copy -f mpegts - | livesky publish - --to 127.0.0.1:7000 --channel live1
  livesky publish udp://127.0.0.1:5000 --to 127.0.0.1:7000 --channel live1    (OBS, ffmpeg -f mpegts udp://...)")]
pub struct PublishArgs {
    /// A file, `-` for standard input, `tcp://ADDR:PORT` or `udp://ADDR:PORT` to listen
    pub input: Input,
    /// The edge's TCP address
    #[arg(long, value_name = "HOST:PORT", value_parser = crate::address::resolve)]
    pub to: SocketAddr,
    /// Name of the channel: letters, digits, `.`, `_`, `-`
    #[arg(long, value_name = "NAME", value_parser = crate::address::channel_name)]
    pub channel: livesky_core::media::ChannelName,
    /// Start a file over when it ends, as one endless stream
    #[arg(long = "loop")]
    pub is_looped: bool,
    /// Take any bytes, cut by time; not only MPEG-TS
    #[arg(long = "raw")]
    pub is_raw: bool,
    /// Media rate in kbit/s [default: measured on a file, 400 otherwise]
    #[arg(long, value_name = "KBPS", value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    pub rate_kbps: Option<u32>,
    /// Frames a second [default: measured on a file, 25 otherwise]
    #[arg(long, value_name = "FPS", value_parser = frame_rate)]
    pub fps: Option<f64>,
    /// How far behind live the viewers play, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(500..=120_000))]
    pub target_buffer_ms: u32,
    /// Substreams, M
    #[arg(long, value_name = "M", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub substreams: u8,
    /// Levels of the overlay, K0
    #[arg(long, value_name = "K0", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=15))]
    pub levels: u8,
    /// How viewers get the channel
    #[arg(long, value_enum, value_name = "MODE", default_value_t = OverlayMode::Push)]
    pub overlay: OverlayMode,
    /// Print the state as one JSON line a second
    #[arg(long = "json")]
    pub is_json: bool,
}

fn frame_rate(text: &str) -> Result<f64, String> {
    let fps: f64 = text.parse().map_err(|_| format!("{text} is not a number"))?;
    if (0.1..=1_000.0).contains(&fps) { Ok(fps) } else { Err("frame rates are 0.1 to 1000".into()) }
}

/// Arguments of `edge`; the same names serve as keys of the TOML file.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "Examples:
  livesky edge
  livesky edge --http 127.0.0.1:8080 --capacity-mbps 50 --n1 20
  livesky edge --alpha 0.54 --gamma 0.108 --delta 0.072 --churn-interval-s 60
  livesky edge --config edge.toml        (edge.toml: capacity-mbps = 50)")]
pub struct EdgeArgs {
    /// Settings in TOML; flags override them
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where clients reach the edge [default: 0.0.0.0:7000]
    #[arg(long, value_name = "ADDR:PORT")]
    pub udp: Option<SocketAddr>,
    /// A second UDP port, through which viewers learn what their NATs do [default: the one after that of --udp, if it is free]
    #[arg(long, value_name = "PORT", value_parser = flag(STUN_PORT))]
    pub stun_port: Option<u64>,
    /// Where publishers reach the edge [default: 0.0.0.0:7000]
    #[arg(long, value_name = "ADDR:PORT")]
    pub tcp: Option<SocketAddr>,
    /// Where people reach the edge by HTTP [default: 0.0.0.0:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    pub http: Option<SocketAddr>,
    /// Host name or address shown to people in commands and links [default: this computer's address]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// What the edge may send, in Mbit/s [default: 200]
    #[arg(long, value_name = "MBPS", value_parser = flag(CAPACITY_MBPS))]
    pub capacity_mbps: Option<u64>,
    /// Clients fed directly before peers are used, N1 [default: 100]
    #[arg(long, value_name = "N1", value_parser = flag(N1))]
    pub n1: Option<u64>,
    /// What S follows from.
    #[command(flatten)]
    pub scaling: ScalingArgs,
    /// Most clients [default: 4096]
    #[arg(long, value_name = "N", value_parser = flag(CLIENTS_MAX))]
    pub clients_max: Option<u64>,
    /// Most channels [default: 8]
    #[arg(long, value_name = "N", value_parser = flag(CHANNELS_MAX))]
    pub channels_max: Option<u64>,
    /// Most HTTP connections at once [default: 1024]
    #[arg(long, value_name = "N", value_parser = flag(HTTP_CONNECTIONS_MAX))]
    pub http_connections_max: Option<u64>,
    /// Another edge for viewers that find no room here, and for all when this one ends; the least loaded first, at most 4
    #[arg(long = "alternative", value_name = "HOST:PORT", value_parser = crate::address::resolve)]
    pub alternatives: Vec<SocketAddr>,
    /// Do not serve the page, only streams, the API and metrics
    #[arg(long = "no-page")]
    pub is_without_page: bool,
    /// Let S follow the churn and the uplinks that are seen; --alpha, --gamma and --delta are what it begins with
    #[arg(long = "estimate-churn")]
    pub is_churn_estimated: bool,
    /// Hold the viewers fed directly to the stages' share; else it is the most, and peers that can take on more come first
    #[arg(long = "strict-stages")]
    pub is_stage_strict: bool,
    /// Show viewers' addresses as "-" in the API
    #[arg(long = "mask-addresses")]
    pub are_addresses_masked: bool,
    /// Append viewers' reports and channels' minutes to this file, one JSON line each
    #[arg(long, value_name = "FILE")]
    pub report_log: Option<PathBuf>,
    /// Print the channels' states as one JSON line a second
    #[arg(long = "json")]
    pub is_json: bool,
    /// Say who comes and goes, and why; twice: refusals of every kind too
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// A whole number within the bounds of a setting.
pub(crate) fn flag(bounds: Bounds) -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(bounds.min..=bounds.max)
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// `livesky://HOST:PORT/CHANNEL`
    pub url: ChannelUrl,
    /// Serve what is received to players: /CHANNEL.ts and /CHANNEL/index.m3u8
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "out")]
    pub http: Option<SocketAddr>,
    /// Write the MPEG-TS to a file, `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the state as one JSON line a second
    #[arg(long = "json")]
    pub is_json: bool,
    /// What may be uploaded to other viewers, in kbit/s; the channel's cap (150 % of its rate) holds besides
    #[arg(long, value_name = "KBPS", default_value_t = 10_000, conflicts_with = "is_receive_only")]
    pub upload_kbps: u32,
    /// Where the stream is read while UDP is blocked: no answer for 3 s; `none`: nowhere [default: http://HOST:8080/CHANNEL.ts]
    #[arg(long, value_name = "URL", value_parser = fallback)]
    pub http_fallback: Option<Fallback>,
    /// Stay with this edge: do not go to the others it names when it is full or goes down
    #[arg(long = "no-redirect")]
    pub is_staying: bool,
    /// Upload nothing
    #[arg(long = "receive-only")]
    pub is_receive_only: bool,
    /// Stop after this many seconds
    #[arg(long, value_name = "S")]
    pub seconds: Option<u64>,
}

/// Where a stream is read by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Nowhere.
    None,
    /// There.
    Url(StreamUrl),
}

fn fallback(text: &str) -> Result<Fallback, String> {
    if text == "none" { Ok(Fallback::None) } else { text.parse().map(Fallback::Url) }
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Viewers at a time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub viewers: u32,
    /// Stream noise of this rate in kbit/s in place of the clip
    #[arg(long, value_name = "KBPS", value_parser = clap::value_parser!(u32).range(50..=20_000))]
    pub rate: Option<u32>,
    /// Datagrams lost on the way, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub loss: f64,
    /// Round trip time between any two, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=2_000))]
    pub rtt: u32,
    /// Clients fed directly before peers are used, N1 [default: a quarter of the viewers, at most 10]
    #[arg(long, value_name = "N1", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub n1: Option<u32>,
    /// What S follows from.
    #[command(flatten)]
    pub scaling: ScalingArgs,
    /// What the edge may send, in Mbit/s: little makes stage 4, and starts slow
    #[arg(long, value_name = "MBPS", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub capacity_mbps: u32,
    /// Viewers that leave, and others that come, in percent a minute
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent)]
    pub churn: f64,
    /// Decides who comes when, and with which uplink
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// Stop after this many seconds and print the summary
    #[arg(long, value_name = "S")]
    pub seconds: Option<u64>,
    /// Print the figures and the summary as JSON on standard output
    #[arg(long = "json")]
    pub is_json: bool,
    /// Where the page is [default: 127.0.0.1:8080, or any port when that one is in use]
    #[arg(long, value_name = "ADDR:PORT")]
    pub http: Option<SocketAddr>,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.parse().map_err(|_| format!("{text} is not a number"))?;
    if (0.0..=100.0).contains(&percent) { Ok(percent) } else { Err("percentages are 0 to 100".into()) }
}

/// How the viewers of a channel get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OverlayMode {
    /// Push trees with mesh repair, fed by the edge: hybrid CDN-P2P
    Push,
    /// From the edge alone: a pure CDN
    Off,
    /// Pulled from each other, but for the first `--n1` viewers of the edge: pure P2P
    Mesh,
}

impl From<OverlayMode> for Overlay {
    fn from(mode: OverlayMode) -> Self {
        match mode {
            OverlayMode::Push => Self::Push,
            OverlayMode::Off => Self::Off,
            OverlayMode::Mesh => Self::Mesh,
        }
    }
}
