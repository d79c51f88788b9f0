//! The ten classes as outlines: how far a point is inside or outside of each.
//!
//! Coordinates are fixed point with the object's radius as 1, x to the right and y down. A distance
//! is negative inside, near the outline about in units of the radius (a few are cheap
//! approximations that are exact only on the outline), which is all that a soft edge needs.

use crate::fixed::{BITS, ONE, mul, percent};

/// Class names in the order of labels.
pub const CLASS_NAMES: [&str; 10] = [
    "disc", "ring", "square", "triangle", "star", "cross", "crescent", "stripes", "checks", "dots",
];

/// What makes one member of a class different from another; all zero is the textbook example.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    /// Thick or thin, wide or narrow: -1..=1 in fixed point.
    pub(crate) proportion: i64,
    /// Where a texture begins: -1..=1 in fixed point, of its period.
    pub(crate) phase: i64,
}

/// The distance of the point (`x`, `y`) from the outline of class `label`, negative inside.
pub(crate) fn distance(label: u8, form: Form, x: i64, y: i64) -> i64 {
    // `base + change x proportion`, both in percent of the radius.
    let vary = |base: i64, change: i64| percent(base) + mul(percent(change), form.proportion);
    match label {
        0 => circle(x, y, vary(84, 12)),
        1 => circle(x, y, percent(74)).abs() - vary(17, 9),
        2 => rectangle(x, y, vary(76, 12), vary(76, -12)),
        3 => {
            let x = mul(x, vary(100, 25)).abs();
            // An inner radius of 0.5 has its corners at 1.
            (y - percent(45)).max(mul(x, COS_30) - y / 2 - percent(45))
        }
        4 => star(x, y, vary(36, 8)),
        5 => {
            let arm = vary(24, 10);
            rectangle(x, y, percent(92), arm).min(rectangle(x, y, arm, percent(92)))
        }
        6 => circle(x, y, percent(92)).max(-circle(x - vary(48, 16), y, percent(78))),
        7 => {
            let period = vary(50, 14);
            circle(x, y, percent(95)).max(wave(x + mul(form.phase, period / 2), period))
        }
        8 => {
            let period = vary(72, 20);
            let offset = mul(form.phase, period / 2);
            let (a, b) = (wave(x + offset, period), wave(y + offset, period));
            let inside = if (a < 0) == (b < 0) { -1 } else { 1 };
            rectangle(x, y, percent(86), percent(86)).max(inside * a.abs().min(b.abs()))
        }
        _ => {
            let period = vary(56, 14);
            let offset = mul(form.phase, period / 2);
            let fold = |t: i64| (t + offset).rem_euclid(period) - period / 2;
            circle(x, y, percent(98)).max(circle(fold(x), fold(y), period * 33 / 100))
        }
    }
}

const COS_30: i64 = percent(8660) / 100;

/// `(x^2 + y^2 - r^2) / 2r`: zero on the circle, of slope 1 there, no square root.
fn circle(x: i64, y: i64, radius: i64) -> i64 {
    (x * x + y * y - radius * radius) / (2 * radius)
}

fn rectangle(x: i64, y: i64, half_width: i64, half_height: i64) -> i64 {
    (x.abs() - half_width).max(y.abs() - half_height)
}

/// Bars of half a period: the distance along `t` to the nearest edge of one.
fn wave(t: i64, period: i64) -> i64 {
    (t.rem_euclid(period) - period / 2).abs() - period / 4
}

/// A pentagram: the points that lie on the inner side of at least four of its five lines, each at
/// `inner` from the centre. The corners reach `inner / cos(72 degrees)`.
fn star(x: i64, y: i64, inner: i64) -> i64 {
    // Unit normals, which point where the corners are; the first is up.
    const NORMALS: [(i64, i64); 5] = [
        (0, -4096),
        (3896, -1266),
        (2408, 3314),
        (-2408, 3314),
        (-3896, -1266),
    ];
    let (mut largest, mut second) = (i64::MIN, i64::MIN);
    for (nx, ny) in NORMALS {
        let d = ((x * nx + y * ny) >> BITS) - inner;
        if d > largest {
            second = largest;
            largest = d;
        } else if d > second {
            second = d;
        }
    }
    // Thin corners would reach far out of the picture's scale.
    second.max(circle(x, y, ONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Points = &'static [(i64, i64)];

    fn inside(label: u8, x: i64, y: i64) -> bool {
        distance(label, Form::default(), percent(x), percent(y)) < 0
    }

    /// Points of each textbook example that tell it from the others.
    #[test]
    fn points_are_inside_and_outside_of_their_shapes() {
        let cases: [(Points, Points); 10] = [
            (&[(0, 0), (80, 0), (-55, 55)], &[(90, 0), (65, 65)]),
            (&[(74, 0), (0, -70), (-52, 52)], &[(0, 0), (40, 0), (95, 0)]),
            (&[(0, 0), (70, 70), (-70, 70)], &[(80, 0), (0, -80)]),
            (
                &[(0, 0), (0, -80), (60, 40), (-60, 40)],
                &[(0, 50), (50, -50), (-50, -50)],
            ),
            (
                &[(0, 0), (0, -90), (85, -28), (-52, 70)],
                &[(0, 60), (60, -60), (-60, -60)],
            ),
            (
                &[(0, 0), (90, 0), (0, -90), (-90, 20)],
                &[(40, 40), (-40, 40), (96, 0)],
            ),
            (
                &[(-80, 0), (-50, 60), (-50, -60)],
                &[(0, 0), (40, 0), (80, 0)],
            ),
            (
                &[(25, 0), (25, 80), (-25, 50), (75, 0)],
                &[(0, 0), (50, 0), (0, 80)],
            ),
            (
                &[(0, 0), (36, 36), (36, -36), (72, 72)],
                &[(36, 72), (72, 36), (36, 0), (90, 90)],
            ),
            (
                &[(28, 28), (28, -28), (84, 28)],
                &[(0, 0), (56, 0), (0, 56)],
            ),
        ];
        for (label, (within, without)) in cases.into_iter().enumerate() {
            let name = CLASS_NAMES[label];
            for &(x, y) in within {
                assert!(inside(label as u8, x, y), "{name} should hold ({x}, {y})");
            }
            for &(x, y) in without {
                assert!(
                    !inside(label as u8, x, y),
                    "{name} should not hold ({x}, {y})"
                );
            }
        }
    }
}
