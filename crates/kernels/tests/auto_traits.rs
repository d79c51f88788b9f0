//! What every public type promises beside its methods: it goes to other threads, and it can be printed.

use std::fmt::Debug;

use nearplane_kernels::limits::Element;
use nearplane_kernels::{
    Kernel, Level, LevelError, MatMut, MatRef, PackedQueries, PackedRows, TopK,
};

fn thread_safe<T: Send + Sync + Unpin + Debug>() {}

#[test]
fn public_types_go_to_other_threads() {
    thread_safe::<Kernel>();
    thread_safe::<Level>();
    thread_safe::<LevelError>();
    thread_safe::<MatRef<'_, u8>>();
    thread_safe::<MatRef<'_, f32>>();
    thread_safe::<MatMut<'_, u32>>();
    thread_safe::<MatMut<'_, f32>>();
    thread_safe::<PackedQueries>();
    thread_safe::<PackedRows>();
    thread_safe::<TopK>();
    thread_safe::<Element>();
}
