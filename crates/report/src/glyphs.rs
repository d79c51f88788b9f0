//! Glyphs: a star of lines in each cell of a grid, one a direction, as bright as the direction is strong.

use crate::picture::{Picture, Rgb};

/// What lies behind the lines.
const GROUND: Rgb = [0; 3];
/// One strength in so many may be beyond white.
const EXTREME: usize = 50;

/// Strengths of directions on a grid of square cells.
///
/// ```
/// use nearplane_report::Glyphs;
/// // Two cells of 4 pixels: level lines on the left, upright ones on the right, half as strong.
/// let glyphs = Glyphs::new(1, 2, 4, &[0.0, 90.0], &[1.0, 0.0, 0.0, 0.5]);
/// let picture = glyphs.picture(8, 4, 5);
/// assert_eq!((picture.width(), picture.height()), (40, 20));
/// let red = |x: usize, y: usize| picture.rgb()[3 * (40 * y + x)];
/// assert_eq!((red(10, 10), red(30, 10), red(10, 3)), (255, 128, 0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Glyphs<'a> {
    columns: usize,
    side: usize,
    angles: &'a [f32],
    strengths: &'a [f32],
}

/// A line of a star from its middle, and how strong it is.
struct Stroke {
    /// Cosine and sine of its angle; y grows downwards.
    direction: (f32, f32),
    strength: f32,
}

impl<'a> Glyphs<'a> {
    /// `rows x columns` cells of `side` pixels of an image.
    ///
    /// `angles` are those of the lines in degrees, 0 level and 45 falling to the right;
    /// `strengths: rows x columns x angles`, row-major, those of a cell side by side.
    ///
    /// # Panics
    /// If `side` is 0, a strength is negative or not finite, an angle is not finite, or there are not
    /// `rows x columns x angles` strengths.
    #[must_use]
    pub fn new(
        rows: usize,
        columns: usize,
        side: usize,
        angles: &'a [f32],
        strengths: &'a [f32],
    ) -> Self {
        assert!(side > 0, "cells of 0 pixels");
        assert!(
            strengths.len() == rows * columns * angles.len(),
            "{} strengths for {rows} x {columns} cells of {} angles",
            strengths.len(),
            angles.len()
        );
        assert!(
            strengths.iter().all(|s| s.is_finite() && *s >= 0.0),
            "a strength is negative or not finite"
        );
        assert!(
            angles.iter().all(|angle| angle.is_finite()),
            "an angle is not finite"
        );
        Self {
            columns,
            side,
            angles,
            strengths,
        }
    }

    /// The picture for an image of `width x height` pixels, each of them a square of `scale`: white
    /// lines on black.
    ///
    /// The brightness of a line is proportional to its strength. White is the strongest of all, or where
    /// there are 50 strengths above 0 or more, the one that a fiftieth of them exceed, which are white
    /// too: a few extremes do not darken the rest. Where lines cross the brighter one shows. Strengths
    /// that are all 0 leave the picture black. Cells begin at the upper left; what reaches beyond the
    /// image is cut off.
    ///
    /// # Panics
    /// If a side of the picture is 0 or exceeds u32.
    #[must_use]
    pub fn picture(&self, width: usize, height: usize, scale: usize) -> Picture {
        let [wide, high] = [width, height].map(|side| {
            let pixels = side.checked_mul(scale).and_then(|n| u32::try_from(n).ok());
            pixels.unwrap_or_else(|| {
                panic!("{side} pixels at scale {scale} are more than 4294967295")
            })
        });
        let mut canvas = Picture::new(wide, high, GROUND.repeat(wide as usize * high as usize));
        if let Some(white) = self.white() {
            let cell = self.side * scale;
            let n_angles = self.angles.len();
            for (place, strengths) in self.strengths.chunks_exact(n_angles).enumerate() {
                let (left, top) = (place % self.columns * cell, place / self.columns * cell);
                star(
                    &mut canvas,
                    left,
                    top,
                    cell,
                    &self.strokes(strengths, white),
                );
            }
        }
        canvas
    }

    /// The strength from which on lines are white; `None` where there are no lines.
    fn white(&self) -> Option<f32> {
        let mut shown: Vec<f32> = self
            .strengths
            .iter()
            .copied()
            .filter(|&s| s > 0.0)
            .collect();
        shown.sort_by(|a, b| b.total_cmp(a));
        shown.get(shown.len() / EXTREME).copied()
    }

    /// The lines of a cell that show.
    fn strokes(&self, strengths: &[f32], white: f32) -> Vec<Stroke> {
        let all = self.angles.iter().zip(strengths);
        all.filter(|(_, strength)| **strength > 0.0)
            .map(|(angle, strength)| {
                let (sin, cos) = angle.to_radians().sin_cos();
                Stroke {
                    direction: (cos, sin),
                    strength: (strength / white).min(1.0),
                }
            })
            .collect()
    }
}

/// Draws the lines of one cell.
fn star(canvas: &mut Picture, left: usize, top: usize, cell: usize, strokes: &[Stroke]) {
    // At least the pixels on both sides of a line between pixels, else thin, so that the lines of a star
    // come apart; they end a pixel short of the neighbour's.
    let half_width = (cell as f32 / 40.0).max(1.0);
    let middle = cell as f32 / 2.0;
    let reach = (middle - half_width - 0.5).max(0.0);
    let (width, height) = (canvas.width() as usize, canvas.height() as usize);
    for y in top..(top + cell).min(height) {
        for x in left..(left + cell).min(width) {
            // From the middle of the cell to the middle of the pixel.
            let dx = (x - left) as f32 + 0.5 - middle;
            let dy = (y - top) as f32 + 0.5 - middle;
            let light = strokes.iter().fold(0.0_f32, |brightest, stroke| {
                let (cos, sin) = stroke.direction;
                let along = (dx * cos + dy * sin).clamp(-reach, reach);
                let distance = (dx - along * cos).hypot(dy - along * sin);
                // How much of the pixel the line covers, for a pixel whose side faces it.
                let covered = (half_width + 0.5 - distance).clamp(0.0, 1.0);
                brightest.max(stroke.strength * covered)
            });
            canvas.set(x, y, [(light * 255.0).round() as u8; 3]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANGLES: [f32; 4] = [0.0, 45.0, 90.0, 135.0];

    /// Red of every pixel of one cell of 8 pixels at scale 4.
    fn drawn(strengths: &[f32; 4]) -> Vec<Vec<u8>> {
        let picture = Glyphs::new(1, 1, 8, &ANGLES, strengths).picture(8, 8, 4);
        let rows = picture.rgb().chunks(3 * 32);
        rows.map(|row| row.chunks(3).map(|pixel| pixel[0]).collect())
            .collect()
    }

    /// Pixels that are at least half as bright as `light`, as (x, y).
    fn lit(rows: &[Vec<u8>], light: u8) -> Vec<(usize, usize)> {
        let all = (0..32).flat_map(|y| (0..32).map(move |x| (x, y)));
        all.filter(|&(x, y)| rows[y][x] >= light / 2).collect()
    }

    #[test]
    fn lines_run_along_their_angles() {
        // x - y is the same along a line that falls to the right, x + y along one that rises.
        type Across = fn(usize, usize) -> isize;
        let across: [Across; 4] = [
            |_, y| 2 * y as isize - 31,
            |x, y| x as isize - y as isize,
            |x, _| 2 * x as isize - 31,
            |x, y| x as isize + y as isize - 31,
        ];
        for (k, across) in across.iter().enumerate() {
            let mut strengths = [0.0; 4];
            strengths[k] = 3.0;
            let lit = lit(&drawn(&strengths), 255);
            assert!(lit.len() > 40, "angle {}: {} pixels", ANGLES[k], lit.len());
            for (x, y) in lit {
                assert!(across(x, y).abs() <= 3, "angle {}: ({x}, {y})", ANGLES[k]);
            }
        }
    }

    #[test]
    fn brightness_is_proportional_to_strength() {
        let rows = drawn(&[2.0, 0.0, 0.5, 0.0]);
        assert_eq!((rows[15][4], rows[15][27]), (255, 255));
        assert_eq!((rows[4][15], rows[27][16]), (64, 64));
        assert_eq!(rows[4][4], 0);
        // Where they cross the stronger one shows.
        assert_eq!(rows[15][15], 255);
    }

    #[test]
    fn edges_of_lines_are_soft() {
        let rows = drawn(&[0.0, 1.0, 0.0, 0.0]);
        assert!(rows.iter().flatten().any(|&light| light > 0 && light < 255));
    }

    #[test]
    fn a_turn_and_a_mirror_of_the_angles_turn_and_mirror_the_picture() {
        let rows = drawn(&[1.0, 0.6, 0.3, 0.1]);
        // Level becomes upright, falling becomes rising.
        let turned = drawn(&[0.3, 0.1, 1.0, 0.6]);
        let mirrored = drawn(&[1.0, 0.1, 0.3, 0.6]);
        for y in 0..32 {
            for x in 0..32 {
                assert!(rows[y][x].abs_diff(turned[x][31 - y]) <= 1, "({x}, {y})");
                assert!(rows[y][x].abs_diff(mirrored[y][31 - x]) <= 1, "({x}, {y})");
            }
        }
    }

    #[test]
    fn cells_lie_row_by_row_and_are_cut_at_the_border() {
        // Cells of 5 pixels in an image of 8: the last ones are cut.
        let mut strengths = [0.0; 3 * 2];
        for (lone, cell) in [(0, (0, 0)), (1, (1, 0)), (2, (0, 1)), (5, (1, 2))] {
            strengths.fill(0.0);
            strengths[lone] = 1.0;
            let picture = Glyphs::new(3, 2, 5, &[0.0], &strengths).picture(8, 8, 4);
            let lit = picture.rgb().chunks(3).enumerate();
            let lit: Vec<usize> = lit.filter(|(_, p)| p[0] > 0).map(|(at, _)| at).collect();
            // The middle of the last row of cells is outside.
            assert_eq!(lit.is_empty(), cell.1 == 2);
            for at in lit {
                assert_eq!((at % 32 / 20, at / 32 / 20), cell);
            }
        }
    }

    #[test]
    fn a_few_extremes_do_not_darken_the_rest() {
        let mut strengths = [1.0; 100];
        (strengths[0], strengths[1]) = (1000.0, 10.0);
        let picture = Glyphs::new(10, 10, 8, &[0.0], &strengths).picture(80, 80, 1);
        let middle = |cell: usize| picture.rgb()[3 * (80 * 4 + 8 * cell + 4)];
        assert_eq!([0, 1, 2].map(middle), [255; 3]);
        strengths[2] = 10.0;
        let picture = Glyphs::new(10, 10, 8, &[0.0], &strengths).picture(80, 80, 1);
        let middle = |cell: usize| picture.rgb()[3 * (80 * 4 + 8 * cell + 4)];
        assert_eq!([0, 1, 2, 3].map(middle), [255, 255, 255, 26]);
    }

    #[test]
    fn no_strength_draws_nothing() {
        let none = Glyphs::new(4, 4, 8, &ANGLES, &[0.0; 64]).picture(32, 32, 2);
        assert!(none.rgb().iter().all(|&light| light == 0));
        let empty = Glyphs::new(4, 4, 8, &[], &[]).picture(32, 32, 2);
        assert_eq!(empty, none);
    }

    #[test]
    #[should_panic(expected = "3 strengths for 1 x 1 cells of 4 angles")]
    fn a_missing_strength_is_refused() {
        let _ = Glyphs::new(1, 1, 8, &ANGLES, &[0.0; 3]);
    }

    #[test]
    #[should_panic(expected = "negative or not finite")]
    fn a_strength_that_is_no_number_is_refused() {
        let _ = Glyphs::new(1, 1, 8, &[0.0], &[f32::NAN]);
    }
}
