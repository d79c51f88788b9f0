//! Figures: one or several panels, a caption, the command that reproduces them, the data behind them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Html, Table};
use crate::picture::Picture;
use crate::plot::Plot;

/// A figure in the making.
///
/// ```
/// use nearplane_report::{Figure, Html, Picture};
/// let picture = Picture::new(2, 1, vec![0, 0, 0, 255, 255, 255]);
/// let figure = Figure::new(Html::text("Two pixels."))
///     .picture("", &picture, 100.0, "a black pixel beside a white one")
///     .command("nearplane knn --k 1");
/// ```
#[derive(Clone, Debug)]
pub struct Figure {
    panels: Vec<Html>,
    caption: Html,
    command: Option<String>,
    data: Option<(String, Table)>,
    is_wide: bool,
}

impl Figure {
    /// A figure with its caption and nothing above it yet.
    #[must_use]
    pub fn new(caption: Html) -> Self {
        Self {
            panels: Vec::new(),
            caption,
            command: None,
            data: None,
            is_wide: false,
        }
    }

    /// Something with a heading, if that is not empty; panels stand side by side where there is room.
    #[must_use]
    pub fn panel(self, heading: &str, content: Html) -> Self {
        self.sized_panel(heading, "panel", "", content)
    }

    fn sized_panel(mut self, heading: &str, class: &str, style: &str, content: Html) -> Self {
        let mut inside = Html::new();
        if !heading.is_empty() {
            inside.push(Html::element(
                "p",
                &[("class", "heading")],
                Html::text(heading),
            ));
        }
        inside.push(content);
        let attributes = [("class", class), ("style", style)];
        let count = if style.is_empty() { 1 } else { 2 };
        self.panels
            .push(Html::element("div", &attributes[..count], inside));
        self
    }

    /// A plot.
    #[must_use]
    pub fn plot(self, heading: &str, plot: &Plot) -> Self {
        self.panel(heading, plot.html())
    }

    /// A plot that is small, so that several stand side by side even on a small screen.
    #[must_use]
    pub fn small_plot(self, heading: &str, plot: &Plot) -> Self {
        self.sized_panel(heading, "panel small", "", plot.html())
    }

    /// A plot of many parts, which takes the whole width and on a small screen scrolls in a box of its own.
    #[must_use]
    pub fn wide_plot(mut self, plot: &Plot) -> Self {
        self.is_wide = true;
        self.panel("", plot.html())
    }

    /// A picture, each of its pixels a square `scale` wide where there is room, and what it shows in words.
    ///
    /// # Panics
    /// If it cannot be PNG: a side above 2^31.
    #[must_use]
    pub fn picture(self, heading: &str, picture: &Picture, scale: f64, alt: &str) -> Self {
        let (width, height) = (picture.width().to_string(), picture.height().to_string());
        let wide = (f64::from(picture.width()) * scale).round();
        let image = Html::void(
            "img",
            &[
                ("src", &data_uri(picture)),
                ("alt", alt),
                ("width", &width),
                ("height", &height),
                ("style", &format!("width:{wide}px")),
            ],
        );
        self.sized_panel(heading, "panel still", &format!("width:{wide}px"), image)
    }

    /// The command that makes the same result.
    #[must_use]
    pub fn command(mut self, command: &str) -> Self {
        self.command = Some(command.to_owned());
        self
    }

    /// The numbers behind the figure, under a name for the file that they can be saved as.
    #[must_use]
    pub fn data(mut self, name: &str, data: Table) -> Self {
        self.data = Some((name.to_owned(), data));
        self
    }

    /// The figure as part of a page, where `number` is its own.
    pub(super) fn html(&self, number: usize) -> Html {
        let class = match self.panels.len() {
            _ if self.is_wide => "panels wide",
            0..=2 => "panels",
            3..=5 => "panels some",
            _ => "panels many",
        };
        let panels = self.panels.iter().cloned().collect();
        // Only what may scroll is reached by the keyboard.
        let attributes = [("class", class), ("tabindex", "0")];
        let count = if self.is_wide { 2 } else { 1 };
        let mut inside = Html::element("div", &attributes[..count], panels);
        let mut caption = Html::element("b", &[], Html::text(&format!("Figure {number}. ")));
        caption.push(self.caption.clone());
        inside.push(Html::element("figcaption", &[], caption));
        let mut source = Html::new();
        if let Some(command) = &self.command {
            let code = Html::element("code", &[], Html::text(command));
            let attributes = [
                ("tabindex", "0"),
                ("aria-label", "command that reproduces this figure"),
            ];
            source.push(Html::element("pre", &attributes, code));
        }
        if let Some((name, table)) = &self.data {
            let id = format!("data-{number}");
            let label = format!("Save the data of figure {number} as CSV");
            let attributes = [
                ("type", "button"),
                ("data-of", &*id),
                ("aria-label", &*label),
            ];
            source.push(Html::element("button", &attributes, Html::text("CSV")));
            let json = Html::trusted(table.to_json(name));
            let attributes = [("type", "application/json"), ("id", &*id)];
            source.push(Html::element("script", &attributes, json));
        }
        if !source.is_empty() {
            inside.push(Html::element("div", &[("class", "source")], source));
        }
        Html::element("figure", &[("id", &format!("figure-{number}"))], inside)
    }
}

/// A picture as an address that holds it.
pub(crate) fn data_uri(picture: &Picture) -> String {
    let png = picture.to_png();
    let png = png.unwrap_or_else(|error| panic!("{error}"));
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}
