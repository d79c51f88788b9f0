//! Codes for L2: projections by a matrix of small integers, and what they leave over (lemma 4).

use super::code::{Codes, FARTHEST, Lengths, MAX_STEP, Scale, ceil_sqrt};
use super::components::{learn, mix};
use super::norm::eigenvalue_bound;
use super::sums::Groups;
use nearplane_kernels::{
    Kernel, Level, MAX_EXACT_U8, MatMut, PackedQueries, PackedRows, l2_sq_u8, u8_block,
};

/// Coordinates of the coarse code, which has what is left over as one more.
const COARSE: usize = 31;

/// Coordinates of the first code, likewise: with that, whole vectors.
const FIRST: usize = 127;

/// Coordinates that the detailed code adds to those of the first.
const SECOND: usize = 127;

/// Rows projected at a time: packed, and with their sums, they stay in a second-level cache.
const AT_ONCE: usize = 192;

/// Deviations of the coordinates that a code can hold before it clamps.
const DEVIATIONS: f64 = 3.0;

/// Rows that steps are chosen from.
const STEP_SAMPLE: usize = 256;

/// The most steps of the detailed code in one of the first: its square times the largest distance of first
/// codes, 2^24, stays far below 2^32.
const MAX_RATIO: u64 = 8;

/// Codes are stored with this added.
const OFFSET: i32 = 128;

/// Entries of W are stored with this added, as 256 times one byte and another.
const W_OFFSET: i32 = 1 << 15;

/// `x -> (M (x - m), r(x))`, rounded to bytes. `M x = W s`, with `s` the sums over groups of columns of `x`,
/// and W a matrix of whole numbers of 16 bits.
#[derive(Debug)]
pub(super) struct Projection {
    groups: Groups,
    /// The upper and the lower bytes of W: rows for the coarse code, for the first, and those that the
    /// detailed code adds.
    upper: PackedQueries,
    lower: PackedQueries,
    n_coarse: usize,
    n_first: usize,
    n_second: usize,
    /// m.
    mean: Vec<u8>,
    /// `M m` of each row of M.
    of_mean: Vec<i32>,
    /// n >= lambda_max(M M^T), of the rows for the coarse code and of all others.
    norm: u64,
    coarse_step: u64,
    /// Of the coordinates that the detailed code adds; a step of the first code, and of all that is left over,
    /// is `ratio` of them.
    step: u64,
    ratio: u64,
    /// What is left over is stored from here on: behind the coarse code, the first and the detailed.
    rest_from: [u64; 3],
}

/// The coordinates of one row.
struct Coordinates<'a> {
    coarse: &'a [i32],
    first: &'a [i32],
    second: &'a [i32],
    /// `n |x - m|^2`.
    total: u64,
}

impl Coordinates<'_> {
    /// What is left over behind the coarse code, the first and the detailed, rounded down.
    fn rests(&self) -> [u64; 3] {
        let behind_first = self.total - square_sum(self.first);
        [
            (self.total - square_sum(self.coarse)).isqrt(),
            behind_first.isqrt(),
            (behind_first - square_sum(self.second)).isqrt(),
        ]
    }
}

impl Projection {
    /// Learns the directions from a sample of rows, at least one.
    pub(super) fn learn(sample: &[&[u8]], level: Level) -> Self {
        let learnt = learn(sample, FIRST + SECOND, level);
        let len = learnt.groups.len();
        let n = learnt.directions.len() / len;
        let (n_coarse, n_first) = (n.min(COARSE), n.min(FIRST));
        let mut directions = learnt.directions[..n_coarse * len].to_vec();
        directions.extend_from_slice(&learnt.directions);
        let (coarse, rest) = directions.split_at_mut(n_coarse * len);
        let (first, second) = rest.split_at_mut(n_first * len);
        mix(coarse, len, level);
        mix(first, len, level);
        mix(second, len, level);
        let groups = learnt.groups;
        let mean = groups
            .of_columns()
            .map(|group| learnt.mean[group].round() as u8)
            .collect();
        let lens = (n_coarse, n_first);
        let w = whole(&directions, groups);
        let mut projection = Self::new(groups, &w, mean, lens, level);
        if projection.norm >= largest_norm(groups) {
            // Float rounding lost what makes directions orthogonal: the norms alone are left to bound
            // with.
            projection = Self::new(groups, &vec![0; w.len()], projection.mean, lens, level);
        }
        let steps = sample.len().div_ceil(STEP_SAMPLE).max(1);
        let sample: Vec<&[u8]> = sample.iter().step_by(steps).copied().collect();
        projection.choose_steps(&sample, level);
        projection
    }

    fn new(
        groups: Groups,
        w: &[i16],
        mean: Vec<u8>,
        (n_coarse, n_first): (usize, usize),
        level: Level,
    ) -> Self {
        let n_groups = groups.len();
        let packed = |byte: fn([u8; 2]) -> u8| {
            let stored = w
                .iter()
                .map(|&w| byte(((i32::from(w) + W_OFFSET) as u16).to_be_bytes()));
            let bytes: Vec<u8> = stored.collect();
            let rows: Vec<&[u8]> = bytes.chunks_exact(n_groups).collect();
            let mut packed = PackedQueries::new(level, Kernel::Dot);
            packed.pack(&rows);
            packed
        };
        let mut of_mean = Vec::new();
        let mut sums = Vec::new();
        groups.sums(&mean, &mut Vec::new(), &mut sums);
        for row in w.chunks_exact(n_groups) {
            let products =
                (row.iter().zip(&sums)).map(|(&w, &sum)| i32::from(w).wrapping_mul(sum as i32));
            of_mean.push(products.fold(0, i32::wrapping_add));
        }
        let n = of_mean.len() - n_coarse;
        let (of_coarse, of_others) = w.split_at(n_coarse * n_groups);
        let norm = eigenvalue_bound(&gram(of_others, groups), n)
            .max(eigenvalue_bound(&gram(of_coarse, groups), n_coarse));
        Self {
            groups,
            upper: packed(|[upper, _]| upper),
            lower: packed(|[_, lower]| lower),
            n_coarse,
            n_first,
            n_second: n - n_first,
            mean,
            of_mean,
            norm: norm.max(1),
            coarse_step: 1,
            step: 1,
            ratio: 1,
            rest_from: [0; 3],
        }
    }

    /// Steps that let coordinates use the range of a byte.
    fn choose_steps(&mut self, sample: &[&[u8]], level: Level) {
        let (mut coarse, mut first, mut second) = (0.0, 0.0, 0.0);
        let mut rests = [0.0; 3];
        self.project(level, sample, |row| {
            coarse += square_sum(row.coarse) as f64;
            first += square_sum(row.first) as f64;
            second += square_sum(row.second) as f64;
            for (sum, rest) in rests.iter_mut().zip(row.rests()) {
                *sum += rest as f64;
            }
        });
        let step = |squares: f64, n: usize| {
            let deviation = (squares / (sample.len() * n).max(1) as f64).sqrt();
            ((DEVIATIONS * deviation / 127.0).ceil() as u64).clamp(1, MAX_STEP)
        };
        let of_first = step(first, self.n_first);
        self.coarse_step = step(coarse, self.n_coarse);
        self.step = step(second, self.n_second);
        self.ratio = (of_first / self.step).clamp(1, MAX_RATIO);
        self.step = of_first.div_ceil(self.ratio).min(MAX_STEP / self.ratio);
        let of_first = self.step * self.ratio;
        let steps = [self.coarse_step, of_first, of_first];
        for (from, (sum, step)) in self.rest_from.iter_mut().zip(rests.into_iter().zip(steps)) {
            let mean = (sum / sample.len().max(1) as f64) as u64;
            *from = mean.saturating_sub(127 * step);
        }
    }

    pub(super) fn lengths(&self) -> Lengths {
        Lengths {
            coarse: self.n_coarse + 1,
            first: self.n_first + 1,
            detail: self.n_first + self.n_second + 2,
        }
    }

    pub(super) fn first_scale(&self) -> Scale {
        Scale::new(self.step * self.ratio, true)
    }

    pub(super) fn detail_scale(&self) -> Scale {
        Scale::new(self.step, true)
    }

    /// `sqrt(n) t` for `t^2`: below 2^32, since n is below 2^31.
    pub(super) fn reach(&self, squared: u32) -> u64 {
        ceil_sqrt(self.norm * u64::from(squared)).min(FARTHEST)
    }

    /// The distance of two detailed codes in squares of the detailed step: the first code, but with what
    /// is left over of all coordinates in the place of what is left over of the first, and the others.
    #[inline]
    pub(super) fn detail_distance(&self, level: Level, a: &[u8], b: &[u8]) -> u32 {
        let (first_a, second_a) = a.split_at(self.n_first + 1);
        let (first_b, second_b) = b.split_at(self.n_first + 1);
        let last = |a: &[u8], b: &[u8], at: usize| u32::from(a[at].abs_diff(b[at])).pow(2);
        let replaced = last(first_a, first_b, self.n_first);
        let rest = last(second_a, second_b, self.n_second);
        let coarse_steps = l2_sq_u8(level, first_a, first_b) - replaced + rest;
        let fine_steps = l2_sq_u8(level, second_a, second_b) - rest;
        (self.ratio * self.ratio) as u32 * coarse_steps + fine_steps
    }

    pub(super) fn encode(&self, level: Level, rows: &[&[u8]]) -> Codes {
        let lengths = self.lengths();
        let room = |len: usize| Vec::with_capacity(rows.len() * len);
        let mut codes = Codes {
            coarse: room(lengths.coarse),
            first: room(lengths.first),
            first_slack: Vec::with_capacity(rows.len()),
            detail: room(lengths.detail),
            detail_slack: Vec::with_capacity(rows.len()),
        };
        let first_step = self.step * self.ratio;
        let [coarse_from, first_from, detail_from] = self.rest_from;
        self.project(level, rows, |row| {
            let [coarse_rest, first_rest, detail_rest] = row.rests();
            round(row.coarse, self.coarse_step, &mut codes.coarse);
            let step = self.coarse_step;
            round_rest(coarse_rest, coarse_from, step, &mut codes.coarse);

            let error = round(row.first, first_step, &mut codes.first);
            let of_rest = round_rest(first_rest, first_from, first_step, &mut codes.first);
            codes.first_slack.push(slack(error + of_rest));

            let at = codes.first.len() - lengths.first;
            codes.detail.extend_from_slice(&codes.first[at..]);
            let error = error + round(row.second, self.step, &mut codes.detail);
            let of_rest = round_rest(detail_rest, detail_from, first_step, &mut codes.detail);
            codes.detail_slack.push(slack(error + of_rest));
        });
        codes
    }

    /// Calls `visit` with the coordinates of each row in turn.
    fn project(&self, level: Level, rows: &[&[u8]], mut visit: impl FnMut(Coordinates<'_>)) {
        let n = self.of_mean.len();
        let mut room = Products::new(level, n);
        let mut projected = vec![0; n];
        for rows in rows.chunks(AT_ONCE) {
            let products = room.of(self, rows);
            for (at, row) in rows.iter().enumerate() {
                // W s = (W + 2^15) s - 2^15 sum(x), modulo 2^32. What is left once W s(m) is taken off is
                // below 2^31 in magnitude: it is at most sqrt(n) |x - m| (`largest_norm`).
                let offset = W_OFFSET.wrapping_mul(byte_sum(row));
                for (i, (y, of_mean)) in projected.iter_mut().zip(&self.of_mean).enumerate() {
                    let product = products[i * rows.len() + at] as i32;
                    *y = product.wrapping_sub(offset).wrapping_sub(*of_mean);
                }
                let (coarse, rest) = projected.split_at(self.n_coarse);
                let (first, second) = rest.split_at(self.n_first);
                visit(Coordinates {
                    coarse,
                    first,
                    second,
                    total: self.norm * u64::from(l2_sq_u8(level, row, &self.mean)),
                });
            }
        }
    }
}

/// Room for the products of W and the sums of some rows.
struct Products {
    n: usize,
    upper: PackedRows,
    lower: PackedRows,
    products: Vec<u32>,
    part: Vec<u32>,
    bytes: [Vec<u8>; 2],
    lines: Vec<u32>,
    sums: Vec<u32>,
}

impl Products {
    fn new(level: Level, n: usize) -> Self {
        Self {
            n,
            upper: PackedRows::new(level, Kernel::Dot),
            lower: PackedRows::new(level, Kernel::Dot),
            products: Vec::new(),
            part: Vec::new(),
            bytes: [Vec::new(), Vec::new()],
            lines: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// `(W + 2^15) s` modulo 2^32, `W's rows x rows`.
    fn of(&mut self, of: &Projection, rows: &[&[u8]]) -> &[u32] {
        let [upper, lower] = &mut self.bytes;
        upper.clear();
        lower.clear();
        for row in rows {
            of.groups.sums(row, &mut self.lines, &mut self.sums);
            upper.extend(self.sums.iter().map(|&sum| (sum >> 8) as u8));
            lower.extend(self.sums.iter().map(|&sum| sum as u8));
        }
        let len = of.groups.len();
        let pack = |packed: &mut PackedRows, bytes: &[u8]| {
            let rows: Vec<&[u8]> = bytes.chunks_exact(len).collect();
            packed.pack(&rows);
        };
        pack(&mut self.lower, lower);
        self.products.clear();
        self.products.resize(self.n * rows.len(), 0);
        self.part.resize(self.n * rows.len(), 0);
        self.add(&of.lower, false, 0);
        self.add(&of.upper, false, 8);
        // Groups of one column have no upper bytes.
        if upper_is_used(of.groups) {
            pack(&mut self.upper, &std::mem::take(&mut self.bytes[0]));
            self.add(&of.lower, true, 8);
            self.add(&of.upper, true, 16);
        }
        &self.products
    }

    /// Adds one of the four products of bytes.
    fn add(&mut self, w: &PackedQueries, of_upper: bool, shift: u32) {
        let rows = if of_upper { &self.upper } else { &self.lower };
        let n_rows = rows.len();
        u8_block(
            w,
            rows,
            &mut MatMut::new(&mut self.part, self.n, n_rows, n_rows),
        );
        for (sum, &part) in self.products.iter_mut().zip(&self.part) {
            *sum = sum.wrapping_add(part << shift);
        }
    }
}

fn upper_is_used(groups: Groups) -> bool {
    groups.size() > 1
}

/// Norms stay below: `n t^2 < 2^63` for every `t^2 < 2^32`, and `n |x - m|^2 < 2^62` for all bytes.
fn largest_norm(groups: Groups) -> u64 {
    (1 << 31).min((1 << 62) / (255 * 255 * groups.n_columns().max(1) as u64))
}

/// W: what gives the directions over columns when it is applied to the sums of groups, scaled so that
/// the largest eigenvalue of `M M^T` stays somewhat below [`largest_norm`].
fn whole(directions: &[f32], groups: Groups) -> Vec<i16> {
    let entry = |at: usize, direction: f32| {
        f64::from(direction) / f64::from(groups.size_of(at % groups.len())).sqrt()
    };
    let entries = || {
        directions
            .iter()
            .enumerate()
            .map(|(at, &direction)| entry(at, direction))
    };
    let largest = entries().fold(0.0, |most: f64, entry| most.max(entry.abs()));
    if largest == 0.0 {
        return vec![0; directions.len()];
    }
    let by_norm = (0.98 * largest_norm(groups) as f64).sqrt();
    let scale = by_norm.min(f64::from(i16::MAX) / largest);
    entries()
        .map(|entry| (entry * scale).round() as i16)
        .collect()
}

/// `M M^T`, in f64, which holds these whole numbers: below `2^30 cols` in magnitude.
fn gram(w: &[i16], groups: Groups) -> Vec<i64> {
    const { assert!(MAX_EXACT_U8 < 1 << 20) };
    let rows: Vec<Vec<f64>> = w
        .chunks_exact(groups.len())
        .map(|row| row.iter().map(|&w| f64::from(w)).collect())
        .collect();
    let sizes: Vec<f64> = (0..groups.len())
        .map(|group| f64::from(groups.size_of(group)))
        .collect();
    let n = rows.len();
    let mut gram = vec![0; n * n];
    let mut weighted = vec![0.0; groups.len()];
    for (i, row) in rows.iter().enumerate() {
        for ((weighted, &w), &size) in weighted.iter_mut().zip(row).zip(&sizes) {
            *weighted = w * size;
        }
        for (j, other) in rows[..=i].iter().enumerate() {
            let entry = dot(&weighted, other) as i64;
            gram[i * n + j] = entry;
            gram[j * n + i] = entry;
        }
    }
    gram
}

/// In eight sums, which the compiler keeps in registers.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Appends the codes of coordinates, and returns the sum of the squares of what rounding moved.
fn round(coordinates: &[i32], step: u64, out: &mut Vec<u8>) -> u64 {
    let step = step as i32;
    let half = f64::from(step) / 2.0;
    let (low, high) = (-OFFSET * step, (255 - OFFSET) * step);
    let inverse = 1.0 / f64::from(step);
    let mut error = 0;
    out.extend(coordinates.iter().map(|&y| {
        let clamped = y.clamp(low, high);
        // Any byte would do, as the error is that of the byte chosen.
        let code = ((f64::from(clamped - low) + half) * inverse) as u8;
        let moved = clamped - low - i32::from(code) * step;
        error += u64::from(moved.unsigned_abs()).pow(2);
        code
    }));
    error
}

/// Appends the code of `rest`, counted from `from`, and returns the square of what rounding moved.
fn round_rest(rest: u64, from: u64, step: u64, out: &mut Vec<u8>) -> u64 {
    let clamped = rest.clamp(from, from + 255 * step) - from;
    let code = ((clamped + step / 2) / step).min(255);
    out.push(code as u8);
    clamped.abs_diff(code * step).pow(2)
}

/// The slack of a code, given the squared error of its bytes. What is left over was rounded down before, by
/// less than 1.
fn slack(squared_error: u64) -> u32 {
    (ceil_sqrt(squared_error) + 1) as u32
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
