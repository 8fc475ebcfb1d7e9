//! The figures of a run, in the order of the table: one list for the screen, the report and comparisons.

use super::value::{Better, Group, Unit, Value};
use crate::results::{BySource, EdgeRow, FaultRow, Results};

/// One figure of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is about.
    pub group: Group,
    /// Its name, unique in a run.
    pub label: String,
    /// In what it is counted.
    pub unit: Unit,
    /// Which way is the better one.
    pub better: Better,
    /// The value.
    pub value: Value,
}

/// All figures of a run. Which there are depends on the scenario alone, but for those of NAT pairs.
#[must_use]
pub fn figures(results: &Results) -> Vec<Figure> {
    let mut list = List::default();
    startup(&mut list, results);
    quality(&mut list, results);
    sources(&mut list, results);
    costs(&mut list, results);
    edges(&mut list, results);
    repairs(&mut list, results);
    nat(&mut list, results);
    for (index, fault) in results.faults.iter().enumerate() {
        trouble(&mut list, index, fault);
    }
    run(&mut list, results);
    list.0
}

#[derive(Default)]
struct List(Vec<Figure>);

impl List {
    fn add(&mut self, group: Group, label: impl Into<String>, unit: Unit, better: Better, value: Value) {
        self.0.push(Figure { group, label: label.into(), unit, better, value });
    }

    fn known(&mut self, group: Group, label: impl Into<String>, unit: Unit, better: Better, number: f64) {
        self.add(group, label, unit, better, Value::Known(number));
    }

    fn count(&mut self, group: Group, label: impl Into<String>, better: Better, count: u64) {
        self.known(group, label, Unit::Count, better, count as f64);
    }
}

fn startup(list: &mut List, results: &Results) {
    let startup = &results.startup;
    let percentiles = [
        ("startup p50", startup.p50_ms),
        ("startup p95", startup.p95_ms),
        ("startup p99", startup.p99_ms),
        ("startup, longest", startup.max_ms),
    ];
    for (label, ms) in percentiles {
        let value = Value::percentile(ms, startup.arrivals);
        list.add(Group::Startup, label, Unit::Ms, Better::Less, value);
    }
    list.count(Group::Startup, "arrivals", Better::Neither, startup.arrivals);
    list.count(Group::Startup, "started", Better::Neither, startup.started);
    list.count(Group::Startup, "refused at least once", Better::Less, startup.refused);
}

fn quality(list: &mut List, results: &Results) {
    let quality = &results.quality;
    let fractions = [
        ("continuity", quality.continuity),
        ("Q1", quality.q1),
        ("Q2", quality.q2),
        ("Q2, worst minute", quality.q2_worst_minute),
    ];
    for (label, fraction) in fractions {
        list.known(Group::Quality, label, Unit::Fraction, Better::More, fraction);
    }
    let worst = u64::from(quality.stalled_worst_minute);
    list.count(Group::Quality, "clients stalled, worst minute", Better::Less, worst);
    list.count(Group::Quality, "stalls", Better::Less, quality.stalls);
    list.known(Group::Quality, "time stalled", Unit::Seconds, Better::Less, quality.stalled_s);
    list.count(Group::Quality, "stalled in spite of 2 s buffered", Better::Less, quality.stalled_with_buffer);
    list.count(Group::Quality, "frames skipped", Better::Less, quality.frames_skipped);
    list.count(Group::Quality, "client-minutes", Better::Neither, quality.client_minutes);
}

fn sources(list: &mut List, results: &Results) {
    let (traffic, bounds) = (&results.traffic, &results.bounds);
    let percent = |list: &mut List, label: &str, better, share| {
        list.known(Group::Sources, label, Unit::Percent, better, share);
    };
    percent(list, "CDN share by bytes", Better::Less, traffic.cdn_share_bytes);
    percent(list, "CDN share by users", Better::Less, traffic.cdn_share_users);
    let scaling = format!("S of (7), interval {} s", bounds.churn_interval_s);
    list.add(Group::Sources, scaling, Unit::Percent, Better::Neither, Value::optional(bounds.scaling));
    percent(list, "best two levels", Better::Neither, bounds.two_levels);
    percent(list, "usable bound", Better::Neither, bounds.usable);
    percent(list, "fluid bound", Better::Neither, bounds.fluid);
    let BySource { burst, push, rescue, edge_pull, peers, peer_pull, legacy } = traffic.delivered;
    for (label, bytes) in [
        ("edge: bursts", burst),
        ("edge: push", push),
        ("edge: rescue", rescue),
        ("edge: pull", edge_pull),
        ("edge: legacy clients", legacy),
        ("peers: push", peers),
        ("peers: pull", peer_pull),
    ] {
        list.known(Group::Sources, label, Unit::Bytes, Better::Neither, bytes as f64);
    }
    let upload = Value::optional(results.uploads.p50);
    list.add(Group::Sources, "upload over rate, p50", Unit::Ratio, Better::Neither, upload);
    if !results.scenario.network.isps.is_empty() {
        percent(list, "cross-ISP share", Better::Less, traffic.cross_isp_share);
        percent(list, "cross-ISP share, edges'", Better::Less, traffic.cross_isp_share_edge);
        percent(list, "cross-ISP share, peers'", Better::Less, traffic.cross_isp_share_peers);
        percent(list, "cross-ISP share at random", Better::Neither, traffic.cross_isp_share_random);
    }
}

fn costs(list: &mut List, results: &Results) {
    let traffic = &results.traffic;
    for (label, share) in [
        ("control", traffic.control_share),
        ("duplicates", traffic.duplicate_share),
        ("headers", traffic.header_share),
    ] {
        list.known(Group::Costs, label, Unit::Percent, Better::Less, share);
    }
    let sent = traffic.sent_per_delivered;
    list.known(Group::Costs, "bytes sent per byte delivered", Unit::Ratio, Better::Less, sent);
}

fn edges(list: &mut List, results: &Results) {
    let sum = |of: fn(&EdgeRow) -> u64| results.edges.iter().map(of).sum::<u64>();
    let rate = |of: fn(&EdgeRow) -> f64| results.edges.iter().map(of).sum::<f64>();
    list.known(Group::Edges, "egress, mean", Unit::Bps, Better::Less, rate(|edge| edge.egress_bps_mean));
    list.known(
        Group::Edges,
        "egress, most in a second",
        Unit::Bps,
        Better::Less,
        rate(|edge| edge.egress_bps_max),
    );
    list.count(Group::Edges, "let in for push", Better::Neither, sum(|edge| edge.joins_push));
    list.count(Group::Edges, "let in for P2P", Better::Neither, sum(|edge| edge.joins_p2p));
    list.count(Group::Edges, "refusals", Better::Less, sum(|edge| edge.refusals));
    list.count(Group::Edges, "promotions", Better::Neither, sum(|edge| edge.promotions));
    list.count(Group::Edges, "demotions", Better::Neither, sum(|edge| edge.demotions));
    list.count(Group::Edges, "rescue leases", Better::Less, sum(|edge| edge.rescues));
    list.count(Group::Edges, "rescues refused", Better::Less, sum(|edge| edge.rescues_refused));
    let [mean, most] = off_target(results);
    list.add(Group::Edges, "Nc off its target, mean", Unit::Percent, Better::Less, mean);
    list.add(Group::Edges, "Nc off its target, most", Unit::Percent, Better::Less, most);
    list.count(Group::Edges, "stage changes", Better::Neither, sum(|edge| edge.stage_changes));
}

/// How far Nc is from its target after the warm-up, as a share of the target: on average and at most. A client's worth of
/// feeds is the least that counts.
fn off_target(results: &Results) -> [Value; 2] {
    let warm_up_s = results.scenario.run.warm_up_s;
    let rows = results.series.iter().filter(|row| row.at_s > warm_up_s && row.p0 > 0);
    let off: Vec<f64> = rows.map(|row| (row.nc - row.nc_target).abs() / row.nc_target.max(1.0)).collect();
    if off.is_empty() {
        return [Value::Absent; 2];
    }
    let most = off.iter().copied().fold(0.0, f64::max);
    [Value::Known(off.iter().sum::<f64>() / off.len() as f64), Value::Known(most)]
}

fn repairs(list: &mut List, results: &Results) {
    let repairs = &results.repairs;
    list.count(Group::Trouble, "feeds lost", Better::Neither, repairs.lost);
    list.count(Group::Trouble, "feeds repaired", Better::Neither, repairs.repaired);
    let percentiles = [
        ("repair p50", repairs.p50_ms),
        ("repair p95", repairs.p95_ms),
        ("repair p99", repairs.p99_ms),
        ("repair, longest", repairs.max_ms),
    ];
    for (label, ms) in percentiles {
        list.add(Group::Trouble, label, Unit::Ms, Better::Less, Value::percentile(ms, repairs.repaired));
    }
    let actions = &results.actions;
    for (label, count) in [
        ("feeders suspected", actions.suspicions),
        ("suspects that spoke again", actions.suspicions_false),
        ("feeders that fell behind", actions.lags),
        ("feeds stopped for want of uplink", actions.children_stopped),
        ("frames asked for", actions.pulls),
        ("redirects", actions.redirects),
    ] {
        list.count(Group::Trouble, label, Better::Neither, count);
    }
}

fn nat(list: &mut List, results: &Results) {
    let nat = &results.nat;
    if results.scenario.nat.is_empty() {
        return;
    }
    let share = Value::optional(nat.connected_share);
    list.add(Group::Trouble, "NAT pairs connected of those that can", Unit::Percent, Better::More, share);
    list.add(Group::Trouble, "NAT pairs, p95", Unit::Ms, Better::Less, Value::optional(nat.p95_ms));
    list.count(Group::Trouble, "NAT pairs introduced in vain", Better::Less, nat.introduced_in_vain);
}

fn trouble(list: &mut List, index: usize, fault: &FaultRow) {
    let of = |what: &str| format!("fault {} ({}): {what}", index + 1, fault.kind);
    list.count(Group::Trouble, of("clients hit"), Better::Neither, fault.clients);
    if fault.children > 0 {
        list.count(Group::Trouble, of("feeds slowed"), Better::Neither, fault.children);
        list.count(Group::Trouble, of("of those moved"), Better::Neither, fault.children_moved);
        list.count(Group::Trouble, of("moved within 3 s"), Better::Neither, fault.children_moved_soon);
        let moved = Value::percentile(fault.moved_after_s, fault.children_moved);
        list.add(Group::Trouble, of("last of those moved after"), Unit::Seconds, Better::Less, moved);
        let behind = Value::optional(fault.stayed_behind_ms.map(|ms| ms as f64));
        list.add(Group::Trouble, of("those that stayed, most behind"), Unit::Ms, Better::Less, behind);
    }
    let healed = fault.healed_after_s.map_or(Value::Never, Value::Known);
    list.add(Group::Trouble, of("everybody plays after"), Unit::Seconds, Better::Less, healed);
    list.count(Group::Trouble, of("viewers stalled"), Better::Less, fault.stalled);
    list.count(
        Group::Trouble,
        of("stalled in spite of 2 s buffered"),
        Better::Less,
        fault.stalled_with_buffer,
    );
}

fn run(list: &mut List, results: &Results) {
    let totals = &results.totals;
    list.known(Group::Run, "virtual time", Unit::Seconds, Better::Neither, totals.simulated_s);
    list.count(Group::Run, "viewers at most", Better::Neither, u64::from(totals.viewers_max));
    list.known(Group::Run, "viewer-seconds", Unit::Count, Better::Neither, totals.viewer_s.round());
    list.count(Group::Run, "events", Better::Neither, totals.events);
    list.count(Group::Run, "datagrams sent", Better::Neither, totals.datagrams_sent);
    list.count(Group::Run, "datagrams lost", Better::Neither, totals.datagrams_lost);
    list.count(Group::Run, "datagrams dropped by full queues", Better::Neither, totals.datagrams_dropped);
    list.count(Group::Run, "rules broken", Better::Less, results.violations_count);
}
