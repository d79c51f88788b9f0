//! Scores of rows: dot products with a few rows of weights, summed along the rows.
//!
//! A vector holds consecutive elements of a row, widened to f32 once and multiplied with the same
//! elements of several classes' weights. A register tile is `R` rows by `C` classes, so that every load
//! of weights serves `R` rows and every widening serves `C` classes. Weights are packed slice by slice
//! (the `C` classes' vectors of one slice lie together): read as they come, rows of weights that are a
//! multiple of 4 KiB apart would push each other out of the first-level cache. A chunk of slices stays
//! in that cache while a block of rows passes over it; the sums of a block wait in a buffer meanwhile.
//!
//! Each pair of row and class has one vector of partial sums that meets the slices in order, and one order
//! in which its lanes are added at the end, wherever the row lies in a tile, block or call.
//!
//! Everything here is `inline(always)`, as in `generic`.

use super::floats::{Floats, Source};
use super::scratch::Scratch;
use crate::{MatMut, MatRef};

/// Rows whose partial sums wait in the buffer.
pub(crate) const BLOCK: usize = 16;

/// Bytes of packed weights that a block of rows passes over before the next: most of a first-level
/// cache of 32 KiB, which also holds the slices of the rows and the partial sums.
const CHUNK_BYTES: usize = 20 << 10;

/// The weights of each group of classes, slice by slice; elements behind the last are zero.
/// `group(left)` is the size of the next group when `left` classes are left.
///
/// # Safety
/// The CPU has the features of `F`'s level.
#[inline(always)]
pub(crate) unsafe fn pack<F: Floats>(weights: MatRef<f32>, group: fn(usize) -> usize) -> Scratch {
    let (whole, tail) = (weights.cols() / F::LANES, weights.cols() % F::LANES);
    let mut packed = Scratch::new(weights.rows() * weights.cols().next_multiple_of(F::LANES));
    let mut to = packed.as_mut_slice();
    let mut first = 0;
    while first < weights.rows() {
        let classes = group(weights.rows() - first);
        let step = classes * F::LANES;
        let panel = to
            .split_off_mut(..(whole + usize::from(tail > 0)) * step)
            .expect("room for each class");
        for class in 0..classes {
            let from = weights.row(first + class).as_ptr();
            // SAFETY: the features are the caller's promise. Each slice is read from the row, and has its
            // place in the panel, which has one for each slice and class.
            unsafe {
                let mut to = |slice: usize| panel.as_mut_ptr().add(slice * step + class * F::LANES);
                for slice in 0..whole {
                    F::store(F::load(from.add(slice * F::LANES)), to(slice));
                }
                if tail > 0 {
                    F::store(F::load_part(from.add(whole * F::LANES), tail), to(whole));
                }
            }
        }
        first += classes;
    }
    packed
}

/// The scores of at most [`BLOCK`] rows, those from `first_row` on, for the `C` classes from
/// `first_class` on, whose packed weights begin where those of the classes before them end.
///
/// # Safety
/// The CPU has the features of `F`'s level; `packed` is what [`pack`] made of weights with the columns of
/// `rows`, and a group of `C` classes begins at `first_class`.
#[inline(always)]
pub(crate) unsafe fn group<F: Floats, T: Source, const R: usize, const C: usize>(
    rows: MatRef<T>,
    first_row: usize,
    packed: &[f32],
    first_class: usize,
    out: &mut MatMut<f32>,
) {
    let n_rows = BLOCK.min(rows.rows() - first_row);
    let (whole, tail) = (rows.cols() / F::LANES, rows.cols() % F::LANES);
    let step = C * F::LANES;
    let panel = &packed[first_class * rows.cols().next_multiple_of(F::LANES)..];
    assert!(panel.len() >= (whole + usize::from(tail > 0)) * step);
    // Chunks of about one size.
    let most = (CHUNK_BYTES / size_of::<f32>() / step).max(1);
    let chunk = whole.div_ceil(whole.div_ceil(most).max(1)).max(1);
    // SAFETY: the features are the caller's promise. Slices below `whole` end before the columns do, and
    // `panel` holds `step` floats for each and for the tail; `row` is below `n_rows`, for which
    // `sums` has room (`n_rows <= BLOCK`).
    unsafe {
        let mut sums = [[F::zero(); C]; BLOCK];
        let mut slice = 0;
        while slice < whole {
            let slices = chunk.min(whole - slice);
            let weights = panel.as_ptr().add(slice * step);
            let mut row = 0;
            while row + R <= n_rows {
                let from = first_row + row;
                tile::<F, T, R, C>(
                    rows,
                    from,
                    slice,
                    slices,
                    weights,
                    sums.as_mut_ptr().add(row),
                );
                row += R;
            }
            while row < n_rows {
                let from = first_row + row;
                tile::<F, T, 1, C>(
                    rows,
                    from,
                    slice,
                    slices,
                    weights,
                    sums.as_mut_ptr().add(row),
                );
                row += 1;
            }
            slice += slices;
        }
        for (row, sums) in sums.iter_mut().enumerate().take(n_rows) {
            if tail > 0 {
                let from = rows.row(first_row + row).as_ptr().add(whole * F::LANES);
                let x = T::load_part::<F>(from, tail);
                for (class, sum) in sums.iter_mut().enumerate() {
                    let w = F::load(panel.as_ptr().add(whole * step + class * F::LANES));
                    *sum = F::fma(*sum, x, w);
                }
            }
            let out = &mut out.row_mut(first_row + row)[first_class..][..C];
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = F::sum(*sum);
            }
        }
    }
}

/// Adds `slices` whole slices from `slice` on of `R` rows from `first` on to their sums.
///
/// # Safety
/// As [`group`]; the rows have those slices, `weights` and `sums` point to as many.
#[inline(always)]
unsafe fn tile<F: Floats, T: Source, const R: usize, const C: usize>(
    rows: MatRef<T>,
    first: usize,
    slice: usize,
    slices: usize,
    weights: *const f32,
    sums: *mut [F::Vector; C],
) {
    let mut at = [core::ptr::null(); R];
    for (r, at) in at.iter_mut().enumerate() {
        *at = rows.row(first + r)[slice * F::LANES..][..slices * F::LANES].as_ptr();
    }
    // SAFETY: the caller's promises; the loop reads `slices` vectors of each row, which were just
    // sliced, and `slices` steps of weights.
    unsafe {
        let mut accs = sums.cast::<[[F::Vector; C]; R]>().read();
        let mut weights = weights;
        for s in 0..slices {
            let mut x = [F::zero(); R];
            for (x, at) in x.iter_mut().zip(at) {
                *x = T::load::<F>(at.add(s * F::LANES));
            }
            for c in 0..C {
                let w = F::load(weights.add(c * F::LANES));
                for (accs, x) in accs.iter_mut().zip(x) {
                    accs[c] = F::fma(accs[c], x, w);
                }
            }
            weights = weights.add(C * F::LANES);
        }
        sums.cast::<[[F::Vector; C]; R]>().write(accs);
    }
}
