//! A drawing as SVG, in the words of the page's style sheet: what is drawn has a class, and no colour of its own.

/// The most letters of a tip: more are not read.
const TIP_MAX: usize = 400;

/// A drawing under way.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

impl Canvas {
    /// An empty drawing; `title` is for those who cannot see it.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, title: escape(title), body: String::new() }
    }

    /// A line through the points.
    pub(super) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let path = path(points);
        self.body.push_str(&format!("<path class=\"{class}\" d=\"{path}\"/>\n"));
    }

    /// A line through the points of a width of its own.
    pub(super) fn wide_line(&mut self, class: &str, points: &[(f64, f64)], width: f64) {
        let path = path(points);
        self.body.push_str(&format!("<path class=\"{class}\" stroke-width=\"{width:.1}\" d=\"{path}\"/>\n"));
    }

    /// A disc; `tip` is shown when somebody points at it.
    pub(super) fn disc(&mut self, class: &str, (x, y): (f64, f64), radius: f64, tip: &str) {
        let tip = titled(tip);
        let tag = format!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\">{tip}</circle>\n"
        );
        self.body.push_str(&tag);
    }

    /// A rectangle from its upper left corner; `tip` is shown when somebody points at it.
    pub(super) fn rectangle(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        tip: &str,
    ) {
        let tip = titled(tip);
        self.body.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">{tip}</rect>\n"
        ));
    }

    /// A text.
    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        let tag = format!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>\n"
        );
        self.body.push_str(&tag);
    }

    /// A text that runs upwards, its middle at the place.
    pub(super) fn upright_text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let text = escape(text);
        self.body.push_str(&format!(
            "<text class=\"{class}\" text-anchor=\"middle\" transform=\"translate({x:.1} {y:.1}) rotate(-90)\">{text}</text>\n"
        ));
    }

    /// The drawing.
    pub(super) fn finish(self) -> String {
        let Self { width, height, title, body } = self;
        format!(
            "<svg role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             xmlns=\"http://www.w3.org/2000/svg\">\n{body}</svg>\n"
        )
    }
}

fn titled(tip: &str) -> String {
    if tip.is_empty() {
        return String::new();
    }
    let cut = tip.char_indices().nth(TIP_MAX).and_then(|(end, _)| tip.get(..end));
    let (text, dots) = cut.map_or((tip, ""), |cut| (cut, " ..."));
    format!("<title>{}{dots}</title>", escape(text))
}

/// Points that no screen shows, as those without a number, are left out.
fn path(points: &[(f64, f64)]) -> String {
    let shown = points.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
    let step = |(place, (x, y)): (usize, &(f64, f64))| {
        format!("{}{x:.1} {y:.1}", if place == 0 { "M" } else { "L" })
    };
    shown.enumerate().map(step).collect()
}

/// Text that is not markup. Control characters, which XML does not know, become spaces.
pub(super) fn escape(text: &str) -> String {
    let letter = |letter: char| match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\n' | '\t' => letter.to_string(),
        '\u{fffe}' | '\u{ffff}' => " ".to_owned(),
        letter if letter.is_control() => " ".to_owned(),
        letter => letter.to_string(),
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_not_markup() {
        assert_eq!(escape("a<b>&\"\u{0}\n"), "a&lt;b&gt;&amp;&quot; \n");
    }

    #[test]
    fn points_without_a_number_are_left_out() {
        assert_eq!(
            path(&[(f64::NAN, 0.0), (1.0, 2.0), (3.0, f64::INFINITY), (5.04, 6.0)]),
            "M1.0 2.0L5.0 6.0"
        );
        assert_eq!(path(&[]), "");
    }

    #[test]
    fn long_tips_are_cut_between_letters() {
        let tip = titled(&"ä".repeat(TIP_MAX + 1));
        assert!(tip.ends_with("ä ...</title>"), "{tip}");
        assert_eq!(titled(""), "");
    }
}
