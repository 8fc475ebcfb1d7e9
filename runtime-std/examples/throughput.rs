//! How many datagrams of full length a socket of this crate sends and receives on the loopback interface, in trains of 1 to 40
//! to one destination: `cargo run --release -p livesky-std --example throughput`

use core::error::Error;
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::Poll;
use core::time::Duration;

use livesky_core::Path;
use livesky_std::{Runtime, Smol, Udp, UdpOptions};
use smol::future::or;

const DATAGRAM_LEN: usize = 1_174;
const SPAN: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn Error>> {
    let options = UdpOptions { receive_slots: 16, ..UdpOptions::default() };
    for train in [1, 2, 8, 40] {
        let bind = || Udp::<Smol>::bind((Ipv4Addr::LOCALHOST, 0).into(), &options);
        let (mut from, mut sink, mut idle) = (bind()?, bind()?, bind()?);
        let paths = [Path::to(sink.local_addr()), Path::to(idle.local_addr())];
        let until = Smol::now() + SPAN;
        let receiver = std::thread::spawn(move || {
            smol::block_on(or(receive(&mut sink), or(receive(&mut idle), Smol::sleep_until(until))));
            sink.stats().datagrams_received + idle.stats().datagrams_received
        });
        smol::block_on(async {
            let mut count = 0_usize;
            while Smol::now() < until {
                while let Some(room) = from.room() {
                    if let Some(datagram) = room.get_mut(..DATAGRAM_LEN) {
                        datagram.fill(1);
                    }
                    // Another destination ends a train.
                    let [first, second] = paths;
                    from.push(if (count / train).is_multiple_of(2) { first } else { second }, DATAGRAM_LEN);
                    count += 1;
                }
                poll_fn(|cx| from.poll_flush(cx, Smol::now())).await?;
            }
            Ok::<_, std::io::Error>(())
        })?;
        let received = receiver.join().map_err(|_| "the receiver panicked")?;
        let mpps = |count: u64| count as f64 / SPAN.as_secs_f64() / 1e6;
        println!(
            "trains of {train}: {:.2} Mpps sent ({:.2} calls/µs), {:.2} Mpps received",
            mpps(from.stats().datagrams_sent),
            mpps(from.stats().send_calls),
            mpps(received)
        );
    }
    Ok(())
}

async fn receive(udp: &mut Udp<Smol>) {
    loop {
        let received = poll_fn(|cx| udp.poll_receive(cx, Smol::now(), &mut |_, _| {})).await;
        if received.is_err() {
            return poll_fn(|_| Poll::Pending).await;
        }
        smol::future::yield_now().await;
    }
}
