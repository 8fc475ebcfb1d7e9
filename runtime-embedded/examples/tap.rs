//! The firmware's viewer on Linux: the same loop and the same network stack, on a TAP interface.
//!
//! ```text
//! ip tuntap add tap0 mode tap user $USER && ip address add 10.7.0.1/24 dev tap0 && ip link set tap0 up
//! livesky edge --udp 10.7.0.1:7000 ...
//! cargo run -p livesky-embedded --example tap -- --tap tap0 --edge 10.7.0.1 --channel live1 --address 10.7.0.2/24 > out.ts
//! ```
//! Without `--address` a DHCP server on that interface is asked. Frames go to standard output as they are due.

use core::error::Error;
use core::net::IpAddr;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::Write;
use std::sync::Mutex;

use clap::Parser;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Config, IpAddress, IpCidr, StackResources, StaticConfigV4, StaticConfigV6};
use embassy_net_tuntap::TunTapDevice;
use futures_lite::future::{block_on, or};
use livesky_core::Instant;
use livesky_core::media::{ChannelName, ChannelSettings};
use livesky_core::store::FrameStore;
use livesky_embedded::embassy::now;
use livesky_embedded::{
    ClientResources, Decoder, EdgeName, Flush, Frame, Health, NoWatchdog, Order, Remote, Settings, Watch,
};

/// Watches a channel through a TAP interface, as a set-top box would
#[derive(Parser)]
struct Args {
    /// The TAP interface
    #[arg(long, default_value = "tap0")]
    tap: String,
    /// The edge: its address, or its name in the DNS
    #[arg(long)]
    edge: String,
    /// The edge's UDP port
    #[arg(long, default_value_t = 7_000)]
    port: u16,
    /// The channel
    #[arg(long)]
    channel: String,
    /// Our address and prefix; without it a DHCP server is asked
    #[arg(long, value_name = "ADDRESS/PREFIX", value_parser = address)]
    address: Option<IpCidr>,
    /// The way out
    #[arg(long, requires = "address")]
    gateway: Option<IpAddr>,
    /// The name server
    #[arg(long, requires = "address")]
    dns: Option<IpAddr>,
    /// What may be uploaded, in kbit/s; 0: nothing
    #[arg(long, default_value_t = 0)]
    upload_kbps: u32,
    /// Play at most so far behind live, in milliseconds; 0: as the channel says
    #[arg(long, default_value_t = 0)]
    buffer_ms_max: u32,
    /// Leave after so many seconds [default: never]
    #[arg(long)]
    seconds: Option<u64>,
}

fn address(text: &str) -> Result<IpCidr, String> {
    text.parse()
        .map_err(|()| format!("{text} is not an address and a prefix, as in 10.7.0.2/24 or fd07::2/64"))
}

/// What the stack is told: the way out and the name server of the other version of IP are of no use to it.
fn config(args: &Args) -> Config {
    let (gateway, dns) = (args.gateway.map(IpAddress::from), args.dns.map(IpAddress::from));
    match args.address {
        None => Config::dhcpv4(embassy_net::DhcpConfig::default()),
        Some(IpCidr::Ipv4(address)) => {
            let v4 = |address| if let IpAddress::Ipv4(address) = address { Some(address) } else { None };
            let dns_servers = dns.and_then(v4).into_iter().collect();
            Config::ipv4_static(StaticConfigV4 { address, gateway: gateway.and_then(v4), dns_servers })
        }
        Some(IpCidr::Ipv6(address)) => {
            let v6 = |address| if let IpAddress::Ipv6(address) = address { Some(address) } else { None };
            let dns_servers = dns.and_then(v6).into_iter().collect();
            Config::ipv6_static(StaticConfigV6 { address, gateway: gateway.and_then(v6), dns_servers })
        }
    }
}

/// 10 s of 4 Mbit/s: in a static, where zeros take no room in the file and none on the stack.
static RESOURCES: Mutex<ClientResources<19, 512, 6_144>> = Mutex::new(ClientResources::new());

/// Log lines on standard error.
struct Lines(Instant);

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().starts_with("livesky") {
            eprintln!("{:8.3} {:5} {}", now().since(self.0).as_secs_f64(), record.level(), record.args());
        }
    }

    fn flush(&self) {}
}

/// Standard output as a decoder that is always ready.
struct Stdout {
    is_broken: bool,
    frames: u64,
}

impl Decoder for Stdout {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn on_joined(&mut self, _: &[u8], _: &ChannelSettings) {}

    fn on_frame<S: FrameStore>(&mut self, frame: &Frame<'_, S>) {
        let mut out = std::io::stdout().lock();
        let is_written = frame.pieces().all(|piece| out.write_all(piece).is_ok());
        self.is_broken |= !is_written;
        self.frames += 1;
    }

    fn on_flush(&mut self, why: Flush) {
        log::info!(target: "livesky", "flush: {why:?}");
    }
}

/// Leaves when the time is over.
struct Until(Option<Instant>);

impl Remote for Until {
    fn poll_order(&mut self, _: &mut Context<'_>) -> Poll<Order> {
        match self.0 {
            Some(at) if at <= now() => {
                self.0 = None;
                Poll::Ready(Order::Leave)
            }
            // The loop asks once a second.
            Some(_) | None => Poll::Pending,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    log::set_logger(Box::leak(Box::new(Lines(now())))).map_err(|error| error.to_string())?;
    log::set_max_level(log::LevelFilter::Info);
    let edge = args.edge.parse().map_or(EdgeName::Name(&args.edge), EdgeName::Address);
    let channel = ChannelName::new(&args.channel)
        .ok_or("a channel's name is 1 to 32 letters, digits, '.', '_' or '-'")?;
    let device = TunTapDevice::new(&args.tap).map_err(|error| {
        format!("{}: {error}; make it with: ip tuntap add {} mode tap user $USER", args.tap, args.tap)
    })?;
    // Boxes that draw alike disturb each other; a board has a generator for this.
    let seed = std::time::UNIX_EPOCH.elapsed()?.subsec_nanos().into();
    let mut stack_resources = StackResources::<4>::new();
    let (stack, mut runner) = embassy_net::new(device, config(&args), &mut stack_resources, seed);
    let mut meta = [[PacketMetadata::EMPTY; 256]; 2];
    let mut bytes = vec![vec![0; 256 << 10]; 2];
    let ([receive_meta, send_meta], [receive, send]) = (&mut meta, bytes.as_mut_slice()) else {
        return Err("two of each".into());
    };
    let mut socket = UdpSocket::new(stack, receive_meta, receive, send_meta, send);
    let local_port = 7_100;
    socket.bind(local_port).map_err(|error| format!("port {local_port}: {error:?}"))?;
    let settings = Settings {
        edge,
        port: args.port,
        channel,
        upload_bps: args.upload_kbps.saturating_mul(1_000),
        receive_only: args.upload_kbps == 0,
        buffer_ms_max: args.buffer_ms_max,
        follows_redirects: true,
        seed,
        local_port,
    };
    let health = Health::new();
    let mut resources = RESOURCES.try_lock().map_err(|_| "the memory is in use")?;
    let mut watch = Watch::new(settings, resources.lend(), &health);
    let mut until = Until(args.seconds.map(|seconds| now() + Duration::from_secs(seconds)));
    let (mut stdout, mut watchdog) = (Stdout { is_broken: false, frames: 0 }, NoWatchdog);
    let watching =
        livesky_embedded::embassy::watch(stack, socket, &mut watch, (&mut stdout, &mut until, &mut watchdog));
    block_on(or(watching, async {
        runner.run().await;
    }));
    let view = watch.viewer().client().view(now());
    log::info!(target: "livesky", "{} frames, {:?}", stdout.frames, view.map(|view| view.parents));
    if stdout.is_broken { Err("standard output was closed".into()) } else { Ok(()) }
}
