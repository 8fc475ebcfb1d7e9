//! Writes tables of made regions and sites: `cargo run -p livesky-placement --example made -- 300 1 placement/data/made-300`
//! writes `placement/data/made-300-regions.csv` and `placement/data/made-300-sites.csv`.

use livesky_placement::input::made_tables;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(300);
    let seed = arguments.next().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let stem = arguments.next().unwrap_or_else(|| format!("made-{count}"));
    let made = made_tables(count, seed);
    std::fs::write(format!("{stem}-regions.csv"), made.regions)?;
    std::fs::write(format!("{stem}-sites.csv"), made.sites)
}
