//! Addresses and names as people write them.

use core::net::SocketAddr;
use core::str::FromStr;
use std::net::ToSocketAddrs;

use livesky_core::media::ChannelName;

/// `livesky://HOST:PORT/CHANNEL` (LiveSky, section 2.2), its host looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelUrl {
    /// The edge's UDP address.
    pub edge: SocketAddr,
    /// The channel.
    pub channel: ChannelName,
}

impl FromStr for ChannelUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "a channel's address is livesky://HOST:PORT/CHANNEL";
        let rest = text.strip_prefix("livesky://").ok_or(form)?;
        let (host, channel) = rest.split_once('/').ok_or(form)?;
        Ok(Self { edge: resolve(host)?, channel: channel_name(channel)? })
    }
}

/// Looks up `HOST:PORT`.
///
/// # Errors
/// Says what is missing, or that the host is not known.
pub fn resolve(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if !text.contains(':') {
        return Err(format!("{text} has no port: write HOST:PORT"));
    }
    let found = text.to_socket_addrs().map_err(|error| format!("cannot look up {text}: {error}"))?;
    // An edge listens on IPv4 unless told otherwise, and `localhost` is mostly found as `::1` first.
    found.min_by_key(SocketAddr::is_ipv6).ok_or_else(|| format!("{text} has no address"))
}

/// Names that stand for paths of the HTTP server (docs/api.md).
const RESERVED: [&str; 3] = ["api", "assets", "metrics"];

/// Checks a channel's name.
///
/// # Errors
/// Says what a name may be.
pub fn channel_name(text: &str) -> Result<ChannelName, String> {
    if RESERVED.contains(&text) {
        return Err(format!("{text} is a path of the HTTP server: take another name"));
    }
    let rule = "a channel's name is 1 to 32 letters, digits, '.', '_' or '-', and does not begin with '.'";
    ChannelName::new(text).ok_or_else(|| rule.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_addresses_are_read_and_refused_with_a_reason() {
        let url: ChannelUrl = "livesky://127.0.0.1:7000/live1".parse().unwrap();
        assert_eq!(url.edge, "127.0.0.1:7000".parse().unwrap());
        assert_eq!(url.channel.as_str(), "live1");
        for (text, says) in [
            ("http://127.0.0.1:7000/live1", "livesky://HOST:PORT/CHANNEL"),
            ("livesky://127.0.0.1:7000", "livesky://HOST:PORT/CHANNEL"),
            ("livesky://127.0.0.1/live1", "no port"),
            ("livesky://127.0.0.1:7000/a b", "a channel's name is"),
            ("livesky://127.0.0.1:7000/api", "take another name"),
        ] {
            let error = text.parse::<ChannelUrl>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
