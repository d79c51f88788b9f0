//! Memory for packed matrices, aligned to cache lines and used again by the next call of a thread.
//!
//! A vector that straddles two cache lines costs two loads, so panels begin on a line. Fresh memory costs
//! a page fault every 4 KiB, as much as a small call takes altogether, so each thread keeps what it had.

use std::cell::Cell;

/// Floats of a cache line.
const LINE: usize = 16;

/// What a thread keeps at most, in cache lines: 4 MiB.
const KEPT: usize = (4 << 20) / size_of::<Line>();

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "read as floats")] [f32; LINE]);

thread_local! {
    static KEPT_LINES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// A buffer of floats that begins on a cache line. What it holds at first is arbitrary.
pub(crate) struct Scratch {
    lines: Vec<Line>,
    len: usize,
}

impl Scratch {
    pub(crate) fn new(len: usize) -> Self {
        let mut lines = KEPT_LINES.take();
        if lines.len() < len.div_ceil(LINE) {
            lines.resize(len.div_ceil(LINE), Line([0.0; LINE]));
        }
        Self { lines, len }
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `len` floats, and a line is nothing but floats.
        unsafe { core::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { core::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.lines.len() <= KEPT {
            // At the end of a thread there may be nothing left to keep it in.
            let lines = std::mem::take(&mut self.lines);
            let _ = KEPT_LINES.try_with(|kept| kept.set(lines));
        }
    }
}
