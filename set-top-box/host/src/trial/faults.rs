//! What goes wrong in a living room, and a box that lives through it.

use core::time::Duration;
use std::thread;

use livesky_stb_net::{Config, DhcpSettings, Switch};
use livesky_stb_settings::{Edge, EdgeHost};

use super::run::{Failure, Firmware, expect};
use super::settings;
use super::station::{CHANNEL, Film, Station};
use super::watching::{BUFFER_MS, House, ON_AIR};

/// How long the cable is out.
const UNPLUGGED: Duration = Duration::from_secs(5);
/// A lease that is renewed after half of it.
const SHORT_LEASE: Duration = Duration::from_secs(20);

/// The edge dies and comes back; the cable is pulled for 5 s; the lease gets another address.
pub(super) fn faults(firmware: &Firmware) -> Result<(), Failure> {
    let switch = Switch::start(Config::default())?;
    switch.set_dhcp(DhcpSettings { is_on: true, lease: SHORT_LEASE });
    let mut station = Station::start(&switch, 10)?;
    let file = Film::Clip.file()?;
    station.publish(&file, CHANNEL, BUFFER_MS)?;
    thread::sleep(ON_AIR);
    let config = settings::by_dhcp(station.by_name()?, CHANNEL)?;
    let mut house = House::boot(&switch, &firmware.drill, &config, 0, None)?;
    house.hear("playing after")?;

    station.kill_edge();
    house.hear("the edge does not answer")?;
    station.start_edge()?;
    house.hear("playing")?;
    println!("  plays again after the edge was gone");

    house.stb.heard();
    house.stb.set_link(false)?;
    thread::sleep(UNPLUGGED);
    house.hear("no link")?;
    house.stb.set_link(true)?;
    house.hear("all is well again")?;
    println!("  plays again after the cable was out");

    thread::sleep(Duration::from_secs(4));
    let before = switch.box_address(house.port);
    switch.change_lease(house.port).ok_or("no other address is free")?;
    house.hear("the address of the interface changed")?;
    house.hear("joined")?;
    thread::sleep(Duration::from_secs(4));
    expect(switch.box_address(house.port) != before, "it has another address")?;
    println!("  plays on at another address");
    let seen = house.leave(&switch)?;
    expect(seen.frames > 250, "it has seen much of the film")
}

/// A wrong channel, no DHCP server, no DNS answer, no edge: a line that says so, and the box goes on trying.
pub(super) fn troubles(firmware: &Firmware) -> Result<(), Failure> {
    let switch = Switch::start(Config::default())?;
    let mut station = Station::start(&switch, 10)?;
    station.publish(&Film::Clip.file()?, CHANNEL, BUFFER_MS)?;
    thread::sleep(ON_AIR);
    let nowhere = Edge { host: EdgeHost::Address(switch.network().gateway().into()), port: 9 };
    let good = settings::by_dhcp(station.by_name()?, CHANNEL)?;

    let wrong_channel = settings::by_dhcp(station.by_name()?, "nothing")?;
    let mut house = House::boot(&switch, &firmware.small, &wrong_channel, 0, None)?;
    house.hear("it has no such channel")?;
    lives(&mut house, "a wrong channel")?;

    let mut house = House::boot(&switch, &firmware.small, &settings::by_dhcp(nowhere, CHANNEL)?, 1, None)?;
    house.hear("the edge does not answer")?;
    lives(&mut house, "no edge")?;

    switch.set_dns(false);
    let mut house = House::boot(&switch, &firmware.small, &good, 2, None)?;
    house.hear("the name server does not answer")?;
    lives(&mut house, "no DNS answer")?;
    switch.set_dns(true);
    house.hear("playing after")?;

    switch.set_dhcp(DhcpSettings { is_on: false, ..DhcpSettings::default() });
    let mut house = House::boot(&switch, &firmware.small, &good, 3, None)?;
    house.hear("no DHCP server answers")?;
    lives(&mut house, "no DHCP server")?;
    switch.set_dhcp(DhcpSettings::default());
    house.hear("playing after").map(|_| ())
}

/// It does not reset.
fn lives(house: &mut House, trouble: &str) -> Result<(), Failure> {
    expect(house.stb.exit_status(Duration::from_secs(2)).is_none(), "it goes on trying")?;
    println!("  {trouble}: told, and borne");
    Ok(())
}
