//! Races for the place of a data set, and what they must not destroy.

use super::*;

/// A parent with a new folder in it and the folder `out`, both with a file of this name.
fn race(file: &str) -> (tempfile::TempDir, Sibling, PathBuf) {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let new = Sibling::create(parent.path()).expect("creating a folder");
    let out = parent.path().join("out");
    fs::create_dir(&out).expect("creating a folder");
    for (folder, text) in [(&new.path, "new"), (&out, "old")] {
        fs::write(folder.join(file), text).expect("writing a file");
    }
    (parent, new, out)
}

fn check_only_old_is_left(parent: &Path, file: &str) {
    let entries = fs::read_dir(parent).expect("listing the folder");
    let names: Vec<_> = entries.map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(names, ["out"]);
    let text = fs::read(parent.join("out").join(file)).expect("reading");
    assert_eq!(text, b"old");
}

#[test]
fn a_folder_dropped_is_a_folder_removed() {
    let (parent, new, _) = race(TEST_10);
    assert!(new.path.join(TEST_10).exists());
    drop(new);
    check_only_old_is_left(parent.path(), TEST_10);
}

#[test]
fn a_destination_filled_meanwhile_is_kept() {
    let (parent, new, out) = race(TEST_10);
    let error = place(new, &out).expect_err("the destination is not empty");
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    check_only_old_is_left(parent.path(), TEST_10);
}

#[test]
fn a_foreign_file_added_meanwhile_is_kept() {
    let (parent, new, out) = race("thesis.txt");
    let error = replace(new, &out, parent.path()).expect_err("there is a foreign file");
    assert!(matches!(error, Error::ForeignFile { .. }), "{error}");
    check_only_old_is_left(parent.path(), "thesis.txt");

    let (parent, new, out) = race("thesis.txt");
    let error = replace_in_steps(new, &out, parent.path()).expect_err("a foreign file");
    assert!(matches!(error, Error::ForeignFile { .. }), "{error}");
    check_only_old_is_left(parent.path(), "thesis.txt");
}

#[test]
fn a_foreign_file_added_at_the_very_end_is_kept_aside() {
    let (_parent, _new, out) = race("thesis.txt");
    fs::write(out.join(TEST_10), "old").expect("writing a file");
    let cause = remove_data_set(&out).expect_err("not empty");
    assert!(out.join("thesis.txt").exists());
    let message = Error::Remainder { path: out, cause }.to_string();
    assert!(
        message.contains("out: cannot remove this remainder"),
        "{message}"
    );
    assert!(
        message.ends_with("; the new data set is in place"),
        "{message}"
    );
}

#[test]
fn leftovers_of_a_killed_run_are_not_in_the_way() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let first = unused(parent.path());
    let number = first
        .to_string_lossy()
        .rsplit_once('-')
        .and_then(|(_, n)| n.parse().ok());
    let number: u32 = number.expect("a name that ends with a number");
    // The names of the next calls, other tests of this process included.
    for next in number..number + 50 {
        let name = format!(".nearplane-{}-{next}", std::process::id());
        fs::create_dir(parent.path().join(name)).expect("creating a folder");
    }
    let new = Sibling::create(parent.path()).expect("an unused name");
    assert!(fs::read_dir(&new.path).expect("listing").next().is_none());
}
