//! A switch for QEMUs started by hand: `cargo run --example switch -- [boxes] [capture.pcap]`.

use core::time::Duration;
use std::path::Path;
use std::thread;

use livesky_stb_net::{Config, Switch};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let boxes = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let switch = Switch::start(Config::default())?;
    if let Some(path) = arguments.next() {
        switch.capture(Path::new(&path))?;
    }
    let ports = (0..boxes).map(|_| switch.add_port()).collect::<Result<Vec<_>, _>>()?;
    for (index, port) in ports.iter().enumerate() {
        let netdev = switch.netdev(*port, "net");
        println!("cargo xtask stb run --number {index} --netdev {netdev}");
    }
    println!("Linux is {}, also as edge.livesky.test. Ctrl-C ends.", switch.network().gateway());
    let mut printed = Vec::new();
    loop {
        thread::sleep(Duration::from_secs(2));
        let seen: Vec<_> =
            ports.iter().map(|port| (switch.box_address(*port), switch.counters(*port))).collect();
        if seen != printed {
            for (port, (address, counters)) in ports.iter().zip(&seen) {
                let address = address.map_or("no address".to_owned(), |address| address.to_string());
                let (from, to) = (counters.from_box.passed, counters.to_box.passed);
                println!("port {}: {address}, {from} frames from the box, {to} to it", port.index());
            }
            printed = seen;
        }
    }
}
