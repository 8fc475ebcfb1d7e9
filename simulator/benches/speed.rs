//! Viewer-seconds simulated per core-second: `cargo bench -p livesky-sim --bench speed [-- large]`.

use livesky_sim::Scenario;

/// Viewers, seconds of warm-up, seconds in all, and the goal.
const SMALL: (u32, u32, u32, f64) = (500, 10, 40, 4_000.0);
const LARGE: (u32, u32, u32, f64) = (10_000, 20, 30, 2_000.0);

fn main() {
    let is_large = std::env::args().any(|argument| argument == "large");
    let sizes = if is_large { vec![SMALL, LARGE] } else { vec![SMALL] };
    for (viewers, warm_up_s, total_s, goal) in sizes {
        measure(viewers, warm_up_s, total_s, goal);
    }
}

fn measure(viewers: u32, warm_up_s: u32, total_s: u32, goal: f64) {
    let measure_s = total_s - warm_up_s;
    let ramp_s = warm_up_s - 2;
    let capacity_bps = u64::from(viewers) * 500_000;
    let text = format!(
        "name = \"speed\"\n[run]\nwarm-up-s = {warm_up_s}\nmeasure-s = {measure_s}\n\
         [population]\ninitial = {viewers}\nramp-s = {ramp_s}\n[[edges]]\ncapacity-bps = {capacity_bps}\n"
    );
    let Ok(scenario) = Scenario::parse(&text, "speed") else { return };
    let began_s = cpu_s();
    let results = livesky_sim::run(&scenario, 1, &mut |_| {});
    let took_s = cpu_s() - began_s;
    let totals = &results.totals;
    println!(
        "{viewers:6} viewers: {:8.0} viewer-seconds per core-second (goal {goal:.0}), {:.0} events and {:.0} datagrams a second, {took_s:.1} s",
        totals.viewer_s / took_s,
        totals.events as f64 / took_s,
        totals.datagrams_delivered as f64 / took_s,
    );
    println!("       continuity {:.5}, hash {}", results.quality.continuity, results.event_hash);
    if let Some(peak) = peak_memory_mib() {
        println!("       at most {peak} MiB of memory");
    }
}

/// Processor time of this process: other programs on the computer do not count. Where the system does not tell, the clock.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn cpu_s() -> f64 {
    static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let began = BEGAN.get_or_init(std::time::Instant::now);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses: fields 14 and 15 are ticks of 10 ms in user and system mode (proc(5)).
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    if ticks > 0.0 { ticks / 100.0 } else { began.elapsed().as_secs_f64() }
}

/// What Linux tells of this process.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1_024)
}
