//! Names beside dots: where there is room, and nowhere else.

use super::canvas::Anchor;

/// Widths of letters and height of a line over the size of the letters: an ample guess, since nothing here knows the font.
const CAPITAL_WIDTH: f64 = 0.8;
const LETTER_WIDTH: f64 = 0.62;
const LINE_HEIGHT: f64 = 1.25;

/// An upright rectangle on the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    /// The square around a disc.
    pub(super) fn around((x, y): (f64, f64), radius: f64) -> Self {
        Self { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn contains(&self, other: &Self) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }
}

/// The places taken on a drawing.
pub(super) struct Labels {
    within: Area,
    taken: Vec<Area>,
}

impl Labels {
    /// Nothing may leave `within`.
    pub(super) const fn new(within: Area) -> Self {
        Self { within, taken: Vec::new() }
    }

    /// Nothing is written over this.
    pub(super) fn take(&mut self, area: Area) {
        self.taken.push(area);
    }

    /// Where a text beside the disc at `at` begins, its middle is or it ends: right, left, above, below, then the corners;
    /// the foot of its letters. `None` when it would touch something everywhere.
    pub(super) fn place(
        &mut self,
        at: (f64, f64),
        radius: f64,
        text: &str,
        size: f64,
    ) -> Option<((f64, f64), Anchor)> {
        let width = size
            * text
                .chars()
                .map(|letter| if letter.is_uppercase() { CAPITAL_WIDTH } else { LETTER_WIDTH })
                .sum::<f64>();
        let (gap, slant) = (radius + size * 0.4, radius * 0.7 + size * 0.2);
        let foot = size * 0.35;
        let (x, y) = at;
        let spots = [
            ((x + gap, y + foot), Anchor::Start),
            ((x - gap, y + foot), Anchor::End),
            ((x, y - gap), Anchor::Middle),
            ((x, y + gap + size * 0.8), Anchor::Middle),
            ((x + slant, y - slant), Anchor::Start),
            ((x + slant, y + slant + size * 0.8), Anchor::Start),
            ((x - slant, y - slant), Anchor::End),
            ((x - slant, y + slant + size * 0.8), Anchor::End),
        ];
        let (spot, anchor, area) = spots.into_iter().find_map(|((x, y), anchor)| {
            let left = match anchor {
                Anchor::Start => x,
                Anchor::Middle => x - width / 2.0,
                Anchor::End => x - width,
            };
            let top = y - size * 0.97;
            let area = Area { left, top, right: left + width, bottom: top + size * LINE_HEIGHT };
            let is_free =
                self.within.contains(&area) && !self.taken.iter().any(|other| other.overlaps(&area));
            is_free.then_some(((x, y), anchor, area))
        })?;
        self.taken.push(area);
        Some((spot, anchor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Area = Area { left: 0.0, top: 0.0, right: 100.0, bottom: 100.0 };

    #[test]
    fn a_second_name_goes_elsewhere_and_a_ninth_nowhere() {
        let mut labels = Labels::new(ROOM);
        let mut spots = Vec::new();
        while let Some((spot, _)) = labels.place((50.0, 50.0), 3.0, "ab", 10.0) {
            assert!(!spots.contains(&spot), "{spot:?} twice");
            spots.push(spot);
        }
        assert!((3..=8).contains(&spots.len()), "{spots:?}");
        for (place, one) in labels.taken.iter().enumerate() {
            assert!(
                labels.taken.iter().skip(place + 1).all(|other| !one.overlaps(other)),
                "{:?}",
                labels.taken
            );
        }
    }

    #[test]
    fn names_stay_within_and_off_what_is_taken() {
        let mut labels = Labels::new(ROOM);
        let (_, anchor) = labels.place((97.0, 50.0), 2.0, "abc", 10.0).unwrap();
        assert_eq!(anchor, Anchor::End, "there is no room to the right");
        let mut full = Labels::new(ROOM);
        full.take(ROOM);
        assert_eq!(full.place((50.0, 50.0), 2.0, "a", 10.0), None);
    }
}
