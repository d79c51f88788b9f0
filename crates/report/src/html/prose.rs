//! Sentences with numbers in them: a template of the program with holes for what a run found.

use super::Html;

/// What fills a hole of [`prose`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fill {
    /// A number that others may read: `<data value="...">`.
    Number(String),
    /// A text as it is.
    Text(String),
    /// A text in the type of code.
    Code(String),
    /// Something that differs from run to run: a time, a speed.
    Time(String),
}

impl Fill {
    fn html(&self) -> Html {
        match self {
            Self::Number(digits) => {
                Html::element("data", &[("value", digits)], Html::text(&shown(digits)))
            }
            Self::Text(text) => Html::text(text),
            Self::Code(text) => Html::element("code", &[], Html::text(text)),
            Self::Time(text) => Html::element("span", &[("class", "time")], Html::text(text)),
        }
    }
}

impl From<&str> for Fill {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Fill {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Fill {
    fn from(number: usize) -> Self {
        Self::Number(number.to_string())
    }
}

/// Digits with the minus of typography.
fn shown(digits: &str) -> String {
    digits.replace('-', "\u{2212}")
}

/// A number with so many decimals.
///
/// ```
/// assert_eq!(nearplane_report::fixed(0.13, 4), nearplane_report::Fill::Number("0.1300".to_owned()));
/// ```
#[must_use]
pub fn fixed(value: f64, decimals: usize) -> Fill {
    Fill::Number(digits(value, decimals))
}

/// A number with at most so many decimals, without zeros at the end.
///
/// ```
/// use nearplane_report::{Fill, number};
/// assert_eq!(number(-96.80000305, 2), Fill::Number("-96.8".to_owned()));
/// assert_eq!(number(0.0, 2), Fill::Number("0".to_owned()));
/// ```
#[must_use]
pub fn number(value: f64, decimals: usize) -> Fill {
    let text = digits(value, decimals);
    if !text.contains('.') {
        return Fill::Number(text);
    }
    Fill::Number(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// A fraction in per cent, with one decimal.
#[must_use]
pub fn percent(fraction: f64) -> Fill {
    Fill::Text(format!("{} %", digits(100.0 * fraction, 1)))
}

fn digits(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    // A negative number that is rounded to 0 is 0.
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        _ => text,
    }
}

/// A sentence: `{}` is a hole, `*emphasis*` and `` `code` `` are what they look like, what stands between two `~` is
/// lowered; everything else is text.
///
/// ```
/// use nearplane_report::{number, prose};
/// let html = prose("The *score* is {} < 1.", &[number(0.5, 1)]);
/// assert_eq!(html.as_str(), "The <em>score</em> is <data value=\"0.5\">0.5</data> &lt; 1.");
/// ```
///
/// # Panics
/// If the number of holes is not that of `fills`, or a `*`, `` ` `` or `~` is not closed.
#[must_use]
pub fn prose(template: &str, fills: &[Fill]) -> Html {
    let mut fills = fills.iter();
    let html = spans(template, &mut fills);
    assert!(
        fills.next().is_none(),
        "more fills than holes in {template:?}"
    );
    html
}

fn spans<'f>(template: &str, fills: &mut impl Iterator<Item = &'f Fill>) -> Html {
    let mut html = Html::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '*', '`', '~']) {
        html.push(Html::text(&rest[..at]));
        let mark = &rest[at..=at];
        let after = &rest[at + 1..];
        if mark == "{" {
            let after = after
                .strip_prefix('}')
                .unwrap_or_else(|| panic!("a brace that is no hole in {template:?}"));
            let fill = fills
                .next()
                .unwrap_or_else(|| panic!("fewer fills than holes in {template:?}"));
            html.push(fill.html());
            rest = after;
            continue;
        }
        let (inside, after) = after
            .split_once(mark)
            .unwrap_or_else(|| panic!("{mark} is not closed in {template:?}"));
        html.push(match mark {
            "*" => Html::element("em", &[], spans(inside, fills)),
            "~" => Html::element("sub", &[], spans(inside, fills)),
            _ => Html::element("code", &[], Html::text(inside)),
        });
        rest = after;
    }
    html.push(Html::text(rest));
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_in_order_and_escaped() {
        let html = prose(
            "{} and *{} or* `a<b` s~{}~",
            &["<x>".into(), Fill::Time("1 s".to_owned()), "j".into()],
        );
        assert_eq!(
            html.as_str(),
            "&lt;x&gt; and <em><span class=\"time\">1 s</span> or</em> <code>a&lt;b</code> s<sub>j</sub>"
        );
    }

    #[test]
    fn numbers_have_an_ascii_value() {
        assert_eq!(
            prose("{}", &[fixed(-2.5, 2)]).as_str(),
            "<data value=\"-2.50\">\u{2212}2.50</data>"
        );
        assert_eq!(number(-0.001, 2), Fill::Number("0".to_owned()));
        assert_eq!(number(120.0, 0), Fill::Number("120".to_owned()));
        assert_eq!(number(437.9000244, 2), Fill::Number("437.9".to_owned()));
    }

    #[test]
    #[should_panic(expected = "fewer fills than holes")]
    fn a_hole_needs_a_fill() {
        let _ = prose("{} {}", &["one".into()]);
    }
}
