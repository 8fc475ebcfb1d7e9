//! What the box was told, as the program wants it.

use embassy_net::{Config, DhcpConfig, Ipv4Cidr, StaticConfigV4};
use livesky_stb_settings::{EdgeHost, Network, Settings};

/// Reads the config blob; says why when there is none to live with.
pub(crate) fn read(blob: &[u8]) -> Option<Settings> {
    match Settings::parse(blob) {
        Ok(settings) => {
            let (channel, port) = (settings.channel.as_str(), settings.edge.port);
            match &settings.edge.host {
                EdgeHost::Name(name) => {
                    defmt::info!("channel {=str} from {=str}:{=u16}", channel, name.as_str(), port)
                }
                EdgeHost::Address(address) => {
                    defmt::info!(
                        "channel {=str} from {}:{=u16}",
                        channel,
                        defmt::Display2Format(address),
                        port
                    );
                }
            }
            Some(settings)
        }
        Err(error) => {
            defmt::error!("no settings: {}", defmt::Display2Format(&error));
            None
        }
    }
}

/// How the network stack is set up.
pub(crate) fn network(network: &Network) -> Config {
    match network {
        Network::Dhcp => Config::dhcpv4(DhcpConfig::default()),
        Network::Static(network) => Config::ipv4_static(StaticConfigV4 {
            address: Ipv4Cidr::new(network.address, network.prefix),
            gateway: network.gateway,
            dns_servers: network.dns.clone(),
        }),
    }
}
