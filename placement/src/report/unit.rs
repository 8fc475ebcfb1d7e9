//! Numbers with their units, as people read them.

/// `12.3 Gbit/s` and the like; what nothing limits is `unlimited`.
#[must_use]
pub fn bps(bps: f64) -> String {
    if bps.is_infinite() {
        return "unlimited".to_owned();
    }
    let steps = [(1e12, "Tbit/s"), (1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")];
    match steps.into_iter().find(|(step, _)| bps.abs() >= step * 0.9995) {
        Some((step, unit)) => format!("{} {unit}", digits(bps / step)),
        None if bps.abs() < 0.5 => "0 bit/s".to_owned(),
        None => format!("{bps:.0} bit/s"),
    }
}

/// `43.2 ms`.
#[must_use]
pub fn ms(ms: f64) -> String {
    if ms.is_finite() { format!("{ms:.1} ms") } else { "-".to_owned() }
}

/// `12.3 %` of a share of 1; a gap that is not known is infinite.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        size if !size.is_finite() => "unknown".to_owned(),
        0.0 => "0 %".to_owned(),
        size if size < 0.005 => format!("{percent:.1e} %"),
        size if size < 1.0 => format!("{percent:.3} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// A sum of money a month: whole, in groups of three.
#[must_use]
pub fn money(amount: f64, currency: &str) -> String {
    let number =
        if amount.abs() < 100.0 && amount.fract() != 0.0 { format!("{amount:.2}") } else { grouped(amount) };
    if currency.is_empty() { number } else { format!("{number} {currency}") }
}

/// A whole number in groups of three digits.
#[must_use]
pub fn grouped(number: f64) -> String {
    if !number.is_finite() {
        return "-".to_owned();
    }
    let text = format!("{:.0}", number.abs());
    let mut grouped = String::new();
    for (place, digit) in text.chars().enumerate() {
        if place > 0 && (text.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number <= -0.5 { format!("-{grouped}") } else { grouped }
}

/// A figure without a unit: five digits that count, without noughts at the end.
#[must_use]
pub fn plain(number: f64) -> String {
    let text = match number.abs() {
        size if !size.is_finite() => return "-".to_owned(),
        0.0 => return "0".to_owned(),
        size if size >= 1e6 => return grouped(number),
        size if size >= 1e3 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.4}"),
        size if size >= 1e-3 => format!("{number:.5}"),
        _ => return format!("{number:.4e}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three digits that count, at least.
fn digits(number: f64) -> String {
    match number.abs() {
        size if size >= 99.95 => format!("{number:.0}"),
        size if size >= 9.995 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_people() {
        for (text, expected) in [
            (bps(0.0), "0 bit/s"),
            (bps(-0.0), "0 bit/s"),
            (bps(12_345_678.0), "12.3 Mbit/s"),
            (bps(999_999.0), "1.00 Mbit/s"),
            (bps(35e9), "35.0 Gbit/s"),
            (bps(f64::INFINITY), "unlimited"),
            (ms(43.21), "43.2 ms"),
            (ms(f64::INFINITY), "-"),
            (percent(0.123), "12.3 %"),
            (percent(0.0), "0 %"),
            (percent(0.0012), "0.120 %"),
            (percent(1e-9), "1.0e-7 %"),
            (percent(f64::INFINITY), "unknown"),
            (money(1_234_567.8, "CNY"), "1,234,568 CNY"),
            (money(0.5, ""), "0.50"),
            (money(-1_234.0, "EUR"), "-1,234 EUR"),
            (grouped(999.0), "999"),
            (grouped(-0.2), "0"),
            (plain(0.0), "0"),
            (plain(0.123_456_7), "0.12346"),
            (plain(932_615.75), "932615.8"),
            (plain(9_326_157.5), "9,326,158"),
            (plain(12.3), "12.3"),
            (plain(40.0), "40"),
            (plain(1e-5), "1.0000e-5"),
            (plain(f64::NAN), "-"),
        ] {
            assert_eq!(text, expected);
        }
    }
}
