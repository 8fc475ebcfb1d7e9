use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;
use crate::media::clip::CLIP;

/// `passes` over `file` in chunks of `chunk_len`.
fn looped(file: &[u8], passes: usize, chunk_len: usize) -> Vec<u8> {
    let mut looper = Looper::new();
    let mut out = Vec::new();
    for pass in 0..passes {
        if pass > 0 {
            looper.restart();
        }
        file.chunks(chunk_len).for_each(|chunk| looper.push(chunk, &mut out));
    }
    out
}

fn packets(bytes: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    bytes.chunks(PACKET_LEN).map(|bytes| Packet::new(bytes).unwrap())
}

/// All of the clip's clocks `ticks` later.
fn clip_at(ticks: u64) -> Vec<u8> {
    let mut file = CLIP.to_vec();
    file.chunks_mut(PACKET_LEN).for_each(|packet| shift_clocks(packet, ticks));
    file
}

/// Continuity goes on by one with every packet of a PID that carries payload, and decode times and PCR go up.
fn assert_endless(stream: &[u8]) {
    type Last = (Option<u8>, Option<Dts>, Option<Dts>);
    let mut tracks: BTreeMap<u16, Last> = BTreeMap::new();
    for (index, packet) in packets(stream).enumerate() {
        let (continuity, dts, pcr) = tracks.entry(packet.pid()).or_default();
        let step = u8::from(packet.has_payload());
        if let Some(last) = *continuity {
            assert_eq!(packet.continuity(), (last + step) % 16, "packet {index} of PID {}", packet.pid());
        }
        *continuity = Some(packet.continuity());
        for (last, stamp) in [(dts, packet.pes().and_then(|pes| pes.dts)), (pcr, packet.pcr_base())] {
            let Some(stamp) = stamp.map(Dts::from_ticks) else { continue };
            if let Some(last) = last.replace(stamp) {
                let step = stamp.ticks_since(last);
                assert!(
                    (1..=45_000).contains(&step),
                    "step of {step} at packet {index} of PID {}",
                    packet.pid()
                );
            }
        }
    }
}

#[test]
fn the_first_pass_is_the_file() {
    assert_eq!(looped(CLIP, 1, 4_096), CLIP);
}

#[test]
fn clocks_and_counters_run_on_over_the_seams() {
    let stream = looped(CLIP, 18, 65_536);
    assert_eq!(stream.len(), 18 * CLIP.len());
    assert_endless(&stream);
}

#[test]
fn the_clip_lasts_exactly_as_long_as_its_video() {
    let mut looper = Looper::new();
    looper.push(CLIP, &mut Vec::new());
    assert_eq!(looper.span_ticks(), None);
    looper.restart();
    assert_eq!(looper.span_ticks(), Some(30 * Dts::TICKS_PER_SECOND));
}

#[test]
fn every_clock_moves_by_the_same_span() {
    let stream = looped(CLIP, 3, 1_000);
    let mut third = CLIP.to_vec();
    third.chunks_mut(PACKET_LEN).for_each(|packet| shift_clocks(packet, 2 * 2_700_000));
    for (ours, expected) in packets(&stream[2 * CLIP.len()..]).zip(packets(&third)) {
        assert_eq!(ours.pcr_base(), expected.pcr_base());
        let stamps = |packet: &Packet<'_>| packet.pes().map(|pes| (pes.pts, pes.dts));
        assert_eq!(stamps(&ours), stamps(&expected));
    }
}

#[test]
fn the_wrap_may_come_anywhere() {
    let second = Dts::TICKS_PER_SECOND;
    for before_wrap in [1, 10 * second, 31 * second, 45 * second, 61 * second] {
        assert_endless(&looped(&clip_at(WRAP_TICKS - before_wrap), 3, 100_000));
    }
}

#[test]
fn audio_that_ends_last_sets_the_span() {
    // The first half of the clip's video: audio goes on for 15 s without it.
    let half = CLIP.len() / PACKET_LEN / 2;
    let file: Vec<u8> = CLIP
        .chunks(PACKET_LEN)
        .enumerate()
        .filter(|(index, bytes)| Packet::new(bytes).unwrap().pid() != 0x100 || *index < half)
        .flat_map(|(_, bytes)| bytes)
        .copied()
        .collect();
    let mut looper = Looper::new();
    looper.push(&file, &mut Vec::new());
    looper.restart();
    // 1,405 AAC frames of 1,024 samples and the priming one, less what atrim left out.
    assert_eq!(looper.span_ticks(), Some(1_406 * 1_920));
}

#[test]
fn packets_without_payload_repeat_the_counter_and_null_packets_stay() {
    let packet = |pid: u8, continuity: u8, has_payload: bool| {
        let mut bytes = [0xff; PACKET_LEN];
        let control = if has_payload { 0x10 } else { 0x20 };
        bytes[..6].copy_from_slice(&[
            SYNC_BYTE,
            0x1f * u8::from(pid == 0xff),
            pid,
            control | continuity,
            183,
            0,
        ]);
        bytes
    };
    // A packet that is sent twice, and a loss between 6 and 9.
    let file = [
        packet(0x20, 3, false),
        packet(0x20, 5, true),
        packet(0x20, 5, true),
        packet(0x20, 5, false),
        packet(0xff, 9, true),
        packet(0x20, 6, true),
        packet(0x20, 9, true),
    ]
    .concat();
    let stream = looped(&file, 3, 50);
    let counters: Vec<u8> = packets(&stream).map(|packet| packet.continuity()).collect();
    assert_eq!(counters, [3, 5, 5, 5, 9, 6, 9, 9, 10, 10, 10, 9, 11, 14, 14, 15, 15, 15, 9, 0, 3]);
}

#[test]
fn bytes_between_packets_pass_and_half_a_packet_at_the_end_does_not() {
    let mut file = b"junk".to_vec();
    file.extend(&CLIP[..PACKET_LEN * 2]);
    file.extend([0; 77]);
    file.extend(&CLIP[PACKET_LEN * 2..PACKET_LEN * 3 + 100]);
    let whole_len = file.len() - 100;
    assert_eq!(looped(&file, 1, 33), file[..whole_len]);
    let stream = looped(&file, 2, 33);
    assert_eq!(stream.len(), 2 * whole_len);
    assert_eq!(stream[whole_len..][..4], *b"junk");
    let mut empty = Looper::new();
    empty.restart();
    assert_eq!(empty.span_ticks(), Some(0));
}

#[test]
fn a_decoder_finds_no_seam() {
    let stream = looped(CLIP, 3, 1_316);
    let decoder = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "warning", "-f", "mpegts", "-i", "/dev/stdin", "-f", "null", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut decoder = match decoder {
        Ok(decoder) => decoder,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "ffmpeg does not run: {error}");
            eprintln!("skipped: ffmpeg does not run: {error}");
            return;
        }
    };
    let written = decoder.stdin.take().unwrap().write_all(&stream);
    let output = decoder.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success() && written.is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "../proptest-regressions/livesky_looped.txt",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn chunks_do_not_matter(chunk_lens in proptest::collection::vec(1_usize..1_000, 1..50)) {
        let file = &CLIP[..300 * PACKET_LEN + 17];
        let mut looper = Looper::new();
        let mut out = Vec::new();
        let mut lens = chunk_lens.iter().cycle();
        for pass in 0..2 {
            if pass > 0 {
                looper.restart();
            }
            let mut rest = file;
            while !rest.is_empty() {
                let (chunk, others) = rest.split_at((*lens.next().unwrap()).min(rest.len()));
                looper.push(chunk, &mut out);
                prop_assert_eq!(out.len() % PACKET_LEN, 0);
                rest = others;
            }
        }
        prop_assert!(out == looped(file, 2, usize::MAX));
    }

    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(prop_oneof![Just(SYNC_BYTE), any::<u8>()], 0..2_000),
        chunk_len in 1_usize..500,
    ) {
        let stream = looped(&bytes, 3, chunk_len);
        prop_assert_eq!(stream.len() % 3, 0);
        prop_assert!(bytes.starts_with(&stream[..stream.len() / 3]));
    }
}
