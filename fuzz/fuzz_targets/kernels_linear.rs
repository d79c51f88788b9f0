//! See `nearplane_fuzz::kernels_linear`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(kernels_linear);
