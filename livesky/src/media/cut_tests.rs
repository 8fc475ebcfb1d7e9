use proptest::prelude::*;

use super::*;
use crate::media::clip::CLIP;

fn cut(input: &[u8], portions: impl Iterator<Item = usize>) -> Result<(Vec<CutFrame>, Cutter), CutError> {
    let mut cutter = Cutter::new();
    let mut frames = Vec::new();
    let mut rest = input;
    let mut portions = portions;
    while !rest.is_empty() {
        let (portion, after) = rest.split_at(portions.next().unwrap_or(4_096).clamp(1, rest.len()));
        cutter.push(portion)?;
        frames.extend(core::iter::from_fn(|| cutter.next_frame()));
        rest = after;
    }
    cutter.finish()?;
    frames.extend(core::iter::from_fn(|| cutter.next_frame()));
    Ok((frames, cutter))
}

fn whole(input: &[u8]) -> Result<(Vec<CutFrame>, Cutter), CutError> {
    cut(input, core::iter::repeat(65_536))
}

#[test]
fn the_frames_of_the_clip_are_the_clip() {
    let (frames, cutter) = whole(CLIP).unwrap();
    assert_eq!(frames.len(), 750);
    assert_eq!(frames.concat_bytes(), CLIP);
    assert_eq!(cutter.dropped(), Dropped::default());
    assert_eq!(cutter.init().len(), 2 * PACKET_LEN);
    for (index, frame) in frames.iter().enumerate() {
        assert_eq!(frame.key, index % 25 == 0, "frame {index}");
        if frame.key {
            let pids = frame.bytes.chunks(PACKET_LEN).map(|raw| Packet::new(raw).unwrap().pid());
            assert!(pids.take(3).any(|pid| pid == PAT_PID), "a key frame begins with the tables");
        }
    }
    let steps: Vec<_> = frames.windows(2).map(|pair| pair[1].dts - pair[0].dts).collect();
    assert!(steps.iter().all(|&step| step == 3_600), "{steps:?}");
    assert!(frames.iter().any(|frame| frame.pts_offset > 0), "B-frames");
}

trait Concat {
    fn concat_bytes(&self) -> Vec<u8>;
}

impl Concat for Vec<CutFrame> {
    fn concat_bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|frame| frame.bytes.iter().copied()).collect()
    }
}

#[test]
fn inputs_that_cannot_be_cut_say_why() {
    let text = b"this is a text, not a film. ".repeat(4_000);
    assert!(matches!(whole(&text), Err(CutError::NotTransportStream { .. })));
    assert!(matches!(whole(b"short"), Err(CutError::NotTransportStream { searched: 5 })));
    assert_eq!(whole(b"").err(), Some(CutError::Empty));
    let nulls = [&[0x47, 0x1f, 0xff, 0x10][..], &[0xff; 184][..]].concat().repeat(10);
    assert!(matches!(whole(&nulls), Err(CutError::NoProgram { searched: 1_880 })));
    let no_video: Vec<u8> = CLIP.chunks(PACKET_LEN).take(3).flatten().copied().collect();
    assert!(matches!(whole(&no_video), Err(CutError::NoKeyFrame { .. })));
}

#[test]
fn a_truncated_clip_gives_its_whole_packets() {
    let (frames, cutter) = whole(&CLIP[..100_000]).unwrap();
    let whole_len = 100_000 / PACKET_LEN * PACKET_LEN;
    assert_eq!(frames.concat_bytes(), &CLIP[..whole_len]);
    assert_eq!(cutter.dropped().truncated, (100_000 - whole_len) as u64);
}

#[test]
fn cutting_begins_at_the_tables_of_a_key_frame_and_survives_a_gap() {
    let start = 40 * PACKET_LEN;
    let mut input = CLIP[start..300_000].to_vec();
    input.drain(150_001..150_050);
    let (frames, cutter) = whole(&input).unwrap();
    assert!(frames[0].key);
    let dropped = cutter.dropped();
    assert_eq!(dropped.resyncs, 1);
    let kept = frames.concat_bytes().len() as u64;
    assert_eq!(kept + dropped.before_start + dropped.unsynced + dropped.truncated, input.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct(
            "../proptest-regressions/livesky_cut.txt",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn portions_do_not_matter(portions in proptest::collection::vec(1_usize..5_000, 1..50)) {
        let input = &CLIP[..200_000];
        let (frames, _) = cut(input, portions.into_iter().cycle()).unwrap();
        prop_assert_eq!(frames, whole(input).unwrap().0);
    }

    #[test]
    fn no_bytes_panic(noise in proptest::collection::vec(any::<u8>(), 0..2_000), at in 0_usize..100_000, from in 0_usize..100) {
        let mut input = CLIP[from * PACKET_LEN..120_000].to_vec();
        let at = at.min(input.len());
        let end = (at + noise.len()).min(input.len());
        input.splice(at..end, noise);
        if let Ok((frames, cutter)) = whole(&input) {
            let dropped = cutter.dropped();
            let kept = frames.concat_bytes().len() as u64;
            prop_assert_eq!(kept + dropped.before_start + dropped.unsynced + dropped.truncated, input.len() as u64);
        }
    }
}
