//! Boxes on the switch of `set-top-box/net`: names, cables, neighbours.

use core::net::SocketAddr;
use core::time::Duration;
use std::net::UdpSocket;
use std::thread;

use livesky_stb_net::{Config, DhcpEvent, DhcpStep, Switch, SwitchHandle};
use livesky_stb_settings::{Edge, EdgeHost, HostName};

use super::run::{Failure, Firmware, expect};
use super::settings::{self, ECHO};
use crate::qemu::{Cable, NETDEV_ID, RunningBox};

/// Far longer than anything takes on an idle machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the cable is out.
const UNPLUGGED: Duration = Duration::from_secs(2);
/// The name that the switch's DNS server knows.
const EDGE_NAME: &str = "edge.livesky.test";
/// What the echo greets with, and what ends it: set-top-box/src/drill/echo.rs.
const GREETING: &[u8] = b"livesky-stb";
const FAREWELL: &[u8] = b"quit";

/// Two boxes find a Linux process by its name; one of them loses its cable and comes back.
pub(super) fn network(firmware: &Firmware) -> Result<(), Failure> {
    let switch = Switch::start(Config::default())?;
    let host = UdpSocket::bind((switch.network().gateway(), 0))?;
    let edge = Edge { host: EdgeHost::Name(HostName::new(EDGE_NAME)?), port: host.local_addr()?.port() };
    let config = settings::by_dhcp(edge, ECHO)?;
    let mut boxes = Vec::new();
    for number in 0..2 {
        let port = switch.add_port()?;
        let cable = Cable::new(switch.netdev(port, NETDEV_ID), number);
        let mut stb = RunningBox::boot(&firmware.drill, &config, &cable)?;
        let found = stb.wait_for(|line| line.text.starts_with(EDGE_NAME), PATIENCE)?;
        let address = greeted(&host)?;
        println!("{}; box {number} is {address}", found.text);
        expect(
            switch.box_address(port).is_some_and(|known| address.ip() == known),
            "its address is its own",
        )?;
        expect(echoes(&host, address)?, "datagrams go there and back")?;
        boxes.push((stb, address));
    }
    let [(first, address), (_, neighbour)] = boxes.as_mut_slice() else {
        return Err("two boxes were booted".into());
    };
    expect(address.ip() != neighbour.ip(), "two boxes have two addresses")?;

    let asked_before = discoveries(&switch);
    first.set_link(false)?;
    thread::sleep(UNPLUGGED);
    expect(!echoes(&host, *address)?, "without a cable nothing comes")?;
    expect(echoes(&host, *neighbour)?, "the other box has its own cable")?;
    first.set_link(true)?;
    let is_back = (0..40).any(|_| echoes(&host, *address).unwrap_or(false));
    expect(is_back, "with its cable the box comes back")?;
    // Its lease holds for an hour: only a box that was told of its cable asks anew.
    expect(discoveries(&switch) > asked_before, "the box notices its cable")?;

    for (stb, address) in &mut boxes {
        host.send_to(FAREWELL, *address)?;
        expect(stb.exit_status(PATIENCE) == Some(0), "each ends when told to")?;
    }
    Ok(())
}

fn discoveries(switch: &SwitchHandle) -> usize {
    let discovered = |event: &DhcpEvent| event.step == DhcpStep::Discovered;
    switch.dhcp_events().iter().filter(|event| discovered(event)).count()
}

fn greeted(host: &UdpSocket) -> Result<SocketAddr, Failure> {
    host.set_read_timeout(Some(PATIENCE))?;
    let mut datagram = [0; 1500];
    let (len, from) = host.recv_from(&mut datagram)?;
    expect(datagram.get(..len) == Some(GREETING), "the box greets")?;
    Ok(from)
}

/// Whether a datagram comes back within half a second; what else arrives meanwhile is left out.
fn echoes(host: &UdpSocket, address: SocketAddr) -> Result<bool, Failure> {
    host.set_read_timeout(Some(Duration::from_millis(500)))?;
    host.send_to(b"ping", address)?;
    let mut datagram = [0; 1500];
    while let Ok((len, from)) = host.recv_from(&mut datagram) {
        if from == address && datagram.get(..len) == Some(b"ping") {
            return Ok(true);
        }
    }
    Ok(false)
}
