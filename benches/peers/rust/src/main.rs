//! Runs one peer in this process: `peer knn linfa --contest l2 --data DIR --out DIR`.
//!
//! The same command line and the same results as `peer.py`: DIR/NAME-CONTEST.json (seconds and what they are) and .npy
//! (the distances it found).

mod arguments;
mod linfa;
mod measurement;
mod smartcore;

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use nearplane_cifar::{Dataset, OpenOptions};
use serde_json::json;

use arguments::{Arguments, USAGE};
use measurement::{Job, Measurement};

/// The versions that this program was built of.
const LOCK: &str = include_str!("../Cargo.lock");
/// A crate and what measures it.
type Peer = (&'static str, fn(&Job<'_>) -> Result<Measurement, String>);
/// What can be asked for.
const PEERS: [Peer; 2] = [("linfa", linfa::measure), ("smartcore", smartcore::measure)];

fn main() -> ExitCode {
    let args = match Arguments::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("peer: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if args.watch_stdin {
        thread::spawn(end_with_parent);
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", args.peer);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Arguments) -> Result<(), String> {
    let known = PEERS.iter().find(|(name, _)| *name == args.peer);
    let (_, measure) = known.filter(|_| args.suite == "knn").ok_or_else(|| {
        let names = PEERS.map(|(name, _)| name).join(", ");
        format!(
            "no such peer in suite {}; those of suite knn are {names}",
            args.suite
        )
    })?;
    let dataset =
        Dataset::read(&args.data, &OpenOptions::default()).map_err(|error| error.to_string())?;
    let found = measure(&Job {
        metric: args.metric,
        train: dataset.train(),
        test: dataset.test(),
        k: args.k,
        threads: args.threads,
        quick: args.quick,
    })?;
    let stem = format!("{}-{}", args.peer, args.metric.name());
    let array = args.out.join(format!("{stem}.npy"));
    write(&array, &npy(&found.distances, args.k))?;
    let array = fs::canonicalize(&array).map_err(|error| shown(&array, &error))?;
    let result = json!({
        "peer": args.peer,
        "contest": args.metric.name(),
        "system": found.system,
        "what": found.what,
        "fixed_seconds": found.fixed_seconds,
        "item_seconds": found.item_seconds,
        "items": found.distances.len() / args.k,
        "objective": null,
        "every": 1,
        "threads": args.threads,
        "exact": found.exact,
        "notes": [],
        "found": array,
        "versions": { found.package: version_of(found.package) },
    });
    write(
        &args.out.join(format!("{stem}.json")),
        result.to_string().as_bytes(),
    )
}

/// What the lock file has of a package.
fn version_of(package: &str) -> &'static str {
    let entry = format!("name = \"{package}\"\nversion = \"");
    let rest = LOCK.split_once(&entry).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}

/// A file of NumPy: float64, `k` columns.
fn npy(values: &[f64], k: usize) -> Vec<u8> {
    let shape = format!("({}, {k})", values.len() / k);
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length are 10 bytes; all of it is a multiple of 64 and ends with a line feed.
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    file
}

fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    fs::write(path, content).map_err(|error| shown(path, &error))
}

fn shown(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Standard input is a pipe that the parent holds: it closes when the parent ends, however it ends.
fn end_with_parent() {
    let mut byte = [0];
    while matches!(io::stdin().read(&mut byte), Ok(1)) {}
    // Nobody may be there to read it.
    let _ = io::stderr().write_all(b"peer: standard input was closed\n");
    std::process::exit(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        for package in ["linfa-nn", "smartcore"] {
            let pin = format!("\"={}\"", version_of(package));
            assert!(include_str!("../Cargo.toml").contains(&pin), "{package}");
        }
        assert_eq!(version_of("no-such-package"), "");
    }

    #[test]
    fn numpy_reads_the_header() {
        let file = npy(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
        let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
        assert_eq!(
            (&file[..8], (10 + length) % 64),
            (&b"\x93NUMPY\x01\0"[..], 0)
        );
        let header = std::str::from_utf8(&file[10..10 + length]).unwrap();
        assert!(header.starts_with("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"));
        assert!(header.ends_with('\n'));
        let values = &file[10 + length..];
        assert_eq!((values.len(), &values[40..]), (48, &6f64.to_le_bytes()[..]));
    }
}
