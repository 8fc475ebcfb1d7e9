//! What passes through a switch: `cargo run --release --example throughput -- [Mbit/s] [seconds]`. Frames with 1,200 bytes of
//! payload from box to box, paced: how many arrive, and how late a delay of 20 ms ends.
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use core::net::SocketAddr;
use core::time::Duration;
use std::net::UdpSocket;
use std::thread;
use std::time::Instant;

use livesky_stb_net::{Config, Direction, Impairment, PortId, Switch, SwitchHandle};

const PAYLOAD_LEN: usize = 1_200;
const DELAY: Duration = Duration::from_millis(20);

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let rate_mbps = arguments.next().unwrap_or(20).max(1);
    let span = Duration::from_secs(arguments.next().unwrap_or(5).max(1));
    let switch = Switch::start(Config::default())?;
    let ports = [switch.add_port()?, switch.add_port()?];
    let spacing = Duration::from_nanos(PAYLOAD_LEN as u64 * 8_000 / rate_mbps);
    let (sent, mut late_us) = run(&switch, ports, spacing, span)?;
    late_us.sort_unstable();
    let arrived = late_us.len();
    let at = |part: usize| late_us.get(arrived * part / 1_000).copied().unwrap_or(0);
    println!("{rate_mbps} Mbit/s for {} s, box to box: {sent} sent, {arrived} arrived", span.as_secs());
    println!(
        "late after {DELAY:?}: half {} us, 90 % {} us, 99 % {} us, 99.9 % {} us",
        at(500),
        at(900),
        at(990),
        at(999)
    );
    Ok(())
}

/// Sends frames from one port to the other; how many, and how late each came.
fn run(
    switch: &SwitchHandle,
    [from, to]: [PortId; 2],
    spacing: Duration,
    span: Duration,
) -> std::io::Result<(u64, Vec<u64>)> {
    let plug = |port| -> std::io::Result<UdpSocket> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(switch.port_address(port).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9))))?;
        Ok(socket)
    };
    let (sender, receiver) = (plug(from)?, plug(to)?);
    let mut frame = vec![0; 42 + PAYLOAD_LEN];
    frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
    // The receiver makes itself known.
    receiver.send(&frame)?;
    thread::sleep(Duration::from_millis(50));
    frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
    switch.set_impairment(from, Direction::FromBox, Impairment { delay: DELAY, ..Impairment::CLEAR });
    receiver.set_read_timeout(Some(Duration::from_millis(500)))?;
    let begun = Instant::now();
    let reading = thread::spawn(move || {
        let mut bytes = [0; 2_048];
        let mut late_us = Vec::new();
        while receiver.recv(&mut bytes).is_ok() {
            let Some(Ok(stamp)) = bytes.get(42..50).map(TryInto::try_into) else { break };
            let sent_at = Duration::from_nanos(u64::from_be_bytes(stamp));
            let late = begun.elapsed().saturating_sub(sent_at + DELAY);
            late_us.push(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
        }
        late_us
    });
    let mut sent = 0;
    let mut next = Duration::ZERO;
    while begun.elapsed() < span {
        thread::sleep(next.saturating_sub(begun.elapsed()));
        let now = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        frame[42..50].copy_from_slice(&now.to_be_bytes());
        sender.send(&frame)?;
        sent += 1;
        next += spacing;
    }
    let late_us = reading.join().unwrap_or_default();
    Ok((sent, late_us))
}
