use super::*;

const MS: Duration = Duration::from_millis(1);

fn fates(seed: u64, settings: Impairment, count: u64) -> Vec<Fate> {
    let mut lane = Lane::new(seed, settings);
    let mut fates = Vec::new();
    for number in 0..count {
        let now = MS * u32::try_from(number).unwrap();
        fates.push(lane.handle_frame(now, 1_200));
        if let Some(Fate::Passed { is_twice, .. }) = fates.last() {
            (0..=usize::from(*is_twice)).for_each(|_| lane.on_arrived());
        }
    }
    fates
}

fn share(fates: &[Fate], is_hit: impl Fn(&Fate) -> bool) -> f64 {
    fates.iter().filter(|fate| is_hit(fate)).count() as f64 / fates.len() as f64
}

#[test]
fn splitmix_is_the_published_one() {
    // First outputs of SplitMix64 for seed 0.
    assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let settings = Impairment {
        jitter: MS,
        loss: 0.1,
        duplicate: 0.1,
        reorder: 0.1,
        delay: 20 * MS,
        ..Impairment::CLEAR
    };
    assert_eq!(fates(7, settings, 500), fates(7, settings, 500));
    assert_ne!(fates(7, settings, 500), fates(8, settings, 500));
    // What is lost stays lost whatever else is asked for.
    let lost =
        |settings| fates(7, settings, 500).iter().map(|fate| matches!(fate, Fate::Lost)).collect::<Vec<_>>();
    assert_eq!(lost(settings), lost(Impairment { loss: 0.1, ..Impairment::CLEAR }));
}

#[test]
fn probabilities_are_kept() {
    let settings = Impairment { loss: 0.02, duplicate: 0.05, reorder: 0.2, ..Impairment::CLEAR };
    let fates = fates(3, settings, 20_000);
    let near = |found: f64, asked: f64| assert!((found - asked).abs() < 0.1 * asked, "{found} for {asked}");
    near(share(&fates, |fate| matches!(fate, Fate::Lost)), 0.02);
    near(share(&fates, |fate| matches!(fate, Fate::Passed { is_twice: true, .. })), 0.05 * 0.98);
    near(share(&fates, |fate| matches!(fate, Fate::Passed { is_held_back: true, .. })), 0.2 * 0.98);
    assert!(fates.iter().all(|fate| !matches!(fate, Fate::QueueFull)));
    let hopeless = self::fates(3, Impairment { loss: 1.0, ..Impairment::CLEAR }, 100);
    assert_eq!(share(&hopeless, |fate| *fate == Fate::Lost), 1.0);
}

#[test]
fn jitter_keeps_the_order_and_its_bounds() {
    let settings = Impairment { delay: 20 * MS, jitter: 10 * MS, ..Impairment::CLEAR };
    let mut last = Duration::ZERO;
    let mut extra = Vec::new();
    for (number, fate) in fates(5, settings, 1_000).into_iter().enumerate() {
        let Fate::Passed { due, .. } = fate else { panic!("{fate:?}") };
        assert!(due >= last);
        last = due;
        extra.push(due - MS * u32::try_from(number).unwrap());
    }
    assert!(extra.iter().all(|&extra| (20 * MS..30 * MS).contains(&extra)));
    assert!(extra.iter().any(|&extra| extra < 23 * MS) && extra.iter().any(|&extra| extra > 29 * MS));
}

#[test]
fn frames_held_back_are_overtaken() {
    let settings = Impairment { reorder: 0.1, ..Impairment::CLEAR };
    let mut arrivals: Vec<(Duration, usize)> = Vec::new();
    for (number, fate) in fates(5, settings, 200).into_iter().enumerate() {
        let Fate::Passed { due, .. } = fate else { panic!("{fate:?}") };
        arrivals.push((due, number));
    }
    arrivals.sort_unstable();
    let overtaken = arrivals.windows(2).filter(|pair| pair[0].1 > pair[1].1).count();
    assert!((10..40).contains(&overtaken), "{overtaken}");
}

#[test]
fn a_rate_spaces_frames_and_drops_the_tail() {
    // 1,200 bytes at 9.6 Mbit/s take 1 ms; 5 of them fit before the line.
    let settings =
        Impairment { rate_bps: NonZeroU64::new(9_600_000), queue_bytes_max: 6_000, ..Impairment::CLEAR };
    let mut lane = Lane::new(1, settings);
    let mut due = |now| match lane.handle_frame(now, 1_200) {
        Fate::Passed { due, .. } => Some(due),
        Fate::Lost | Fate::QueueFull => None,
    };
    let burst: Vec<_> = (0..7).map(|_| due(Duration::ZERO)).collect();
    assert_eq!(burst, [Some(MS), Some(2 * MS), Some(3 * MS), Some(4 * MS), Some(5 * MS), None, None]);
    assert_eq!(due(MS), Some(6 * MS));
    assert_eq!(due(60 * MS), Some(61 * MS));
}

#[test]
fn what_is_under_way_is_bounded() {
    let mut lane = Lane::new(1, Impairment { delay: Duration::from_secs(9), ..Impairment::CLEAR });
    let passed = |fate| matches!(fate, Fate::Passed { .. });
    assert!((0..Lane::QUEUED_MAX).all(|_| passed(lane.handle_frame(Duration::ZERO, 64))));
    assert_eq!(lane.handle_frame(Duration::ZERO, 64), Fate::QueueFull);
    lane.on_arrived();
    assert!(passed(lane.handle_frame(Duration::ZERO, 64)));
}
