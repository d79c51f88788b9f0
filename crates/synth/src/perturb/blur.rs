//! The mean of a square around each pixel.

use super::{PLANE, SIDE};
use crate::PIXELS;

/// Every byte becomes the rounded mean of the (2 `radius` + 1)^2 around it in its plane, edge pixels
/// repeated.
pub(super) fn blur(radius: i32, image: &[u8; PIXELS], out: &mut [u8]) {
    let radius = radius as usize;
    let area = ((2 * radius + 1) * (2 * radius + 1)) as u32;
    for (plane, out) in image.chunks_exact(PLANE).zip(out.chunks_exact_mut(PLANE)) {
        // Sums along rows, then along columns: at most 63^2 x 255.
        let mut along_rows = [0; PLANE];
        for (sums, row) in along_rows
            .chunks_exact_mut(SIDE)
            .zip(plane.chunks_exact(SIDE))
        {
            for (x, sum) in sums.iter_mut().enumerate() {
                *sum = around(x, radius).map(|x| u32::from(row[x])).sum::<u32>();
            }
        }
        for (place, pixel) in out.iter_mut().enumerate() {
            let (y, x) = (place / SIDE, place % SIDE);
            let sum: u32 = around(y, radius).map(|y| along_rows[y * SIDE + x]).sum();
            *pixel = ((sum + area / 2) / area) as u8;
        }
    }
}

/// The places within `radius` of `place`, those beyond an end replaced by that end.
fn around(place: usize, radius: usize) -> impl Iterator<Item = usize> {
    (place..=place + 2 * radius).map(move |shifted| shifted.saturating_sub(radius).min(SIDE - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bright_pixel_spreads_evenly() {
        let mut image = [0; PIXELS];
        image[PLANE + 5 * SIDE + 7] = 90;
        let mut out = [1; PIXELS];
        blur(1, &image, &mut out);
        for (place, &pixel) in out.iter().enumerate() {
            let (channel, y, x) = (place / PLANE, place / SIDE % SIDE, place % SIDE);
            let near = channel == 1 && y.abs_diff(5) <= 1 && x.abs_diff(7) <= 1;
            assert_eq!(pixel, if near { 10 } else { 0 }, "{place}");
        }
    }

    /// A corner counts four times in its own mean: once itself, three times repeated.
    #[test]
    fn edges_are_repeated() {
        let mut image = [0; PIXELS];
        image[0] = 90;
        let mut out = [1; PIXELS];
        blur(1, &image, &mut out);
        assert_eq!([out[0], out[1], out[2], out[SIDE + 1]], [40, 20, 0, 10]);
    }
}
