//! `cargo xtask faults`: what becomes of files and results when a run is killed, the disk is full, a folder is read-only,
//! a data set changes while it is read, or an input is damaged. Drives the binary on small data in a temporary folder;
//! whatever is lost, wrong, panics or hangs is named, and makes the task fail.

mod changes;
mod compare;
mod dice;
mod disk;
mod hostile;
mod jobs;
mod kills;
mod record;
mod room;
mod samples;
mod tally;
mod targets;

use std::path::{Path, PathBuf};
use std::time::Instant;

use self::compare::Case;
use self::jobs::Bench;
use self::tally::{Tally, table};
use crate::shell;

/// How much is run.
#[derive(Debug, PartialEq)]
struct Wish {
    kills: usize,
    mutations: usize,
    seed: u64,
    quick: bool,
    record: bool,
    /// One scenario, by its word.
    only: Option<String>,
    nearplane: Option<PathBuf>,
}

pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let wish = wish(args)?;
    let nearplane = match &wish.nearplane {
        Some(path) => path.clone(),
        None => shell::build_nearplane()?,
    };
    run(&nearplane, &wish)
}

const USAGE: &str = "`[--kills N] [--mutations N] [--seed S] [--quick] [--record] [--bin PATH] [--only kills|calls|disk|limit|locked|changes|hostile]`";

fn wish(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish {
        kills: 200,
        mutations: 1000,
        seed: 1,
        quick: false,
        record: false,
        only: None,
        nearplane: None,
    };
    let (mut kills, mut mutations) = (None, None);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let unfit = |found: &str| format!("expected {USAGE}, found `{found}`");
        let mut value = || rest.next().ok_or_else(|| unfit(arg));
        let number = |text: &String| {
            text.parse::<u64>()
                .map_err(|_| unfit(&format!("{arg} {text}")))
        };
        match arg.as_str() {
            "--kills" => kills = Some(number(value()?)? as usize),
            "--mutations" => mutations = Some(number(value()?)? as usize),
            "--seed" => wish.seed = number(value()?)?,
            "--only" => wish.only = Some(value()?.clone()),
            "--quick" => wish.quick = true,
            "--record" => wish.record = true,
            "--bin" => {
                let path = value()?;
                let path =
                    std::path::absolute(path).map_err(|error| format!("--bin {path}: {error}"))?;
                wish.nearplane = Some(path);
            }
            other => return Err(unfit(other)),
        }
    }
    let share = if wish.quick { 10 } else { 1 };
    wish.kills = kills.unwrap_or(wish.kills / share);
    wish.mutations = mutations.unwrap_or(wish.mutations / share);
    Ok(wish)
}

/// A tenth of everything, as CI runs it.
pub(crate) fn quick(nearplane: &Path) -> Result<(), String> {
    run(nearplane, &wish(&["--quick".to_owned()])?)
}

fn run(nearplane: &Path, wish: &Wish) -> Result<(), String> {
    let began = Instant::now();
    let base = std::env::temp_dir().join(format!("nearplane-faults-{}", std::process::id()));
    let tallies = scenarios(nearplane, wish, &base);
    // What a run could not remove is in the system's temporary folder.
    let _ = std::fs::remove_dir_all(&base);
    let tallies = tallies?;
    for tally in &tallies {
        for fault in &tally.faults {
            println!("FAULT: {fault}");
        }
        if let Some(reason) = &tally.not_run {
            println!("NOT RUN: {}: {reason}", tally.name);
        }
    }
    let table = table(&tallies);
    let took = began.elapsed().as_secs_f64();
    println!("\n{table}\n{took:.0} s, seed {}", wish.seed);
    if wish.record {
        record::write(&table, wish)?;
    }
    let faults: usize = tallies.iter().map(|tally| tally.faults.len()).sum();
    match faults {
        0 => Ok(()),
        1 => Err("1 fault".to_owned()),
        _ => Err(format!("{faults} faults")),
    }
}

fn scenarios(nearplane: &Path, wish: &Wish, base: &Path) -> Result<Vec<Tally>, String> {
    let bench = Bench::new(nearplane, base)?;
    let cases = match wish.only.as_deref() {
        // These two have inputs of their own.
        Some("changes" | "hostile") => Vec::new(),
        _ => Case::all(&bench)?,
    };
    let (seed, quick) = (wish.seed, wish.quick);
    let some = |full: usize, share: usize| if quick { share } else { full };
    // A sample of commands, another one with another seed.
    let step = some(1, 9);
    let first = (seed % step as u64) as usize;
    let sample: Vec<&Case> = cases.iter().skip(first).step_by(step).collect();
    type Scenario<'a> = (&'static str, &'a dyn Fn() -> Result<Tally, String>);
    let scenarios: [Scenario<'_>; 7] = [
        ("kills", &|| {
            kills::at_random(&bench, &cases, wish.kills, seed)
        }),
        ("calls", &|| kills::at_calls(&bench, &sample, some(12, 3))),
        ("disk", &|| disk::full(&bench, &cases, some(8, 1), seed)),
        ("limit", &|| disk::limited(&bench, &cases, some(4, 1), seed)),
        ("locked", &|| disk::read_only(&bench, &cases)),
        ("changes", &|| {
            changes::while_read(&bench, some(14, 1), seed)
        }),
        ("hostile", &|| hostile::inputs(&bench, wish.mutations, seed)),
    ];
    let mut tallies = Vec::new();
    for (word, scenario) in scenarios {
        if wish.only.as_ref().is_some_and(|only| only != word) {
            continue;
        }
        let began = Instant::now();
        let tally = scenario()?;
        let took = began.elapsed().as_secs_f64();
        println!("{word}: {}: {} runs, {took:.0} s", tally.name, tally.runs);
        tallies.push(tally);
    }
    Ok(tallies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wished(args: &str) -> Result<Wish, String> {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        wish(&args)
    }

    #[test]
    fn the_dice_are_those_of_the_tests() {
        // A packed crate cannot reach beyond its folder, so that the file is there twice.
        let read = |path: &str| std::fs::read_to_string(shell::root().join(path)).unwrap();
        let of_tests = read("crates/cli/tests/mutations/dice.rs");
        assert_eq!(read("xtask/src/faults/dice.rs"), of_tests);
    }

    #[test]
    fn quick_is_a_tenth() {
        let (full, quick) = (wished("").unwrap(), wished("--quick").unwrap());
        assert_eq!(full.kills, 10 * quick.kills);
        assert_eq!(full.mutations, 10 * quick.mutations);
        assert_eq!(wished("--quick --kills 7").unwrap().kills, 7);
        for bad in ["--kills", "--kills x", "--seed -1", "7", "--fast"] {
            assert!(wished(bad).unwrap_err().starts_with("expected `["), "{bad}");
        }
    }
}
