//! From a plot to SVG.

use std::fmt::Write as _;

use super::Plot;
use super::axis::Fitted;
use super::marks::{Color, Key, Mark};
use super::shapes::{n, point, rectangle, segment, words};
use crate::html::Html;

/// Width of a letter of 12 units, on the average.
const LETTER: f64 = 6.3;
/// Height of a row of the legend.
const LEGEND_ROW: f64 = 18.0;

/// Where things are.
struct Frame<'a> {
    x: Fitted<'a>,
    y: Fitted<'a>,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame<'_> {
    fn x(&self, value: f64) -> Option<f64> {
        let share = self.x.place(value)?;
        Some(self.left + share * (self.right - self.left))
    }

    fn y(&self, value: f64) -> Option<f64> {
        let share = self.y.place(value)?;
        Some(self.bottom - share * (self.bottom - self.top))
    }

    fn at(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        Some((self.x(x)?, self.y(y)?))
    }
}

/// The whole plot; with a style, as a file of its own.
pub(super) fn svg(plot: &Plot, style: Option<&str>) -> Html {
    let (width, height) = plot.size;
    let rows = legend_rows(plot, width);
    let extents: Vec<(f64, f64)> = plot.marks.iter().flat_map(Mark::extent).collect();
    let x = Fitted::new(&plot.x, extents.iter().map(|p| p.0), 0.03);
    let y = Fitted::new(&plot.y, extents.iter().map(|p| p.1), 0.06);
    let y_ticks = y.ticks(5);
    let longest = y_ticks.iter().map(|(_, text)| text.chars().count()).max();
    let margin = |shown: bool, room: f64| if shown { room } else { 4.0 };
    let label_y = if plot.y.label.is_empty() { 0.0 } else { 17.0 };
    let label_x = if plot.x.label.is_empty() { 0.0 } else { 18.0 };
    let frame = Frame {
        left: margin(
            !plot.y.hidden,
            label_y + 9.0 + LETTER * longest.unwrap_or(0) as f64,
        ),
        right: width - 12.0,
        top: 9.0 + LEGEND_ROW * rows.len() as f64,
        bottom: height - margin(!plot.x.hidden, label_x + 20.0),
        x,
        y,
    };
    let mut inside = Html::element("title", &[], Html::text(&plot.title));
    inside.push(Html::element("desc", &[], Html::text(&plot.alt)));
    if let Some(style) = style {
        inside.push(Html::element("style", &[], Html::trusted(style.to_owned())));
    }
    inside.push(legend(&rows));
    inside.push(axes(plot, &frame, &y_ticks));
    for mark in &plot.marks {
        inside.push(draw(mark, &frame));
    }
    Html::element(
        "svg",
        &[
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("class", "plot"),
            ("viewBox", &format!("0 0 {} {}", n(width), n(height))),
            ("role", "img"),
            ("aria-label", &format!("{}. {}", plot.title, plot.alt)),
        ],
        inside,
    )
}

/// Entries of the legend with their left edges, row by row.
type Rows<'a> = Vec<Vec<(f64, &'a (Key, Color, String))>>;

fn legend_rows(plot: &Plot, width: f64) -> Rows<'_> {
    let mut rows: Rows<'_> = Vec::new();
    let mut x = f64::INFINITY;
    for entry in &plot.legend {
        let wide = 40.0 + LETTER * entry.2.chars().count() as f64;
        if x + wide > width && x > 10.0 {
            rows.push(Vec::new());
            x = 8.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, entry));
        }
        x += wide;
    }
    rows
}

fn legend(rows: &Rows<'_>) -> Html {
    let mut html = Html::new();
    for (row, entries) in rows.iter().enumerate() {
        let y = 12.0 + LEGEND_ROW * row as f64;
        for &(x, (key, color, name)) in entries {
            let class = color.class();
            html.push(match key {
                Key::Line => segment(&format!("ln {class}"), (x, y), (x + 20.0, y)),
                Key::Dashed => segment(&format!("ln da {class}"), (x, y), (x + 20.0, y)),
                Key::Error => segment(
                    &format!("er {class}"),
                    (x + 10.0, y - 6.0),
                    (x + 10.0, y + 6.0),
                ),
                Key::Point => point(*color, 4.0, (x + 10.0, y)),
                Key::Area => rectangle(
                    &format!("br {class}"),
                    (x + 4.0, y - 5.0),
                    (x + 16.0, y + 5.0),
                ),
            });
            html.push(words("tk", x + 25.0, y + 4.0, "start", name));
        }
    }
    html
}

fn axes(plot: &Plot, frame: &Frame<'_>, y_ticks: &[(f64, String)]) -> Html {
    let mut html = Html::new();
    let (left, right, top, bottom) = (frame.left, frame.right, frame.top, frame.bottom);
    for (value, text) in y_ticks {
        if let Some(y) = frame.y(*value) {
            html.push(segment("gr", (left, y), (right, y)));
            html.push(words("tk", left - 5.0, y + 4.0, "end", text));
        }
    }
    let count = ((right - left) / 58.0) as usize;
    for (value, text) in frame.x.ticks(count.max(2)) {
        if let Some(x) = frame.x(value) {
            html.push(segment("ax", (x, bottom), (x, bottom + 4.0)));
            html.push(words("tk", x, bottom + 16.0, "middle", &text));
        }
    }
    if !plot.x.hidden {
        html.push(segment("ax", (left, bottom), (right, bottom)));
        html.push(words(
            "",
            (left + right) / 2.0,
            bottom + 34.0,
            "middle",
            &plot.x.label,
        ));
    }
    if !plot.y.hidden && !plot.y.label.is_empty() {
        let middle = (top + bottom) / 2.0;
        let turn = format!("translate(12 {}) rotate(-90)", n(middle));
        html.push(Html::element(
            "text",
            &[("transform", &turn), ("text-anchor", "middle")],
            Html::text(&plot.y.label),
        ));
    }
    html
}

/// A path through points, broken where there is no place.
fn path(frame: &Frame<'_>, points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    let mut pen = 'M';
    for point in points {
        match frame.at(*point) {
            Some((x, y)) => {
                // Writing to a string does not fail.
                let _ = write!(d, "{pen}{} {}", n(x), n(y));
                pen = 'L';
            }
            None => pen = 'M',
        }
    }
    d
}

fn draw(mark: &Mark, frame: &Frame<'_>) -> Html {
    match mark {
        Mark::Line {
            color,
            points,
            dashed,
        } => {
            let dash = if *dashed { " da" } else { "" };
            let class = format!("ln{dash} {}", color.class());
            Html::void("path", &[("class", &class), ("d", &path(frame, points))])
        }
        Mark::Points {
            color,
            radius,
            points,
        } => points
            .iter()
            .filter_map(|p| Some(point(*color, *radius, frame.at(*p)?)))
            .collect(),
        Mark::Errors { color, bars } => errors(*color, bars, frame),
        Mark::Band { color, band } => {
            let upper = band.iter().map(|&(x, _, high)| (x, high));
            let lower = band.iter().rev().map(|&(x, low, _)| (x, low));
            let around: Vec<(f64, f64)> = upper.chain(lower).collect();
            let class = format!("ba {}", color.class());
            let d = path(frame, &around) + "z";
            Html::void("path", &[("class", &class), ("d", &d)])
        }
        Mark::Bars { color, bars } => {
            let class = format!("br {}", color.class());
            let foot = frame.y.from().max(0.0);
            let bars = bars.iter().filter_map(|&(from, to, height)| {
                Some(rectangle(
                    &class,
                    frame.at((from, foot))?,
                    frame.at((to, height))?,
                ))
            });
            bars.collect()
        }
        Mark::Columns {
            color,
            width,
            parts,
        } => {
            let class = format!("br {}", color.class());
            let parts = parts.iter().filter_map(|&(x, low, high)| {
                let corners = ((x - width / 2.0, low), (x + width / 2.0, high));
                Some(rectangle(
                    &class,
                    frame.at(corners.0)?,
                    frame.at(corners.1)?,
                ))
            });
            parts.collect()
        }
        Mark::LyingBars { color, bars } => {
            let class = format!("br {}", color.class());
            let foot = frame.x.from().max(0.0);
            let bars = bars.iter().filter_map(|&(from, to, length)| {
                Some(rectangle(
                    &class,
                    frame.at((foot, from))?,
                    frame.at((length, to))?,
                ))
            });
            bars.collect()
        }
        Mark::Swatches { bars } => swatches(bars, frame),
        Mark::LyingErrors { color, bars } => lying_errors(*color, bars, frame),
        Mark::Regions { columns, cells } => regions(*columns, cells, frame),
        Mark::Cell {
            color,
            corner,
            strength,
            text,
        } => cell(*color, *corner, *strength, text, frame),
        Mark::Picture { uri, from, to } => picture(uri, *from, *to, frame),
        Mark::Frame {
            color,
            corner,
            side,
        } => {
            let (x, y) = *corner;
            let corners = frame.at((x, y)).zip(frame.at((x + side, y + side)));
            let class = format!("fr {}", color.class());
            corners
                .map(|(a, b)| rectangle(&class, a, b))
                .unwrap_or_default()
        }
        Mark::Rule { color, x, y, text } => rule(*color, *x, *y, text, frame),
        Mark::Arrow { color, from, to } => arrow(*color, *from, *to, frame),
        Mark::Label { color, at, text } => frame
            .at(*at)
            .map(|(x, y)| words(&format!("lb {}", color.class()), x, y + 4.0, "middle", text))
            .unwrap_or_default(),
    }
}

fn errors(color: Color, bars: &[(f64, f64, f64)], frame: &Frame<'_>) -> Html {
    let mut d = String::new();
    for &(x, low, high) in bars {
        if let (Some((x, low)), Some(high)) = (frame.at((x, low)), frame.y(high)) {
            let (left, low, high) = (n(x - 3.0), n(low), n(high));
            let _ = write!(d, "M{left} {low}h6M{left} {high}h6M{} {low}V{high}", n(x));
        }
    }
    let class = format!("er {}", color.class());
    Html::void("path", &[("class", &class), ("d", &d)])
}

fn lying_errors(color: Color, bars: &[(f64, f64, f64)], frame: &Frame<'_>) -> Html {
    let mut d = String::new();
    for &(y, low, high) in bars {
        if let (Some((low, y)), Some(high)) = (frame.at((low, y)), frame.x(high)) {
            let (top, low, high) = (n(y - 3.0), n(low), n(high));
            let _ = write!(d, "M{low} {top}v6M{high} {top}v6M{low} {}H{high}", n(y));
        }
    }
    let class = format!("er {}", color.class());
    Html::void("path", &[("class", &class), ("d", &d)])
}

fn swatches(bars: &[((f64, f64, f64), crate::picture::Rgb)], frame: &Frame<'_>) -> Html {
    let bars = bars.iter().filter_map(|&((from, to, height), [r, g, b])| {
        let (foot, head) = (frame.at((from, 0.0))?, frame.at((to, height))?);
        let attributes = [
            ("x", &*n(foot.0)),
            ("y", &n(head.1)),
            ("width", &n(head.0 - foot.0)),
            ("height", &n(foot.1 - head.1)),
            ("fill", &format!("rgb({r},{g},{b})")),
        ];
        Some(Html::void("rect", &attributes))
    });
    bars.collect()
}

/// A path for each colour, a strip for each run of it along a row.
fn regions(columns: usize, cells: &[Option<Color>], frame: &Frame<'_>) -> Html {
    let rows = cells.len() / columns;
    let (wide, high) = (
        (frame.right - frame.left) / columns as f64,
        (frame.bottom - frame.top) / rows as f64,
    );
    let mut paths: Vec<(Color, String)> = Vec::new();
    for (row, cells) in cells.chunks_exact(columns).enumerate() {
        let y = frame.bottom - (row + 1) as f64 * high;
        let mut start = 0;
        for run in cells.chunk_by(PartialEq::eq) {
            if let Some(color) = run[0] {
                let place = paths.iter().position(|(other, _)| *other == color);
                let place = place.unwrap_or_else(|| {
                    paths.push((color, String::new()));
                    paths.len() - 1
                });
                let x = frame.left + start as f64 * wide;
                let (run, high) = (n(run.len() as f64 * wide), format!("{high:.2}"));
                let _ = write!(paths[place].1, "M{} {y:.2}h{run}v{high}h-{run}z", n(x));
            }
            start += run.len();
        }
    }
    let paths = paths.iter().map(|(color, d)| {
        let class = format!("rg {}", color.class());
        Html::void("path", &[("class", &class), ("d", d)])
    });
    paths.collect()
}

fn cell(color: Color, (x, y): (f64, f64), strength: f64, text: &str, frame: &Frame<'_>) -> Html {
    let Some((a, b)) = frame.at((x, y)).zip(frame.at((x + 1.0, y + 1.0))) else {
        return Html::new();
    };
    let (left, top) = (a.0.min(b.0), a.1.min(b.1));
    let attributes = [
        ("class", &*format!("ce {}", color.class())),
        ("x", &n(left)),
        ("y", &n(top)),
        ("width", &n((b.0 - a.0).abs())),
        ("height", &n((b.1 - a.1).abs())),
        ("fill-opacity", &format!("{:.2}", 0.04 + 0.96 * strength)),
    ];
    let mut html = Html::void("rect", &attributes);
    if !text.is_empty() {
        let class = if strength > 0.64 { "ct on" } else { "ct" };
        let (x, y) = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0 + 4.0);
        html.push(words(class, x, y, "middle", text));
    }
    html
}

fn picture(uri: &str, from: (f64, f64), to: (f64, f64), frame: &Frame<'_>) -> Html {
    let Some((a, b)) = frame.at(from).zip(frame.at(to)) else {
        return Html::new();
    };
    let attributes = [
        ("href", uri),
        ("x", &n(a.0.min(b.0))),
        ("y", &n(a.1.min(b.1))),
        ("width", &n((b.0 - a.0).abs())),
        ("height", &n((b.1 - a.1).abs())),
        ("preserveAspectRatio", "none"),
    ];
    Html::void("image", &attributes)
}

fn rule(color: Color, x: Option<f64>, y: Option<f64>, text: &str, frame: &Frame<'_>) -> Html {
    let class = format!("ru {}", color.class());
    let label = format!("lb {}", color.class());
    let mut html = Html::new();
    if let Some(x) = x.and_then(|x| frame.x(x)) {
        html.push(segment(&class, (x, frame.top), (x, frame.bottom)));
        let is_late = x > (frame.left + frame.right) / 2.0;
        let (x, anchor) = if is_late {
            (x - 4.0, "end")
        } else {
            (x + 4.0, "start")
        };
        html.push(words(&label, x, frame.top + 12.0, anchor, text));
    }
    if let Some(y) = y.and_then(|y| frame.y(y)) {
        html.push(segment(&class, (frame.left, y), (frame.right, y)));
        html.push(words(&label, frame.right - 4.0, y - 4.0, "end", text));
    }
    html
}

fn arrow(color: Color, from: (f64, f64), to: (f64, f64), frame: &Frame<'_>) -> Html {
    let Some((a, b)) = frame.at(from).zip(frame.at(to)) else {
        return Html::new();
    };
    let class = format!("ln {}", color.class());
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy).max(1e-9);
    let (ux, uy) = (6.0 * dx / length, 6.0 * dy / length);
    let mut html = segment(&class, a, b);
    html.push(segment(&class, (b.0 - ux - uy, b.1 - uy + ux), b));
    html.push(segment(&class, (b.0 - ux + uy, b.1 - uy - ux), b));
    html
}
