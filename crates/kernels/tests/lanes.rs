//! Every operation on lanes at every level of this CPU, bit for bit against the scalar level.

mod levels;

use levels::levels;
use nearplane_kernels::{COUNTED, LANES, Lanes, Level, Vectorize};

/// Every operation on the rows of a 16 x 16 matrix and some bytes, results one after the other.
struct Everything<'a> {
    rows: &'a [[f32; LANES]; LANES],
    bytes: &'a [u8; LANES],
}

impl Vectorize for Everything<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Vec<u32> {
        let rows = self.rows.map(|row| lanes.load(&row));
        let masks = std::array::from_fn(|i| f32::from_bits([0, u32::MAX][i % 2]));
        let mut results = vec![lanes.load_u8(self.bytes), lanes.splat(self.rows[1][2])];
        for pair in rows.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            results.extend([
                lanes.add(a, b),
                lanes.sub(a, b),
                lanes.mul(a, b),
                lanes.div(a, b),
                lanes.min(a, b),
                lanes.max(a, b),
                lanes.abs(a),
                lanes.sqrt(lanes.abs(a)),
                lanes.and(a, lanes.load(&masks)),
                lanes.floor(a),
                lanes.add_where_eq(a, a, b, lanes.splat(0.3)),
                lanes.select_eq(a, b, lanes.splat(1.0), a),
                lanes.select_gt(a, b, lanes.splat(1.0), a),
                lanes.select_ge(a, b, lanes.splat(1.0), a),
                lanes.splat(lanes.sum(a)),
            ]);
        }
        results.extend(lanes.transpose(rows));
        let mut bits = Vec::new();
        for result in results {
            let mut out = [0.0; LANES];
            lanes.store(result, &mut out);
            bits.extend(out.map(f32::to_bits));
        }
        bits
    }
}

fn matrix(seed: u32) -> [[f32; LANES]; LANES] {
    let mut state = seed;
    [(); LANES].map(|()| {
        [(); LANES].map(|()| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Few different numbers, so that equal ones meet as well.
            ((state >> 24) as f32 - 128.0) / 8.0
        })
    })
}

#[test]
fn all_levels_give_the_same_bits() {
    for seed in 0..20 {
        let rows = &matrix(seed);
        let bytes = &std::array::from_fn(|i| (rows[0][i] as i32 + 17 * i as i32) as u8);
        let expected = Level::SCALAR.run(Everything { rows, bytes });
        assert_eq!(expected.len(), (2 + 15 * 15 + 16) * LANES);
        for level in levels() {
            assert_eq!(level.run(Everything { rows, bytes }), expected, "{level}");
        }
    }
}

/// One operation's lanes.
struct Apply<F>(F);

impl<F: FnOnce() -> [f32; LANES]> Vectorize for Apply<F> {
    type Output = ([[f32; LANES]; LANES], [f32; LANES], f32);

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Self::Output {
        let count = (self.0)();
        let rows = std::array::from_fn(|row| {
            lanes.add(lanes.load(&count), lanes.splat(16.0 * row as f32))
        });
        let transposed = lanes.transpose(rows).map(|column| {
            let mut out = [0.0; LANES];
            lanes.store(column, &mut out);
            out
        });
        let (three, count) = (lanes.splat(3.0), lanes.load(&count));
        let mut steps = [0.0; LANES];
        let chosen = lanes.select_gt(
            count,
            three,
            lanes.max(count, lanes.splat(8.0)),
            lanes.select_ge(
                count,
                three,
                lanes.splat(-1.0),
                lanes.min(count, lanes.splat(1.0)),
            ),
        );
        lanes.store(chosen, &mut steps);
        (transposed, steps, lanes.sum(count))
    }
}

#[test]
fn operations_mean_what_they_say() {
    let count = || std::array::from_fn(|i| i as f32);
    for level in levels() {
        let (transposed, steps, sum) = level.run(Apply(count));
        for (i, column) in transposed.iter().enumerate() {
            let expected: [f32; LANES] = std::array::from_fn(|j| (16 * j + i) as f32);
            assert_eq!(*column, expected, "{level}");
        }
        let expected = [
            0., 1., 1., -1., 8., 8., 8., 8., 8., 9., 10., 11., 12., 13., 14., 15.,
        ];
        assert_eq!(steps, expected, "{level}");
        assert_eq!(sum, 120.0, "{level}");
    }
}

/// The gradients of 32 pixels in P channels: dx, dy and the sum of their squares, pixel by pixel.
struct Gradients<'a, const P: usize> {
    neighbours: &'a [[[u8; 2 * LANES]; 4]; P],
    inside: &'a [i16; 2 * LANES],
}

impl<const P: usize> Vectorize for Gradients<'_, P> {
    type Output = Vec<[f32; 3]>;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Self::Output {
        let neighbours = self.neighbours.each_ref().map(|around| around.each_ref());
        let halves = lanes.strongest_gradients(neighbours, self.inside);
        let mut pixels = Vec::new();
        for half in halves {
            let mut out = [[0.0; LANES]; 3];
            for (vector, out) in half.into_iter().zip(&mut out) {
                lanes.store(vector, out);
            }
            pixels.extend((0..LANES).map(|i| out.map(|quantity| quantity[i])));
        }
        pixels
    }
}

fn check_gradients<const P: usize>(seed: u32, coarse: u8) {
    let mut state = seed;
    let neighbours = [(); P].map(|()| {
        [(); 4].map(|()| {
            [(); 2 * LANES].map(|()| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Bytes of a few values, 0 and 255 among them, so that sums are often equal.
                match (state >> 24) as u8 {
                    0..32 => 0,
                    224.. => 255,
                    byte => byte / coarse * coarse,
                }
            })
        })
    });
    let inside = std::array::from_fn(|i| [-1, -1, 0, -1, -1][(i + seed as usize) % 5]);
    let expected: Vec<[f32; 3]> = (0..2 * LANES)
        .map(|i| {
            let mut best: Option<[i32; 3]> = None;
            for [left, right, above, below] in &neighbours {
                let across = i32::from(right[i]) - i32::from(left[i]);
                let dx = if inside[i] == 0 { 0 } else { across };
                let dy = i32::from(below[i]) - i32::from(above[i]);
                let squared = dx * dx + dy * dy;
                if best.is_none_or(|best| squared > best[2]) {
                    best = Some([dx, dy, squared]);
                }
            }
            best.expect("a channel").map(|number| number as f32)
        })
        .collect();
    for level in levels() {
        let found = level.run(Gradients {
            neighbours: &neighbours,
            inside: &inside,
        });
        assert_eq!(found, expected, "{P} channels at {level}");
    }
}

#[test]
fn gradients_are_those_of_the_strongest_channel() {
    for seed in 0..50 {
        for coarse in [1, 50, 120] {
            check_gradients::<1>(seed, coarse);
            check_gradients::<2>(seed, coarse);
            check_gradients::<3>(seed, coarse);
        }
    }
}

/// The numbers of bytes below limits.
struct Below<'a>(&'a [[u8; 64]], [u8; 5]);

impl Vectorize for Below<'_> {
    type Output = [u32; 5];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Self::Output {
        lanes.count_below(self.0, self.1)
    }
}

#[test]
fn bytes_below_limits_are_counted() {
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    for groups in [0, 1, 2, 16, COUNTED] {
        let values: Vec<[u8; 64]> = (0..groups).map(|_| [(); 64].map(|()| random())).collect();
        // The same byte everywhere: every place of a vector counts as high as it can.
        let equal = vec![[7; 64]; groups];
        for values in [values, equal] {
            for limits in [[0, 1, 7, 8, 255], [random(), random(), 128, 127, 129]] {
                let expected = limits.map(|limit| {
                    values
                        .as_flattened()
                        .iter()
                        .filter(|&&value| value < limit)
                        .count() as u32
                });
                for level in levels() {
                    assert_eq!(
                        level.run(Below(&values, limits)),
                        expected,
                        "{level} {groups}"
                    );
                }
            }
        }
    }
}

#[test]
#[should_panic = "more bytes than are counted at a time"]
fn more_bytes_than_a_byte_can_count_are_refused() {
    Level::detect().run(Below(&[[0; 64]; COUNTED + 1], [1; 5]));
}
