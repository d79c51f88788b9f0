//! Pictures of image data sets and results.
//!
//! [`picture`] lays 32x32 images out as a contact sheet and writes PNG files. [`Glyphs`] draws how
//! strong which direction is where, [`bar_plots`] histograms, and a [`Sheet`] puts such pictures beside
//! each other. This crate knows pixels and colours, not where images came from nor how a result was
//! computed.
//!
//! ```
//! use nearplane_report::{Tile, contact_sheet};
//!
//! let (gray, white) = ([128; 3072], [255; 3072]);
//! let tiles = [Tile::new(&gray), Tile::framed(&white, [200, 0, 0])];
//! let sheet = contact_sheet(&tiles, 2, 1, 4);
//! assert_eq!((sheet.width(), sheet.height()), (2 * 32 + 3 * 4, 32 + 2 * 4));
//! ```

mod bars;
mod glyphs;
mod html;
pub mod picture;
mod plot;
mod sheet;

pub use bars::{BarPlot, bar_plots};
pub use glyphs::Glyphs;
pub use html::{Cell, Figure, Fill, Html, Page, Section, Table, fixed, number, percent, prose};
pub use picture::{Picture, PictureError, Tile, contact_sheet};
pub use plot::{Axis, Color, Plot};
pub use sheet::Sheet;

// The example of the crate page runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
