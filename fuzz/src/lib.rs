//! The bodies of the fuzz targets, one function each: arbitrary bytes in, a panic if anything is wrong.
//!
//! `cargo xtask fuzz` runs them under libFuzzer, `tests/replay.rs` on the committed corpus. Numeric code is compared
//! with loops written here, level by level; parsers with a plain reading of the same bytes. `docs/correctness.md` is
//! the guide.
#![cfg(not(packed))]

mod archive;
mod features;
mod folder;
mod input;
mod kernels;
mod kernels_f32;
mod kernels_linear;
mod model_file;
mod neighbors;
mod npy;
mod order;
mod results;

pub use archive::import_archive;
pub use features::feature_spec;
pub use folder::cifar_folder;
pub use kernels::kernels_u8;
pub use kernels_f32::kernels_f32;
pub use kernels_linear::kernels_linear;
pub use model_file::model_file;
pub use neighbors::neighbors;
pub use npy::npy;
pub use order::import_order;
pub use results::results_log;

/// A target: panics if anything is wrong with what it makes of the bytes.
pub type Body = fn(&[u8]);

/// Every target by its name, which is that of its program and of its folder in `corpus`.
pub const TARGETS: [(&str, Body); 11] = [
    ("kernels_u8", kernels_u8),
    ("kernels_f32", kernels_f32),
    ("kernels_linear", kernels_linear),
    ("neighbors", neighbors),
    ("cifar_folder", cifar_folder),
    ("import_order", import_order),
    ("import_archive", import_archive),
    ("feature_spec", feature_spec),
    ("model_file", model_file),
    ("npy", npy),
    ("results_log", results_log),
];

/// The program of one target: driven by libFuzzer where cargo-fuzz builds it, empty elsewhere.
#[macro_export]
macro_rules! target {
    ($body:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(
            // libFuzzer ends a program at its first panic, also at one of an image decoder, which an import survives;
            // without its hook it ends it at one that nobody caught.
            init: drop(std::panic::take_hook()),
            |data: &[u8]| $crate::$body(data)
        );
        #[cfg(not(fuzzing))]
        fn main() {}
    };
}

/// What modules of the command line that are compiled here ask of its `progress`.
mod progress {
    pub(crate) fn check_interrupt() -> anyhow::Result<()> {
        Ok(())
    }
}

/// Likewise of its `output`.
mod output {
    pub(crate) fn note(_quiet: bool, _text: &str) {}
}

/// Likewise of its `pending`.
mod pending {
    pub(crate) fn folder_of(path: &std::path::Path) -> &std::path::Path {
        path.parent().unwrap_or(path)
    }
}
