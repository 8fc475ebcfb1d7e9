//! The figures of a run.

use core::net::Ipv4Addr;
use core::time::Duration;

use livesky_core::edge::EdgeConfig;
use livesky_core::media::ChannelSettings;
use livesky_std::{EdgeOptions, Impairment, UdpOptions};

use crate::cli::DemoArgs;
use crate::scaling::Scaling;

/// Rate of the clip.
pub const CLIP_RATE_BPS: u32 = 400_000;
/// N1 unless set: a quarter of the viewers, and no more than this.
const N1_MAX: u32 = 10;
/// Time between arrivals: a crowd of 100 is there after 15 s.
const ARRIVE_EVERY: Duration = Duration::from_millis(150);
/// Slowest and fastest uplink, in percent of the rate.
const UPLINK_PERCENT: (u32, u32) = (100, 150);

/// What a run is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Viewers at a time.
    pub viewers: u32,
    /// The channel's settings.
    pub settings: ChannelSettings,
    /// Clients fed directly before peers are used.
    pub n1: u32,
    /// What S follows from.
    pub scaling: Scaling,
    /// What the edge may send.
    pub capacity_bps: u64,
    /// Viewers that leave in a minute, as a share of all.
    pub churn: f64,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// What happens to datagrams on their way to each socket.
    pub impairment: Option<Impairment>,
}

impl Plan {
    /// The plan that the arguments ask for, over a channel of these settings.
    #[must_use]
    pub fn new(args: &DemoArgs, settings: ChannelSettings) -> Self {
        let n1 = args.n1.unwrap_or_else(|| (args.viewers / 4).clamp(1, N1_MAX));
        Self {
            viewers: args.viewers,
            settings,
            n1,
            scaling: Scaling::default().with_flags(&args.scaling),
            capacity_bps: u64::from(args.capacity_mbps) * 1_000_000,
            churn: args.churn / 100.0,
            seed: args.seed,
            impairment: impairment(args),
        }
    }

    /// When the viewer of this number arrives, counted from the first.
    #[must_use]
    pub fn arrival(&self, number: u32) -> Duration {
        ARRIVE_EVERY * number
    }

    /// The uplink of a viewer, `draw` being uniform over all of `u32`.
    #[must_use]
    pub fn uplink_bps(&self, draw: u32) -> u32 {
        let (slowest, fastest) = UPLINK_PERCENT;
        let percent_thousandths =
            u64::from(slowest) * 1_000 + ((u64::from(fastest - slowest) * 1_000 * u64::from(draw)) >> 32);
        let bps = u64::from(self.settings.rate_bps) * percent_thousandths / 100_000;
        u32::try_from(bps).unwrap_or(u32::MAX)
    }

    /// How the edge is set up: on any ports of the loopback interface.
    #[must_use]
    pub fn edge_options(&self) -> EdgeOptions {
        let any_port = (Ipv4Addr::LOCALHOST, 0).into();
        let base = EdgeOptions::new(any_port, any_port);
        EdgeOptions {
            config: EdgeConfig {
                seed: self.seed.max(1),
                n1: self.n1,
                churn: self.scaling.churn(),
                slope: self.scaling.slope,
                capacity_bps: self.capacity_bps,
                ..EdgeConfig::default()
            },
            socket: UdpOptions { downlink: self.impairment, seed: self.seed, ..base.socket },
            clients_max: usize::try_from(self.viewers)
                .unwrap_or(usize::MAX)
                .saturating_mul(2)
                .clamp(64, 8_192),
            // The page says how a second one is published.
            channels_max: 2,
            ..base
        }
    }

    /// The socket of the viewer of this number.
    #[must_use]
    pub fn viewer_socket(&self, number: u64) -> UdpOptions {
        UdpOptions {
            receive_buffer_bytes: 1 << 20,
            send_buffer_bytes: 1 << 20,
            receive_slots: 1,
            downlink: self.impairment,
            seed: self.seed.wrapping_add(number).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            uplink: None,
        }
    }
}

/// Each way has half of the round trip and all of the loss: whatever is received went one way.
fn impairment(args: &DemoArgs) -> Option<Impairment> {
    if args.loss == 0.0 && args.rtt == 0 {
        return None;
    }
    let delay = Duration::from_micros(u64::from(args.rtt) * 500);
    Some(Impairment { loss: args.loss / 100.0, delay, jitter: delay / 10, ..Impairment::default() })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn plan(arguments: &str) -> Plan {
        let cli = Cli::try_parse_from(format!("livesky demo {arguments}").split_whitespace()).unwrap();
        let Command::Demo(args) = cli.command else { unreachable!("the demo was asked for") };
        Plan::new(&args, ChannelSettings::default())
    }

    #[test]
    fn a_quarter_of_a_small_crowd_is_fed_directly_before_peers_are() {
        for (arguments, n1) in [("", 5), ("--viewers 100", 10), ("--viewers 1", 1), ("--n1 30", 30)] {
            assert_eq!(plan(arguments).n1, n1, "{arguments}");
        }
    }

    #[test]
    fn the_edge_is_told_what_s_follows_from() {
        let config = plan("--alpha 0.5 --gamma 0.1 --churn-interval-s 60 --slope 0.9").edge_options().config;
        assert_eq!((config.churn.alpha, config.churn.gamma, config.slope), (0.5, 0.1, Some(0.9)));
        assert!((config.churn.delta - 0.072).abs() < 1e-12, "{:?}", config.churn);
        let config = plan("").edge_options().config;
        assert_eq!((config.churn, config.slope), (livesky_core::scaling::Churn::default(), None));
    }

    #[test]
    fn uplinks_are_one_to_one_and_a_half_times_the_rate() {
        let plan = plan("");
        for (draw, bps) in [(0, 400_000), (1 << 31, 500_000), (u32::MAX, 599_999)] {
            assert!(plan.uplink_bps(draw).abs_diff(bps) <= 5, "{draw}");
        }
    }

    #[test]
    fn the_network_is_left_alone_unless_asked_for() {
        assert_eq!(plan("").impairment, None);
        let bad = plan("--loss 2 --rtt 40").impairment.unwrap();
        assert_eq!((bad.loss, bad.delay), (0.02, Duration::from_millis(20)));
    }
}
