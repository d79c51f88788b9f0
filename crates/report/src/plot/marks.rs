//! What a plot is made of.

use crate::picture::Rgb;

/// A colour of the page's palette, which light and dark differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Color {
    /// One of ten, which most people can tell apart; the eleventh is the first again.
    Series(usize),
    /// That of text.
    Ink,
    /// That of what stands back.
    Muted,
    /// Of what is right.
    Good,
    /// Of what is wrong.
    Bad,
    /// Of what is undecided.
    Tie,
}

impl Color {
    /// The class that carries it in the style sheet.
    pub(super) fn class(self) -> &'static str {
        const SERIES: [&str; 10] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"];
        match self {
            Self::Series(number) => SERIES[number % SERIES.len()],
            Self::Ink => "ink",
            Self::Muted => "muted",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Tie => "tie",
        }
    }

    /// Which of the shapes of points.
    pub(super) fn shape(self) -> usize {
        match self {
            Self::Series(number) => number % 4,
            _ => 0,
        }
    }
}

/// How an entry of the legend looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Line,
    Dashed,
    Point,
    Error,
    Area,
}

#[derive(Clone, Debug)]
pub(super) enum Mark {
    Line {
        color: Color,
        points: Vec<(f64, f64)>,
        dashed: bool,
    },
    Points {
        color: Color,
        radius: f64,
        points: Vec<(f64, f64)>,
    },
    Errors {
        color: Color,
        bars: Vec<(f64, f64, f64)>,
    },
    Band {
        color: Color,
        band: Vec<(f64, f64, f64)>,
    },
    Bars {
        color: Color,
        bars: Vec<(f64, f64, f64)>,
    },
    Columns {
        color: Color,
        width: f64,
        parts: Vec<(f64, f64, f64)>,
    },
    LyingBars {
        color: Color,
        bars: Vec<(f64, f64, f64)>,
    },
    Swatches {
        bars: Vec<((f64, f64, f64), Rgb)>,
    },
    LyingErrors {
        color: Color,
        bars: Vec<(f64, f64, f64)>,
    },
    Regions {
        columns: usize,
        cells: Vec<Option<Color>>,
    },
    Cell {
        color: Color,
        corner: (f64, f64),
        strength: f64,
        text: String,
    },
    Picture {
        uri: String,
        from: (f64, f64),
        to: (f64, f64),
    },
    Frame {
        color: Color,
        corner: (f64, f64),
        side: f64,
    },
    Rule {
        color: Color,
        x: Option<f64>,
        y: Option<f64>,
        text: String,
    },
    Arrow {
        color: Color,
        from: (f64, f64),
        to: (f64, f64),
    },
    Label {
        color: Color,
        at: (f64, f64),
        text: String,
    },
}

impl Mark {
    /// The places that axes should span.
    pub(super) fn extent(&self) -> Vec<(f64, f64)> {
        let both = |bars: &[(f64, f64, f64)]| {
            let ends = bars
                .iter()
                .flat_map(|&(x, low, high)| [(x, low), (x, high)]);
            ends.collect()
        };
        match self {
            Self::Line { points, .. } | Self::Points { points, .. } => points.clone(),
            Self::Errors { bars, .. }
            | Self::Band { band: bars, .. }
            | Self::Columns { parts: bars, .. } => both(bars),
            Self::Bars { bars, .. } => {
                let ends = bars
                    .iter()
                    .flat_map(|&(from, to, y)| [(from, 0.0), (to, y)]);
                ends.collect()
            }
            Self::LyingBars { bars, .. } => {
                let ends = bars
                    .iter()
                    .flat_map(|&(from, to, x)| [(0.0, from), (x, to)]);
                ends.collect()
            }
            Self::Swatches { bars } => {
                let ends = bars
                    .iter()
                    .flat_map(|&((from, to, y), _)| [(from, 0.0), (to, y)]);
                ends.collect()
            }
            Self::LyingErrors { bars, .. } => {
                let ends = bars
                    .iter()
                    .flat_map(|&(y, low, high)| [(low, y), (high, y)]);
                ends.collect()
            }
            Self::Cell { corner: (x, y), .. } => vec![(*x, *y), (x + 1.0, y + 1.0)],
            Self::Picture { from, to, .. } | Self::Arrow { from, to, .. } => vec![*from, *to],
            Self::Rule { x, y, .. } => vec![(x.unwrap_or(f64::NAN), y.unwrap_or(f64::NAN))],
            Self::Label { at, .. } => vec![*at],
            Self::Regions { .. } | Self::Frame { .. } => Vec::new(),
        }
    }
}
