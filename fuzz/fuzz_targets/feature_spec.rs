//! See `nearplane_fuzz::feature_spec`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(feature_spec);
