//! Settings of an edge: defaults, a TOML file over them, flags over both.

use core::fmt::Display;
use core::net::{Ipv4Addr, SocketAddr};
use core::ops::Range;
use std::path::{Path, PathBuf};

use livesky_core::limits::ALTERNATIVES_MAX;
use serde::Deserialize;
use toml::Spanned;

use crate::cli::EdgeArgs;
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::scaling::{ALPHA, CHURN_INTERVAL_S, DELTA, GAMMA, RealBounds, SLOPE, Scaling};

/// The values a setting may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

/// Bounds of `capacity-mbps`: up to 100 Gbit/s.
pub const CAPACITY_MBPS: Bounds = Bounds { min: 1, max: 100_000 };
/// Bounds of `stun-port`.
pub const STUN_PORT: Bounds = Bounds { min: 1, max: 65_535 };
/// Bounds of `n1`.
pub const N1: Bounds = Bounds { min: 1, max: 65_535 };
/// Bounds of `clients-max`: ids of clients have 16 bits beside shard and generation.
pub const CLIENTS_MAX: Bounds = Bounds { min: 1, max: 65_535 };
/// Bounds of `channels-max`.
pub const CHANNELS_MAX: Bounds = Bounds { min: 1, max: livesky_core::edge::CHANNELS_MAX as u64 };
/// Bounds of `http-connections-max`.
pub const HTTP_CONNECTIONS_MAX: Bounds = Bounds { min: 1, max: 100_000 };

/// Settings of an edge.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeSettings {
    /// Where clients reach it.
    pub udp: SocketAddr,
    /// Its second UDP port, through which viewers learn what their NATs do; `None`: the one after that of `udp`, if it is free.
    pub stun_port: Option<u64>,
    /// Where publishers reach it.
    pub tcp: SocketAddr,
    /// Where people reach it by HTTP.
    pub http: SocketAddr,
    /// What commands and links for people name; `None`: this computer's address.
    pub host: Option<String>,
    /// What it may send, in Mbit/s.
    pub capacity_mbps: u64,
    /// Clients fed directly before peers are used.
    pub n1: u64,
    /// What S follows from.
    pub scaling: Scaling,
    /// Most clients.
    pub clients_max: u64,
    /// Most channels.
    pub channels_max: u64,
    /// Most HTTP connections.
    pub http_connections_max: u64,
    /// Other edges that refused viewers, and all when the edge ends, are sent to.
    pub alternatives: Vec<SocketAddr>,
    /// Whether the page is served.
    pub has_page: bool,
    /// Whether the API hides viewers' addresses.
    pub are_addresses_masked: bool,
    /// Whether S follows the churn that is seen.
    pub is_churn_estimated: bool,
    /// Whether Nc is held to the stage function.
    pub is_stage_strict: bool,
    /// Where reports are appended.
    pub report_log: Option<PathBuf>,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        let any = Ipv4Addr::UNSPECIFIED;
        Self {
            udp: (any, 7_000).into(),
            stun_port: None,
            tcp: (any, 7_000).into(),
            http: (any, 8_080).into(),
            host: None,
            capacity_mbps: 200,
            n1: 100,
            scaling: Scaling::default(),
            clients_max: 4_096,
            channels_max: 8,
            http_connections_max: 1_024,
            alternatives: Vec::new(),
            has_page: true,
            are_addresses_masked: false,
            is_churn_estimated: false,
            is_stage_strict: false,
            report_log: None,
        }
    }
}

/// Keys of the file; the flags have the same names.
const KEYS: [&str; 21] = [
    "udp",
    "stun-port",
    "tcp",
    "http",
    "host",
    "capacity-mbps",
    "n1",
    "alpha",
    "gamma",
    "delta",
    "churn-interval-s",
    "slope",
    "clients-max",
    "channels-max",
    "http-connections-max",
    "alternatives",
    "page",
    "mask-addresses",
    "estimate-churn",
    "strict-stages",
    "report-log",
];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct EdgeFile {
    udp: Option<SocketAddr>,
    stun_port: Option<Spanned<u64>>,
    tcp: Option<SocketAddr>,
    http: Option<SocketAddr>,
    host: Option<String>,
    capacity_mbps: Option<Spanned<u64>>,
    n1: Option<Spanned<u64>>,
    alpha: Option<Spanned<f64>>,
    gamma: Option<Spanned<f64>>,
    delta: Option<Spanned<f64>>,
    churn_interval_s: Option<Spanned<u64>>,
    slope: Option<Spanned<f64>>,
    clients_max: Option<Spanned<u64>>,
    channels_max: Option<Spanned<u64>>,
    http_connections_max: Option<Spanned<u64>>,
    alternatives: Option<Vec<Spanned<String>>>,
    page: Option<bool>,
    mask_addresses: Option<bool>,
    estimate_churn: Option<bool>,
    strict_stages: Option<bool>,
    report_log: Option<PathBuf>,
}

impl EdgeSettings {
    /// Reads the file the arguments name, if any, and lets the flags override it.
    ///
    /// # Errors
    /// A file that cannot be read, or what is wrong in it with its line and column.
    pub fn load(args: &EdgeArgs) -> Result<Self, Failure> {
        let settings = match &args.config {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::new(format!("cannot read the settings in {}: {error}", path.display()))
                })?;
                Self::parse(path, &text)?
            }
            None => Self::default(),
        };
        if args.alternatives.len() > ALTERNATIVES_MAX {
            let count = args.alternatives.len();
            return Err(Failure::new(format!(
                "--alternative is there {count} times: {}",
                too_many_alternatives()
            )));
        }
        Ok(settings.with_flags(args))
    }

    /// The settings in a file's text; `path` is named in errors.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let source = Source { path, text };
        source.check_keys()?;
        let file: EdgeFile = toml::from_str(text).map_err(|error| source.on_toml(&error))?;
        let base = Self::default();
        let number = |name, bounds, value: Option<Spanned<u64>>, otherwise| match value {
            Some(value) => source.check(name, bounds, &value),
            None => Ok(otherwise),
        };
        let real = |name, bounds, value: Option<Spanned<f64>>| {
            value.map(|value| source.check_real(name, bounds, &value)).transpose()
        };
        let optional = |name, bounds, value: Option<Spanned<u64>>| {
            value.map(|value| source.check(name, bounds, &value)).transpose()
        };
        let scaling = Scaling {
            alpha: real("alpha", ALPHA, file.alpha)?,
            gamma: real("gamma", GAMMA, file.gamma)?,
            delta: real("delta", DELTA, file.delta)?,
            churn_interval_s: optional("churn-interval-s", CHURN_INTERVAL_S, file.churn_interval_s)?,
            slope: real("slope", SLOPE, file.slope)?,
        };
        Ok(Self {
            scaling,
            udp: file.udp.unwrap_or(base.udp),
            stun_port: optional("stun-port", STUN_PORT, file.stun_port)?,
            tcp: file.tcp.unwrap_or(base.tcp),
            http: file.http.unwrap_or(base.http),
            host: file.host.or(base.host),
            capacity_mbps: number("capacity-mbps", CAPACITY_MBPS, file.capacity_mbps, base.capacity_mbps)?,
            n1: number("n1", N1, file.n1, base.n1)?,
            clients_max: number("clients-max", CLIENTS_MAX, file.clients_max, base.clients_max)?,
            channels_max: number("channels-max", CHANNELS_MAX, file.channels_max, base.channels_max)?,
            http_connections_max: number(
                "http-connections-max",
                HTTP_CONNECTIONS_MAX,
                file.http_connections_max,
                base.http_connections_max,
            )?,
            alternatives: source.resolve_all(file.alternatives.unwrap_or_default())?,
            has_page: file.page.unwrap_or(base.has_page),
            are_addresses_masked: file.mask_addresses.unwrap_or(base.are_addresses_masked),
            is_churn_estimated: file.estimate_churn.unwrap_or(base.is_churn_estimated),
            is_stage_strict: file.strict_stages.unwrap_or(base.is_stage_strict),
            report_log: file.report_log,
        })
    }

    fn with_flags(self, args: &EdgeArgs) -> Self {
        Self {
            udp: args.udp.unwrap_or(self.udp),
            stun_port: args.stun_port.or(self.stun_port),
            tcp: args.tcp.unwrap_or(self.tcp),
            http: args.http.unwrap_or(self.http),
            host: args.host.clone().or(self.host),
            capacity_mbps: args.capacity_mbps.unwrap_or(self.capacity_mbps),
            n1: args.n1.unwrap_or(self.n1),
            scaling: self.scaling.with_flags(&args.scaling),
            clients_max: args.clients_max.unwrap_or(self.clients_max),
            channels_max: args.channels_max.unwrap_or(self.channels_max),
            http_connections_max: args.http_connections_max.unwrap_or(self.http_connections_max),
            alternatives: if args.alternatives.is_empty() {
                self.alternatives
            } else {
                args.alternatives.clone()
            },
            has_page: self.has_page && !args.is_without_page,
            are_addresses_masked: self.are_addresses_masked || args.are_addresses_masked,
            is_churn_estimated: self.is_churn_estimated || args.is_churn_estimated,
            is_stage_strict: self.is_stage_strict || args.is_stage_strict,
            report_log: args.report_log.clone().or(self.report_log),
        }
    }
}

fn too_many_alternatives() -> String {
    format!("`alternatives` are at most {ALTERNATIVES_MAX}")
}

/// A file's text, for errors that name a place in it.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn failure(&self, place: Range<usize>, what: impl Display) -> Failure {
        let before = self.text.get(..place.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Failure::new(format!("{}:{line}:{column}: {what}", self.path.display()))
    }

    fn on_toml(&self, error: &toml::de::Error) -> Failure {
        // The message's further lines draw the place, which is named in front of it.
        let what = error.message().lines().next().unwrap_or("not TOML");
        self.failure(error.span().unwrap_or(0..0), what)
    }

    fn check_keys(&self) -> Result<(), Failure> {
        let table = toml::de::DeTable::parse(self.text).map_err(|error| self.on_toml(&error))?;
        let mut unknown: Vec<_> =
            table.get_ref().keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())).collect();
        unknown.sort_unstable_by_key(|key| key.span().start);
        let Some(key) = unknown.first() else { return Ok(()) };
        let name = key.get_ref();
        let is_heading = table.get_ref().get(name.as_ref()).is_some_and(|value| value.get_ref().is_table());
        let advice = match nearest(name, KEYS) {
            _ if is_heading => format!("settings stand without a heading: delete `[{name}]`"),
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("the keys are {}", KEYS.join(", ")),
        };
        Err(self.failure(key.span(), format!("there is no setting `{name}`: {advice}")))
    }

    fn resolve_all(&self, edges: Vec<Spanned<String>>) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(one_more) = edges.get(ALTERNATIVES_MAX) {
            return Err(self.failure(one_more.span(), too_many_alternatives()));
        }
        let resolve = |edge: &Spanned<String>| {
            crate::address::resolve(edge.get_ref()).map_err(|error| self.failure(edge.span(), error))
        };
        edges.iter().map(resolve).collect()
    }

    fn check(&self, name: &str, bounds: Bounds, value: &Spanned<u64>) -> Result<u64, Failure> {
        let Bounds { min, max } = bounds;
        let number = *value.get_ref();
        if (min..=max).contains(&number) {
            return Ok(number);
        }
        Err(self.failure(value.span(), format!("`{name}` is {min} to {max}, not {number}")))
    }

    fn check_real(&self, name: &str, bounds: RealBounds, value: &Spanned<f64>) -> Result<f64, Failure> {
        let RealBounds { min, max } = bounds;
        let number = *value.get_ref();
        if bounds.contain(number) {
            return Ok(number);
        }
        Err(self.failure(value.span(), format!("`{name}` is {min} to {max}, not {number}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::ScalingArgs;

    fn parse(text: &str) -> Result<EdgeSettings, String> {
        EdgeSettings::parse(Path::new("edge.toml"), text).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_file_overrides_defaults_and_flags_override_the_file() {
        assert_eq!(parse(""), Ok(EdgeSettings::default()));
        let file = parse(
            "capacity-mbps = 50\nn1 = 7\nstun-port = 3478\nhttp = \"127.0.0.1:9000\"\npage = false\nalternatives = [\"127.0.0.1:7001\"]\n\
             alpha = 1\ngamma = 0.1\nchurn-interval-s = 60\nslope = 0.5\nstrict-stages = true",
        )
        .unwrap();
        let expected = EdgeSettings {
            capacity_mbps: 50,
            n1: 7,
            stun_port: Some(3_478),
            http: "127.0.0.1:9000".parse().unwrap(),
            has_page: false,
            is_stage_strict: true,
            alternatives: vec!["127.0.0.1:7001".parse().unwrap()],
            scaling: Scaling {
                alpha: Some(1.0),
                gamma: Some(0.1),
                delta: None,
                churn_interval_s: Some(60),
                slope: Some(0.5),
            },
            ..EdgeSettings::default()
        };
        assert_eq!(file, expected);
        let scaling = ScalingArgs { alpha: Some(0.54), delta: Some(0.2), ..ScalingArgs::default() };
        let args = EdgeArgs { n1: Some(9), scaling, ..EdgeArgs::default() };
        let scaling = Scaling { alpha: Some(0.54), delta: Some(0.2), ..expected.scaling };
        assert_eq!(file.with_flags(&args), EdgeSettings { n1: 9, scaling, ..expected });
    }

    #[test]
    fn errors_name_file_line_column_and_what_to_do() {
        for (text, says) in [
            (
                "n1 = 5\ncapcity-mbps = 5",
                "edge.toml:2:1: there is no setting `capcity-mbps`: did you mean `capacity-mbps`?",
            ),
            (
                "clients_max = 5",
                "edge.toml:1:1: there is no setting `clients_max`: did you mean `clients-max`?",
            ),
            (
                "zzzzzzzzzzzzzzzzzzzzz = 5",
                "edge.toml:1:1: there is no setting `zzzzzzzzzzzzzzzzzzzzz`: the keys are udp, stun-port,",
            ),
            ("[http]\naddress = 5", "edge.toml:1:1:"),
            (
                "[edge]\nn1 = 5",
                "edge.toml:1:2: there is no setting `edge`: settings stand without a heading: delete `[edge]`",
            ),
            ("\n\n  capacity-mbps = 0", "edge.toml:3:19: `capacity-mbps` is 1 to 100000, not 0"),
            ("n1 = 70000", "edge.toml:1:6: `n1` is 1 to 65535, not 70000"),
            ("stun-port = 0", "edge.toml:1:13: `stun-port` is 1 to 65535, not 0"),
            ("n1 = -1", "edge.toml:1:6:"),
            ("n1 = 5\nalpha = 101", "edge.toml:2:9: `alpha` is 0 to 100, not 101"),
            ("alpha = nan", "edge.toml:1:9: `alpha` is 0 to 100, not NaN"),
            ("gamma = -0.1", "edge.toml:1:9: `gamma` is 0 to 1, not -0.1"),
            ("delta = 1", "edge.toml:1:9: `delta` is 0 to 0.99, not 1"),
            ("slope = 0", "edge.toml:1:9: `slope` is 0.01 to 1, not 0"),
            ("slope = \"S\"", "edge.toml:1:9: invalid type: string \"S\", expected f64"),
            ("churn-interval-s = 0", "edge.toml:1:20: `churn-interval-s` is 1 to 300, not 0"),
            (
                "churn_interval = 20",
                "edge.toml:1:1: there is no setting `churn_interval`: did you mean `churn-interval-s`?",
            ),
            ("alternatives = [\"127.0.0.1\"]", "edge.toml:1:17: 127.0.0.1 has no port: write HOST:PORT"),
            ("channels-max = 33", "edge.toml:1:16: `channels-max` is 1 to 32, not 33"),
            ("udp = \"localhost\"", "edge.toml:1:7: invalid socket address"),
            ("n1 = \"5\"", "edge.toml:1:6: invalid type: string \"5\", expected u64"),
            ("n1 == 5", "edge.toml:1:"),
            ("n1 = 5\nn1 = 6", "edge.toml:2:1: duplicate key"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(says), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
