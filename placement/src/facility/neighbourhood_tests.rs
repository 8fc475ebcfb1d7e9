use proptest::prelude::*;

use super::*;
use crate::facility::small::{config, problems};

impl Neighbourhood<'_> {
    /// What the sums say that a change saves.
    fn saving(&self, change: Change) -> f64 {
        match change {
            Change::Open(site) => self.gain[site],
            Change::Close(slot) => -self.loss[slot],
            Change::Swap(site, slot) => {
                self.gain[site] - self.loss[slot] + self.extra[site * self.width + slot]
            }
        }
    }

    fn changes(&self) -> Vec<Change> {
        let closed: Vec<usize> = (0..self.slot.len()).filter(|&site| !self.is_open(site)).collect();
        let is_free = |slot: &usize| !self.problem.is_required[self.open[*slot] as usize];
        let slots = (0..self.open.len()).filter(is_free);
        let swaps = closed.iter().flat_map(|&site| slots.clone().map(move |slot| Change::Swap(site, slot)));
        let opened = closed.iter().map(|&site| Change::Open(site));
        opened.chain(slots.clone().map(Change::Close)).chain(swaps).collect()
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn every_change_saves_what_the_sums_say(problem in problems(), picks in prop::collection::vec(any::<prop::sample::Index>(), 1..12)) {
        let Some(sorted) = Sorted::new(&problem) else { return Ok(()) };
        let mut walked = Neighbourhood::new(&sorted);
        walked.set(&vec![false; sorted.sites()]);
        for pick in picks {
            let changes = walked.changes();
            if changes.is_empty() {
                break;
            }
            let scale = sorted.cost_max();
            for &change in &changes {
                let mut fresh = Neighbourhood::new(&sorted);
                fresh.set(&walked.plan());
                let before = fresh.cost();
                // Slots are the walk's own; the fresh plan numbers them anew.
                let same = match change {
                    Change::Open(site) => Change::Open(site),
                    Change::Close(slot) => Change::Close(fresh.slot_of(walked.open[slot] as usize)),
                    Change::Swap(site, slot) => Change::Swap(site, fresh.slot_of(walked.open[slot] as usize)),
                };
                fresh.apply(same);
                let saved = before - fresh.cost();
                prop_assert!(
                    (walked.saving(change) - saved).abs() <= 1e-9 * scale,
                    "{change:?}: {} said, {saved} saved", walked.saving(change)
                );
            }
            walked.apply(changes[pick.index(changes.len())]);
        }
    }
}
