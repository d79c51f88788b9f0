//! Codes for L2: projections by a matrix of small integers, and what they leave over (lemma 4).

use super::code::{Codes, MAX_PROJECTED, MAX_STEP, Scale, ceil_sqrt};
use super::components::{Learnt, evenly, learn, mix};
use super::norm::eigenvalue_bound;
use crate::neighbors::Rows;
use nearplane_kernels::{
    Kernel, Level, MatMut, PackedQueries, PackedRows, dot_u8, l2_sq_u8, u8_block,
};

/// Coordinates of the first code, beside what is left over.
const FIRST: usize = 128;

/// Coordinates that the second code adds, beside what is left over then.
const SECOND: usize = 127;

const _: () = assert!(FIRST + SECOND < MAX_PROJECTED);

/// Rows projected at a time: packed, and with their sums, they stay in a second-level cache.
const AT_ONCE: usize = 192;

/// Deviations of the first coordinates that a code can hold before it clamps.
const DEVIATIONS: f64 = 3.0;

/// Rows that the step is chosen from.
const STEP_SAMPLE: usize = 256;

/// Entries of the matrix are stored as bytes with this added.
const OFFSET: i32 = 128;

/// `x -> (M (x - m), r(x))`, rounded to bytes.
#[derive(Debug)]
pub(super) struct Projection {
    /// M + 128, `(first + second) x cols`.
    packed: PackedQueries,
    n_first: usize,
    n_second: usize,
    /// m.
    mean: Vec<u8>,
    /// `M m` of each row of M.
    of_mean: Vec<i32>,
    /// n >= lambda_max(M M^T).
    norm: u64,
    step: u64,
}

/// The coordinates of one row.
struct Coordinates<'a> {
    /// `M (x - m)`.
    projected: &'a [i32],
    /// `n |x - m|^2`.
    total: u64,
}

impl Projection {
    pub(super) fn learn(rows: &Rows<'_, u8>, level: Level) -> Self {
        let mut learnt = learn(rows, FIRST + SECOND, level);
        let n_groups = learnt.groups.len();
        let n = learnt.directions.len() / n_groups;
        let n_first = n.min(FIRST);
        let (first, second) = learnt.directions.split_at_mut(n_first * n_groups);
        mix(first, n_groups);
        mix(second, n_groups);
        // Entries of 127 stretch too far only where float rounding lost what makes directions
        // orthogonal; with a matrix of zeros the norms alone are left to bound with.
        let scaled = |largest| Self::of_integers(integers(&learnt, largest), n_first, level);
        let mut projection = scaled(127.0);
        if projection.norm >= 1 << 31 {
            projection = scaled(0.0);
        }
        projection.step = projection.choose_step(rows, level);
        projection
    }

    fn of_integers((matrix, mean): (Vec<u8>, Vec<u8>), n_first: usize, level: Level) -> Self {
        let cols = mean.len();
        let matrix_rows: Vec<&[u8]> = matrix.chunks_exact(cols).collect();
        let n = matrix_rows.len();
        let mut packed = PackedQueries::new(level, Kernel::Dot);
        packed.pack(&matrix_rows);
        let sums: Vec<i32> = matrix_rows.iter().map(|row| byte_sum(row)).collect();
        let mean_sum = byte_sum(&mean);
        let of_mean = matrix_rows
            .iter()
            .map(|row| {
                let product = dot_u8(level, row, &mean) as i32;
                product.wrapping_sub(OFFSET.wrapping_mul(mean_sum))
            })
            .collect();
        let offset = i64::from(OFFSET);
        let mut gram = vec![0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let product = i64::from(dot_u8(level, matrix_rows[i], matrix_rows[j]));
                let entry =
                    product - offset * i64::from(sums[i] + sums[j]) + offset * offset * cols as i64;
                gram[i * n + j] = entry;
                gram[j * n + i] = entry;
            }
        }
        Self {
            packed,
            n_first,
            n_second: n - n_first,
            mean,
            of_mean,
            norm: eigenvalue_bound(&gram, n).max(1),
            step: 1,
        }
    }

    /// A step that lets the first coordinates use the range of a byte.
    fn choose_step(&self, rows: &Rows<'_, u8>, level: Level) -> u64 {
        let sample: Vec<&[u8]> = evenly(rows.len(), STEP_SAMPLE)
            .map(|row| rows.row(row))
            .collect();
        let (mut squares, mut count) = (0.0, 0);
        self.project(level, &sample, |coordinates| {
            for &y in &coordinates.projected[..self.n_first] {
                squares += f64::from(y) * f64::from(y);
                count += 1;
            }
        });
        let deviation = (squares / f64::from(count.max(1))).sqrt();
        ((DEVIATIONS * deviation / 127.0).ceil() as u64).clamp(1, MAX_STEP)
    }

    pub(super) fn first_cols(&self) -> usize {
        self.n_first + 1
    }

    pub(super) fn second_cols(&self) -> usize {
        self.n_second + 1
    }

    pub(super) fn scale(&self) -> Scale {
        Scale::projection(self.step, self.norm)
    }

    pub(super) fn encode(&self, level: Level, rows: &[&[u8]]) -> Codes {
        let mut codes = Codes {
            first_cols: self.first_cols(),
            ..Codes::default()
        };
        self.project(level, rows, |Coordinates { projected, total }| {
            let (first, second) = projected.split_at(self.n_first);
            let left = total - square_sum(first);
            let error = self.round(first, &mut codes.first);
            codes
                .first_slack
                .push(self.round_rest(left, error, &mut codes.first));
            let left = left - square_sum(second);
            let error = error + self.round(second, &mut codes.second);
            codes
                .second_slack
                .push(self.round_rest(left, error, &mut codes.second));
        });
        codes
    }

    /// Appends the codes of coordinates, and returns the sum of the squares of what rounding moved.
    fn round(&self, coordinates: &[i32], out: &mut Vec<u8>) -> u64 {
        let step = self.step as i32;
        let half = f64::from(step) / 2.0;
        let (low, high) = (-OFFSET * step, (255 - OFFSET) * step);
        let inverse = 1.0 / f64::from(step);
        let mut error = 0;
        for &y in coordinates {
            let clamped = y.clamp(low, high);
            // Any byte would do, as the error is that of the byte chosen.
            let code = ((f64::from(clamped - low) + half) * inverse) as u8;
            let moved = clamped - low - i32::from(code) * step;
            error += u64::from(moved.unsigned_abs()).pow(2);
            out.push(code);
        }
        error
    }

    /// Appends the code of `sqrt(left)`, and returns the slack of the whole code, given the squared
    /// `error` of its other bytes.
    fn round_rest(&self, left: u64, error: u64, out: &mut Vec<u8>) -> u32 {
        let root = left.isqrt().min(255 * self.step);
        let code = (root + self.step / 2) / self.step;
        out.push(code.min(255) as u8);
        let moved = root.abs_diff(code.min(255) * self.step);
        // The root is rounded down, by less than 1.
        (ceil_sqrt(error + moved * moved) + 1) as u32
    }

    /// Calls `visit` with the coordinates of each row in turn.
    fn project(&self, level: Level, rows: &[&[u8]], mut visit: impl FnMut(Coordinates<'_>)) {
        let n = self.of_mean.len();
        let mut packed = PackedRows::new(level, Kernel::Dot);
        let mut sums = vec![0; n * AT_ONCE];
        let mut projected = vec![0; n];
        for rows in rows.chunks(AT_ONCE) {
            packed.pack(rows);
            let mut out = MatMut::new(&mut sums, n, rows.len(), rows.len());
            u8_block(&self.packed, &packed, &mut out);
            for (at, row) in rows.iter().enumerate() {
                // M x = (M + 128) x - 128 sum(x): modulo 2^32, and below 2^31 in magnitude after
                // M m is taken off, since |M| <= 127, |x - m| <= 255 and rows have at most 66,051 columns.
                let offset = OFFSET.wrapping_mul(byte_sum(row));
                for (i, (y, of_mean)) in projected.iter_mut().zip(&self.of_mean).enumerate() {
                    let product = sums[i * rows.len() + at] as i32;
                    *y = product.wrapping_sub(offset).wrapping_sub(*of_mean);
                }
                visit(Coordinates {
                    projected: &projected,
                    total: self.norm * u64::from(l2_sq_u8(level, row, &self.mean)),
                });
            }
        }
    }
}

/// M + 128 and m: the directions over columns, rounded after scaling the largest entry to
/// `to`, and the mean of each column's group.
fn integers(learnt: &Learnt, to: f32) -> (Vec<u8>, Vec<u8>) {
    let groups: Vec<usize> = learnt.groups.of_columns().collect();
    let largest = learnt
        .directions
        .iter()
        .fold(0.0_f32, |most, entry| most.max(entry.abs()));
    let scale = if largest > 0.0 { to / largest } else { 0.0 };
    let mut matrix =
        Vec::with_capacity(learnt.directions.len() / learnt.groups.len() * groups.len());
    for direction in learnt.directions.chunks_exact(learnt.groups.len()) {
        let entry = |&group: &usize| {
            let rounded = (direction[group] * scale).round() as i32;
            (rounded.clamp(-127, 127) + OFFSET) as u8
        };
        matrix.extend(groups.iter().map(entry));
    }
    let mean = groups
        .iter()
        .map(|&group| learnt.mean[group].round() as u8)
        .collect();
    (matrix, mean)
}

fn byte_sum(row: &[u8]) -> i32 {
    row.iter().map(|&byte| i32::from(byte)).sum()
}

fn square_sum(coordinates: &[i32]) -> u64 {
    coordinates
        .iter()
        .map(|&y| u64::from(y.unsigned_abs()).pow(2))
        .sum()
}
