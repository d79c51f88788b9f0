//! Which packed rows lie within a limit of each packed query, by the tiles of `panel`.
//!
//! The sums never leave their registers. What has to be compared is scale * sum + query term + row term,
//! and all of it but the sum is known before: the accumulators start with what the row contributes, the
//! rest moves over to the limit, so that one signed comparison a vector is left.
//!
//! With a scale of -2, q + r - 2 sum <= limit for the terms q and r, or with a = q - limit
//! sum >= ceil((a + r) / 2). That is sum - ceil(r / 2) >= a / 2 for an even a and
//! sum - floor(r / 2) >= (a + 1) / 2 for an odd one. With a scale of 1 rows have no term, and
//! sum <= limit - q is left.
//!
//! Everything here is `inline(always)`, as in `generic`.

use super::panel::Panel;
use super::{PackedSum, U8Block};

/// The most rows of a panel: a word of hits.
const MAX_WIDTH: usize = 64;

/// Query panels whose bounds are kept while the rows pass by.
const PANELS_AT_ONCE: usize = 8;

/// What the accumulators of a panel of queries are compared with.
#[derive(Clone, Copy)]
struct Bounds<const Q: usize> {
    /// A hit is below (scale 1) or is not below (scale -2).
    bounds: [i32; Q],
    /// Which of the two starts of a row this query needs.
    is_odd: [bool; Q],
}

/// Twice what is added for each column, so that every accumulator lies within i32 for rows of up to
/// `MAX_EXACT_U8` bytes. A column adds, less half its share of the row term:
///
/// | scale | sum | from | to |
/// |---|---|---|---|
/// | 1 | the result, at most a product | 0 | 65025 |
/// | 1 | q (r - 128) | -32640 | 32385 |
/// | -2 | q r - r^2 / 2 | -32512.5 | 32512.5 |
/// | -2 | q (r - 128) - r^2 / 2 | -32640 | 0 |
/// | -2 | min(q, r) - r / 2 | -127.5 | 127.5 |
fn doubled_shift(block: &U8Block) -> i64 {
    match (block.scale, block.sum) {
        (1, PackedSum::SignedDot) => 255,
        (1, _) => -65_025,
        (_, PackedSum::SignedDot) => 32_640,
        _ => 0,
    }
}

impl<const Q: usize> Bounds<Q> {
    const NONE: Self = Self {
        bounds: [0; Q],
        is_odd: [false; Q],
    };

    /// The bounds of up to `Q` queries.
    #[inline(always)]
    fn new(block: &U8Block, shift: i64, terms: &[u32], limits: &[u32]) -> Self {
        let mut bounds = Self::NONE;
        for (q, (&term, &limit)) in terms.iter().zip(limits).enumerate().take(Q) {
            let limit = i64::from(limit);
            // A bound beyond i32 is of a limit that no sum exceeds: clamped, it lets all of them through.
            let bound = if block.scale == 1 {
                limit - i64::from(term) + shift + 1
            } else {
                // sum q^2 - 256 q is never positive; the other terms are never negative.
                let term = match block.sum {
                    PackedSum::SignedDot => i64::from(term as i32),
                    _ => i64::from(term),
                };
                let a = term - limit;
                bounds.is_odd[q] = a & 1 == 1;
                ((a + 1) >> 1) + shift
            };
            bounds.bounds[q] = bound.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        }
        bounds
    }
}

/// What the accumulators of a panel of rows start with, for an even and for an odd `a`.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Starts([[i32; MAX_WIDTH]; 2]);

#[inline(always)]
fn starts<const WIDTH: usize>(terms: &[u32; WIDTH], shift: i32, starts: &mut Starts) {
    let [even, odd] = &mut starts.0;
    for ((even, odd), term) in even.iter_mut().zip(odd).zip(terms) {
        *odd = shift.wrapping_sub((term >> 1) as i32);
        *even = odd.wrapping_sub((term & 1) as i32);
    }
}

/// The hits of every query against every row of packed panels, in tiles of `Q` queries and `V` vectors
/// of rows.
///
/// # Safety
/// The CPU has the features of `P`'s level; the panels were packed with `P::GROUP`, `Q` and
/// `WIDTH = V * P::LANES`.
#[inline(always)]
pub(crate) unsafe fn panels_at_most<
    P: Panel,
    const Q: usize,
    const V: usize,
    const WIDTH: usize,
>(
    block: &U8Block,
    limits: &[u32],
    hits: &mut [u64],
) {
    const { assert!(WIDTH == V * P::LANES && WIDTH <= MAX_WIDTH && V <= 8) };
    const { assert!(P::LANES == 16 || P::LANES == 8 || P::LANES < 8) };
    let words = block.n_rows.div_ceil(64);
    let shift = (block.cols as i64 * doubled_shift(block)) >> 1;
    hits.fill(0);
    let mut bounds = [Bounds::<Q>::NONE; PANELS_AT_ONCE];
    let mut row_starts = Starts([[0; MAX_WIDTH]; 2]);
    for first_query in (0..block.n_queries).step_by(Q * PANELS_AT_ONCE) {
        let terms = block.query_terms[first_query..block.n_queries].chunks(Q);
        let limits = limits[first_query..].chunks(Q);
        let mut n_panels = 0;
        for (bounds, (terms, limits)) in bounds.iter_mut().zip(terms.zip(limits)) {
            *bounds = Bounds::new(block, shift, terms, limits);
            n_panels += 1;
        }
        for (first_row, terms) in (0..block.n_rows)
            .step_by(WIDTH)
            .zip(block.row_terms.as_chunks::<WIDTH>().0)
        {
            let row_panel = block.row_panel(first_row / WIDTH);
            starts(terms, shift as i32, &mut row_starts);
            let (word, bit) = (first_row / 64, first_row % 64);
            for (p, bounds) in bounds[..n_panels].iter().enumerate() {
                let first_query = first_query + p * Q;
                let query_panel = block.query_panel(first_query / Q);
                let n_queries = Q.min(block.n_queries - first_query);
                let hits = &mut hits[first_query * words..][..n_queries * words];
                let mut aside = [[0u8; 8]; Q];
                // The hits of a vector are bytes of the little-endian words, if no panel runs over a word.
                let is_direct = P::LANES >= 8 && 64 % WIDTH == 0 && n_queries == Q;
                // SAFETY: the features are the caller's promise; `U8Block` has checked that panels hold
                // the same number of steps of `Q` and of `WIDTH` groups. Written are, of each of `Q` rows,
                // a byte for eight of up to 64 lanes, or for each of up to eight vectors: into the eight
                // bytes aside, or from byte `first_row / 8` of the words on, which hold whole panels.
                unsafe {
                    let (to, stride) = if is_direct {
                        let words_at = hits.as_mut_ptr().cast::<u8>();
                        (words_at.add(first_row / 8), 8 * words)
                    } else {
                        (aside.as_mut_ptr().cast::<u8>(), 8)
                    };
                    let below_is_hit = block.scale == 1;
                    let panels = (query_panel, row_panel);
                    // A query that is alone does not pay for a whole panel.
                    let below = below_is_hit;
                    match n_queries {
                        1 => tile::<P, Q, V, 1>(panels, &row_starts, bounds, below, to, stride),
                        _ => tile::<P, Q, V, Q>(panels, &row_starts, bounds, below, to, stride),
                    }
                }
                if is_direct {
                    continue;
                }
                for (q, &bytes) in aside[..n_queries].iter().enumerate() {
                    let of_panel = if P::LANES >= 8 {
                        u64::from_le_bytes(bytes)
                    } else {
                        (bytes[..V].iter().rev()).fold(0, |of_panel, byte| {
                            of_panel << P::LANES | u64::from(byte & ((1 << P::LANES) - 1))
                        })
                    };
                    hits[q * words + word] |= of_panel << bit;
                    if 64 % WIDTH != 0 && bit + WIDTH > 64 && word + 1 < words {
                        hits[q * words + word + 1] |= of_panel >> (64 - bit);
                    }
                }
            }
        }
    }
    // What pads the last panel may have been hit.
    if !block.n_rows.is_multiple_of(64) {
        for hits in hits.chunks_exact_mut(words) {
            hits[words - 1] &= (1 << (block.n_rows % 64)) - 1;
        }
    }
}

/// One register tile of the first `N` queries of a panel: the hits of query `q` go to byte `q * stride` and those after it, one byte or two a
/// vector. Where a vector has fewer than eight rows, the upper bits mean nothing.
///
/// # Safety
/// The CPU has the features of `P`'s level, `V * P::LANES` is at most `MAX_WIDTH`, and those bytes of `to`
/// are writable.
#[inline(always)]
unsafe fn tile<P: Panel, const Q: usize, const V: usize, const N: usize>(
    (query_panel, row_panel): (&[u8], &[u8]),
    starts: &Starts,
    bounds: &Bounds<Q>,
    below_is_hit: bool,
    to: *mut u8,
    stride: usize,
) {
    // SAFETY: the features and `to` are the caller's promise; the starts of vector `v` are `LANES` of
    // the `MAX_WIDTH` numbers.
    unsafe {
        let mut accs = [[P::zero(); V]; N];
        for (accs, &is_odd) in accs.iter_mut().zip(&bounds.is_odd) {
            let starts = starts.0[usize::from(is_odd)].as_ptr();
            for (v, acc) in accs.iter_mut().enumerate() {
                *acc = P::start(starts.add(v * P::LANES));
            }
        }
        P::sums::<Q, V, N>(query_panel, row_panel, &mut accs);
        // One branch a tile, so that the comparison itself yields hits.
        if below_is_hit {
            put_hits::<P, Q, V, N>(&accs, bounds, |below| below, to, stride);
        } else {
            put_hits::<P, Q, V, N>(&accs, bounds, |below| !below, to, stride);
        }
    }
}

/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn put_hits<P: Panel, const Q: usize, const V: usize, const N: usize>(
    accs: &[[P::Acc; V]; N],
    bounds: &Bounds<Q>,
    hits: impl Fn(u16) -> u16,
    to: *mut u8,
    stride: usize,
) {
    for (q, (accs, &bound)) in accs.iter().zip(&bounds.bounds).enumerate() {
        for (v, &acc) in accs.iter().enumerate() {
            // SAFETY: the features and the bytes of `to` are the caller's promise.
            unsafe {
                let of_vector = hits(P::below(acc, bound));
                let to = to.add(q * stride);
                if P::LANES == 16 {
                    to.add(2 * v).cast::<u16>().write_unaligned(of_vector);
                } else {
                    to.add(v).write(of_vector as u8);
                }
            }
        }
    }
}
