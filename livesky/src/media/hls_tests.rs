use livesky_core::media::{FrameId, FrameInfo};
use m3u8_rs::MediaPlaylist;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;
use crate::media::clip::CLIP;
use crate::media::cut::Cutter;

const SECOND: u64 = Dts::TICKS_PER_SECOND;

fn frame(ticks: u64, key: bool) -> LoggedFrame {
    let info = FrameInfo { id: FrameId(0), dts: Dts::from_ticks(ticks), key, ..FrameInfo::default() };
    LoggedFrame { epoch: 0, info, bytes: Arc::from(ticks.to_be_bytes()) }
}

fn init() -> Arc<[u8]> {
    Arc::from(&b"init"[..])
}

/// Frames from `start` until before `end`, four a second, a key frame each second.
fn push_seconds(window: &mut Window, start: u64, end: u64) {
    for quarter in start * 4..end * 4 {
        window.push(&frame(quarter * SECOND / 4, quarter % 4 == 0), &init());
    }
}

fn small() -> Window {
    Window::new(WindowLimits { listed_max: 3, spare_max: 2, ..WindowLimits::default() })
}

fn parse(window: &Window) -> MediaPlaylist {
    let text = window.playlist(|sequence| format!("{sequence}.ts")).unwrap();
    m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap()
}

fn uris(playlist: &MediaPlaylist) -> Vec<&str> {
    playlist.segments.iter().map(|segment| segment.uri.as_str()).collect()
}

#[test]
fn a_playlist_reads_as_rfc_8216_wants_it() {
    let mut window = small();
    push_seconds(&mut window, 0, 5);
    window.on_missed();
    push_seconds(&mut window, 6, 7);
    window.push(&frame(7 * SECOND + SECOND / 8, false), &init());
    window.end();
    let expected = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n\
        #EXT-X-INDEPENDENT-SEGMENTS\n#EXTINF:2.000,\n/a/1.ts\n#EXTINF:1.000,\n/a/2.ts\n\
        #EXT-X-DISCONTINUITY\n#EXTINF:1.500,\n/a/3.ts\n#EXT-X-ENDLIST\n";
    assert_eq!(window.playlist(|sequence| format!("/a/{sequence}.ts")).as_deref(), Some(expected));
    assert_eq!(parse(&window).version, Some(3));
}

#[test]
fn nothing_is_listed_before_a_segment_is_whole() {
    let mut window = small();
    assert_eq!(window.playlist(|_| String::new()), None);
    push_seconds(&mut window, 0, 2);
    assert_eq!(window.playlist(|_| String::new()), None);
    push_seconds(&mut window, 2, 3);
    assert_eq!(uris(&parse(&window)), ["0.ts"]);
    assert!(window.segment(1).is_none(), "it grows");
}

#[test]
fn segments_begin_at_the_first_key_frame_after_the_target() {
    // (seconds between key frames, length of the longest segment, target duration)
    for (gop, length, target) in [(1, 2, 2), (2, 2, 2), (3, 3, 3), (7, 7, 7), (12, 10, 10)] {
        let mut window = small();
        for second in 0..40_u64 {
            window.push(&frame(second * SECOND, second % gop == 0), &init());
        }
        let playlist = parse(&window);
        let longest = playlist.segments.iter().map(|segment| segment.duration).fold(0.0, f32::max);
        assert_eq!(longest, length as f32, "a key frame every {gop} s");
        assert_eq!(playlist.target_duration, target, "a key frame every {gop} s");
        assert_eq!(playlist.independent_segments, gop < 10, "a key frame every {gop} s");
    }
}

#[test]
fn the_target_is_rounded_up_and_never_shrinks() {
    let mut window = small();
    for (ticks, key) in [(0, true), (SECOND, false), (2 * SECOND + 181, true), (4 * SECOND + 181, true)] {
        window.push(&frame(ticks, key), &init());
    }
    assert_eq!(parse(&window).target_duration, 3);
    assert_eq!(parse(&window).segments[0].duration, 2.002);
    push_seconds(&mut window, 5, 30);
    assert_eq!(parse(&window).target_duration, 3, "though the long segment is gone");
}

#[test]
fn rounded_times_do_not_double_a_segment() {
    let mut window = small();
    for frame_index in 0..200_u64 {
        // Milliseconds of 30 frames/s, rounded down, from a start that is no multiple.
        let milliseconds = 17 + frame_index * 1_000 / 30;
        let noise = u64::from(frame_index == 60);
        window.push(&frame((milliseconds - noise) * 90, frame_index % 30 == 0), &init());
    }
    assert_eq!(parse(&window).segments[0].duration, 1.999);
}

#[test]
fn old_segments_stay_for_a_while() {
    let mut window = small();
    push_seconds(&mut window, 0, 15);
    let playlist = parse(&window);
    assert_eq!(playlist.media_sequence, 4);
    assert_eq!(uris(&playlist), ["4.ts", "5.ts", "6.ts"]);
    let held: Vec<u64> = (0..9).filter(|&sequence| window.segment(sequence).is_some()).collect();
    assert_eq!(held, [2, 3, 4, 5, 6]);
    for sequence in held {
        assert_eq!(window.segment(sequence).unwrap().sequence, sequence);
    }
}

#[test]
fn what_does_not_continue_is_a_discontinuity() {
    let jump = |epoch: u16, ticks: u64| {
        let mut window = small();
        push_seconds(&mut window, 0, 3);
        for (ticks, key) in [(ticks, false), (ticks + 1, true), (ticks + 2 * SECOND + 1, true)] {
            window.push(&LoggedFrame { epoch, ..frame(ticks, key) }, &init());
        }
        let playlist = parse(&window);
        let last = playlist.segments.last().unwrap();
        (playlist.segments.len(), last.discontinuity, last.duration)
    };
    let end = 11 * SECOND / 4;
    assert_eq!(jump(0, end), (2, false, 2.75), "goes on");
    assert_eq!(jump(1, end), (3, true, 2.0), "another run");
    assert_eq!(jump(0, end - 1), (3, true, 2.0), "backwards");
    assert_eq!(jump(0, end + 10 * SECOND + 9), (3, true, 2.0), "a jump");
    assert!(!jump(0, end + 9 * SECOND).1, "a pause");
}

#[test]
fn discontinuities_that_left_the_playlist_are_counted() {
    let mut window = small();
    push_seconds(&mut window, 0, 3);
    window.on_missed();
    push_seconds(&mut window, 10, 13);
    window.on_missed();
    // Segments 0 (2 s), 1 (1 s), 2 (2 s, discontinuous), 3 (1 s), 4 (discontinuous) and so on.
    let mut seen = Vec::new();
    for second in 20..32 {
        push_seconds(&mut window, second, second + 1);
        let playlist = parse(&window);
        let listed: u64 = playlist.segments.iter().map(|segment| u64::from(segment.discontinuity)).sum();
        seen.push((playlist.media_sequence, playlist.discontinuity_sequence, listed));
    }
    seen.dedup();
    assert_eq!(seen, [(1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 1, 1), (5, 2, 0), (6, 2, 0)]);
}

#[test]
fn nothing_comes_before_the_first_key_frame_or_after_the_end() {
    let mut window = small();
    window.on_missed();
    window.push(&frame(0, false), &init());
    push_seconds(&mut window, 1, 5);
    window.end();
    push_seconds(&mut window, 5, 20);
    let playlist = parse(&window);
    assert!(playlist.end_list && window.is_ended());
    assert_eq!(uris(&playlist), ["0.ts", "1.ts"]);
    assert!(!playlist.segments[0].discontinuity, "there is nothing before it");
    assert_eq!(window.segment(0).unwrap().parts[1][..], *SECOND.to_be_bytes().as_slice());
}

#[test]
fn a_stream_without_key_frames_or_times_does_not_fill_the_memory() {
    let mut window = small();
    let bytes: Arc<[u8]> = Arc::from(vec![0; 1 << 20]);
    for index in 0..200 {
        window.push(&LoggedFrame { bytes: Arc::clone(&bytes), ..frame(0, index == 0) }, &init());
    }
    assert!(window.segment(0).unwrap().len_bytes() <= SEGMENT_BYTES_MAX);
    assert_eq!(parse(&window).segments[0].duration, 0.001);
}

#[test]
fn the_clip_comes_out_whole_and_uncopied() {
    let mut cutter = Cutter::new();
    cutter.push(CLIP).unwrap();
    cutter.finish().unwrap();
    let frames: Vec<LoggedFrame> = core::iter::from_fn(|| cutter.next_frame())
        .map(|cut| LoggedFrame { bytes: Arc::from(cut.bytes), ..frame(cut.dts, cut.key) })
        .collect();
    let mut window = Window::new(WindowLimits { listed_max: 20, ..WindowLimits::default() });
    let tables: Arc<[u8]> = Arc::from(cutter.init());
    frames.iter().for_each(|frame| window.push(frame, &tables));
    window.end();
    let playlist = parse(&window);
    assert_eq!(playlist.segments.len(), 15);
    assert!(playlist.segments.iter().all(|segment| segment.duration == 2.0 && !segment.discontinuity));
    let parts: Vec<Arc<[u8]>> =
        (0..15).flat_map(|sequence| window.segment(sequence).unwrap().parts.clone()).collect();
    assert_eq!(parts.len(), frames.len(), "every segment begins with the clip's own PAT");
    assert!(parts.iter().zip(&frames).all(|(part, frame)| Arc::ptr_eq(part, &frame.bytes)));
}

#[test]
fn tables_come_first_where_the_frame_has_none() {
    let packet = |pid: u8| {
        let mut bytes = [0; PACKET_LEN];
        (bytes[0], bytes[2]) = (0x47, pid);
        bytes
    };
    // (PIDs of the first frame, whether the tables must be added)
    for (pids, is_added) in
        [(&[0, 32, 64][..], false), (&[0x11, 0, 32], false), (&[64, 0], true), (&[0x11], true), (&[], true)]
    {
        let bytes: Vec<u8> = pids.iter().flat_map(|&pid| packet(pid)).chain([1]).collect();
        let mut window = small();
        window.push(&LoggedFrame { bytes: Arc::from(bytes), ..frame(0, true) }, &init());
        window.end();
        let parts = &window.segment(0).unwrap().parts;
        assert_eq!(*parts[0] == *b"init", is_added, "{pids:?}");
        assert_eq!(parts.len(), 1 + usize::from(is_added));
    }
    let mut window = small();
    window.push(&frame(0, true), &Arc::from(&[][..]));
    window.end();
    assert_eq!(window.segment(0).unwrap().parts.len(), 1, "no empty part");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/livesky_hls.txt"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn playlists_hold_together_whatever_comes(
        steps in proptest::collection::vec(
            (prop_oneof![0..SECOND, 0..20 * SECOND, 0..Dts::WRAP_TICKS], any::<bool>(), 0_u16..20, 0_u8..40),
            0..200,
        ),
        listed_max in 0_usize..4,
        spare_max in 0_usize..3,
        target_ms in prop_oneof![Just(u64::MAX), 0..5_000_u64],
    ) {
        let target = Duration::from_millis(target_ms);
        let mut window = Window::new(WindowLimits { target, listed_max, spare_max });
        let (mut ticks, mut before): (u64, Option<MediaPlaylist>) = (0, None);
        for (step, key, epoch, choice) in steps {
            ticks = ticks.wrapping_add(step);
            match choice {
                0 => window.on_missed(),
                1 => window.end(),
                _ => window.push(&LoggedFrame { epoch: epoch / 19, ..frame(ticks, key) }, &init()),
            }
            prop_assert!(window.segments.len() <= listed_max.max(1) + spare_max);
            let Some(text) = window.playlist(|sequence| format!("{sequence}.ts")) else { continue };
            let playlist = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
            for (place, segment) in playlist.segments.iter().enumerate() {
                let sequence = playlist.media_sequence + place as u64;
                prop_assert_eq!(&segment.uri, &format!("{sequence}.ts"));
                prop_assert!(segment.duration > 0.0 && segment.duration <= playlist.target_duration as f32);
                prop_assert!(window.segment(sequence).is_some_and(|segment| !segment.parts.is_empty()));
            }
            if let Some(before) = &before {
                prop_assert!(playlist.target_duration >= before.target_duration);
                // What the two share is the same, and discontinuities keep their numbers (clause 6.2.2).
                let gone = usize::try_from(playlist.media_sequence - before.media_sequence).unwrap();
                let gone = gone.min(before.segments.len());
                let (left, kept) = before.segments.split_at(gone);
                let left = left.iter().filter(|segment| segment.discontinuity).count() as u64;
                prop_assert_eq!(playlist.discontinuity_sequence, before.discontinuity_sequence + left);
                prop_assert_eq!(kept, &playlist.segments[..kept.len()]);
            }
            before = Some(playlist);
        }
    }
}
