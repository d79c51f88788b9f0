//! Whether a file is what an undisturbed run makes of it, but for times.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::jobs::{Bench, JOBS, Job, LOGS, is_temporary};
use super::room::{At as _, Files, Room};
use crate::json::Json;

/// Outputs that are one thing.
const FOLDERS: [&str; 3] = ["out/", "arrays/", "page/"];

/// The folder that a file is replaced with.
fn folder_of(job: &Job, name: &str) -> Option<&'static str> {
    let inside = |folder: &&str| job.outputs.contains(folder) && name.starts_with(*folder);
    FOLDERS.into_iter().find(inside)
}

/// A command where none of its outputs is there, or where it replaces them.
pub(super) struct Case {
    pub(super) job: &'static Job,
    pub(super) replaces: bool,
    pub(super) reference: Reference,
}

impl Case {
    /// Every command in both ways, each run once with nothing to disturb it.
    pub(super) fn all(bench: &Bench) -> Result<Vec<Case>, String> {
        let ways = |job| [(job, false), (job, true)];
        let cases = JOBS.iter().flat_map(ways).map(|(job, replaces)| {
            Ok(Case {
                job,
                replaces,
                reference: Reference::of(bench, job, replaces)?,
            })
        });
        cases.collect()
    }

    pub(super) fn arguments(&self) -> String {
        self.job.arguments_for(self.replaces)
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        let how = if self.replaces { ", replacing" } else { "" };
        format!("{}{how}", self.job.name)
    }
}

/// What a command does when nothing disturbs it, twice: what differs between the two is a matter of time.
pub(super) struct Reference {
    /// What is there when it begins.
    pub(super) start: Files,
    /// What is there when it has ended.
    pub(super) end: Files,
    again: Files,
    pub(super) took: Duration,
}

impl Reference {
    /// With `replaces`, of a run that finds outputs to replace.
    fn of(bench: &Bench, job: &Job, replaces: bool) -> Result<Reference, String> {
        let room = bench.room("reference")?;
        if replaces {
            bench.must(&room, job.before)?;
        }
        let start = room.files()?;
        let arguments = job.arguments_for(replaces);
        let first = bench.must(&room, &arguments)?;
        let end = room.files()?;
        room.refill(&start)?;
        let second = bench.must(&room, &arguments)?;
        Ok(Reference {
            start,
            end,
            again: room.files()?,
            took: first.took.min(second.took),
        })
    }

    /// Whether a file is whole and says what it should.
    pub(super) fn is_new(&self, name: &str, found: &[u8]) -> bool {
        match (self.end.get(name), self.again.get(name)) {
            (Some(one), Some(two)) => same(name, found, one, two),
            _ => false,
        }
    }

    /// What is wrong with the files that a disturbed run has left: `Ok` if each is as it was, as it should become,
    /// or not there and was not there before; a folder that is replaced as one is the old one or the new one.
    pub(super) fn check(&self, job: &Job, found: &Files) -> Result<(), String> {
        let names: BTreeSet<&String> = self.start.keys().chain(self.end.keys()).collect();
        for name in names
            .into_iter()
            .filter(|name| folder_of(job, name).is_none())
        {
            let (before, now) = (self.start.get(name), found.get(name));
            if LOGS.contains(&name.as_str()) {
                self.check_log(name, now)?;
                continue;
            }
            match now {
                None if before.is_none() => {}
                None => return Err(format!("{name} is gone")),
                Some(now) if before == Some(now) => {}
                Some(now) if job.owns(name) && self.is_new(name, now) => {}
                Some(now) => {
                    return Err(format!(
                        "{name} is neither old nor new, {} bytes",
                        now.len()
                    ));
                }
            }
        }
        for folder in FOLDERS.iter().filter(|folder| job.outputs.contains(folder)) {
            let part = |files: &Files| -> Files {
                let inside = files.iter().filter(|(name, _)| name.starts_with(folder));
                inside.map(|(a, b)| (a.clone(), b.clone())).collect()
            };
            let (now, end) = (part(found), part(&self.end));
            let is_new = now.keys().eq(end.keys())
                && now.iter().all(|(name, bytes)| self.is_new(name, bytes));
            if !is_new && now != part(&self.start) {
                let names: Vec<&String> = now.keys().collect();
                return Err(format!("{folder} is neither old nor new: {names:?}"));
            }
        }
        let known = |name: &String| {
            self.start.contains_key(name)
                || self.end.contains_key(name)
                || job.is_progress(name)
                || is_temporary(name)
        };
        match found.keys().find(|name| !known(name)) {
            Some(name) => Err(format!("{name} is there, which nobody asked for")),
            None => Ok(()),
        }
    }

    /// A log holds what it held, then whole rows, and no more of them than the command has.
    fn check_log(&self, name: &str, found: Option<&Vec<u8>>) -> Result<(), String> {
        let nothing = Vec::new();
        let before = self.start.get(name).unwrap_or(&nothing);
        let found = found.unwrap_or(&nothing);
        let Some(new) = found.strip_prefix(&before[..]) else {
            return Err(format!("{name} has lost rows"));
        };
        if !(new.is_empty() || new.ends_with(b"\n")) {
            return Err(format!("{name} ends within a row"));
        }
        let rows = csv(found);
        let columns = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != columns) {
            return Err(format!("{name} has a row of another length"));
        }
        let most = self.end.get(name).map_or(0, |end| csv(end).len());
        if rows.len() > most {
            return Err(format!("{name} has {} rows, {most} at most", rows.len()));
        }
        Ok(())
    }

    /// What differs from the end of an undisturbed run, of a run that went through after all.
    pub(super) fn check_end(&self, job: &Job, found: &Files) -> Result<(), String> {
        for name in self.end.keys() {
            let is_look = name == LOGS[1];
            match found.get(name) {
                None => return Err(format!("{name} is not there")),
                // A killed run may have looked already.
                Some(_) if is_look => {}
                Some(now) if !self.is_new(name, now) => {
                    return Err(format!("{name} is not what an undisturbed run makes"));
                }
                Some(_) => {}
            }
        }
        match found.keys().find(|name| job.is_progress(name)) {
            Some(name) => Err(format!("{name} is still there")),
            None => Ok(()),
        }
    }
}

impl Job {
    /// As it runs where outputs may be there.
    pub(super) fn arguments_for(&self, replaces: bool) -> String {
        match replaces {
            true => format!("{} --force", self.arguments),
            false => self.arguments.to_owned(),
        }
    }
}

/// Whether `found` is `one`, a file made twice, but for what differs between `one` and `two`.
fn same(name: &str, found: &[u8], one: &[u8], two: &[u8]) -> bool {
    if found == one || found == two {
        return true;
    }
    // Plots and pages show seconds, of which two runs may happen to take the same.
    let has_times = name.ends_with(".svg") || name.ends_with(".html");
    if one == two && !has_times {
        return false;
    }
    if name.ends_with(".csv") {
        return same_rows(&csv(found), &csv(one), &csv(two));
    }
    let masked = without_numbers(found);
    if masked == without_numbers(one) {
        return true;
    }
    // An axis of seconds has as many marks as these happen to take; all else has no excuse.
    if !name.ends_with(".svg") && without_numbers(one) == without_numbers(two) {
        return false;
    }
    // Times on an axis or in words, then: it begins and ends as it should, and no large part is missing.
    let edge = |bytes: &[u8]| {
        let len = bytes.len().min(8);
        [&bytes[..len], &bytes[bytes.len() - len..]].concat()
    };
    edge(found) == edge(one) && found.len() * 2 > one.len()
}

/// Cells differ only in the columns in which two undisturbed runs may differ.
fn same_rows(found: &[Vec<String>], one: &[Vec<String>], two: &[Vec<String>]) -> bool {
    let Some(head) = one.first() else {
        return found.is_empty();
    };
    let is_time = |column: usize| {
        let name = &head[column];
        let timed = name.contains("time") || name.contains("seconds") || name.ends_with("_s");
        let cells = one.iter().zip(two);
        timed
            || ["resumed", "looks"].contains(&name.as_str())
            || cells
                .into_iter()
                .any(|(a, b)| a.get(column) != b.get(column))
    };
    let lasting: Vec<usize> = (0..head.len()).filter(|&column| !is_time(column)).collect();
    let cells = |row: &Vec<String>| -> Vec<Option<String>> {
        lasting
            .iter()
            .map(|&column| row.get(column).cloned())
            .collect()
    };
    found.len() == one.len() && found.iter().zip(one).all(|(a, b)| cells(a) == cells(b))
}

/// The rows of a CSV file, its head among them: RFC 4180.
pub(super) fn csv(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(bytes);
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '\n' if !quoted => rows.push(vec![String::new()]),
            _ => {
                if let Some(row) = rows.last_mut() {
                    match (c, row.last_mut()) {
                        (',', _) if !quoted => row.push(String::new()),
                        (c, Some(cell)) => cell.push(c),
                        _ => {}
                    }
                }
            }
        }
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    rows
}

fn without_numbers(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'0'..=b'9' | b'.' if text.last() == Some(&b'0') => {}
            b'0'..=b'9' => text.push(b'0'),
            _ => text.push(byte),
        }
    }
    text
}

/// The values of a record by their paths, times left out.
pub(super) fn lasting_values(stdout: &str) -> Result<Vec<(String, String)>, String> {
    let mut values = Vec::new();
    flatten("", &Json::parse(stdout)?, &mut values);
    let is_time = |path: &str| {
        let last = path.rsplit('.').next().unwrap_or_default();
        let parts = ["seconds", "time", "bytes", "per_second", "trace"];
        last.ends_with("_s") || last == "s" || parts.iter().any(|part| path.contains(part))
    };
    // How often the test split was looked at is a fact about the log, not about the result.
    values.retain(|(path, _)| !is_time(path) && !path.ends_with("looks"));
    Ok(values)
}

fn flatten(path: &str, value: &Json, values: &mut Vec<(String, String)>) {
    match value {
        Json::Object(members) => members
            .iter()
            .for_each(|(name, value)| flatten(&format!("{path}.{name}"), value, values)),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, value)| flatten(&format!("{path}.{i}"), value, values)),
        value => values.push((path.to_owned(), value.to_string())),
    }
}

/// How many temporary files and folders a room holds; a folder counts once, whatever is in it.
pub(super) fn left_over(room: &Room) -> Result<usize, String> {
    fn count(folder: &Path) -> io::Result<usize> {
        let mut found = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if is_temporary(&entry.file_name().to_string_lossy()) {
                found += 1;
            } else if entry.file_type()?.is_dir() {
                found += count(&entry.path())?;
            }
        }
        Ok(found)
    }
    count(&room.work).at(&room.work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_may_differ() {
        let check = |name: &str, found: &str, is_same: bool| {
            let (one, two) = match name {
                "x.csv" => ("time,k,seconds\n12,3,0.1\n", "time,k,seconds\n13,3,0.2\n"),
                _ => ("took 0.12 s", "took 7 s"),
            };
            let result = same(name, found.as_bytes(), one.as_bytes(), two.as_bytes());
            assert_eq!(result, is_same, "{name} {found}");
        };
        check("x.csv", "time,k,seconds\n99,3,0.1\n", true);
        check("x.csv", "time,k,seconds\n12,4,0.1\n", false);
        check("x.csv", "time,k,seconds\n", false);
        check("x.txt", "took 3.4 s", true);
        check("x.txt", "took 3.4", false);
        check("x.html", "took 0.10 to 3 s", false);
        assert!(same("x.html", b"took 3 s", b"took 2 s", b"took 2 s"));
        let plot = |marks: &str| format!("<svg viewBox>{marks}</svg>\n").into_bytes();
        let [one, two, three] = ["<m/>", "<m/><m/>", "<m/><m/><m/>"].map(plot);
        assert!(same("x.svg", &three, &one, &two));
        assert!(!same("x.svg", &three[..30], &one, &two));
        assert!(!same("x.txt", b"a", b"b", b"b"));
    }

    #[test]
    fn rows_are_read_with_their_quotes() {
        assert_eq!(csv(b"a,\"b,c\"\n1,2\n"), [["a", "b,c"], ["1", "2"]]);
        assert!(csv(b"").is_empty());
    }

    #[test]
    fn records_are_compared_without_times() {
        let record = r#"{"a": [{"k": 1, "fit_s": 0.5}], "seconds": 2, "looks": 3}"#;
        let values = lasting_values(record).unwrap();
        assert_eq!(values, [(".a.0.k".to_owned(), "1".to_owned())]);
    }
}
