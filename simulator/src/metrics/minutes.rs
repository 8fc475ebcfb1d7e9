//! Client-minutes: Q1 and Q2 by minute, by age and by class.

use super::watch::Span;
use crate::results::{Age, ClassRow, Feeding, MinuteRow};

/// Sums over client-minutes.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    clients: u64,
    stalled: u64,
    played_us: u64,
    stalled_us: u64,
}

impl Sums {
    fn add(&mut self, span: &Span) {
        self.clients += 1;
        self.stalled += u64::from(span.has_stalled);
        self.played_us += span.played_us;
        self.stalled_us += span.stalled_us;
    }

    fn q1(&self) -> f64 {
        share_left(self.stalled_us, self.played_us + self.stalled_us)
    }

    fn q2(&self) -> f64 {
        share_left(self.stalled, self.clients)
    }
}

/// 1 - part / whole; 1 when there is no whole.
fn share_left(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { 1.0 - part as f64 / whole as f64 }
}

/// All minutes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Minutes {
    minute: Sums,
    joins: u32,
    leaves: u32,
    all: Sums,
    classes: [Sums; 4],
    rows: Vec<MinuteRow>,
}

impl Minutes {
    /// A viewer's part of a minute, when it watched at all.
    pub(crate) fn add(&mut self, age: Age, class: Feeding, span: &Span) {
        if span.played_us + span.stalled_us == 0 {
            return;
        }
        self.minute.add(span);
        self.all.add(span);
        if let Some(sums) = self.classes.get_mut(place(age, class)) {
            sums.add(span);
        }
    }

    pub(crate) const fn on_join(&mut self) {
        self.joins += 1;
    }

    pub(crate) const fn on_leave(&mut self) {
        self.leaves += 1;
    }

    /// A minute is over.
    pub(crate) fn close(&mut self) {
        let minute = core::mem::take(&mut self.minute);
        self.rows.push(MinuteRow {
            clients: u32::try_from(minute.clients).unwrap_or(u32::MAX),
            stalled: u32::try_from(minute.stalled).unwrap_or(u32::MAX),
            joins: core::mem::take(&mut self.joins),
            leaves: core::mem::take(&mut self.leaves),
            q1: minute.q1(),
            q2: minute.q2(),
        });
    }

    /// Whether something was counted since the last minute closed.
    pub(crate) const fn is_open(&self) -> bool {
        self.minute.clients > 0
    }

    pub(crate) fn rows(&self) -> &[MinuteRow] {
        &self.rows
    }

    pub(crate) fn q1(&self) -> f64 {
        self.all.q1()
    }

    pub(crate) fn q2(&self) -> f64 {
        self.all.q2()
    }

    /// Client-minutes, and those with a stall.
    pub(crate) const fn counts(&self) -> (u64, u64) {
        (self.all.clients, self.all.stalled)
    }

    pub(crate) fn classes(&self) -> Vec<ClassRow> {
        let kinds =
            [Age::New, Age::Old].into_iter().flat_map(|age| [(age, Feeding::Push), (age, Feeding::P2p)]);
        let rows = kinds.filter_map(|(age, class)| {
            let sums = self.classes.get(place(age, class))?;
            Some(ClassRow {
                age,
                class,
                client_minutes: sums.clients,
                stalled_client_minutes: sums.stalled,
                q1: sums.q1(),
                q2: sums.q2(),
            })
        });
        rows.collect()
    }
}

const fn place(age: Age, class: Feeding) -> usize {
    let age = match age {
        Age::New => 0,
        Age::Old => 2,
    };
    let class = match class {
        Feeding::Push => 0,
        Feeding::P2p => 1,
    };
    age + class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_qualities_of_a_small_audience() {
        let calm = Span { played_us: 60_000_000, ..Span::default() };
        let rough = Span {
            played_us: 57_000_000,
            stalled_us: 3_000_000,
            has_stalled: true,
            stalls: 1,
            ..Span::default()
        };
        let mut minutes = Minutes::default();
        for _ in 0..3 {
            minutes.add(Age::Old, Feeding::Push, &calm);
        }
        minutes.add(Age::New, Feeding::P2p, &rough);
        minutes.add(Age::New, Feeding::P2p, &Span::default());
        minutes.on_join();
        minutes.close();
        minutes.add(Age::Old, Feeding::P2p, &calm);
        minutes.close();
        assert_eq!(minutes.counts(), (5, 1));
        assert!((minutes.q1() - 297.0 / 300.0).abs() < 1e-12 && (minutes.q2() - 0.8).abs() < 1e-12);
        let rows = minutes.rows();
        assert_eq!((rows[0].clients, rows[0].stalled, rows[0].joins, rows[1].joins), (4, 1, 1, 0));
        assert!((rows[0].q2 - 0.75).abs() < 1e-12 && (rows[1].q2 - 1.0).abs() < 1e-12);
        let new_p2p = minutes.classes()[1];
        assert_eq!((new_p2p.age, new_p2p.class, new_p2p.client_minutes), (Age::New, Feeding::P2p, 1));
        assert!((new_p2p.q1 - 0.95).abs() < 1e-12);
    }
}
