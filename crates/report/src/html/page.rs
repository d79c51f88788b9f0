//! The page: a head that allows no request, contents, chapters of sections.

use super::{Figure, Html, Table};
use crate::plot;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Nothing may be loaded: styles, the script and images are in the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// A section in the making.
#[derive(Clone, Debug)]
pub struct Section {
    id: String,
    number: String,
    title: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Html(Html),
    Figure(Figure),
}

impl Section {
    /// Item `item` of chapter `chapter` of the lecture; its id is `lecture-<chapter>-<item>`.
    #[must_use]
    pub fn new(chapter: usize, item: usize, title: &str) -> Self {
        Self {
            id: format!("lecture-{chapter}-{item}"),
            number: format!("{chapter}.{item}"),
            title: title.to_owned(),
            parts: Vec::new(),
        }
    }

    fn with(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// A paragraph; [`prose`](crate::prose) makes one.
    #[must_use]
    pub fn paragraph(self, text: Html) -> Self {
        self.with(Part::Html(Html::element("p", &[], text)))
    }

    /// A formula on a line of its own.
    #[must_use]
    pub fn formula(self, text: Html) -> Self {
        let attributes = [("class", "formula"), ("tabindex", "0")];
        self.with(Part::Html(Html::element("div", &attributes, text)))
    }

    /// Items with dots.
    #[must_use]
    pub fn list(self, items: impl IntoIterator<Item = Html>) -> Self {
        let items = items.into_iter().map(|item| Html::element("li", &[], item));
        self.with(Part::Html(Html::element("ul", &[], items.collect())))
    }

    /// A table.
    #[must_use]
    pub fn table(self, table: &Table) -> Self {
        self.with(Part::Html(table.html()))
    }

    /// A few lines of program.
    #[must_use]
    pub fn code(self, code: &str) -> Self {
        let code = Html::element("code", &[], Html::text(code));
        self.with(Part::Html(Html::element("pre", &[("tabindex", "0")], code)))
    }

    /// What to take away, set apart.
    #[must_use]
    pub fn note(self, text: Html) -> Self {
        self.with(Part::Html(Html::element("p", &[("class", "note")], text)))
    }

    /// A figure.
    #[must_use]
    pub fn figure(self, figure: Figure) -> Self {
        self.with(Part::Figure(figure))
    }
}

/// A page in the making: the same sections are the same bytes.
///
/// ```
/// use nearplane_report::{Html, Page, Section};
/// let mut page = Page::new("The lecture");
/// page.lead(Html::text("Images and their classes."));
/// page.chapter(1, "Images");
/// page.section(Section::new(1, 1, "An image is numbers").paragraph(Html::text("0 to 255")));
/// let html = page.html();
/// assert!(html.contains("<section id=\"lecture-1-1\">"));
/// assert!(!html.contains("http://") && !html.contains("https://"));
/// ```
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    lead: Html,
    body: Html,
    contents: Html,
    chapter: Option<(usize, String)>,
    entries: Html,
    n_figures: usize,
}

impl Page {
    /// A page with its title.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            lead: Html::new(),
            body: Html::new(),
            contents: Html::new(),
            chapter: None,
            entries: Html::new(),
            n_figures: 0,
        }
    }

    /// What stands below the title.
    pub fn lead(&mut self, lead: Html) {
        self.lead = lead;
    }

    /// Begins a chapter, to which the following sections belong.
    pub fn chapter(&mut self, number: usize, title: &str) {
        self.end_chapter();
        self.chapter = Some((number, title.to_owned()));
        let id = format!("chapter-{number}");
        let heading = Html::text(&format!("{number}. {title}"));
        self.body.push(Html::element("h2", &[("id", &id)], heading));
    }

    fn end_chapter(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        if let Some((number, title)) = self.chapter.take() {
            let to = format!("#chapter-{number}");
            let mut item = Html::element(
                "a",
                &[("href", &to)],
                Html::text(&format!("{number}. {title}")),
            );
            item.push(Html::element("ul", &[], entries));
            self.contents.push(Html::element("li", &[], item));
        }
    }

    /// Appends a section.
    pub fn section(&mut self, section: Section) {
        let Section {
            id,
            number,
            title,
            parts,
        } = section;
        let short = Html::element("b", &[], Html::text(&number));
        let long = Html::element("span", &[], Html::text(&format!(" {title}")));
        let link = Html::element(
            "a",
            &[("href", &format!("#{id}")), ("title", &title)],
            [short, long].into_iter().collect(),
        );
        self.entries.push(Html::element("li", &[], link));
        let label = format!("heading-{id}");
        let mut heading = Html::element("span", &[("class", "number")], Html::text(&number));
        heading.push(Html::text(&format!(" {title}")));
        let mut inside = Html::element("h3", &[("id", &label)], heading);
        for part in parts {
            inside.push(match part {
                Part::Html(html) => html,
                Part::Figure(figure) => {
                    self.n_figures += 1;
                    figure.html(self.n_figures)
                }
            });
        }
        self.body
            .push(Html::element("section", &[("id", &id)], inside));
    }

    /// The whole file.
    #[must_use]
    pub fn html(mut self) -> String {
        self.end_chapter();
        let meta = |attributes: &[(&'static str, &str)]| Html::void("meta", attributes);
        let style = format!("{STYLE}{}", plot::STYLE);
        let head = [
            meta(&[("charset", "utf-8")]),
            meta(&[
                ("http-equiv", "Content-Security-Policy"),
                ("content", POLICY),
            ]),
            meta(&[
                ("name", "viewport"),
                ("content", "width=device-width, initial-scale=1"),
            ]),
            meta(&[("name", "color-scheme"), ("content", "light dark")]),
            // Otherwise browsers ask the folder for one.
            Html::void("link", &[("rel", "icon"), ("href", "data:,")]),
            Html::element("title", &[], Html::text(&self.title)),
            Html::element("style", &[], Html::trusted(style)),
        ];
        let contents = Html::element("ol", &[], self.contents);
        let nav = Html::element("nav", &[("aria-label", "Contents")], contents);
        let mut header = Html::element("h1", &[], Html::text(&self.title));
        header.push(self.lead);
        let mut main = Html::element("header", &[], header);
        main.push(self.body);
        let body = [
            nav,
            Html::element("main", &[], main),
            Html::element("script", &[], Html::trusted(SCRIPT.to_owned())),
        ];
        let html = [
            Html::element("head", &[], head.into_iter().collect()),
            Html::element("body", &[], body.into_iter().collect()),
        ];
        let html = Html::element("html", &[("lang", "en")], html.into_iter().collect());
        format!("<!DOCTYPE html>\n{}\n", html.as_str())
    }
}
