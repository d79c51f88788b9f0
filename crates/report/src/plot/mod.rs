//! Plots as SVG: lines, points, bars, error bars, bands, regions, heat maps. The only module that draws them, so that
//! what draws can be swapped.
//!
//! Own code and no plotting library: the plots take their colours from the page they stand in (light, dark, paper),
//! their text is text, they carry a title and a description for those who do not see them, and the same plot is the
//! same bytes. What is drawn here is a few hundred lines; the libraries that were looked at fix colours when they draw.

mod axis;
mod draw;
mod marks;
mod shapes;

pub use axis::Axis;
pub use marks::Color;
use marks::{Key, Mark};

use crate::html::Html;
use crate::picture::{Picture, Rgb};

/// The style of plots that are files of their own; a [`Page`](crate::Page) has it for all of its plots.
pub(crate) const STYLE: &str = include_str!("plot.css");

/// A plot in the making: marks in the order in which they are drawn.
///
/// ```
/// use nearplane_report::{Axis, Color, Plot};
/// let plot = Plot::new("Accuracy over k", "Accuracy falls from 40 % at k = 1 to 35 % at k = 3.")
///     .x(Axis::new("k"))
///     .y(Axis::new("accuracy").percent())
///     .line("L1", Color::Series(0), &[(1.0, 0.4), (3.0, 0.35)]);
/// let svg = plot.to_svg();
/// assert!(svg.starts_with("<svg") && svg.contains("<title>Accuracy over k</title>"));
/// ```
#[derive(Clone, Debug)]
pub struct Plot {
    title: String,
    alt: String,
    size: (f64, f64),
    x: Axis,
    y: Axis,
    marks: Vec<Mark>,
    legend: Vec<(Key, Color, String)>,
}

impl Plot {
    /// An empty plot with its title and, for those who do not see it, what it shows.
    #[must_use]
    pub fn new(title: &str, alt: &str) -> Self {
        Self {
            title: title.to_owned(),
            alt: alt.to_owned(),
            size: (440.0, 290.0),
            x: Axis::default(),
            y: Axis::default(),
            marks: Vec::new(),
            legend: Vec::new(),
        }
    }

    /// Another size than 440 x 290 units, of which a letter is 12 high.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (f64::from(width), f64::from(height));
        self
    }

    /// The axis from left to right.
    #[must_use]
    pub fn x(mut self, axis: Axis) -> Self {
        self.x = axis;
        self
    }

    /// The axis upwards.
    #[must_use]
    pub fn y(mut self, axis: Axis) -> Self {
        self.y = axis;
        self
    }

    fn with(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// An entry of the legend; none for a name that is empty or there already.
    fn named(mut self, key: Key, color: Color, name: &str) -> Self {
        if !name.is_empty() && self.legend.iter().all(|(_, _, other)| other != name) {
            self.legend.push((key, color, name.to_owned()));
        }
        self
    }

    /// A line through points; it is broken where one is not finite.
    #[must_use]
    pub fn line(self, name: &str, color: Color, points: &[(f64, f64)]) -> Self {
        self.named(Key::Line, color, name).with(Mark::Line {
            color,
            points: points.to_vec(),
            dashed: false,
        })
    }

    /// The same, dashed.
    #[must_use]
    pub fn dashed(self, name: &str, color: Color, points: &[(f64, f64)]) -> Self {
        self.named(Key::Dashed, color, name).with(Mark::Line {
            color,
            points: points.to_vec(),
            dashed: true,
        })
    }

    /// Points of `radius`; series differ in shape as well as in colour.
    #[must_use]
    pub fn points(self, name: &str, color: Color, radius: f64, points: &[(f64, f64)]) -> Self {
        self.named(Key::Point, color, name).with(Mark::Points {
            color,
            radius,
            points: points.to_vec(),
        })
    }

    /// Bars from `low` to `high` at each x: (x, low, high).
    #[must_use]
    pub fn errors(self, name: &str, color: Color, bars: &[(f64, f64, f64)]) -> Self {
        self.named(Key::Error, color, name).with(Mark::Errors {
            color,
            bars: bars.to_vec(),
        })
    }

    /// The area between two lines: (x, low, high).
    #[must_use]
    pub fn band(self, name: &str, color: Color, band: &[(f64, f64, f64)]) -> Self {
        self.named(Key::Area, color, name).with(Mark::Band {
            color,
            band: band.to_vec(),
        })
    }

    /// Bars that stand on 0: (from x, to x, height).
    #[must_use]
    pub fn bars(self, name: &str, color: Color, bars: &[(f64, f64, f64)]) -> Self {
        self.named(Key::Area, color, name).with(Mark::Bars {
            color,
            bars: bars.to_vec(),
        })
    }

    /// Parts of columns of one `width`: (middle x, from y, to y).
    #[must_use]
    pub fn columns(self, name: &str, color: Color, width: f64, parts: &[(f64, f64, f64)]) -> Self {
        self.named(Key::Area, color, name).with(Mark::Columns {
            color,
            width,
            parts: parts.to_vec(),
        })
    }

    /// Bars that lie: (from y, to y, length).
    #[must_use]
    pub fn lying_bars(self, name: &str, color: Color, bars: &[(f64, f64, f64)]) -> Self {
        self.named(Key::Area, color, name).with(Mark::LyingBars {
            color,
            bars: bars.to_vec(),
        })
    }

    /// Bars that stand on 0, each in a colour of its own that is the same in light and dark.
    ///
    /// # Panics
    /// If there is not a colour for each bar.
    #[must_use]
    pub fn swatches(self, bars: &[(f64, f64, f64)], colors: &[Rgb]) -> Self {
        assert!(
            bars.len() == colors.len(),
            "{} bars, {} colours",
            bars.len(),
            colors.len()
        );
        self.with(Mark::Swatches {
            bars: bars.iter().copied().zip(colors.iter().copied()).collect(),
        })
    }

    /// Error bars that lie: (y, low, high).
    #[must_use]
    pub fn lying_errors(self, color: Color, bars: &[(f64, f64, f64)]) -> Self {
        self.with(Mark::LyingErrors {
            color,
            bars: bars.to_vec(),
        })
    }

    /// The whole range in cells, `columns` a row, the lowest row first: a colour each, or none.
    ///
    /// # Panics
    /// If the cells are not whole rows.
    #[must_use]
    pub fn regions(self, columns: usize, cells: &[Option<Color>]) -> Self {
        assert!(
            columns > 0 && cells.len().is_multiple_of(columns),
            "{} cells in rows of {columns}",
            cells.len()
        );
        self.with(Mark::Regions {
            columns,
            cells: cells.to_vec(),
        })
    }

    /// A square of a heat map with its number: corners (x, y) to (x + 1, y + 1), `strength` 0 to 1.
    #[must_use]
    pub fn cell(self, color: Color, x: f64, y: f64, strength: f64, text: &str) -> Self {
        self.with(Mark::Cell {
            color,
            corner: (x, y),
            strength: strength.clamp(0.0, 1.0),
            text: text.to_owned(),
        })
    }

    /// A picture from (x, y) to the corner opposite.
    ///
    /// # Panics
    /// If it cannot be PNG: a side above 2^31.
    #[must_use]
    pub fn picture(self, picture: &Picture, from: (f64, f64), to: (f64, f64)) -> Self {
        let uri = crate::html::data_uri(picture);
        self.with(Mark::Picture { uri, from, to })
    }

    /// A frame around a square, (x, y) to (x + side, y + side).
    #[must_use]
    pub fn frame(self, color: Color, x: f64, y: f64, side: f64) -> Self {
        self.with(Mark::Frame {
            color,
            corner: (x, y),
            side,
        })
    }

    /// A line across the plot at an x, with a word.
    #[must_use]
    pub fn rule_x(self, color: Color, x: f64, text: &str) -> Self {
        self.with(Mark::Rule {
            color,
            x: Some(x),
            y: None,
            text: text.to_owned(),
        })
    }

    /// A line across the plot at a y, with a word.
    #[must_use]
    pub fn rule_y(self, color: Color, y: f64, text: &str) -> Self {
        self.with(Mark::Rule {
            color,
            x: None,
            y: Some(y),
            text: text.to_owned(),
        })
    }

    /// An arrow.
    #[must_use]
    pub fn arrow(self, color: Color, from: (f64, f64), to: (f64, f64)) -> Self {
        self.with(Mark::Arrow { color, from, to })
    }

    /// A word in the plot, its middle at (x, y).
    #[must_use]
    pub fn label(self, color: Color, x: f64, y: f64, text: &str) -> Self {
        self.with(Mark::Label {
            color,
            at: (x, y),
            text: text.to_owned(),
        })
    }

    /// The plot for a page, whose style it takes.
    #[must_use]
    pub fn html(&self) -> Html {
        draw::svg(self, None)
    }

    /// The plot as a file of its own, which adapts to light and dark, too.
    #[must_use]
    pub fn to_svg(&self) -> String {
        draw::svg(self, Some(STYLE)).as_str().to_owned()
    }
}
