//! Fixed-point arithmetic: 64-bit integers in units of 1 / 4096.
//!
//! No floating point anywhere, so every processor, compiler and optimisation draws the same bytes.
//! Shifts to the right of negative numbers round down, everywhere alike.

/// The number of fractional bits.
pub(crate) const BITS: u32 = 12;
/// 1 in fixed point.
pub(crate) const ONE: i64 = 1 << BITS;
/// A full turn in the unit of [`sin`] and [`cos`].
pub(crate) const TURN: i64 = 4096;

/// `percent / 100` in fixed point, for constants that a reader can read.
pub(crate) const fn percent(percent: i64) -> i64 {
    percent * ONE / 100
}

/// The product of two fixed-point numbers.
pub(crate) const fn mul(a: i64, b: i64) -> i64 {
    (a * b) >> BITS
}

/// The way from `a` to `b` by the fixed-point share `t` in 0..=1.
pub(crate) const fn lerp(a: i64, b: i64, t: i64) -> i64 {
    a + mul(b - a, t)
}

/// The cube of a share in 0..=1: for what matters near 1 alone.
pub(crate) const fn cube(share: i64) -> i64 {
    mul(share, mul(share, share))
}

const SINE_STEPS: usize = 512;

/// One period of the sine by Bhaskara's rational approximation of half a wave,
/// `sin(pi x) ~ 16 x (1 - x) / (5 - 4 x (1 - x))` for x in 0..=1: off by at most 0.0017, and exact in
/// integers.
const SINE: [i16; SINE_STEPS] = {
    let mut table = [0; SINE_STEPS];
    let half = SINE_STEPS as i64 / 2;
    let mut x = 0;
    while x < half {
        let p = x * (half - x);
        let sine = 16 * p * ONE / (5 * half * half - 4 * p);
        table[x as usize] = sine as i16;
        table[(x + half) as usize] = -sine as i16;
        x += 1;
    }
    table
};

/// The sine of `angle / TURN` turns; any angle.
pub(crate) fn sin(angle: i64) -> i64 {
    let step = angle.rem_euclid(TURN) * SINE_STEPS as i64 / TURN;
    i64::from(SINE[step as usize])
}

/// The cosine of `angle / TURN` turns; any angle.
pub(crate) fn cos(angle: i64) -> i64 {
    sin(angle + TURN / 4)
}

/// About 2^x of a fixed-point `x`: exact at whole numbers, straight lines between them.
pub(crate) fn exp2(x: i64) -> i64 {
    let mantissa = ONE + (x & (ONE - 1));
    match x >> BITS {
        whole @ 0.. => mantissa << whole.min(20),
        whole => mantissa >> (-whole).min(60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_is_close_to_the_real_one() {
        for angle in -2 * TURN..2 * TURN {
            // The table rounds an angle down to 1/512 of a turn: up to 0.0123 in the value.
            let table = angle.div_euclid(8) * 8;
            let real = (table as f64 / TURN as f64 * std::f64::consts::TAU).sin();
            assert!(
                (sin(angle) as f64 / ONE as f64 - real).abs() < 0.002,
                "angle {angle}"
            );
        }
        assert_eq!((cos(0), sin(TURN / 4), cos(TURN / 2)), (ONE, ONE, -ONE));
    }

    #[test]
    fn powers_of_two() {
        assert_eq!(
            [-ONE, 0, ONE, 3 * ONE].map(exp2),
            [ONE / 2, ONE, 2 * ONE, 8 * ONE]
        );
        assert_eq!(exp2(ONE / 2), ONE * 3 / 2);
        assert_eq!(exp2(-ONE / 2), ONE * 3 / 4);
        assert!((-8 * ONE..3 * ONE).all(|x| exp2(x) <= exp2(x + 1)));
    }

    #[test]
    fn blends_reach_both_ends() {
        assert_eq!(
            (lerp(10, 250, 0), lerp(10, 250, ONE), lerp(250, 10, ONE)),
            (10, 250, 10)
        );
    }
}
