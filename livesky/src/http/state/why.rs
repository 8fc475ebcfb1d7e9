//! Sentences on why offload is what it is (docs/api.md, "why").

use livesky_core::scaling::Stage;

use super::model::Bytes;

/// What the sentences are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reasons {
    pub(super) stage: Stage,
    pub(super) p0: u32,
    /// Feeds of the edge over M.
    pub(super) nc: f64,
    pub(super) n1: u32,
    pub(super) n_star: u32,
    pub(super) s: f64,
    pub(super) n1_over_s: f64,
    pub(super) levels_max: u8,
    /// Bytes of the last 10 s.
    pub(super) recent: Bytes,
    /// Viewers that joined in the last 10 s.
    pub(super) joined: u64,
    /// Viewers that came to need the edge in place of a parent in the last 10 s.
    pub(super) orphaned: u64,
    /// Substream feeds all viewers together can give.
    pub(super) slots: u32,
    /// Substream feeds P2P clients want.
    pub(super) wanted: u32,
    pub(super) receive_only: u32,
}

/// Sentences at most.
const SENTENCES_MAX: usize = 5;

/// The reasons that hold, weightiest first.
pub(super) fn why(reasons: &Reasons) -> Vec<String> {
    if reasons.p0 == 0 {
        return vec!["Nobody is watching yet.".into()];
    }
    let mut sentences = vec![on_stage(reasons)];
    sentences.extend(on_bytes(reasons));
    sentences.extend(on_uplinks(reasons));
    sentences.truncate(SENTENCES_MAX);
    sentences
}

fn on_stage(reasons: &Reasons) -> String {
    let Reasons { stage, p0, nc, n1, n_star, s, n1_over_s, levels_max, .. } = *reasons;
    match stage {
        Stage::One if p0 == 1 => format!("Stage 1: 1 viewer is below N1 = {n1}, so the edge feeds it."),
        Stage::One => format!("Stage 1: all {p0} viewers are below N1 = {n1}, so the edge feeds everybody."),
        Stage::Two => format!(
            "Stage 2: the first {n1} viewers are fed by the edge, the others by them, up to N1/S = {n1_over_s:.0}."
        ),
        Stage::Three => format!(
            "Stage 3: {nc:.0} of {p0} viewers are fed by the edge: with {levels_max} {} and this churn S = {s:.2}, so peers can carry at most {:.0} %.",
            if levels_max == 1 { "level" } else { "levels" },
            (1.0 - s) * 100.0
        ),
        Stage::Four => format!(
            "Stage 4: the edge feeds as many as it can (N* = {n_star}); others go to peers or to another edge."
        ),
    }
}

fn on_bytes(reasons: &Reasons) -> impl Iterator<Item = String> {
    let Reasons { recent, joined, orphaned, .. } = *reasons;
    let share = move |bytes: u64| if bytes == 0 { 0.0 } else { 100.0 * bytes as f64 / recent.media() as f64 };
    let bursts = share(recent.burst);
    let rescue = share(recent.rescue + recent.pull);
    let legacy = share(recent.legacy);
    [
        (bursts > 20.0).then(|| {
            format!("{bursts:.0} % of the last 10 s were start bursts: {}.", viewers(joined, "joined"))
        }),
        (rescue > 10.0).then(|| {
            let seekers = viewers(orphaned, "looked for one");
            format!("{rescue:.0} % of the last 10 s the edge sent in place of parents: {seekers}.")
        }),
        (legacy > 10.0)
            .then(|| format!("{legacy:.0} % of the bytes go to plain players, which do not relay.")),
    ]
    .into_iter()
    .flatten()
}

fn on_uplinks(reasons: &Reasons) -> impl Iterator<Item = String> {
    let Reasons { slots, wanted, receive_only, p0, .. } = *reasons;
    [
        (slots < wanted).then(|| {
            format!("Uplinks are short: viewers can give {slots} substream feeds and {wanted} are wanted.")
        }),
        (receive_only * 4 > p0).then(|| match receive_only {
            1 => format!("1 of {p0} viewers does not upload."),
            _ => format!("{receive_only} of {p0} viewers do not upload."),
        }),
    ]
    .into_iter()
    .flatten()
}

fn viewers(count: u64, what: &str) -> String {
    if count == 1 { format!("1 viewer {what}") } else { format!("{count} viewers {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(stage: Stage, p0: u32) -> Reasons {
        Reasons {
            stage,
            p0,
            nc: 19.0,
            n1: 10,
            n_star: 500,
            s: 0.5247,
            n1_over_s: 19.06,
            levels_max: 2,
            recent: Bytes { push: 60, peers: 40, ..Bytes::default() },
            joined: 12,
            orphaned: 5,
            slots: 100,
            wanted: 66,
            receive_only: 0,
        }
    }

    #[test]
    fn each_stage_has_its_sentence() {
        for (stage, p0, sentence) in [
            (Stage::One, 0, "Nobody is watching yet."),
            (Stage::One, 1, "Stage 1: 1 viewer is below N1 = 10, so the edge feeds it."),
            (Stage::One, 8, "Stage 1: all 8 viewers are below N1 = 10, so the edge feeds everybody."),
            (
                Stage::Two,
                15,
                "Stage 2: the first 10 viewers are fed by the edge, the others by them, up to N1/S = 19.",
            ),
            (
                Stage::Three,
                34,
                "Stage 3: 19 of 34 viewers are fed by the edge: with 2 levels and this churn S = 0.52, so peers can carry at most 48 %.",
            ),
            (
                Stage::Four,
                900,
                "Stage 4: the edge feeds as many as it can (N* = 500); others go to peers or to another edge.",
            ),
        ] {
            assert_eq!(why(&reasons(stage, p0)), [sentence]);
        }
    }

    #[test]
    fn each_reason_adds_its_sentence_in_order() {
        let base = reasons(Stage::Two, 34);
        let recent = |bytes| Reasons { recent: bytes, ..base };
        for (case, sentence) in [
            (
                recent(Bytes { burst: 31, push: 69, ..Bytes::default() }),
                "31 % of the last 10 s were start bursts: 12 viewers joined.",
            ),
            (
                recent(Bytes { rescue: 10, pull: 4, push: 86, ..Bytes::default() }),
                "14 % of the last 10 s the edge sent in place of parents: 5 viewers looked for one.",
            ),
            (
                recent(Bytes { legacy: 22, push: 78, ..Bytes::default() }),
                "22 % of the bytes go to plain players, which do not relay.",
            ),
            (
                Reasons { slots: 40, ..base },
                "Uplinks are short: viewers can give 40 substream feeds and 66 are wanted.",
            ),
            (Reasons { receive_only: 9, ..base }, "9 of 34 viewers do not upload."),
        ] {
            assert_eq!(why(&case).get(1).map(String::as_str), Some(sentence));
        }
        let all = Reasons {
            recent: Bytes { burst: 40, rescue: 30, legacy: 30, ..Bytes::default() },
            slots: 0,
            receive_only: 30,
            ..base
        };
        assert_eq!(why(&all).len(), SENTENCES_MAX);
    }

    #[test]
    fn figures_at_the_bound_are_no_reason() {
        let base = reasons(Stage::Two, 36);
        let recent = Bytes { burst: 20, rescue: 10, legacy: 10, push: 60, ..Bytes::default() };
        assert_eq!(why(&Reasons { recent, receive_only: 9, slots: 66, ..base }).len(), 1);
        assert_eq!(why(&Reasons { recent: Bytes::default(), ..base }).len(), 1);
    }
}
