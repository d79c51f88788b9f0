//! From pixels to bins of colour: hue in three arithmetics, channels, and cells of the RGB cube.
//!
//! Hue is the angle on the colour wheel. With M and m the largest and smallest channel of a pixel and
//! D = M - m, six times the hue's share of the circle is
//!
//! ```text
//! (g - b) / D          if M = r
//! 2 + (b - r) / D      if M = g
//! 4 + (r - g) / D      if M = b
//! ```
//!
//! plus 6 if that is negative; a grey pixel, D = 0, has hue 0. Where two channels are the largest, the
//! formulas agree. All loops here are plain code over slices of one length, inlined into
//! [`Level::run`](nearplane_kernels::Level::run), where they become vectors.

/// A bin, in as many bits as it needs.
pub(super) trait Bin: Copy + Default {
    /// The lowest bits of `bin`.
    fn of(bin: i32) -> Self;
    /// The bin as an index.
    fn index(self) -> usize;
}

impl Bin for u8 {
    #[inline(always)]
    fn of(bin: i32) -> Self {
        bin as Self
    }
    #[inline(always)]
    fn index(self) -> usize {
        self.into()
    }
}

impl Bin for u16 {
    #[inline(always)]
    fn of(bin: i32) -> Self {
        bin as Self
    }
    #[inline(always)]
    fn index(self) -> usize {
        self.into()
    }
}

/// The three channels of an image, planar, all of one length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes<'a> {
    pub(super) r: &'a [u8],
    pub(super) g: &'a [u8],
    pub(super) b: &'a [u8],
}

impl<'a> Planes<'a> {
    /// # Panics
    /// If the image has fewer than three channels of `pixels`.
    pub(super) fn new(image: &'a [u8], pixels: usize) -> Self {
        Self {
            r: &image[..pixels],
            g: &image[pixels..2 * pixels],
            b: &image[2 * pixels..3 * pixels],
        }
    }

    #[inline(always)]
    fn map<B: Bin>(self, out: &mut [B], pixel: impl Fn(i32, i32, i32) -> i32) {
        let n = out.len();
        let (r, g, b) = (&self.r[..n], &self.g[..n], &self.b[..n]);
        for i in 0..n {
            out[i] = B::of(pixel(i32::from(r[i]), i32::from(g[i]), i32::from(b[i])));
        }
    }
}

/// Six times D times the hue, in -D..=5 D, and D.
#[inline(always)]
fn hue_times_6d(r: u8, g: u8, b: u8) -> (i16, i16) {
    let [r, g, b] = [r, g, b].map(i16::from);
    let largest = r.max(g).max(b);
    let d = largest - r.min(g).min(b);
    let of_blue = r - g + 4 * d;
    let of_green = b - r + 2 * d;
    let rest = if largest == g { of_green } else { of_blue };
    (if largest == r { g - b } else { rest }, d)
}

/// Pixels whose hue is found together: the 16-bit half of the work first, then the 32-bit half, each
/// in registers as wide as they are.
const PIXELS: usize = 128;

/// Numbers that start a cache line: no vector of them lies in two.
#[repr(align(64))]
struct Aligned([i16; PIXELS]);

impl Planes<'_> {
    /// Calls `bin` with 6 D hue, -D..=5 D, and D of every pixel.
    #[inline(always)]
    fn map_hue<B: Bin>(self, out: &mut [B], bin: impl Fn(i32, i32) -> i32) {
        let (mut xs, mut ds) = (Aligned([0; PIXELS]), Aligned([0; PIXELS]));
        let planes = self.r.chunks(PIXELS).zip(self.g.chunks(PIXELS));
        let planes = planes.zip(self.b.chunks(PIXELS));
        for (((r, g), b), out) in planes.zip(out.chunks_mut(PIXELS)) {
            let n = out.len();
            let (r, g, b) = (&r[..n], &g[..n], &b[..n]);
            let (xs, ds) = (&mut xs.0[..n], &mut ds.0[..n]);
            for i in 0..n {
                (xs[i], ds[i]) = hue_times_6d(r[i], g[i], b[i]);
            }
            for i in 0..n {
                out[i] = B::of(bin(xs[i].into(), ds[i].into()));
            }
        }
    }
}

/// Adding this to a float of magnitude below 2^22 rounds it to an integer, halves to even, and leaves
/// that integer in the low bits: a conversion without the range checks of `as`.
const ROUND: f32 = 12_582_912.0;

#[inline(always)]
fn round_small(x: f32) -> i32 {
    (x + ROUND).to_bits() as i32 - ROUND.to_bits() as i32
}

/// The hue of OpenCV's 8-bit `COLOR_RGB2HSV`, half degrees in `0..180`: `x / D` is a multiplication
/// by 122880 / D rounded to an integer (122880 = 180 / 6 * 2^12), then a rounding shift by 12.
#[inline(always)]
pub(super) fn hue_opencv<B: Bin>(planes: Planes<'_>, out: &mut [B]) {
    planes.map_hue(out, |x, d| {
        let hue = (x * per_d_opencv(d) + (1 << 11)) >> 12;
        hue + if hue < 0 { 180 } else { 0 }
    });
}

/// 122880 / D, rounded. The f32 quotient is within half a unit in its last place, closer than any
/// quotient that is not itself a half comes to one, so it rounds as the exact one does.
#[inline(always)]
fn per_d_opencv(d: i32) -> i32 {
    round_small(122_880.0 / d.max(1) as f32)
}

/// The most bins of an exact hue.
pub(super) const MAX_HUE_BINS: usize = 360;

/// `floor(bins * hue)` of the exact hue, in `0..bins`.
///
/// With x = 6 D hue the bin is the whole part of q = bins x / (6 D). A q that is no integer is at
/// least 1/1530 away from one, and at 360 the f32 quotient is within 1/32768 of q: subtracting a
/// little less than a half and rounding gives the whole part.
#[inline(always)]
pub(super) fn hue_exact<B: Bin>(planes: Planes<'_>, bins: usize, out: &mut [B]) {
    let bins = bins.min(MAX_HUE_BINS) as i32;
    planes.map_hue(out, |x, d| {
        let x = x + if x < 0 { 6 * d } else { 0 };
        let q = (bins * x) as f32 / (6 * d.max(1)) as f32;
        round_small(q - 0.499_75)
    });
}

/// The bin of the course's `color_histogram_hsv` for each pixel: its hue in f64, on a scale of 0 to
/// 255, among `bins + 1` equally spaced edges.
///
/// It differs from [`hue_exact`] only where a hue lies on an edge and rounding in f64 decides.
#[inline(always)]
pub(super) fn hue_cs231n<B: Bin>(planes: Planes<'_>, bins: usize, out: &mut [B]) {
    hue_exact(planes, bins, out);
    let n = out.len();
    let (r, g, b) = (&planes.r[..n], &planes.g[..n], &planes.b[..n]);
    for i in 0..n {
        let (x, d) = hue_times_6d(r[i], g[i], b[i]);
        let (x, d) = (i32::from(x), i32::from(d));
        if d > 0 && x != 0 && (bins as i32 * x) % (6 * d) == 0 {
            out[i] = B::of(bin_cs231n(hue_f64(r[i], g[i], b[i]) * 255.0, bins));
        }
    }
}

/// Hue as Matplotlib's `rgb_to_hsv` computes it from bytes / 255: blue before green before red where
/// channels tie.
fn hue_f64(r: u8, g: u8, b: u8) -> f64 {
    let [r, g, b] = [r, g, b].map(|channel| f64::from(channel) / 255.0);
    let largest = r.max(g).max(b);
    let d = largest - r.min(g).min(b);
    let sixths = if b == largest {
        4.0 + (r - g) / d
    } else if g == largest {
        2.0 + (b - r) / d
    } else {
        (g - b) / d
    };
    (sixths / 6.0).rem_euclid(1.0)
}

/// The bin that holds `value`, among the edges `0, w, 2 w, ..., 255` of `bins` bins of width w.
fn bin_cs231n(value: f64, bins: usize) -> i32 {
    let width = 255.0 / bins as f64;
    let mut bin = ((value / width) as usize).min(bins - 1);
    while bin > 0 && value < bin as f64 * width {
        bin -= 1;
    }
    while bin + 1 < bins && value >= (bin + 1) as f64 * width {
        bin += 1;
    }
    bin as i32
}

/// `v * bins / 256`, rounded down, of one channel.
#[inline(always)]
pub(super) fn channel_bins<B: Bin>(channel: &[u8], bins: usize, out: &mut [B]) {
    let bins = bins as i32;
    for (out, &v) in out.iter_mut().zip(channel) {
        *out = B::of((i32::from(v) * bins) >> 8);
    }
}

/// The cell of the RGB cube cut into `levels` along each axis, red slowest.
#[inline(always)]
pub(super) fn cube_bins<B: Bin>(planes: Planes<'_>, levels: usize, out: &mut [B]) {
    let levels = levels as i32;
    planes.map(out, |r, g, b| {
        let [r, g, b] = [r, g, b].map(|v| (v * levels) >> 8);
        (r * levels + g) * levels + b
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pixels whose channels are `step` apart, and the extremes.
    fn pixels(step: usize) -> [Vec<u8>; 3] {
        let values: Vec<u8> = (0..=255).step_by(step).chain([1, 254, 255]).collect();
        let mut planes = [Vec::new(), Vec::new(), Vec::new()];
        for &r in &values {
            for &g in &values {
                for &b in &values {
                    for (plane, v) in planes.iter_mut().zip([r, g, b]) {
                        plane.push(v);
                    }
                }
            }
        }
        planes
    }

    fn view([r, g, b]: &[Vec<u8>; 3]) -> Planes<'_> {
        Planes { r, g, b }
    }

    /// Six hue as a fraction, by its definition.
    fn hue_fraction(r: i64, g: i64, b: i64) -> (i64, i64) {
        let largest = r.max(g).max(b);
        let d = largest - r.min(g).min(b);
        if d == 0 {
            return (0, 1);
        }
        let x = if largest == r {
            g - b
        } else if largest == g {
            2 * d + b - r
        } else {
            4 * d + r - g
        };
        (x.rem_euclid(6 * d), d)
    }

    #[test]
    fn per_d_is_the_rounded_quotient() {
        for d in 1..=255 {
            let exact = (180.0_f64 * 4096.0 / (6.0 * f64::from(d))).round_ties_even();
            assert_eq!(f64::from(per_d_opencv(d)), exact, "D = {d}");
        }
    }

    /// Red slowest, as `tests/golden/histogram.py` walks over them.
    #[test]
    fn every_colour_has_the_hue_of_opencv() {
        let golden = include_str!("../../tests/golden/histogram.csv");
        let expected = golden
            .lines()
            .find_map(|line| line.strip_prefix("opencv-all,,180,"))
            .unwrap();
        let b: Vec<u8> = (0..=255).collect();
        let mut hues = [0u8; 256];
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        for r in 0..=255 {
            for g in 0..=255 {
                let (r, g) = ([r; 256], [g; 256]);
                hue_opencv(
                    Planes {
                        r: &r,
                        g: &g,
                        b: &b,
                    },
                    &mut hues,
                );
                for &hue in &hues {
                    digest = (digest ^ u64::from(hue)).wrapping_mul(0x100_0000_01b3);
                }
            }
        }
        assert_eq!(format!("{digest:016x}"), expected);
    }

    #[test]
    fn opencv_hue_is_the_exact_one_to_rounding() {
        let planes = pixels(5);
        let mut hues = vec![0u8; planes[0].len()];
        hue_opencv(view(&planes), &mut hues);
        for (i, &hue) in hues.iter().enumerate() {
            let [r, g, b] = [0, 1, 2].map(|c| i64::from(planes[c][i]));
            let (x, d) = hue_fraction(r, g, b);
            let exact = 30.0 * x as f64 / d as f64;
            let apart = (f64::from(hue) - exact).abs();
            assert!(hue < 180, "{r} {g} {b}: {hue}");
            // Half a step, and the rounding of 122880 / D, times at most 5 D / 4096.
            assert!(apart.min(180.0 - apart) < 0.66, "{r} {g} {b}: {hue}");
        }
    }

    #[test]
    fn exact_bins_are_the_whole_part_of_the_fraction() {
        let planes = pixels(7);
        let mut found = vec![0u16; planes[0].len()];
        for bins in [1, 2, 3, 6, 7, 10, 12, 60, 179, 255, 256, 359, 360] {
            hue_exact(view(&planes), bins, &mut found);
            for (i, &bin) in found.iter().enumerate() {
                let [r, g, b] = [0, 1, 2].map(|c| i64::from(planes[c][i]));
                let (x, d) = hue_fraction(r, g, b);
                assert_eq!(
                    i64::from(bin),
                    bins as i64 * x / (6 * d),
                    "{r} {g} {b}, {bins} bins"
                );
            }
        }
    }

    /// Every fraction that hue can be, not only those of some pixels.
    #[test]
    fn exact_bins_hold_for_every_fraction() {
        for bins in [10, 36, 359, 360] {
            for d in 1..=255_u8 {
                let n = usize::from(d) + 1;
                let (r, g, b) = (vec![0; n], (0..=d).collect::<Vec<u8>>(), vec![d; n]);
                let mut found = vec![0u16; n];
                hue_exact(
                    Planes {
                        r: &r,
                        g: &g,
                        b: &b,
                    },
                    bins,
                    &mut found,
                );
                for (g, &bin) in g.iter().zip(&found) {
                    let (x, d) = hue_fraction(0, i64::from(*g), i64::from(d));
                    assert_eq!(i64::from(bin), bins as i64 * x / (6 * d), "D = {d}, {g}");
                }
            }
        }
    }

    #[test]
    fn the_bins_of_the_course_are_those_of_its_edges() {
        let planes = pixels(15);
        let mut found = vec![0u16; planes[0].len()];
        for bins in [1, 6, 10, 12, 50, 255] {
            hue_cs231n(view(&planes), bins, &mut found);
            for (i, &bin) in found.iter().enumerate() {
                let [r, g, b] = [0, 1, 2].map(|c| planes[c][i]);
                let grey = r == g && g == b;
                let value = if grey { 0.0 } else { hue_f64(r, g, b) * 255.0 };
                let edge = |bin: usize| 255.0 / bins as f64 * bin as f64;
                let bin = usize::from(bin);
                assert!(edge(bin) <= value && (value < edge(bin + 1) || bin + 1 == bins));
            }
        }
    }
}
