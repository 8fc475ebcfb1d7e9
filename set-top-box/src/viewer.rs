//! What the box does: it watches its channel, and feeds other boxes.

use embassy_net::Stack;
use embassy_net::udp::UdpSocket;
use livesky_core::media::ChannelName;
use livesky_embedded::{EdgeName, Health, Remote, Watch, embassy};
use livesky_stb_settings::{EdgeHost, Settings};

use crate::board::{Seed, Status, Watchdog};
use crate::resources::{self, Metadata};
use crate::screen::Screen;

/// Peers remember it, and a NAT that keeps ports lets them in again after a reset.
const LOCAL_PORT: u16 = 7_100;

/// How the viewer is, for a supervisor.
static HEALTH: Health = Health::new();

/// Watches until the remote says otherwise; the status to end with.
pub(crate) async fn watch<R: Remote>(
    stack: Stack<'static>,
    settings: &'static Settings,
    seed: &Seed,
    watchdog: &mut Watchdog,
    remote: &mut R,
) -> Status {
    let Metadata { receive, send } = resources::METADATA.init_with(|| Metadata::EMPTY);
    let mut socket = UdpSocket::new(stack, receive, resources::RECEIVE.take(), send, resources::SEND.take());
    let Some(channel) = ChannelName::new(settings.channel.as_str()) else {
        defmt::error!("no settings: no channel is called so");
        return Status::NoSettings;
    };
    if socket.bind(LOCAL_PORT).is_err() {
        defmt::error!("port {=u16} is taken", LOCAL_PORT);
        return Status::Panic;
    }
    let wanted = livesky_embedded::Settings {
        edge: match &settings.edge.host {
            EdgeHost::Address(address) => EdgeName::Address(*address),
            EdgeHost::Name(name) => EdgeName::Name(name.as_str()),
        },
        port: settings.edge.port,
        channel,
        // The channel's cap and the uplink's own controller bound it further.
        upload_bps: settings.upload_bps_max.map_or(u32::MAX, |bps| u32::try_from(bps).unwrap_or(u32::MAX)),
        receive_only: settings.is_receive_only,
        buffer_ms_max: settings.target_buffer_ms,
        follows_redirects: true,
        seed: seed.viewer.first_chunk().map_or(0, |part| u64::from_le_bytes(*part)),
        local_port: LOCAL_PORT,
    };
    let mut watch = Watch::new(wanted, resources::CLIENT.take().lend(), &HEALTH);
    let mut screen = Screen::new();
    embassy::watch(stack, socket, &mut watch, (&mut screen, remote, watchdog)).await;
    screen.tell();
    Status::Success
}

impl livesky_embedded::Watchdog for Watchdog {
    fn feed(&mut self) {
        Self::feed(self);
    }
}
