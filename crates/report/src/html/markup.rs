//! HTML and SVG by construction: text can only come in escaped, tags and attribute names are those of the program.

use std::fmt::Write as _;

/// A piece of HTML or SVG that is well formed: every element is closed, every text escaped.
///
/// ```
/// use nearplane_report::Html;
/// let link = Html::element("p", &[("title", "\"a\" & b")], Html::text("1 < 2"));
/// assert_eq!(link.as_str(), "<p title=\"&quot;a&quot; &amp; b\">1 &lt; 2</p>");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A text, escaped; characters that no XML may hold become U+FFFD.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut html = Self::new();
        escape(&mut html.0, text);
        html
    }

    /// An element with attributes and what is in it.
    ///
    /// # Panics
    /// If the tag or an attribute is no name.
    #[must_use]
    pub fn element(tag: &'static str, attributes: &[(&'static str, &str)], inside: Html) -> Self {
        let mut html = Self::open(tag, attributes);
        html.0.push('>');
        html.0.push_str(&inside.0);
        // Writing to a string does not fail.
        let _ = write!(html.0, "</{tag}>");
        html
    }

    /// An element that has no inside: `meta`, `img`, or a shape of SVG.
    ///
    /// # Panics
    /// As [`Html::element`].
    #[must_use]
    pub fn void(tag: &'static str, attributes: &[(&'static str, &str)]) -> Self {
        let mut html = Self::open(tag, attributes);
        html.0.push_str("/>");
        html
    }

    fn open(tag: &'static str, attributes: &[(&'static str, &str)]) -> Self {
        assert!(is_name(tag), "{tag:?} is no tag");
        let mut html = Self(format!("<{tag}"));
        for (name, value) in attributes {
            assert!(is_name(name), "{name:?} is no attribute");
            let _ = write!(html.0, " {name}=\"");
            escape(&mut html.0, value);
            html.0.push('"');
        }
        html
    }

    /// Text of this crate that is HTML, CSS or a script already.
    pub(crate) fn trusted(text: String) -> Self {
        Self(text)
    }

    /// Appends.
    pub fn push(&mut self, more: Html) {
        self.0.push_str(&more.0);
    }

    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Html {
    /// [`Html::text`].
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(pieces: I) -> Self {
        let mut all = Self::new();
        for piece in pieces {
            all.push(piece);
        }
        all
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "-:".contains(c))
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_nest() {
        let row: Html = ["a", "b"]
            .map(|text| Html::element("td", &[], text.into()))
            .into_iter()
            .collect();
        let table = Html::element("tr", &[("class", "x")], row);
        assert_eq!(table.as_str(), "<tr class=\"x\"><td>a</td><td>b</td></tr>");
        assert_eq!(Html::void("br", &[]).as_str(), "<br/>");
    }

    #[test]
    #[should_panic(expected = "\"a b\" is no tag")]
    fn a_tag_is_a_name() {
        let _ = Html::void("a b", &[]);
    }

    proptest! {
        #[test]
        fn no_text_opens_a_tag_or_ends_an_attribute(text in ".*") {
            let html = Html::element("p", &[("title", &text)], Html::text(&text));
            let inside = html.as_str().strip_prefix("<p title=\"").unwrap().strip_suffix("</p>").unwrap();
            let (attribute, text) = inside.split_once("\">").unwrap();
            for part in [attribute, text] {
                prop_assert!(!part.contains(['<', '>', '"', '\'']), "{}", part);
                for (at, _) in part.match_indices('&') {
                    prop_assert!(["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].iter().any(|e| part[at..].starts_with(e)));
                }
            }
        }
    }
}
