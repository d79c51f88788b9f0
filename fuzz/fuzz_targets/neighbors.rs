//! See `nearplane_fuzz::neighbors`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(neighbors);
