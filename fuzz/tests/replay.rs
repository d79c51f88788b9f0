//! Every input of the committed corpus through its target: what was found once stays mended, on any toolchain.

use std::path::Path;

use nearplane_fuzz::TARGETS;

/// Runs the inputs of one target, the name of the input in the message of a panic.
fn replay(target: &str) {
    let (_, body) = TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .unwrap_or_else(|| panic!("no target {target}"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        let bytes = std::fs::read(&file).expect("an input");
        let outcome = std::panic::catch_unwind(|| body(&bytes));
        assert!(outcome.is_ok(), "{}", file.display());
    }
}

macro_rules! tests {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target));
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let names = TARGETS.map(|(name, _)| name);
            assert_eq!(names, [$(stringify!($target)),*]);
        }
    };
}

tests! {
    kernels_u8
    kernels_f32
    kernels_linear
    neighbors
    cifar_folder
    import_order
    import_archive
    feature_spec
    model_file
    npy
    results_log
}

#[test]
fn a_target_takes_nothing_at_all_and_a_lot() {
    for (name, body) in TARGETS {
        for input in [vec![], vec![0; 300], vec![0xff; 300]] {
            let outcome = std::panic::catch_unwind(|| body(&input));
            assert!(outcome.is_ok(), "{name}: {} bytes", input.len());
        }
    }
}
