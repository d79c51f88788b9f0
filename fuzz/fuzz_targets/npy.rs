//! See `nearplane_fuzz::npy`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(npy);
