//! `cargo xtask stb-config`: writes the config blob of a set-top box, and reads one back.

use core::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use livesky_stb_settings::{
    BLOB_LEN_MAX, ChannelName, Edge, EdgeHost, HostName, Network, Settings, StaticNetwork, Ticket,
};

/// What the blob shall say.
#[derive(Args)]
#[command(
    after_help = "Example: cargo xtask stb-config --edge edge.example:5600 --channel one --out box.cfg"
)]
pub(crate) struct StbConfig {
    /// Print what this blob says, instead of writing one
    #[arg(long, value_name = "FILE", exclusive = true)]
    show: Option<PathBuf>,
    /// Where the box joins: NAME:PORT, ADDRESS:PORT or `[IPV6]:PORT`
    #[arg(long, value_parser = parse_edge, required_unless_present = "show")]
    edge: Option<Edge>,
    /// What it shows first
    #[arg(long, value_parser = |text: &str| ChannelName::new(text), required_unless_present = "show")]
    channel: Option<ChannelName>,
    /// The most it sends, in kbit/s [default: what the line bears]
    #[arg(long, value_name = "N", conflicts_with = "receive_only")]
    upload_kbps: Option<u32>,
    /// It feeds nobody
    #[arg(long)]
    receive_only: bool,
    /// The longest buffer, in milliseconds, where the channel's is longer; 0: the channel's own
    #[arg(long, value_name = "N", default_value_t = 0)]
    buffer_ms: u32,
    /// Its own IPv4 address, as ADDRESS/PREFIX [default: by DHCP]
    #[arg(long, value_name = "A/P", value_parser = parse_network)]
    address: Option<(Ipv4Addr, u8)>,
    /// The way to other networks
    #[arg(long, value_name = "ADDRESS", requires = "address")]
    gateway: Option<Ipv4Addr>,
    /// Who resolves names; up to three times
    #[arg(long, value_name = "ADDRESS", requires = "address")]
    dns: Vec<Ipv4Addr>,
    /// A file with the operator's ticket
    #[arg(long, value_name = "FILE")]
    ticket: Option<PathBuf>,
    /// Where the blob goes
    #[arg(long, value_name = "FILE", required_unless_present = "show")]
    out: Option<PathBuf>,
}

/// Writes or shows a blob, as asked.
pub(crate) fn run(asked: StbConfig) -> ExitCode {
    let done = match &asked.show {
        Some(path) => show(path),
        None => write(asked),
    };
    match done {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("stb-config: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| in_file(path, &error))?;
    let settings = Settings::parse(&bytes).map_err(|error| in_file(path, &error))?;
    Ok(describe(&settings))
}

fn write(asked: StbConfig) -> Result<String, String> {
    let (Some(edge), Some(channel), Some(out)) = (asked.edge, asked.channel, asked.out) else {
        return Err("--edge, --channel and --out are needed".to_owned());
    };
    let network = match asked.address {
        None => Network::Dhcp,
        Some((address, prefix)) => {
            let dns = heapless::Vec::from_slice(&asked.dns)
                .map_err(|_| "more than three DNS servers".to_owned())?;
            Network::Static(StaticNetwork { address, prefix, gateway: asked.gateway, dns })
        }
    };
    let settings = Settings {
        edge,
        channel,
        upload_bps_max: asked.upload_kbps.map(|kbps| u64::from(kbps) * 1_000),
        is_receive_only: asked.receive_only,
        target_buffer_ms: asked.buffer_ms,
        network,
        ticket: asked.ticket.as_deref().map_or(Ok(Ticket::new()), read_ticket)?,
    };
    let mut buffer = [0; BLOB_LEN_MAX];
    let blob = settings.write(&mut buffer).map_err(|error| error.to_string())?;
    std::fs::write(&out, blob).map_err(|error| in_file(&out, &error))?;
    Ok(format!("{}\n{}: {} bytes", describe(&settings), out.display(), blob.len()))
}

fn read_ticket(path: &Path) -> Result<Ticket, String> {
    let bytes = std::fs::read(path).map_err(|error| in_file(path, &error))?;
    Ticket::from_slice(&bytes).map_err(|_| {
        format!(
            "{}: {} bytes, a ticket has at most {}",
            path.display(),
            bytes.len(),
            Ticket::new().capacity()
        )
    })
}

fn describe(settings: &Settings) -> String {
    let Settings { edge, channel, upload_bps_max, is_receive_only, target_buffer_ms, network, ticket } =
        settings;
    let host = match &edge.host {
        EdgeHost::Name(name) => name.as_str().to_owned(),
        EdgeHost::Address(IpAddr::V4(address)) => address.to_string(),
        EdgeHost::Address(IpAddr::V6(address)) => format!("[{address}]"),
    };
    let upload = match (is_receive_only, upload_bps_max) {
        (true, _) => "none, receive-only".to_owned(),
        (false, None) => "what the line bears".to_owned(),
        (false, Some(bps)) => format!("at most {} kbit/s", bps / 1_000),
    };
    let buffer = match target_buffer_ms {
        0 => "the channel's".to_owned(),
        ms => format!("{ms} ms, or the channel's if that is shorter"),
    };
    let ticket = match ticket.len() {
        0 => "none".to_owned(),
        len => format!("{len} bytes"),
    };
    format!(
        "edge     {host}:{}\nchannel  {}\nupload   {upload}\nbuffer   {buffer}\nnetwork  {}\nticket   {ticket}",
        edge.port,
        channel.as_str(),
        describe_network(network),
    )
}

fn describe_network(network: &Network) -> String {
    let Network::Static(StaticNetwork { address, prefix, gateway, dns }) = network else {
        return "DHCP".to_owned();
    };
    let gateway = gateway.map_or_else(|| "no gateway".to_owned(), |gateway| format!("gateway {gateway}"));
    let dns: Vec<_> = dns.iter().map(Ipv4Addr::to_string).collect();
    let dns = if dns.is_empty() { "none".to_owned() } else { dns.join(", ") };
    format!("{address}/{prefix}, {gateway}, DNS {dns}")
}

fn parse_edge(text: &str) -> Result<Edge, String> {
    let (host, port) = text.rsplit_once(':').ok_or("no port: NAME:PORT")?;
    let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse().map(IpAddr::V6).map_err(|_| format!("`{bare}` is no IPv6 address"))?,
        None => match host.parse::<Ipv4Addr>() {
            Ok(address) => address.into(),
            Err(_) => {
                let name =
                    HostName::new(host).map_err(|_| format!("`{host}` is neither a name nor an address"))?;
                return Ok(Edge { host: EdgeHost::Name(name), port });
            }
        },
    };
    Ok(Edge { host: EdgeHost::Address(address), port })
}

fn parse_network(text: &str) -> Result<(Ipv4Addr, u8), String> {
    let (address, prefix) = text.split_once('/').ok_or("no prefix: ADDRESS/PREFIX")?;
    let address = address.parse().map_err(|_| format!("`{address}` is no IPv4 address"))?;
    let prefix = prefix.parse().map_err(|_| format!("`{prefix}` is no prefix"))?;
    Ok((address, prefix))
}

fn in_file(path: &Path, error: &dyn core::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_names_or_addresses_with_a_port() {
        for (text, expected) in [
            ("edge.example:5600", Some("edge.example:5600")),
            ("192.0.2.1:1", Some("192.0.2.1:1")),
            ("[2001:db8::1]:5600", Some("[2001:db8::1]:5600")),
            ("2001:db8::1:5600", None),
            ("edge.example", None),
            ("edge.example:65536", None),
            ("192.0.2.256:5600", None),
            ("[edge]:5600", None),
            (":5600", None),
        ] {
            let shown = parse_edge(text).ok().map(|edge| {
                let settings = Settings {
                    edge,
                    channel: ChannelName::new("one").expect("a name"),
                    upload_bps_max: None,
                    is_receive_only: false,
                    target_buffer_ms: 0,
                    network: Network::Dhcp,
                    ticket: Ticket::new(),
                };
                let shown = describe(&settings);
                shown.lines().next().unwrap_or_default().trim_start_matches("edge").trim().to_owned()
            });
            assert_eq!(shown.as_deref(), expected, "{text}");
        }
    }
}
