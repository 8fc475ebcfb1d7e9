//! Round numbers along an axis.

/// About `count` round numbers from `min` to `max`, ends included where they are round; those of an empty or endless span are none.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and there are a few ticks")]
pub(super) fn ticks(min: f64, max: f64, count: u32) -> Vec<f64> {
    let step = step(max - min, count);
    if !step.is_finite() || step <= 0.0 || !min.is_finite() {
        return Vec::new();
    }
    // A hair's breadth beyond either end is rounding.
    let (first, last) = ((min / step - 1e-9).ceil(), (max / step + 1e-9).floor());
    let steps = ((last - first) as i32).clamp(-1, 100);
    (0..=steps)
        .map(|number| (first + f64::from(number)) * step)
        .map(|tick| if tick == 0.0 { 0.0 } else { tick })
        .collect()
}

/// 1, 2 or 5 times a power of ten: about one in `count` of the span.
pub(super) fn step(span: f64, count: u32) -> f64 {
    let rough = span / f64::from(count.max(1));
    if !rough.is_finite() || rough <= 0.0 {
        return 0.0;
    }
    let power = 10_f64.powi(exponent(rough));
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= rough * 0.999);
    step.unwrap_or(10.0) * power
}

#[expect(clippy::cast_possible_truncation, reason = "the exponent of a double has four digits")]
fn exponent(number: f64) -> i32 {
    number.log10().floor() as i32
}

/// A number beside an axis: as few digits as tell it from its neighbours.
pub(super) fn number(number: f64) -> String {
    let (magnitude, suffix) = match number.abs() {
        size if size >= 1e9 => (1e9, " G"),
        size if size >= 1e6 => (1e6, " M"),
        size if size >= 1e4 => (1e3, " k"),
        _ => (1.0, ""),
    };
    let rounded = (number / magnitude * 1e6).round() / 1e6;
    if rounded == 0.0 { "0".to_owned() } else { format!("{rounded}{suffix}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        for (min, max, count, expected) in [
            (0.0, 1.0, 5, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (3.0, 21.0, 5, vec![5.0, 10.0, 15.0, 20.0]),
            (-0.1, 0.1, 2, vec![-0.1, 0.0, 0.1]),
            (0.0, 0.7, 7, vec![0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
            (1.0, 1.0, 5, vec![]),
            (0.0, f64::INFINITY, 5, vec![]),
            (f64::NAN, 1.0, 5, vec![]),
        ] {
            let found = ticks(min, max, count);
            assert_eq!(found.len(), expected.len(), "{min} to {max}: {found:?}");
            assert!(
                found.iter().zip(&expected).all(|(left, right)| (left - right).abs() < 1e-9),
                "{found:?}"
            );
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.1 + 0.2, "0.3"),
            (9_999.0, "9999"),
            (25_000.0, "25 k"),
            (1.5e6, "1.5 M"),
            (2e9, "2 G"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
