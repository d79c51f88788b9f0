//! See `nearplane_fuzz::kernels_f32`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(kernels_f32);
