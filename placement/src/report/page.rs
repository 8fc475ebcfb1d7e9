//! What pages are made of: the frame, figures, tables. HTML that is XML, too, without a link to anywhere.

use super::canvas::escape;
use super::tables::Table;

/// How the pages look.
pub(super) const STYLE: &str = include_str!("page.css");
/// Colours that the style sheet has for lines, dots and cells.
pub(super) const COLOURS: usize = 8;

/// A page: `title` and `about` are text, `body` is markup.
pub(super) fn page(title: &str, about: &str, facts: &str, body: &str) -> String {
    let (title, about, facts) = (escape(title), escape(about), escape(facts));
    let about = if about.is_empty() { about } else { format!("<p>{about}</p>\n") };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{title}: LiveSky placement</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n{about}<p class=\"facts\">{facts}</p>\n</header>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// A section under a heading; `body` is markup.
pub(super) fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(title))
}

/// Plots side by side; `body` is their figures.
pub(super) fn plots(body: &str) -> String {
    format!("<div class=\"plots\">\n{body}</div>\n")
}

/// A drawing with its caption, the names of its colours, and what one should know to read it.
pub(super) fn figure(title: &str, legend: &[(usize, &str)], svg: &str, note: &str) -> String {
    let chip = |(colour, name): &(usize, &str)| {
        let colour = colour % COLOURS;
        format!("<span class=\"c{colour}\">{}</span> ", escape(name))
    };
    let chips: String = legend.iter().filter(|(_, name)| !name.is_empty()).map(chip).collect();
    let legend = if chips.is_empty() { chips } else { format!("<p class=\"legend\">{chips}</p>\n") };
    let note = paragraph("note", note);
    format!("<figure>\n<figcaption>{}</figcaption>\n{legend}{svg}{note}</figure>\n", escape(title))
}

/// Text in a paragraph of a class; nothing when there is no text.
pub(super) fn paragraph(class: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p class=\"{class}\">{}</p>\n", escape(text)) }
}

/// Figures that stand first, each under its name.
pub(super) fn cards(cards: &[(String, String)]) -> String {
    let card = |(name, value): &(String, String)| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value))
    };
    format!("<dl class=\"cards\">\n{}</dl>\n", cards.iter().map(card).collect::<String>())
}

/// A table of text.
pub(super) fn table(table: &Table) -> String {
    let class = |column: usize| match table.is_number.get(column) {
        Some(true) => " class=\"number\"",
        Some(false) | None => "",
    };
    let cells = |cells: &Vec<String>| -> String {
        let cell = |(column, text): (usize, &String)| format!("<td{}>{}</td>", class(column), escape(text));
        format!("<tr>{}</tr>", cells.iter().enumerate().map(cell).collect::<String>())
    };
    let head = cells(&table.heads);
    let body: String = table.rows.iter().map(|row| cells(row) + "\n").collect();
    format!("<div class=\"wide\"><table>\n<thead>{head}</thead>\n<tbody>\n{body}</tbody>\n</table></div>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_text_and_no_markup() {
        let text = Table::new(&[("a", false), ("b", true)], vec![vec!["<x>".to_owned(), "1".to_owned()]]);
        let table = table(&text);
        assert!(table.contains("<td>&lt;x&gt;</td><td class=\"number\">1</td>"), "{table}");
    }

    #[test]
    fn every_colour_has_its_classes() {
        for colour in 0..COLOURS {
            for class in [format!("svg .s{colour} "), format!("svg .f{colour} "), format!("--c{colour}:")] {
                assert!(STYLE.contains(&class), "{class}");
            }
            assert!(colour == 0 || STYLE.contains(&format!(".legend .c{colour}::before")), "{colour}");
        }
        assert_eq!(STYLE.matches("--c7:").count(), 2, "light and dark");
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
