//! What is done of a sweep: the rows that the file of results has already, and those that are added, each as soon as
//! it and all rows before it are finished, so that the order of the file does not depend on threads.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Result;

use super::unit::{COLUMNS, Unit, key};
use crate::csv_log;

/// The file of results, or none.
pub(super) struct Log<'a> {
    path: Option<&'a Path>,
    known: HashMap<Vec<String>, Unit>,
}

impl<'a> Log<'a> {
    /// With `resume`, what the file has counts as done.
    pub(super) fn open(path: Option<&'a Path>, resume: bool, quiet: bool) -> Result<Log<'a>> {
        let rows = match path {
            Some(path) if resume => csv_log::rows(path, quiet)?,
            _ => Vec::new(),
        };
        let known = rows
            .iter()
            .filter_map(|row| Some((key(row), Unit::read(row)?)));
        Ok(Log {
            path,
            known: known.collect(),
        })
    }

    /// The answer to a question, if it is there.
    pub(super) fn known(&self, question: &[String]) -> Option<Unit> {
        self.known.get(&key(question)).copied()
    }

    fn append(&mut self, row: Vec<String>) -> Result<()> {
        if let Some(unit) = Unit::read(&row) {
            self.known.insert(key(&row), unit);
        }
        match self.path {
            Some(path) => csv_log::append(path, &COLUMNS, &[row]).map(drop),
            None => Ok(()),
        }
    }
}

/// Rows on their way to the log, in the order in which they were announced.
pub(super) struct Queue<'l, 'a> {
    log: &'l mut Log<'a>,
    /// What is written next.
    next: usize,
    /// Finished before others that come first.
    waiting: BTreeMap<usize, Vec<String>>,
}

impl<'l, 'a> Queue<'l, 'a> {
    pub(super) fn new(log: &'l mut Log<'a>) -> Self {
        Queue {
            log,
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// Row number `place` is finished.
    pub(super) fn push(&mut self, place: usize, row: Vec<String>) -> Result<()> {
        self.waiting.insert(place, row);
        while let Some(row) = self.waiting.remove(&self.next) {
            self.log.append(row)?;
            self.next += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let mut log = Log::open(Some(&path), false, true).unwrap();
        let mut queue = Queue::new(&mut log);
        let row = |n: usize| vec![n.to_string(); COLUMNS.len()];
        let written = || match std::fs::read_to_string(&path) {
            Ok(text) => text.lines().count(),
            Err(_) => 0,
        };
        for (place, lines) in [(1, 0), (0, 3), (3, 3), (2, 5)] {
            queue.push(place, row(place)).unwrap();
            assert_eq!(written(), lines, "after row {place}");
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let first: Vec<&str> = text.lines().skip(1).map(|line| &line[..1]).collect();
        assert_eq!(first, ["0", "1", "2", "3"]);
    }
}
