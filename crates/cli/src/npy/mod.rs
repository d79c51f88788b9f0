//! NumPy's `.npy` files: own matrices and labels in, arrays out. Format versions 1.0, 2.0 and 3.0 of
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//!
//! What is read is little: C order; bytes, floats of 4 and 8 bytes, and for labels bool and integers
//! of any width, in either byte order. Everything else is refused with the dtype named. The header is
//! parsed by hand and strictly, its length is bounded, and the number of elements that it claims is
//! compared with the length of the file before anything of that size is allocated. Objects are never
//! unpickled.

mod header;
mod read;
mod write;

pub(crate) use read::{CellType, NpyFile};
pub(crate) use write::header;
