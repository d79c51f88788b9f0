//! Sixteen lanes as an array: the meaning of [`Lanes`], and its code where a level has no registers
//! of its own for it.

use crate::lanes::{COUNTED, LANES, Lanes, Sealed};
use core::array::from_fn;

/// Needs no CPU feature, so that anyone may hold it.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Sealed for Plain {}

/// A loop over the lanes.
macro_rules! lanewise {
    ($($name:ident($($operand:ident),+) = $value:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($operand: Self::F32),+) -> Self::F32 {
            let lane = |$($operand: f32),+| -> f32 { $value };
            from_fn(|i| lane($($operand[i]),+))
        }
    )*};
}

impl Lanes for Plain {
    type F32 = [f32; LANES];
    const REGISTERS: usize = 4;

    lanewise! {
        add(a, b) = a + b;
        sub(a, b) = a - b;
        mul(a, b) = a * b;
        div(a, b) = a / b;
        min(a, b) = if a < b { a } else { b };
        max(a, b) = if a > b { a } else { b };
        abs(a) = a.abs();
        sqrt(a) = a.sqrt();
        and(a, mask) = f32::from_bits(a.to_bits() & mask.to_bits());
        floor(a) = {
            // The library's floor is a call for each lane where the CPU has no instruction.
            let cut = a as i32 as f32;
            if cut > a { cut - 1.0 } else { cut }
        };
        add_where_eq(sum, a, b, value) = if a == b { sum + value } else { sum };
        select_eq(a, b, yes, no) = if a == b { yes } else { no };
        select_gt(a, b, yes, no) = if a > b { yes } else { no };
        select_ge(a, b, yes, no) = if a >= b { yes } else { no };
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F32 {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F32 {
        *from
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8; LANES]) -> Self::F32 {
        let mut wide = [0.0; LANES];
        for i in 0..LANES {
            wide[i] = f32::from(from[i]);
        }
        wide
    }

    #[inline(always)]
    fn store(self, vector: Self::F32, to: &mut [f32; LANES]) {
        *to = vector;
    }

    #[inline(always)]
    fn transpose(self, rows: [Self::F32; LANES]) -> [Self::F32; LANES] {
        from_fn(|i| from_fn(|j| rows[j][i]))
    }

    #[inline(always)]
    fn strongest_gradients<const P: usize>(
        self,
        neighbours: [[&[u8; 2 * LANES]; 4]; P],
        inside: &[i16; 2 * LANES],
    ) -> [[Self::F32; 3]; 2] {
        let mut found = [[[0.0; LANES]; 3]; 2];
        for (half, found) in found.iter_mut().enumerate() {
            let first = half * LANES;
            for (channel, [left, right, above, below]) in neighbours.into_iter().enumerate() {
                // Floats: squares of them are an instruction on every CPU, and exact.
                let (mut across, mut down) = ([0.0; LANES], [0.0; LANES]);
                for i in 0..LANES {
                    let at = first + i;
                    let difference = i16::from(right[at]) - i16::from(left[at]);
                    across[i] = f32::from(difference & inside[at]);
                    down[i] = f32::from(i16::from(below[at]) - i16::from(above[at]));
                }
                let both = self.add(self.mul(across, across), self.mul(down, down));
                let [dx, dy, squared] = *found;
                *found = if channel == 0 {
                    [across, down, both]
                } else {
                    [
                        self.select_gt(both, squared, across, dx),
                        self.select_gt(both, squared, down, dy),
                        self.max(both, squared),
                    ]
                };
            }
        }
        found
    }

    #[inline(always)]
    fn count_below<const T: usize>(self, values: &[[u8; 64]], limits: [u8; T]) -> [u32; T] {
        assert!(
            values.len() <= COUNTED,
            "more bytes than are counted at a time"
        );
        limits.map(|limit| {
            let mut counts = [0u8; 64];
            for value in values {
                for i in 0..64 {
                    counts[i] += u8::from(value[i] < limit);
                }
            }
            counts.iter().map(|&count| u32::from(count)).sum()
        })
    }

    #[inline(always)]
    fn sum(self, a: Self::F32) -> f32 {
        let eight: [f32; 8] = from_fn(|i| a[i] + a[i + 8]);
        let four: [f32; 4] = from_fn(|i| eight[i] + eight[i + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }
}
