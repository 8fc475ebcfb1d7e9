use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::time::Duration;

use smol::future::FutureExt;

use super::*;
use crate::smol::Smol;

fn bind(options: &UdpOptions) -> Udp<Smol> {
    Udp::bind((Ipv4Addr::LOCALHOST, 0).into(), options).unwrap()
}

/// Sends one datagram of each length, filled with its number, and returns what arrives within the time.
fn exchange(
    from: &mut Udp<Smol>,
    to: &mut Udp<Smol>,
    remote: SocketAddr,
    lens: &[usize],
) -> Vec<(Path, Vec<u8>)> {
    let mut arrived = Vec::new();
    let work = poll_fn(|cx| {
        let now = Smol::now();
        while to.poll_receive(cx, now, &mut |path, bytes| arrived.push((path, bytes.to_vec()))).is_ready() {}
        if arrived.len() >= lens.len() { Poll::Ready(()) } else { Poll::Pending }
    });
    smol::block_on(async {
        for (number, &len) in lens.iter().enumerate() {
            if from.room().is_none() {
                poll_fn(|cx| from.poll_flush(cx, Smol::now())).await.unwrap();
            }
            from.room().unwrap()[..len].fill(u8::try_from(number % 251).unwrap());
            from.push(Path { ecn: Ecn::Capable0, ..Path::to(remote) }, len);
        }
        poll_fn(|cx| from.poll_flush(cx, Smol::now())).await.unwrap();
        let out_of_time = async {
            smol::Timer::after(Duration::from_millis(500)).await;
        };
        work.or(out_of_time).await;
    });
    arrived
}

#[test]
fn trains_arrive_as_the_datagrams_they_are_made_of() {
    let (mut from, mut to) = (bind(&UdpOptions::default()), bind(&UdpOptions::default()));
    let mut lens = vec![1_174; 100];
    lens.extend([300, 1_200, 1_200, 1, 7]);
    let remote = to.local_addr();
    let arrived = exchange(&mut from, &mut to, remote, &lens);
    assert_eq!(arrived.iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>(), lens);
    for (number, (path, bytes)) in arrived.iter().enumerate() {
        assert_eq!(path.remote, from.local_addr());

        assert!(bytes.iter().all(|&byte| usize::from(byte) == number % 251), "datagram {number}");
    }
    let (sent, received) = (from.stats(), to.stats());
    assert_eq!((sent.datagrams_sent, received.datagrams_received), (105, 105));
    assert_eq!(sent.bytes_sent, received.bytes_received);
    if from.port.state.max_gso_segments() > 1 {
        assert!(sent.send_calls <= 6, "{sent:?}");
    }
    if to.port.state.gro_segments() > 1 && from.port.state.max_gso_segments() > 1 {
        assert!(received.receive_calls <= 6, "{received:?}");
    }
}

#[test]
fn ipv4_peers_of_an_ipv6_socket_are_told_as_ipv4() {
    let Ok(mut edge) = Udp::<Smol>::bind("[::]:0".parse().unwrap(), &UdpOptions::default()) else { return };
    let mut viewer = bind(&UdpOptions::default());
    let edge_at = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), edge.local_addr().port());
    let arrived = exchange(&mut viewer, &mut edge, edge_at, &[10]);
    assert_eq!(arrived[0].0.remote, viewer.local_addr());
    assert_eq!(arrived[0].0.ecn, Ecn::Capable0);
    let viewer_at = arrived[0].0.remote;
    let arrived = exchange(&mut edge, &mut viewer, viewer_at, &[20]);
    assert_eq!(arrived[0].0.remote, edge_at);
}

#[test]
fn refused_sends_are_counted_and_do_not_stop_the_rest() {
    let (mut from, mut to) = (bind(&UdpOptions::default()), bind(&UdpOptions::default()));
    // A broadcast address without the permission to broadcast.
    let forbidden = SocketAddr::new(Ipv4Addr::BROADCAST.into(), 9);
    from.room().unwrap();
    from.push(Path::to(forbidden), 10);
    let remote = to.local_addr();
    let arrived = exchange(&mut from, &mut to, remote, &[10]);
    assert_eq!(arrived.len(), 1);
    assert_eq!(from.stats().send_errors, 1);
}

#[test]
fn impairments_apply_per_direction() {
    let lossy = Impairment { loss: 1.0, ..Impairment::default() };
    let twice = Impairment { duplicate: 1.0, ..Impairment::default() };
    let mut from = bind(&UdpOptions { uplink: Some(twice), ..UdpOptions::default() });
    let mut to = bind(&UdpOptions { downlink: Some(lossy), uplink: Some(lossy), ..UdpOptions::default() });
    let mut plain = bind(&UdpOptions::default());
    let remote = plain.local_addr();
    assert_eq!(exchange(&mut from, &mut plain, remote, &[5, 5, 5, 5])[..2].len(), 2);
    assert_eq!(from.stats().uplink.duplicated, 4);
    let remote = to.local_addr();
    assert!(exchange(&mut plain, &mut to, remote, &[5, 5]).is_empty());
    assert_eq!(to.stats().downlink.lost, 2);
    assert!(exchange(&mut to, &mut plain, remote, &[5]).is_empty());
    assert!(to.is_flushed());
}
