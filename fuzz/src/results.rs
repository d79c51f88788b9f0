//! The CSV file that sweeps and results grow by whole rows: rows come back as they were appended, whatever was there
//! before. The code is that of the command line, compiled here.

use crate::input::Input;

#[path = "../../crates/cli/src/csv_log.rs"]
mod log;

const HEADER: [&str; 3] = ["a", "b", "c"];

/// Rows appended to any file are its last ones, or the file is refused and left as it was.
pub fn results_log(data: &[u8]) {
    let mut input = Input::new(data);
    let rows: Vec<Vec<String>> = (0..input.below(4))
        .map(|_| {
            let cell = |_: &&str| {
                let n = input.below(6);
                String::from_utf8_lossy(input.take(n)).into_owned()
            };
            HEADER.iter().map(cell).collect()
        })
        .collect();
    let cut = input.below(100);
    let before = match input.below(4) {
        0 => Vec::new(),
        1 => input.rest().to_vec(),
        _ => [b"a,b,c\n", input.rest()].concat(),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("log.csv");
    std::fs::write(&path, &before).expect("a file");
    let read = || std::fs::read(&path).expect("a file");
    let is_fine = log::check(&path, &HEADER).is_ok();
    assert_eq!(read(), before, "a check changed the file");
    match log::append(&path, &HEADER, &rows) {
        Err(_) => assert_eq!(read(), before, "refused, but changed"),
        Ok(count) => {
            assert!(is_fine, "appended to a file that a check refuses");
            assert!(count >= rows.len());
            let after = read();
            assert!(after.starts_with(&before), "what was there is gone");
            if let Ok(found) = log::rows(&path, true) {
                assert!(
                    found.ends_with(&rows),
                    "{found:?} does not end with {rows:?}"
                );
            }
            // Twice, for a file that this code itself has written.
            log::append(&path, &HEADER, &rows).expect("another append");
        }
    }
    // A cut, as a killed process leaves it, costs the last row and no other.
    let whole = read();
    std::fs::write(&path, &whole[..whole.len().saturating_sub(cut)]).expect("a file");
    if let Ok(found) = log::rows(&path, true) {
        assert!(found.iter().all(|row| row.len() == HEADER.len()) || !is_fine);
    }
}
