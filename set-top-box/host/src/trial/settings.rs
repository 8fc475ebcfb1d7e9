//! Settings for boxes under test.

use livesky_stb_settings::{BLOB_LEN_MAX, Edge, Network, Settings, Ticket};

use super::run::Failure;

/// The channel that puts an echo in the viewer's place: set-top-box/src/main.rs.
pub(super) const ECHO: &str = "drill-echo";

/// A config blob for a box that asks the network for its address.
pub(super) fn by_dhcp(edge: Edge, channel: &str) -> Result<Vec<u8>, Failure> {
    blob(edge, channel, Network::Dhcp)
}

/// The same for one that plays at most so far behind live.
pub(super) fn with_buffer(edge: Edge, channel: &str, buffer_ms: u32) -> Result<Vec<u8>, Failure> {
    written(&Settings { target_buffer_ms: buffer_ms, ..settings(edge, channel, Network::Dhcp)? })
}

/// A config blob.
pub(super) fn blob(edge: Edge, channel: &str, network: Network) -> Result<Vec<u8>, Failure> {
    written(&settings(edge, channel, network)?)
}

fn settings(edge: Edge, channel: &str, network: Network) -> Result<Settings, Failure> {
    Ok(Settings {
        edge,
        channel: livesky_stb_settings::ChannelName::new(channel)?,
        upload_bps_max: None,
        is_receive_only: false,
        target_buffer_ms: 0,
        network,
        ticket: Ticket::new(),
    })
}

fn written(settings: &Settings) -> Result<Vec<u8>, Failure> {
    let mut out = [0; BLOB_LEN_MAX];
    Ok(settings.write(&mut out)?.to_vec())
}
