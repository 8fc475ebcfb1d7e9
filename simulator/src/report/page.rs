//! The report: one HTML file that needs no other.

use super::plot::PlotError;
use super::plots::{self, Plot};
use super::spread::{Row, rows};
use crate::results::{Results, Violation};

/// How the page looks; the plots' colours are found by their values.
const STYLE: &str = include_str!("page.css");

/// Draws one of the plots.
type Draw = fn(&[Results]) -> Result<Plot, PlotError>;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No runs.
    #[error("there is nothing to report: no runs")]
    Empty,
    /// A plot is not drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

/// The report on runs of one scenario with different seeds: HTML that is XML, too, without links to anywhere. `text` is
/// the scenario as its author wrote it, `version` the program's.
///
/// # Errors
/// [`ReportError`]: no runs, or numbers no plot can show.
pub fn page(runs: &[Results], text: &str, version: &str) -> Result<String, ReportError> {
    let first = runs.first().ok_or(ReportError::Empty)?;
    let plots: [Draw; 8] = [
        plots::viewers,
        plots::changes,
        plots::stages,
        plots::sources,
        plots::startup,
        plots::quality,
        plots::uploads,
        plots::buffers,
    ];
    let mut figures = String::new();
    for plot in plots {
        figures.push_str(&figure(&plot(runs)?));
    }
    let name = escape(&first.scenario.name);
    let about = escape(&first.scenario.about);
    let version = escape(version);
    let seeds = escape(&seeds(runs));
    let (table, of_seeds, broken) = (table(&rows(runs)), table_of_seeds(runs), violations(runs));
    let text = escape(text);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{name}: LiveSky simulation</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{name}</h1>\n<p>{about}</p>\n<p class=\"facts\">LiveSky {version}, {seeds}</p>\n</header>\n\
         {broken}<main>\n<section class=\"plots\">\n{figures}</section>\n\
         <section>\n<h2>Figures</h2>\n{table}</section>\n\
         <section>\n<h2>Seeds</h2>\n{of_seeds}</section>\n\
         <section>\n<h2>Scenario</h2>\n<pre>{text}</pre>\n</section>\n</main>\n</body>\n</html>\n"
    ))
}

/// Which seeds, in words.
fn seeds(runs: &[Results]) -> String {
    let seeds: Vec<String> = runs.iter().map(|run| run.seed.to_string()).collect();
    match seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds: {}; lines are medians, bands the range", seeds.len(), seeds.join(", ")),
    }
}

fn figure(plot: &Plot) -> String {
    let Plot { title, legend, note, svg } = plot;
    let chips: String = legend
        .iter()
        .enumerate()
        .map(|(place, name)| format!("<span class=\"c{place}\">{}</span> ", escape(name)))
        .collect();
    let legend = if chips.is_empty() { String::new() } else { format!("<p class=\"legend\">{chips}</p>\n") };
    let note =
        if note.is_empty() { String::new() } else { format!("<p class=\"note\">{}</p>\n", escape(note)) };
    format!("<figure>\n<figcaption>{}</figcaption>\n{legend}{svg}{note}</figure>\n", escape(title))
}

fn table(rows: &[Row]) -> String {
    let has_spread = rows.iter().any(|row| row.spread.is_some());
    let columns = if has_spread { 3 } else { 2 };
    let mut body = String::new();
    let mut group = None;
    for row in rows {
        if group != Some(row.group) {
            group = Some(row.group);
            body.push_str(&format!("<tr><th colspan=\"{columns}\">{}</th></tr>\n", row.group));
        }
        let spread =
            if has_spread { format!("<td>{}</td>", escape(&row.spread_text())) } else { String::new() };
        let (label, median) = (escape(&row.label), escape(&row.median_text()));
        body.push_str(&format!("<tr><td>{label}</td><td>{median}</td>{spread}</tr>\n"));
    }
    let head = if has_spread { "<td>median</td><td>worst seed, or range</td>" } else { "<td>value</td>" };
    format!(
        "<div class=\"wide\"><table>\n<thead><tr><td></td>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )
}

fn table_of_seeds(runs: &[Results]) -> String {
    let rows: String = runs
        .iter()
        .map(|run| {
            format!(
                "<tr><td>{}</td><td><code>{}</code></td><td>{}</td></tr>\n",
                run.seed,
                escape(&run.event_hash),
                run.violations_count
            )
        })
        .collect();
    format!(
        "<div class=\"wide\"><table>\n<thead><tr><td>seed</td><td>hash of all events</td><td>rules broken</td></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

/// Rules broken, before all else.
fn violations(runs: &[Results]) -> String {
    let count: u64 = runs.iter().map(|run| run.violations_count).sum();
    if count == 0 {
        return String::new();
    }
    let item = |violation: &Violation| format!("<li>{}</li>\n", escape(&violation.to_string()));
    let items: String = runs.iter().flat_map(|run| &run.violations).map(item).collect();
    format!("<aside>\n<h2>Rules broken: {count}</h2>\n<ul>\n{items}</ul>\n</aside>\n")
}

/// Text that is not markup. Control characters, which XML does not know, become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
