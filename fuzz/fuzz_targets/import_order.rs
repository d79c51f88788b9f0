//! See `nearplane_fuzz::import_order`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(import_order);
