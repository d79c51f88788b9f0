//! What can be said of a page without a browser: sections, worked numbers, figures, addresses.

/// Items of each chapter of the lecture.
const ITEMS: [usize; 8] = [3, 6, 2, 4, 3, 4, 4, 1];

/// Worked numbers of the lecture, by the section that has to show them.
const NUMBERS: [(&str, &[&str]); 6] = [
    ("lecture-2-2", &["456"]),
    ("lecture-4-2", &["-96.8", "437.9", "60.75", "61.95"]),
    ("lecture-6-2", &["2.9", "0", "12.9", "5.27"]),
    (
        "lecture-6-3",
        &["0.1300", "0.8690", "0.0010", "2.04", "0.0009"],
    ),
    ("lecture-6-4", &["2.9", "2.04"]),
    ("lecture-7-2", &["1", "0.25"]),
];

const MIN_FIGURES: usize = 12;
const MOST_BYTES: usize = 5_000_000;

/// Everything that is missing or too much.
pub(super) fn problems(html: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (chapter, items) in (1..).zip(ITEMS) {
        for item in 1..=items {
            let id = format!("lecture-{chapter}-{item}");
            if section(html, &id).is_none() {
                problems.push(format!("there is no section {id}"));
            }
        }
    }
    for (id, numbers) in NUMBERS {
        let section = section(html, id).unwrap_or_default();
        for number in numbers {
            if !section.contains(&format!("<data value=\"{number}\">")) {
                problems.push(format!("section {id} has no <data value=\"{number}\">"));
            }
        }
    }
    let figures = html.matches("<svg ").count();
    if figures < MIN_FIGURES {
        problems.push(format!(
            "{figures} SVG figures, expected {MIN_FIGURES} at least"
        ));
    }
    if html.len() > MOST_BYTES {
        problems.push(format!(
            "{} bytes, at most {MOST_BYTES} are allowed",
            html.len()
        ));
    }
    for attribute in ["src", "href", "srcset", "action", "poster"] {
        for (at, _) in html.match_indices(&format!(" {attribute}=\"")) {
            let value = &html[at + attribute.len() + 3..];
            let value = &value[..value.find('"').unwrap_or(0)];
            if !(value.starts_with("data:") || value.starts_with('#')) {
                problems.push(format!("{attribute} leaves the file: {value}"));
            }
        }
    }
    for word in ["@import", "url(", "fetch(", "XMLHttpRequest"] {
        if html.contains(word) {
            problems.push(format!("{word} could load something"));
        }
    }
    problems
}

/// The markup of a section, to the next one.
fn section<'a>(html: &'a str, id: &str) -> Option<&'a str> {
    let start = html.find(&format!("<section id=\"{id}\">"))?;
    let rest = &html[start..];
    Some(&rest[..rest.find("</section>").unwrap_or(rest.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with all that is asked for.
    fn page() -> String {
        let mut html = "<svg ></svg>".repeat(MIN_FIGURES);
        for (chapter, items) in (1..).zip(ITEMS) {
            for item in 1..=items {
                let id = format!("lecture-{chapter}-{item}");
                html += &format!("<section id=\"{id}\">");
                for (_, numbers) in NUMBERS.iter().filter(|(of, _)| *of == id) {
                    for number in *numbers {
                        html += &format!("<data value=\"{number}\">x</data>");
                    }
                }
                html += "</section>";
            }
        }
        html
    }

    #[test]
    fn a_good_page_has_no_problem() {
        assert_eq!(problems(&page()), [""; 0]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let without = page().replace("<data value=\"-96.8\">", "<data value=\"96.8\">");
        assert_eq!(
            problems(&without),
            ["section lecture-4-2 has no <data value=\"-96.8\">"]
        );
        let without = page().replace("<section id=\"lecture-8-1\">", "");
        assert_eq!(problems(&without), ["there is no section lecture-8-1"]);
        assert_eq!(problems(&page().replacen("<svg ", "", 1)).len(), 1);
    }

    #[test]
    fn addresses_stay_in_the_file() {
        let page = page() + "<img src=\"data:image/png;base64,\"><a href=\"#figure-1\"></a>";
        assert_eq!(problems(&page), [""; 0]);
        let page = page + "<script src=\"https://example.org/x.js\"></script>";
        assert_eq!(
            problems(&page),
            ["src leaves the file: https://example.org/x.js"]
        );
    }
}
