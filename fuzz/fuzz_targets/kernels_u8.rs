//! See `nearplane_fuzz::kernels_u8`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(kernels_u8);
