//! The plan on a map: regions where they lie, sites as large as their capacity, lines to whom they serve.

use super::canvas::{Anchor, Canvas, escape};
use super::labels::{Area, Labels};
use super::page::COLOURS;
use super::ticks::{number, step, ticks};

const WIDTH: f64 = 880.0;
const HEIGHT_MIN: f64 = 320.0;
const HEIGHT_MAX: f64 = 620.0;
const MARGIN: f64 = 44.0;
/// Radius of the largest site and of the smallest.
const SITE_MAX: f64 = 26.0;
const SITE_MIN: f64 = 6.0;
/// Radius of the region with the most viewers and of one with hardly any.
const REGION_MAX: f64 = 8.0;
const REGION_MIN: f64 = 2.2;
const LETTERS: f64 = 13.0;
const KM_PER_DEGREE: f64 = 111.195;

/// A region on the map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) name: String,
    /// Degrees north and east.
    pub(super) at: (f64, f64),
    pub(super) viewers: f64,
    /// Size of the site here, in bit/s; `None`: there is none.
    pub(super) site_bps: Option<f64>,
    /// Places of those who serve it, and which share.
    pub(super) served_by: Vec<(usize, f64)>,
    /// What is said when somebody points at it.
    pub(super) tip: String,
}

/// Degrees to the drawing: equirectangular, true in the middle.
struct Projection {
    west: f64,
    north: f64,
    /// Units of the drawing for a degree of longitude and of latitude.
    per_degree: (f64, f64),
    left: f64,
    top: f64,
    height: f64,
    longitude_min: f64,
}

impl Projection {
    fn new(places: &[Place]) -> Self {
        let start = after_largest_gap(places.iter().map(|place| place.at.1).collect());
        let longitudes = places.iter().map(|place| unrolled(place.at.1, start));
        let (west, east) = span(longitudes);
        let (south, north) = span(places.iter().map(|place| place.at.0));
        let (east, west) = widened(east, west);
        let (north, south) = widened(north, south);
        let squeeze = ((north + south) / 2.0).to_radians().cos().max(0.05);
        let across = (WIDTH - 2.0 * MARGIN) / ((east - west) * squeeze);
        let down = (HEIGHT_MAX - 2.0 * MARGIN) / (north - south);
        let scale = across.min(down);
        let drawn = ((east - west) * squeeze * scale, (north - south) * scale);
        let height = (drawn.1 + 2.0 * MARGIN).max(HEIGHT_MIN);
        Self {
            west,
            north,
            per_degree: (squeeze * scale, scale),
            left: (WIDTH - drawn.0) / 2.0,
            top: (height - drawn.1) / 2.0,
            height,
            longitude_min: start,
        }
    }

    fn place(&self, (latitude, longitude): (f64, f64)) -> (f64, f64) {
        let x = self.left + (unrolled(longitude, self.longitude_min) - self.west) * self.per_degree.0;
        (x, self.top + (self.north - latitude) * self.per_degree.1)
    }
}

/// A longitude at or east of `start`.
fn unrolled(longitude: f64, start: f64) -> f64 {
    start + (longitude - start).rem_euclid(360.0)
}

/// Where the regions begin, going east: behind the widest stretch without any, so that none is cut by the date line.
fn after_largest_gap(mut longitudes: Vec<f64>) -> f64 {
    longitudes.retain(|longitude| longitude.is_finite());
    longitudes.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (longitudes.first().copied(), longitudes.last().copied()) else {
        return 0.0;
    };
    let around = (first + 360.0 - last, first);
    let gaps = longitudes.windows(2).filter_map(|pair| Some((pair.last()? - pair.first()?, *pair.last()?)));
    gaps.fold(around, |widest, gap| if gap.0 > widest.0 { gap } else { widest }).1
}

fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (min, max) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(value), max.max(value)));
    if min <= max { (min, max) } else { (0.0, 0.0) }
}

/// At least two degrees.
fn widened(high: f64, low: f64) -> (f64, f64) {
    let lacking = (2.0 - (high - low)).max(0.0) / 2.0;
    (high + lacking, low - lacking)
}

/// The map, or nothing when fewer than two regions have coordinates; `what` is its title.
pub(super) fn map(places: &[Place], what: &str) -> Option<String> {
    if places.len() < 2 {
        return None;
    }
    let projection = Projection::new(places);
    let mut canvas = Canvas::new(WIDTH, projection.height, what);
    graticule(&mut canvas, &projection);
    let spots: Vec<(f64, f64)> = places.iter().map(|place| projection.place(place.at)).collect();
    let colours = colours(places, &spots);
    service(&mut canvas, places, &spots, &colours);
    let mut labels = Labels::new(Area { left: 0.0, top: 0.0, right: WIDTH, bottom: projection.height });
    let radii = dots(&mut canvas, places, &spots, &colours, &mut labels);
    scale(&mut canvas, &projection, &mut labels);
    names(&mut canvas, places, &spots, &radii, &mut labels);
    Some(canvas.finish())
}

/// Degrees as thin lines, with their numbers at the edge.
fn graticule(canvas: &mut Canvas, projection: &Projection) {
    let degrees = |at: f64, suffixes: [&str; 2]| {
        let folded = (at + 180.0).rem_euclid(360.0) - 180.0;
        let suffix = if folded < 0.0 { suffixes[1] } else { suffixes[0] };
        format!("{}°{suffix}", number(folded.abs()))
    };
    let (across, down) = projection.per_degree;
    let west = projection.west - projection.left / across;
    for longitude in ticks(west, west + WIDTH / across, 8) {
        let x = (longitude - west) * across;
        canvas.line("grid", &[(x, 0.0), (x, projection.height)]);
        if (30.0..WIDTH - 30.0).contains(&x) {
            canvas.text(
                "tick",
                (x + 3.0, projection.height - 5.0),
                Anchor::Start,
                &degrees(longitude, ["E", "W"]),
            );
        }
    }
    let north = projection.north + projection.top / down;
    for latitude in ticks(north - projection.height / down, north, 6) {
        let y = (north - latitude) * down;
        canvas.line("grid", &[(0.0, y), (WIDTH, y)]);
        if (20.0..projection.height - 30.0).contains(&y) {
            canvas.text("tick", (4.0, y - 3.0), Anchor::Start, &degrees(latitude, ["N", "S"]));
        }
    }
}

/// A colour for each site, another one than its neighbours have as far as there are enough.
fn colours(places: &[Place], spots: &[(f64, f64)]) -> Vec<usize> {
    let mut chosen: Vec<(usize, (f64, f64))> = Vec::new();
    let mut colours = vec![0; places.len()];
    let sites = places.iter().zip(spots).zip(&mut colours).filter(|((place, _), _)| place.site_bps.is_some());
    for ((_, spot), colour) in sites {
        let distance = |colour: usize| {
            let same = chosen.iter().filter(|(other, _)| *other == colour);
            same.map(|(_, at)| (at.0 - spot.0).hypot(at.1 - spot.1)).fold(f64::INFINITY, f64::min)
        };
        // The first of equals, so that few sites get the first colours.
        let best = (0..COLOURS).fold((0, distance(0)), |best, colour| {
            let distance = distance(colour);
            if distance > best.1 { (colour, distance) } else { best }
        });
        *colour = best.0;
        chosen.push((best.0, *spot));
    }
    colours
}

/// Lines from sites to whom they serve, the wider the more viewers.
fn service(canvas: &mut Canvas, places: &[Place], spots: &[(f64, f64)], colours: &[usize]) {
    let most = places.iter().map(|place| place.viewers).fold(f64::MIN_POSITIVE, f64::max);
    for ((place, spot), own) in places.iter().zip(spots).zip(0_usize..) {
        for (site, share) in place.served_by.iter().filter(|(site, _)| *site != own) {
            let (Some(from), Some(colour)) = (spots.get(*site), colours.get(*site)) else { continue };
            let width = 1.2 + 4.0 * (place.viewers * share / most).sqrt();
            canvas.wide_line(&format!("service s{colour}"), &[*from, *spot], width);
        }
    }
}

/// Regions and sites; gives their radii.
fn dots(
    canvas: &mut Canvas,
    places: &[Place],
    spots: &[(f64, f64)],
    colours: &[usize],
    labels: &mut Labels,
) -> Vec<f64> {
    let viewers_max = places.iter().map(|place| place.viewers).fold(f64::MIN_POSITIVE, f64::max);
    let site_max = places.iter().filter_map(|place| place.site_bps).fold(f64::MIN_POSITIVE, f64::max);
    let radius = |place: &Place| match place.site_bps {
        Some(bps) => (SITE_MAX * (bps / site_max).sqrt()).max(SITE_MIN),
        None => (REGION_MAX * (place.viewers / viewers_max).sqrt()).max(REGION_MIN),
    };
    let radii: Vec<f64> = places.iter().map(radius).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    // Small ones over large ones, or they could not be seen.
    let key = |place: &usize| radii.get(*place).copied().unwrap_or(0.0);
    order.sort_by(|left, right| key(right).total_cmp(&key(left)));
    for index in order {
        let (Some(place), Some(spot), Some(radius)) = (places.get(index), spots.get(index), radii.get(index))
        else {
            continue;
        };
        let server = if place.site_bps.is_some() {
            Some(index)
        } else {
            place.served_by.first().map(|(site, _)| *site)
        };
        let colour = server.and_then(|server| colours.get(server)).copied().unwrap_or(0);
        let class =
            if place.site_bps.is_some() { format!("site f{colour}") } else { format!("region f{colour}") };
        canvas.disc(&class, *spot, *radius, &place.tip);
        labels.take(Area::around(*spot, radius * 0.8));
    }
    radii
}

/// How long a distance is.
fn scale(canvas: &mut Canvas, projection: &Projection, labels: &mut Labels) {
    let km = step(WIDTH / projection.per_degree.1 * KM_PER_DEGREE, 5);
    let length = km / KM_PER_DEGREE * projection.per_degree.1;
    let (right, y) = (WIDTH - 14.0, 18.0);
    canvas.line("axis", &[(right - length, y - 4.0), (right - length, y), (right, y), (right, y - 4.0)]);
    canvas.text("tick", (right - length / 2.0, y + 14.0), Anchor::Middle, &format!("{km} km"));
    labels.take(Area { left: right - length, top: 0.0, right: WIDTH, bottom: y + 18.0 });
}

/// Names of sites first, then of regions, the largest first.
fn names(canvas: &mut Canvas, places: &[Place], spots: &[(f64, f64)], radii: &[f64], labels: &mut Labels) {
    let mut order: Vec<(&Place, (f64, f64), f64)> =
        places.iter().zip(spots).zip(radii).map(|((place, spot), radius)| (place, *spot, *radius)).collect();
    let rank = |place: &Place| (place.site_bps.unwrap_or(-1.0), place.viewers);
    order.sort_by(|(left, _, _), (right, _, _)| {
        let (left, right) = (rank(left), rank(right));
        right.0.total_cmp(&left.0).then(right.1.total_cmp(&left.1))
    });
    for (place, spot, radius) in order {
        let class = if place.site_bps.is_some() { "name strong" } else { "name" };
        if let Some((at, anchor)) = labels.place(spot, radius, &place.name, LETTERS) {
            canvas.text(class, at, anchor, &place.name);
        }
    }
}

/// The map as a figure of the page.
pub(super) fn figure(places: &[Place], what: &str, note: &str) -> Option<String> {
    let svg = map(places, what)?;
    let note = escape(note);
    Some(format!(
        "<figure class=\"map\">\n<figcaption>{}</figcaption>\n{svg}<p class=\"note\">{note}</p>\n</figure>\n",
        escape(what)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, at: (f64, f64), site_bps: Option<f64>, server: usize) -> Place {
        Place {
            name: name.to_owned(),
            at,
            viewers: 100.0,
            site_bps,
            served_by: vec![(server, 1.0)],
            tip: format!("about {name}"),
        }
    }

    #[test]
    fn sites_regions_and_lines_are_drawn() {
        let places = [
            place("Beijing", (39.9, 116.4), Some(4e9), 0),
            place("Tianjin", (39.1, 117.2), None, 0),
            place("Guangzhou", (23.1, 113.3), Some(1e9), 2),
        ];
        let svg = map(&places, "the plan").unwrap();
        assert_eq!(svg.matches("class=\"site ").count(), 2);
        assert_eq!(svg.matches("class=\"region ").count(), 1);
        assert_eq!(svg.matches("class=\"service ").count(), 1, "nobody is joined to itself");
        for part in ["about Tianjin", ">Guangzhou</text>", " km</text>", "°N"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert_eq!(map(&places[..1], "one"), None);
    }

    #[test]
    fn the_date_line_cuts_nothing() {
        let places = [place("Fiji", (-18.0, 178.0), None, 1), place("Samoa", (-14.0, -172.0), Some(1.0), 1)];
        let projection = Projection::new(&places);
        let (fiji, samoa) = (projection.place(places[0].at), projection.place(places[1].at));
        assert!(fiji.0 < samoa.0 && samoa.0 <= WIDTH, "{fiji:?} {samoa:?}");
        assert!(fiji.1 > samoa.1, "north is above");
    }

    #[test]
    fn one_spot_for_all_is_no_reason_to_fail() {
        let places = [place("a", (50.0, 7.0), Some(0.0), 0), place("b", (50.0, 7.0), None, 0)];
        let svg = map(&places, "all in one").unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn neighbours_have_colours_of_their_own() {
        let places: Vec<Place> = (0..12).map(|at| place("x", (f64::from(at), 0.0), Some(1.0), 0)).collect();
        let spots: Vec<(f64, f64)> = (0..12).map(|at| (f64::from(at), 0.0)).collect();
        let colours = colours(&places, &spots);
        assert!(colours.windows(2).all(|pair| pair[0] != pair[1]), "{colours:?}");
        assert_eq!(colours[..COLOURS].iter().collect::<std::collections::BTreeSet<_>>().len(), COLOURS);
    }
}
