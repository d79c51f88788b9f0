//! See `nearplane_fuzz::cifar_folder`.
#![cfg_attr(fuzzing, no_main)]
nearplane_fuzz::target!(cifar_folder);
