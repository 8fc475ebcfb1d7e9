//! A channel of 400 kbit/s, an edge and a crowd of viewers in one process, over the loopback interface:
//! `cargo run --release -p livesky-std --example crowd -- 100 30` (viewers, seconds)

use core::error::Error;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::Arc;

use livesky_core::media::{ChannelName, Dts};
use livesky_core::relay::NewFrame;
use livesky_core::wire::SendReason;
use livesky_std::publisher::PublishedFrame;
use livesky_std::{
    EdgeOptions, Publisher, PublisherOptions, Runtime, Smol, UdpOptions, ViewerOptions, edge, join, publish,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let viewers = numbers.next().transpose()?.unwrap_or(50);
    let seconds = numbers.next().transpose()?.unwrap_or(30);
    smol::block_on(run(viewers, seconds))
}

async fn run(viewers: u64, seconds: u64) -> Result<(), Box<dyn Error>> {
    let any_port = (Ipv4Addr::LOCALHOST, 0).into();
    let channel = ChannelName::new("live1").ok_or("not a channel's name")?;
    let mut options = EdgeOptions::new(any_port, any_port);
    options.config.n1 = 10;
    let (edge, driver) = edge::bind::<Smol>(options)?;
    smol::spawn(driver).detach();
    let (publisher, driver) = publish::<Smol>(PublisherOptions::new(edge.tcp_addr(), channel.clone()));
    smol::spawn(driver).detach();
    smol::spawn(feed(publisher)).detach();
    Smol::sleep_until(Smol::now() + Duration::from_secs(3)).await;

    let mut crowd = Vec::new();
    for _ in 0..viewers {
        let socket = UdpOptions { receive_slots: 1, ..UdpOptions::default() };
        let options = ViewerOptions {
            upload_bps: 1_000_000,
            socket,
            ..ViewerOptions::new(edge.udp_addr(), channel.clone())
        };
        let (viewer, driver) = join::<Smol>(options)?;
        smol::spawn(driver).detach();
        crowd.push(viewer);
        Smol::sleep_until(Smol::now() + Duration::from_millis(100)).await;
    }
    Smol::sleep_until(Smol::now() + Duration::from_secs(seconds)).await;

    let snapshot = edge.snapshot(&channel).await.ok_or("the channel is gone")?;
    let reasons = [SendReason::Feed, SendReason::Burst, SendReason::Rescue, SendReason::Pull];
    let sent = reasons.map(|reason| snapshot.stats.media_bytes(reason));
    println!("edge: P0 {}, Nc {:.1}, {:?}", snapshot.channel.p0, snapshot.channel.nc, snapshot.channel.stage);
    println!("edge sent (feed, burst, rescue, pull): {sent:?}; {:?}; {:?}", snapshot.udp, snapshot.driver);
    let statuses: Vec<_> = crowd.iter().map(|viewer| viewer.status()).collect();
    let sum =
        |of: fn(&livesky_std::ViewerStatus) -> u64| statuses.iter().map(|status| of(status)).sum::<u64>();
    let [peers, edge_bytes] = [sum(|status| status.watch.bytes_peers), sum(|status| status.watch.bytes_edge)];
    println!("offload {:.3}", peers as f64 / (peers + edge_bytes).max(1) as f64);
    println!("duplicates {}", sum(|status| status.watch.bytes_duplicate));
    println!(
        "played {}, skipped {}, stalls {}",
        sum(|status| status.watch.frames_played.into()),
        sum(|status| status.watch.frames_skipped.into()),
        sum(|status| status.watch.stalls.into())
    );
    println!("startup ms {:?}", statuses.iter().map(|status| status.watch.startup_ms).max());
    println!("rounds {}", sum(|status| status.driver.rounds));
    println!("datagrams received {}", sum(|status| status.udp.datagrams_received));
    println!("receive calls {}, send calls {}", sum(|s| s.udp.receive_calls), sum(|s| s.udp.send_calls));
    Ok(())
}

/// 25 frames a second, a key frame each second.
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
