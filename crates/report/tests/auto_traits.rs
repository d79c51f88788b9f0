//! What every public type promises beside its methods: it goes to other threads, and it can be printed.

use std::fmt::Debug;

use nearplane_report::{
    Axis, BarPlot, Cell, Color, Figure, Fill, Glyphs, Html, Page, Picture, PictureError, Plot,
    Section, Sheet, Table, Tile,
};

fn thread_safe<T: Send + Sync + Unpin + Debug>() {}

#[test]
fn public_types_go_to_other_threads() {
    thread_safe::<Axis>();
    thread_safe::<BarPlot<'_>>();
    thread_safe::<Cell>();
    thread_safe::<Color>();
    thread_safe::<Figure>();
    thread_safe::<Fill>();
    thread_safe::<Glyphs<'_>>();
    thread_safe::<Html>();
    thread_safe::<Page>();
    thread_safe::<Picture>();
    thread_safe::<PictureError>();
    thread_safe::<Plot>();
    thread_safe::<Section>();
    thread_safe::<Sheet>();
    thread_safe::<Table>();
    thread_safe::<Tile<'_>>();
}
