//! Bounds of every value, and which values go together.

use super::error::ScenarioError;
use super::faults::{FaultSpec, HostSet};
use super::file::Scenario;

/// Most clients at once: an edge names them by 16 bits.
const CLIENTS_MAX: u32 = 65_535;
/// Longest run in seconds: a day, and frame ids and time stamps have not wrapped.
pub(super) const SECONDS_MAX: f64 = 86_400.0;

/// Collects what is needed to name a fault in the file.
struct Check<'a> {
    file: &'a str,
}

impl Check<'_> {
    fn that(
        &self,
        holds: bool,
        key: impl Into<String>,
        problem: &str,
        advice: &str,
    ) -> Result<(), ScenarioError> {
        if holds {
            return Ok(());
        }
        Err(ScenarioError::Invalid {
            file: self.file.to_owned(),
            key: key.into(),
            problem: problem.to_owned(),
            advice: advice.to_owned(),
        })
    }

    fn share(&self, share: f64, key: impl Into<String>) -> Result<(), ScenarioError> {
        let is_share = (0.0..=1.0).contains(&share);
        self.that(
            is_share,
            key,
            &format!("= {share} is no share"),
            "give a fraction from 0 to 1, as 0.05 for 5 %",
        )
    }

    fn span(&self, span_s: f64, key: impl Into<String>) -> Result<(), ScenarioError> {
        let is_span = (0.0..=SECONDS_MAX).contains(&span_s);
        self.that(is_span, key, &format!("= {span_s} is no span"), "give seconds from 0 to 86400")
    }

    fn shares(
        &self,
        shares: impl Iterator<Item = f64>,
        key: &str,
        is_whole: bool,
    ) -> Result<(), ScenarioError> {
        let mut sum = 0.0;
        for (index, share) in shares.enumerate() {
            self.share(share, format!("{key}[{index}].share"))?;
            sum += share;
        }
        let fits = if is_whole { (sum - 1.0).abs() < 1e-6 } else { sum <= 1.0 + 1e-6 };
        let bound = if is_whole { "exactly 1" } else { "at most 1" };
        self.that(
            fits,
            key,
            &format!("has shares that add up to {sum:.4}"),
            &format!("make them add up to {bound}"),
        )
    }
}

impl Scenario {
    /// Checks every field; `file` is the name in messages.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub fn validate(&self, file: &str) -> Result<(), ScenarioError> {
        let check = Check { file };
        check.that(!self.name.is_empty(), "name", "is empty", "name the scenario")?;
        check.span(self.run.warm_up_s, "run.warm-up-s")?;
        check.span(self.run.measure_s, "run.measure-s")?;
        check.that(
            self.run.measure_s >= 1.0,
            "run.measure-s",
            "is below 1 s",
            "measure for at least a second",
        )?;
        let is_sample = self.run.sample_s >= 0.1 && self.run.sample_s <= SECONDS_MAX;
        check.that(is_sample, "run.sample-s", "is too short", "give 0.1 s or more")?;
        check.that(self.run.seeds >= 1, "run.seeds", "is 0", "give at least 1")?;
        self.validate_channel(&check)?;
        self.validate_edges(&check)?;
        self.validate_population(&check)?;
        self.validate_hosts(&check)?;
        self.validate_network(&check)?;
        self.faults
            .iter()
            .enumerate()
            .try_for_each(|(index, fault)| self.validate_fault(&check, index, fault))
    }

    fn validate_channel(&self, check: &Check<'_>) -> Result<(), ScenarioError> {
        let channel = &self.channel;
        if let Err(invalid) = channel.settings().validate() {
            let advice = "see the bounds in docs/simulator.md, [channel]";
            return check.that(false, "channel", &format!("makes no channel ({invalid:?})"), advice);
        }
        let ppm = (-5_000..=5_000).contains(&channel.publisher_ppm);
        check.that(
            ppm,
            "channel.publisher-ppm",
            "is out of bounds",
            "give -5000 to 5000; crystals are off by 50",
        )?;
        let gop = (1..=10_000).contains(&channel.gop_frames);
        check.that(gop, "channel.gop-frames", "is out of bounds", "give 1 to 10000 frames")?;
        let ratio = (1.0..=100.0).contains(&channel.key_ratio);
        check.that(ratio, "channel.key-ratio", "is out of bounds", "give 1 to 100")?;
        let varies = (0.0..=0.9).contains(&channel.variation);
        check.that(varies, "channel.variation", "is out of bounds", "give 0 to 0.9")
    }

    fn validate_edges(&self, check: &Check<'_>) -> Result<(), ScenarioError> {
        let count = (1..=64).contains(&self.edges.len());
        check.that(count, "edges", "is no number of edges", "give 1 to 64 [[edges]]")?;
        for (index, edge) in self.edges.iter().enumerate() {
            let key = |field: &str| format!("edges[{index}].{field}");
            let capacity = (100_000..=100_000_000_000).contains(&edge.capacity_bps);
            check.that(
                capacity,
                key("capacity-bps"),
                "is out of bounds",
                "give 100000 (100 kbit/s) to 100 Gbit/s",
            )?;
            let reserves = [edge.rescue_share, edge.overhead_share, edge.burst_share];
            for share in reserves {
                check.share(share, key("rescue-share, overhead-share or burst-share"))?;
            }
            let reserved = reserves.iter().sum::<f64>() < 1.0;
            check.that(
                reserved,
                key("rescue-share"),
                "and the other shares leave nothing",
                "let them add up to less than 1",
            )?;
            let interval = edge.churn_interval_s > 0.0 && edge.churn_interval_s <= 3_600.0;
            check.that(
                interval,
                key("churn-interval-s"),
                "is out of bounds",
                "give more than 0, up to 3600 s",
            )?;
            let line = (0.01..=100.0).contains(&edge.line_ratio);
            check.that(line, key("line-ratio"), "is out of bounds", "give 0.01 to 100")?;
            let legacy = edge.legacy_bps < edge.capacity_bps;
            check.that(
                legacy,
                key("legacy-bps"),
                "takes all of the capacity",
                "give less than capacity-bps",
            )?;
            let alpha = (0.0..=100.0).contains(&edge.alpha);
            check.that(alpha, key("alpha"), "is out of bounds", "give 0 to 100")?;
            let hysteresis = (0.0..=f64::from(CLIENTS_MAX)).contains(&edge.hysteresis);
            check.that(hysteresis, key("hysteresis"), "is out of bounds", "give 0 to 65535 clients")?;
            if let Some(slope) = edge.slope {
                check.share(slope, key("slope"))?;
            }
            let clients = edge.clients_max.is_none_or(|max| (1..=CLIENTS_MAX).contains(&max));
            check.that(clients, key("clients-max"), "is out of bounds", "give 1 to 65535")?;
            self.validate_place(check, edge.region.as_deref(), edge.isp.as_deref(), &key("region or isp"))?;
        }
        Ok(())
    }

    fn validate_place(
        &self,
        check: &Check<'_>,
        region: Option<&str>,
        isp: Option<&str>,
        key: &str,
    ) -> Result<(), ScenarioError> {
        if let Some(name) = region {
            let is_known = self.network.regions.iter().any(|region| region.name == name);
            check.that(
                is_known,
                key,
                &format!("names region `{name}`, which there is not"),
                "add it to [[network.regions]]",
            )?;
        }
        if let Some(name) = isp {
            let is_known = self.network.isps.iter().any(|isp| isp.name == name);
            check.that(
                is_known,
                key,
                &format!("names ISP `{name}`, which there is not"),
                "add it to [[network.isps]]",
            )?;
        }
        Ok(())
    }

    fn validate_population(&self, check: &Check<'_>) -> Result<(), ScenarioError> {
        let population = &self.population;
        let initial = population.initial <= CLIENTS_MAX;
        check.that(initial, "population.initial", "is out of bounds", "give at most 65535 clients")?;
        let ramp = (0.0..=self.run.warm_up_s).contains(&population.ramp_s);
        check.that(
            ramp,
            "population.ramp-s",
            "is longer than run.warm-up-s",
            "let everybody join during the warm-up",
        )?;
        let joins = (0.0..=100.0).contains(&population.joins_per_minute);
        check.that(
            joins,
            "population.joins-per-minute",
            "is out of bounds",
            "give a share, as 0.1 for 10 % a minute",
        )?;
        let leaves = (0.0..=100.0).contains(&population.leaves_per_minute);
        check.that(
            leaves,
            "population.leaves-per-minute",
            "is out of bounds",
            "give a share, as 0.1 for 10 % a minute",
        )?;
        if let Some(until_s) = population.churn_until_s {
            check.span(until_s, "population.churn-until-s")?;
        }
        check.share(population.silent_share, "population.silent-share")?;
        check.share(population.mapped_right, "population.mapped-right")?;
        for (index, flash) in population.flash.iter().enumerate() {
            check.span(flash.at_s, format!("population.flash[{index}].at-s"))?;
            check.span(flash.over_s, format!("population.flash[{index}].over-s"))?;
            let clients = flash.clients <= CLIENTS_MAX;
            check.that(
                clients,
                format!("population.flash[{index}].clients"),
                "is out of bounds",
                "give at most 65535",
            )?;
        }
        for (index, sweep) in population.sweep.iter().enumerate() {
            check.span(sweep.at_s, format!("population.sweep[{index}].at-s"))?;
            check.span(sweep.over_s, format!("population.sweep[{index}].over-s"))?;
            let clients = sweep.clients <= CLIENTS_MAX;
            check.that(
                clients,
                format!("population.sweep[{index}].clients"),
                "is out of bounds",
                "give at most 65535",
            )?;
        }
        Ok(())
    }

    fn validate_hosts(&self, check: &Check<'_>) -> Result<(), ScenarioError> {
        let clients = &self.clients;
        check.shares(clients.uplinks.iter().map(|range| range.share), "clients.uplinks", true)?;
        for (index, range) in clients.uplinks.iter().enumerate() {
            let is_range = range.low >= 0.0 && range.low <= range.high && range.high <= 1_000.0;
            check.that(
                is_range,
                format!("clients.uplinks[{index}]"),
                "is no range",
                "let 0 <= low <= high <= 1000",
            )?;
        }
        let told = (0.0..=10.0).contains(&clients.told_share);
        check.that(told, "clients.told-share", "is out of bounds", "give 0 to 10; 1 tells the truth")?;
        check.that(
            clients.uplink_min_bps >= 8_000,
            "clients.uplink-min-bps",
            "is too little",
            "give at least 8000",
        )?;
        let downlink = clients.downlink_bps.is_none_or(|bps| bps >= 8_000);
        check.that(
            downlink,
            "clients.downlink-bps",
            "is too little",
            "give at least 8000, or leave it out",
        )?;
        let [least, most] = clients.rtt_ms;
        let rtt = 0.0 <= least && least <= most && most <= 60_000.0;
        check.that(
            rtt,
            "clients.rtt-ms",
            "is no range",
            "give [least, most] in milliseconds, up to 60000",
        )?;
        check.share(clients.udp_blocked_share, "clients.udp-blocked-share")?;
        check.share(clients.receive_only_share, "clients.receive-only-share")?;
        let peers = (1..=64).contains(&clients.peers_max);
        check.that(peers, "clients.peers-max", "is out of bounds", "give 1 to 64; 24 are plenty")?;
        check.shares(self.nat.iter().map(|nat| nat.share), "nat", false)?;
        for (index, nat) in self.nat.iter().enumerate() {
            let timeout = (1.0..=SECONDS_MAX).contains(&nat.mapping_timeout_s);
            check.that(
                timeout,
                format!("nat[{index}].mapping-timeout-s"),
                "is out of bounds",
                "give 1 s or more",
            )?;
            let hosts = (1..=1_000).contains(&nat.hosts_per_box);
            check.that(hosts, format!("nat[{index}].hosts-per-box"), "is out of bounds", "give 1 to 1000")?;
        }
        Ok(())
    }

    fn validate_network(&self, check: &Check<'_>) -> Result<(), ScenarioError> {
        let network = &self.network;
        check.share(network.loss, "network.loss")?;
        check.share(network.duplicate, "network.duplicate")?;
        if let Some(burst) = &network.burst_loss {
            check.share(burst.to_bad, "network.burst-loss.to-bad")?;
            check.share(burst.to_good, "network.burst-loss.to-good")?;
            check.share(burst.loss, "network.burst-loss.loss")?;
        }
        let jitter = (0.0..=10_000.0).contains(&network.jitter_ms);
        check.that(jitter, "network.jitter-ms", "is out of bounds", "give 0 to 10000 ms")?;
        if !network.regions.is_empty() {
            check.shares(network.regions.iter().map(|region| region.share), "network.regions", true)?;
        }
        for (index, region) in network.regions.iter().enumerate() {
            let key = format!("network.regions[{index}].delay-ms");
            let is_row = region.delay_ms.len() == network.regions.len();
            check.that(
                is_row,
                &key,
                "has not a delay for each region",
                "give one number per region, in the file's order",
            )?;
            let is_delay = region.delay_ms.iter().all(|delay| (0.0..=10_000.0).contains(delay));
            check.that(is_delay, &key, "is out of bounds", "give milliseconds from 0 to 10000")?;
        }
        if network.isps.is_empty() {
            return Ok(());
        }
        check.shares(network.isps.iter().map(|isp| isp.share), "network.isps", true)
    }

    fn validate_fault(
        &self,
        check: &Check<'_>,
        index: usize,
        fault: &FaultSpec,
    ) -> Result<(), ScenarioError> {
        let (at_s, for_s) = fault.span_s();
        check.span(at_s, format!("faults[{index}].at-s"))?;
        check.span(for_s, format!("faults[{index}].for-s"))?;
        let key = |field: &str| format!("faults[{index}].{field}");
        match fault {
            FaultSpec::EdgeUplink { edge, to_share, .. } => {
                check.share(*to_share, key("to-share"))?;
                self.validate_edge_index(check, *edge, &key("edge"))
            }
            FaultSpec::Partition { from, to, .. } => {
                self.validate_set(check, from, &key("from"))?;
                self.validate_set(check, to, &key("to"))
            }
            FaultSpec::Loss { share, .. } | FaultSpec::MassDeparture { share, .. } => {
                check.share(*share, key("share"))
            }
            FaultSpec::ClientUplink { to_share, .. } => check.share(*to_share, key("to-share")),
            FaultSpec::EdgeDrain { edge, .. } | FaultSpec::EdgeRestart { edge, .. } => {
                self.validate_edge_index(check, *edge, &key("edge"))
            }
        }
    }

    fn validate_set(&self, check: &Check<'_>, set: &HostSet, key: &str) -> Result<(), ScenarioError> {
        match set {
            HostSet::Edge(edge) => self.validate_edge_index(check, *edge, key),
            HostSet::Clients => Ok(()),
            HostSet::ClientShare(share) => check.share(*share, key),
            HostSet::Region(name) => self.validate_place(check, Some(name), None, key),
            HostSet::Isp(name) => self.validate_place(check, None, Some(name), key),
        }
    }

    fn validate_edge_index(&self, check: &Check<'_>, edge: usize, key: &str) -> Result<(), ScenarioError> {
        let count = self.edges.len();
        let advice = format!("count from 0; the last of {count} edges is {}", count.saturating_sub(1));
        check.that(edge < count, key, &format!("= {edge} is no edge"), &advice)
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
