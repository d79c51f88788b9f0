//! See `nearplane_fuzz::results_log`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(results_log);
