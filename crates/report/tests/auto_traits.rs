//! What every public type promises beside its methods: it goes to other threads, and it can be printed.

use std::fmt::Debug;

use nearplane_report::{BarPlot, Glyphs, Picture, PictureError, Sheet, Tile};

fn thread_safe<T: Send + Sync + Unpin + Debug>() {}

#[test]
fn public_types_go_to_other_threads() {
    thread_safe::<BarPlot<'_>>();
    thread_safe::<Glyphs<'_>>();
    thread_safe::<Picture>();
    thread_safe::<PictureError>();
    thread_safe::<Sheet>();
    thread_safe::<Tile<'_>>();
}
