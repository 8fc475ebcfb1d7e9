//! An edge for clients (UDP) and publishers (TCP) on one port, reporting every two seconds:
//! `cargo run -p livesky-std --example edge -- 127.0.0.1:7000`

use core::error::Error;
use core::net::SocketAddr;
use core::time::Duration;

use livesky_std::{EdgeHandle, EdgeOptions, Runtime, Smol, edge};

fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = std::env::args().nth(1).ok_or("usage: edge ADDRESS:PORT")?.parse()?;
    let (handle, driver) = edge::bind::<Smol>(EdgeOptions::new(address, address))?;
    eprintln!("clients at {}, publishers at {}", handle.udp_addr(), handle.tcp_addr());
    let reporting = smol::spawn(report(handle));
    let ended = smol::block_on(driver)?;
    eprintln!("{ended:?}");
    drop(reporting);
    Ok(())
}

async fn report(edge: EdgeHandle) {
    loop {
        Smol::sleep_until(Smol::now() + Duration::from_secs(2)).await;
        for channel in edge.channels().await {
            let Some(snapshot) = edge.snapshot(&channel.name).await else { continue };
            let (edge_bytes, peer_bytes) = snapshot.clients.iter().fold((0, 0), |(edge, peers), client| {
                (edge + client.watch.bytes_edge, peers + client.watch.bytes_peers)
            });
            eprintln!(
                "{}: {} viewers, {:.1} of them fed by the edge, {:?}, {edge_bytes} B from the edge, \
                 {peer_bytes} B from peers",
                channel.name.as_str(),
                channel.p0,
                channel.nc,
                channel.stage
            );
        }
    }
}
