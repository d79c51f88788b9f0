//! See `nearplane_fuzz::import_archive`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(import_archive);
