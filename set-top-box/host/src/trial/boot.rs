//! The board alone: does it start, speak, sleep, and end as it should?

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::net::UdpSocket;
use std::thread;

use livesky_stb_settings::{Edge, EdgeHost};

use super::run::{Failure, Firmware, expect};
use super::settings::{self, ECHO};
use crate::log::{Level, LogLine};
use crate::qemu::{Cable, RunningBox, now};

/// The host on QEMU's own network.
const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// What the firmware ends with: `Status` in set-top-box/src/board/virt/exit.rs.
const SUCCESS: i32 = 0;
const PANIC: i32 = 101;
const WATCHDOG: i32 = 102;
const STACK_OVERFLOW: i32 = 103;
const NO_SETTINGS: i32 = 106;

/// Datagrams sent at once: more than a newcomer's burst.
const BURST: usize = 150;
/// Short, since Linux's own queue holds 92 datagrams of 1,200 bytes unless told otherwise (net.core.rmem_default).
const DATAGRAM_LEN: usize = 200;
/// Far longer than anything takes on an idle machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the box is left alone, and the share of a processor that it may use then.
const IDLE: Duration = Duration::from_secs(2);
const IDLE_SHARE_MAX: f64 = 0.25;

/// DHCP, a greeting, a burst there and back, idleness, and an end by request.
pub(super) fn boot(firmware: &Firmware) -> Result<(), Failure> {
    let host = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    host.set_read_timeout(Some(PATIENCE))?;
    let edge = Edge { host: EdgeHost::Address(IpAddr::V4(HOST)), port: host.local_addr()?.port() };
    let mut stb = RunningBox::boot(&firmware.drill, &settings::by_dhcp(edge, ECHO)?, &Cable::to_host())?;

    let mut datagram = [0; 1500];
    let (_, address) = host.recv_from(&mut datagram)?;
    println!("first datagram after {} ms", stb.started().elapsed().as_millis());
    host.send_to(b"ping", address)?;
    let (len, _) = host.recv_from(&mut datagram)?;
    println!("first echo after {} ms", stb.started().elapsed().as_millis());
    expect(datagram.get(..len) == Some(b"ping"), "the echo is what was sent")?;
    stb.wait_for(|line| line.text.starts_with("address 10.0.2.15"), PATIENCE)?;

    for number in 0..BURST {
        let mut datagram = [0; DATAGRAM_LEN];
        datagram[..8].copy_from_slice(&number.to_le_bytes());
        host.send_to(&datagram, address)?;
    }
    host.set_read_timeout(Some(Duration::from_secs(2)))?;
    let echoed = (0..BURST).take_while(|_| host.recv_from(&mut datagram).is_ok()).count();
    println!("{echoed} of a burst of {BURST} came back");
    expect(echoed == BURST, "nothing of a burst is lost")?;

    let before = stb.cpu_time().ok_or("no processor time")?;
    thread::sleep(IDLE);
    let used = stb.cpu_time().ok_or("no processor time")?.saturating_sub(before);
    let share = used.as_secs_f64() / IDLE.as_secs_f64();
    println!("idle, it uses {:.1} % of a processor", share * 100.0);
    expect(share <= IDLE_SHARE_MAX, "it sleeps when idle")?;

    host.send_to(b"quit", address)?;
    expect(stb.exit_status(PATIENCE) == Some(SUCCESS), "it ends when told to")?;
    let loudest = stb.heard().iter().filter_map(|line| line.level).max();
    expect(loudest <= Some(Level::Info), "nothing to complain about")
}

/// Each way to fail has its own status and its line in the log.
pub(super) fn drill(firmware: &Firmware) -> Result<(), Failure> {
    for (channel, status, words) in [
        ("drill-panic", PANIC, "panic at src/drill/failures.rs"),
        ("drill-overflow", STACK_OVERFLOW, "stack overflow at 0x401f"),
        ("drill-hang", WATCHDOG, "watchdog: not fed for 5 s"),
    ] {
        let edge = Edge { host: EdgeHost::Address(IpAddr::V4(HOST)), port: 9 };
        fails(firmware, &settings::by_dhcp(edge, channel)?, status, words)?;
    }
    records(firmware)?;
    fails(firmware, &[], NO_SETTINGS, "no settings: nothing is written there")?;
    fails(firmware, b"LSTB\x01\x00\x00\x00\x00\x00\x00\x00", NO_SETTINGS, "the checksum is wrong")
}

/// What the firmware writes through semihosting is a file on this side.
fn records(firmware: &Firmware) -> Result<(), Failure> {
    let edge = Edge { host: EdgeHost::Address(IpAddr::V4(HOST)), port: 9 };
    let config = settings::by_dhcp(edge, "drill-record")?;
    let mut stb = RunningBox::boot(&firmware.drill, &config, &Cable::to_host())?;
    expect(stb.exit_status(PATIENCE) == Some(SUCCESS), "the recording ends well")?;
    let recorded = std::fs::read(stb.folder().join("recorded"))?;
    let expected: Vec<u8> = (0..=u8::MAX).flat_map(|part| [part; 188]).collect();
    expect(recorded == expected, "the recording is what was written")
}

fn fails(firmware: &Firmware, config: &[u8], status: i32, words: &str) -> Result<(), Failure> {
    let mut stb = RunningBox::boot(&firmware.drill, config, &Cable::to_host())?;
    let is_it = |line: &LogLine| line.level == Some(Level::Error) && line.text.contains(words);
    let started = now();
    let line = stb.wait_for(is_it, PATIENCE).map_err(|error| format!("`{words}`: {error}"))?;
    let ended = stb.exit_status(PATIENCE);
    println!("{} (status {ended:?}, {} ms)", line.text, started.elapsed().as_millis());
    expect(ended == Some(status), "the status tells what happened")
}
