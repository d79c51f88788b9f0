//! See `nearplane_fuzz::model_file`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(model_file);
