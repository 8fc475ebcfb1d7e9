//! What a viewer costs an edge in memory. The edge is a process of its own (this program with `--role edge`); the publisher and
//! the viewers live in the first one.
//!
//! `cargo bench -p livesky --bench memory -- --viewers 100 --seconds 60 --rounds 10` are the defaults: four minutes.

#![allow(clippy::cast_precision_loss, reason = "small numbers of a bench")]

use core::error::Error;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use livesky_core::edge::{ClientRecord, ClientSlot, Reservation};
use livesky_core::link::Link;
use livesky_core::media::{ChannelName, ChannelSettings, Dts};
use livesky_core::relay::NewFrame;
use livesky_core::store::{AddressIndex, AddressSlot, WheelSlot};
use livesky_std::publisher::PublishedFrame;
use livesky_std::{
    EdgeOptions, Publisher, PublisherOptions, Runtime, Smol, ViewerHandle, ViewerOptions, edge, join, publish,
};

type Anything<T> = Result<T, Box<dyn Error>>;

/// A buffer short enough that the edge holds all the frames it ever will before the viewers come: they are held once for all.
const TARGET_BUFFER_MS: u32 = 4_000;
/// Frames in the channel's log: 10 s.
const LOG_FRAMES: usize = 250;
/// Until the frames held, and what the allocator holds for them, have stopped growing.
const WARM_UP: Duration = Duration::from_secs(25);
/// Viewers come one after the other.
const JOIN_EVERY: Duration = Duration::from_millis(40);
/// How long they stay when they come and go.
const STAY: Duration = Duration::from_secs(5);
/// Until the edge has forgotten those who left.
const GONE: Duration = Duration::from_secs(2);
/// Pages are 4 KiB where `/proc/self/statm` counts them, as far as this bench knows.
const PAGE_KIB: f64 = 4.0;

struct Plan {
    viewers: usize,
    seconds: u64,
    rounds: usize,
}

fn main() -> Anything<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str, default: u64| -> Anything<u64> {
        let value = arguments.iter().skip_while(|argument| *argument != flag).nth(1);
        Ok(value.map(|value| value.parse()).transpose()?.unwrap_or(default))
    };
    if arguments.windows(2).any(|pair| pair == ["--role", "edge"]) {
        return serve();
    }
    if !fs::exists("/proc/self/statm")? {
        eprintln!("memory: skipped, this system has no /proc/self/statm");
        return Ok(());
    }
    let plan = Plan {
        viewers: usize::try_from(number("--viewers", 100)?)?,
        seconds: number("--seconds", 60)?,
        rounds: usize::try_from(number("--rounds", 10)?)?,
    };
    let mut edge = Command::new(std::env::current_exe()?)
        .args(["--role", "edge"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let measured = smol::block_on(measure(&plan, &mut edge));
    edge.kill()?;
    edge.wait()?;
    measured
}

/// The edge's side: says its addresses and serves until it is ended.
fn serve() -> Anything<()> {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = EdgeOptions { log_frames_max: LOG_FRAMES, ..EdgeOptions::new(any_port, any_port) };
    let (handle, driver) = edge::bind::<Smol>(options)?;
    println!("{} {}", handle.udp_addr(), handle.tcp_addr());
    smol::block_on(driver)?;
    drop(handle);
    Ok(())
}

async fn measure(plan: &Plan, edge: &mut Child) -> Anything<()> {
    let mut line = String::new();
    BufReader::new(edge.stdout.take().ok_or("the edge says nothing")?).read_line(&mut line)?;
    let (udp, tcp) = line.trim().split_once(' ').ok_or("the edge says no addresses")?;
    let (udp, tcp): (SocketAddr, SocketAddr) = (udp.parse()?, tcp.parse()?);
    let channel = ChannelName::new("live1").ok_or("not a channel's name")?;
    let settings = ChannelSettings { target_buffer_ms: TARGET_BUFFER_MS, ..ChannelSettings::default() };
    let options = PublisherOptions { settings, ..PublisherOptions::new(tcp, channel.clone()) };
    let (publisher, driver) = publish::<Smol>(options);
    smol::spawn(driver).detach();
    smol::spawn(feed(publisher)).detach();
    pause(WARM_UP).await;

    let before = resident_kib(edge.id()).await?;
    print("edge_memory_before_viewers_kib", before, "KiB");
    let crowd = gather(plan.viewers, udp, &channel).await?;
    pause(Duration::from_secs(plan.seconds)).await;
    let playing = crowd.iter().filter(|viewer| viewer.status().watch.frames_played > 0).count();
    let with_viewers = resident_kib(edge.id()).await?;
    dismiss(crowd).await;
    if playing < plan.viewers {
        return Err(format!("only {playing} of {} viewers play", plan.viewers).into());
    }
    let viewers = plan.viewers.max(1) as f64;
    print("edge_memory_growth_per_viewer_kib", (with_viewers - before).max(0.0) / viewers, "KiB");
    let all = (with_viewers - before).max(0.0) / viewers + lent_kib();
    print("edge_memory_per_viewer_kib", all, "KiB");

    for round in 0..plan.rounds {
        let crowd = gather(plan.viewers, udp, &channel).await?;
        pause(STAY).await;
        dismiss(crowd).await;
        eprintln!("round {}: {} KiB", round + 1, resident_kib(edge.id()).await?);
    }
    pause(STAY).await;
    let after = resident_kib(edge.id()).await?;
    print("edge_memory_left_behind_kib", (after - before).max(0.0), "KiB");
    Ok(())
}

/// What an edge lends to one viewer before it comes, so that its coming does not show: slot, record, link, address, timer,
/// place among the suppliers of a channel, and reservation.
fn lent_kib() -> f64 {
    let addresses = AddressIndex::slots_for(1_000) as f64 / 1_000.0 * size_of::<AddressSlot>() as f64;
    let slots = size_of::<ClientSlot>() + size_of::<ClientRecord>() + size_of::<Link>();
    let places = size_of::<WheelSlot>() + size_of::<u32>() + size_of::<Reservation>();
    ((slots + places) as f64 + addresses) / 1_024.0
}

async fn gather(count: usize, edge: SocketAddr, channel: &ChannelName) -> Anything<Vec<ViewerHandle>> {
    let mut crowd = Vec::new();
    for _ in 0..count {
        let options = ViewerOptions { upload_bps: 600_000, ..ViewerOptions::new(edge, channel.clone()) };
        let (viewer, driver) = join::<Smol>(options)?;
        smol::spawn(driver).detach();
        crowd.push(viewer);
        pause(JOIN_EVERY).await;
    }
    Ok(crowd)
}

async fn dismiss(crowd: Vec<ViewerHandle>) {
    for viewer in &crowd {
        viewer.leave().await;
    }
    drop(crowd);
    pause(GONE).await;
}

/// The median of what a process holds over two seconds.
async fn resident_kib(process: u32) -> Anything<f64> {
    let mut samples = Vec::new();
    for _ in 0..9 {
        let statm = fs::read_to_string(format!("/proc/{process}/statm"))?;
        let pages = statm.split_whitespace().nth(1).ok_or("statm has no second column")?;
        samples.push(pages.parse::<f64>()? * PAGE_KIB);
        pause(Duration::from_millis(250)).await;
    }
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().ok_or_else(|| "no samples".into())
}

/// 400 kbit/s: 25 frames a second, a key frame each second.
async fn feed(publisher: Publisher) {
    let began = Smol::now();
    for number in 0_u32.. {
        Smol::sleep_until(began + Duration::from_millis(40) * number).await;
        let key = number.is_multiple_of(25);
        let bytes: Arc<[u8]> = vec![0x47; if key { 10_000 } else { 1_660 }].into();
        let dts = Dts::from_ticks(u64::from(number) * 3_600);
        let frame = NewFrame { dts, pts_offset_ticks: 0, len: 0, key };
        if publisher.send(PublishedFrame { frame, bytes }).await.is_err() {
            return;
        }
    }
}

async fn pause(span: Duration) {
    Smol::sleep_until(Smol::now() + span).await;
}

fn print(name: &str, value: f64, unit: &str) {
    println!(r#"{{"name":"{name}","value":{value:.2},"unit":"{unit}"}}"#);
}
