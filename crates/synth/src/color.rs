//! Colours of red, green and blue, nominally 0..=255, as plain integers between the steps of a scene.

use crate::dice::Dice;
use crate::fixed::lerp;

/// Red, green, blue.
pub(crate) type Color = [i64; 3];

/// The steps around the circle of hues.
pub(crate) const HUES: i64 = 6 * 256;

/// The blend of two colours: `a` at `t` = 0, `b` at 1 (fixed point).
pub(crate) fn blend(a: Color, b: Color, t: i64) -> Color {
    [0, 1, 2].map(|c| lerp(a[c], b[c], t))
}

/// How light a colour looks, 0..=255: (77 R + 151 G + 28 B) / 256, the weights of ITU-R BT.601.
pub(crate) fn luma(color: Color) -> i64 {
    (77 * color[0] + 151 * color[1] + 28 * color[2]) >> 8
}

/// A colour by hue (any number, in steps of [`HUES`]), saturation and value (0..=255).
pub(crate) fn from_hsv(hue: i64, saturation: i64, value: i64) -> Color {
    // Distance of each channel's hue on the circle: up to 256 full, from 512 on nothing.
    [0, 512, 1024].map(|peak| {
        let away = (hue - peak).rem_euclid(HUES);
        let away = away.min(HUES - away);
        let strength = (512 - away).clamp(0, 256);
        value * (256 * 255 - saturation * (256 - strength)) / (256 * 255)
    })
}

/// Any colour that is neither black nor glaring.
pub(crate) fn random(dice: &mut Dice) -> Color {
    let (hue, saturation, value) = (dice.below(HUES), dice.below(230), 40 + dice.below(210));
    from_hsv(hue, saturation, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_are_where_they_belong() {
        assert_eq!(from_hsv(0, 255, 255), [255, 0, 0]);
        assert_eq!(from_hsv(256, 255, 255), [255, 255, 0]);
        assert_eq!(from_hsv(512, 255, 255), [0, 255, 0]);
        assert_eq!(from_hsv(1024, 255, 200), [0, 0, 200]);
        assert_eq!(from_hsv(1024 - HUES, 255, 200), [0, 0, 200]);
        assert_eq!(from_hsv(700, 0, 90), [90, 90, 90]);
        assert_eq!((luma([255; 3]), luma([0; 3])), (255, 0));
    }
}
