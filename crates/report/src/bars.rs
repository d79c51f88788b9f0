//! Small bar plots on a grid: a histogram as bars, and a second one, smoothed say, as a line over them.

use crate::picture::{Picture, Rgb};

/// What lies behind the bars.
const GROUND: Rgb = [255; 3];
/// The line over the bars.
const LINE: Rgb = [60; 3];
/// What separates plots.
const BORDER: Rgb = [224; 3];

/// One plot: bars of these heights and colours, and a line through the others.
#[derive(Clone, Copy, Debug)]
pub struct BarPlot<'a> {
    bars: &'a [f32],
    line: &'a [f32],
    colors: &'a [Rgb],
}

impl<'a> BarPlot<'a> {
    /// Heights from the left; `line` has a number for each bar.
    ///
    /// # Panics
    /// If there is no bar, the three are not of one length, or a height is negative or not finite.
    #[must_use]
    pub fn new(bars: &'a [f32], line: &'a [f32], colors: &'a [Rgb]) -> Self {
        assert!(!bars.is_empty(), "a plot without bars");
        assert!(
            bars.len() == line.len() && bars.len() == colors.len(),
            "{} bars, {} numbers of the line, {} colours",
            bars.len(),
            line.len(),
            colors.len()
        );
        assert!(
            bars.iter().chain(line).all(|h| h.is_finite() && *h >= 0.0),
            "a height is negative or not finite"
        );
        Self { bars, line, colors }
    }
}

/// Plots on a grid, `columns` a row, as a picture of `width x height` pixels that they share.
///
/// All plots have one scale: the highest bar or line of all is as high as its place. Where there are
/// fewer pixels than bars, a column of pixels shows the highest of its bars.
///
/// ```
/// use nearplane_report::{BarPlot, bar_plots};
/// let (red, blue) = ([200, 0, 0], [0, 0, 200]);
/// let colors = [red, blue];
/// let plot = BarPlot::new(&[4.0, 1.0], &[0.0, 0.0], &colors);
/// let picture = bar_plots(&[plot], 1, 20, 10);
/// let pixel = |x: usize, y: usize| &picture.rgb()[3 * (20 * y + x)..][..3];
/// assert_eq!((pixel(5, 1), pixel(15, 1), pixel(15, 7)), (&red[..], &[255; 3][..], &blue[..]));
/// ```
///
/// # Panics
/// If there is no plot, `columns` is 0, or the picture has not at least 3 pixels for each plot along
/// both sides.
#[must_use]
pub fn bar_plots(plots: &[BarPlot<'_>], columns: usize, width: u32, height: u32) -> Picture {
    assert!(
        !plots.is_empty() && columns > 0,
        "{} plots in {columns} columns",
        plots.len()
    );
    let columns = columns.min(plots.len());
    let rows = plots.len().div_ceil(columns);
    let (wide, high) = (width as usize, height as usize);
    assert!(
        wide >= 3 * columns && high >= 3 * rows,
        "{width} x {height} pixels for {rows} rows of {columns} plots: fewer than 3 for each"
    );
    let heights = plots
        .iter()
        .flat_map(|plot| plot.bars.iter().chain(plot.line));
    let most = heights.fold(0.0_f32, |most, &h| most.max(h));
    let mut canvas = Picture::new(width, height, BORDER.repeat(wide * high));
    for (place, plot) in plots.iter().enumerate() {
        let (column, row) = (place % columns, place / columns);
        // A pixel of border on the right and below, and around the whole.
        let cut = |n: usize, of: usize, pixels: usize| 1 + n * (pixels - 1) / of;
        let frame = Frame {
            left: cut(column, columns, wide),
            right: cut(column + 1, columns, wide) - 1,
            top: cut(row, rows, high),
            bottom: cut(row + 1, rows, high) - 1,
        };
        draw(&mut canvas, plot, &frame, most);
    }
    canvas
}

/// The pixels of a plot; `right` and `bottom` are the first ones outside.
struct Frame {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

fn draw(canvas: &mut Picture, plot: &BarPlot<'_>, frame: &Frame, most: f32) {
    let (width, height) = (frame.right - frame.left, frame.bottom - frame.top);
    // The first row of pixels that a height fills.
    let row_of = |value: f32| {
        let share = if most > 0.0 { value / most } else { 0.0 };
        frame.bottom - (share * height as f32).round() as usize
    };
    let n = plot.bars.len();
    let mut before = None;
    for x in 0..width {
        let first = x * n / width;
        let bins = first..((x + 1) * n / width).max(first + 1);
        let highest = |heights: &[f32]| {
            let mut bins = bins.clone();
            let start = bins.next().unwrap_or(first);
            bins.fold(start, |most, bin| {
                if heights[bin] > heights[most] {
                    bin
                } else {
                    most
                }
            })
        };
        let (bar, line) = (highest(plot.bars), highest(plot.line));
        let top = row_of(plot.bars[bar]);
        for y in frame.top..frame.bottom {
            let color = if y >= top { plot.colors[bar] } else { GROUND };
            canvas.set(frame.left + x, y, color);
        }
        let at = row_of(plot.line[line]).min(frame.bottom - 1);
        if plot.line[line] > 0.0 {
            // Down or up from where the line was.
            let from = before.unwrap_or(at);
            for y in at.min(from)..=at.max(from) {
                canvas.set(frame.left + x, y, LINE);
            }
            before = Some(at);
        } else {
            before = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLORS: [Rgb; 3] = [[200, 0, 0], [0, 200, 0], [0, 0, 200]];

    fn pixel(picture: &Picture, x: usize, y: usize) -> Rgb {
        let at = 3 * (y * picture.width() as usize + x);
        [0, 1, 2].map(|channel| picture.rgb()[at + channel])
    }

    /// Rows of pixels of one colour in a column.
    fn filled(picture: &Picture, x: usize, color: Rgb) -> usize {
        let rows = 0..picture.height() as usize;
        rows.filter(|&y| pixel(picture, x, y) == color).count()
    }

    #[test]
    fn heights_are_proportional_over_all_plots() {
        let plots = [[8.0, 4.0, 0.0], [2.0, 0.0, 6.0]];
        let plots = plots
            .each_ref()
            .map(|bars| BarPlot::new(bars, &[0.0; 3], &COLORS));
        // Places of 30 x 40 with a pixel of border around each.
        let picture = bar_plots(&plots, 2, 63, 42);
        for (x, color, rows) in [
            (5, 0, 40),
            (15, 1, 20),
            (25, 2, 0),
            (36, 0, 10),
            (46, 1, 0),
            (56, 2, 30),
        ] {
            assert_eq!(filled(&picture, x, COLORS[color]), rows, "column {x}");
            let inside = rows + filled(&picture, x, GROUND);
            assert_eq!(inside, 40, "column {x}");
        }
        assert_eq!(pixel(&picture, 15, 40), COLORS[1]);
        assert_eq!(pixel(&picture, 15, 41), BORDER);
        assert_eq!(pixel(&picture, 31, 20), BORDER);
    }

    #[test]
    fn the_line_lies_over_the_bars_where_it_is_above_0() {
        let plot = BarPlot::new(&[8.0, 0.0, 0.0], &[4.0, 2.0, 0.0], &COLORS);
        let picture = bar_plots(&[plot], 1, 32, 42);
        assert_eq!(pixel(&picture, 5, 21), LINE);
        assert_eq!(filled(&picture, 5, LINE), 1);
        assert_eq!(pixel(&picture, 15, 31), LINE);
        assert_eq!(filled(&picture, 25, LINE), 0);
    }

    #[test]
    fn many_bars_show_their_highest() {
        let mut bars = [0.0; 256];
        bars[100] = 1.0;
        let picture = bar_plots(
            &[BarPlot::new(&bars, &[0.0; 256], &[COLORS[0]; 256])],
            1,
            34,
            12,
        );
        let red: Vec<usize> = (0..34)
            .filter(|&x| filled(&picture, x, COLORS[0]) > 0)
            .collect();
        assert_eq!(red, [1 + 100 / 8]);
    }

    #[test]
    fn empty_histograms_are_flat() {
        let plot = BarPlot::new(&[0.0; 3], &[0.0; 3], &COLORS);
        let picture = bar_plots(&[plot], 1, 12, 12);
        assert!(picture.rgb().iter().all(|&byte| byte >= 224));
    }

    #[test]
    #[should_panic(expected = "fewer than 3 for each")]
    fn too_little_room_is_refused() {
        let plot = BarPlot::new(&[0.0; 3], &[0.0; 3], &COLORS);
        let _ = bar_plots(&[plot; 4], 2, 32, 5);
    }

    #[test]
    #[should_panic(expected = "3 bars, 2 numbers of the line, 3 colours")]
    fn lengths_that_differ_are_refused() {
        let _ = BarPlot::new(&[0.0; 3], &[0.0; 2], &COLORS);
    }
}
