//! Settings for boxes under test.

use livesky_stb_settings::{BLOB_LEN_MAX, Edge, Network, Settings, Ticket};

use super::run::Failure;

/// The channel that puts an echo in the viewer's place: set-top-box/src/main.rs.
pub(super) const ECHO: &str = "drill-echo";

/// A config blob for a box that asks the network for its address.
pub(super) fn by_dhcp(edge: Edge, channel: &str) -> Result<Vec<u8>, Failure> {
    blob(edge, channel, Network::Dhcp)
}

/// A config blob.
pub(super) fn blob(edge: Edge, channel: &str, network: Network) -> Result<Vec<u8>, Failure> {
    let settings = Settings {
        edge,
        channel: livesky_stb_settings::ChannelName::new(channel)?,
        upload_bps_max: None,
        is_receive_only: false,
        target_buffer_ms: 0,
        network,
        ticket: Ticket::new(),
    };
    let mut out = [0; BLOB_LEN_MAX];
    Ok(settings.write(&mut out)?.to_vec())
}
