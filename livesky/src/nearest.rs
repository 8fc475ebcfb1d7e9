//! What somebody may have meant.

/// The name most like `name` among those known, when it is like it at all.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.replace('_', "-").to_ascii_lowercase();
    let (distance, found) = known.into_iter().map(|known| (distance(&name, known), known)).min()?;
    (distance <= found.len().max(3) / 2).then_some(found)
}

/// Edits that make `from` into `to` (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (place, left) in from.bytes().enumerate() {
        let mut diagonal = place;
        let mut last = place + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(to.bytes()) {
            let cost = (diagonal + usize::from(left != right)).min(last + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = cost;
            last = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = place + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_unless_nothing_is_near() {
        let known = ["udp", "http", "capacity-mbps", "n1"];
        for (name, found) in
            [("capacity", Some("capacity-mbps")), ("N1", Some("n1")), ("htp", Some("http")), ("q", None)]
        {
            assert_eq!(nearest(name, known), found, "{name}");
        }
        assert_eq!(nearest("n1", []), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
