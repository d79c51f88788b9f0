//! `cargo xtask faults`: what becomes of files and results when a run is killed, the disk is full, a folder is read-only,
//! a data set changes while it is read, or an input is damaged. Drives the binary on small data in a temporary folder;
//! whatever is lost, wrong, panics or hangs is named, and makes the task fail.

mod changes;
mod compare;
#[path = "../../../crates/cli/tests/mutations/dice.rs"]
mod dice;
mod disk;
mod hostile;
mod jobs;
mod kills;
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
#[derive(Debug, Clone, PartialEq)]
struct Wish {
    kills: usize,
    mutations: usize,
    seed: u64,
    quick: bool,
    record: bool,
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

const USAGE: &str = "`[--kills N] [--mutations N] [--seed S] [--quick] [--record] [--bin PATH]`";

fn wish(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish {
        kills: 200,
        mutations: 1000,
        seed: 1,
        quick: false,
        record: false,
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
    println!("\n{}", table(&tallies));
    println!("{:.0} s, seed {}", began.elapsed().as_secs_f64(), wish.seed);
    let faults: usize = tallies.iter().map(|tally| tally.faults.len()).sum();
    match faults {
        0 => Ok(()),
        1 => Err("1 fault".to_owned()),
        _ => Err(format!("{faults} faults")),
    }
}

fn scenarios(nearplane: &Path, wish: &Wish, base: &Path) -> Result<Vec<Tally>, String> {
    let bench = Bench::new(nearplane, base)?;
    let mut tallies = Vec::new();
    let mut add = |scenario: &mut dyn FnMut() -> Result<Tally, String>| -> Result<(), String> {
        let began = Instant::now();
        let tally = scenario()?;
        println!(
            "{}: {} runs, {:.0} s",
            tally.name,
            tally.runs,
            began.elapsed().as_secs_f64()
        );
        tallies.push(tally);
        Ok(())
    };
    let cases = Case::all(&bench)?;
    let (seed, quick) = (wish.seed, wish.quick);
    let some = |full: usize, share: usize| if quick { share } else { full };
    let step = some(1, 9);
    // Another ninth with another seed.
    let first = (seed % step as u64) as usize;
    let sample: Vec<&Case> = cases.iter().skip(first).step_by(step).collect();
    add(&mut || kills::at_random(&bench, &cases, wish.kills, seed))?;
    add(&mut || kills::at_calls(&bench, &sample))?;
    add(&mut || disk::full(&bench, &cases, some(8, 1), seed))?;
    add(&mut || disk::limited(&bench, &cases, some(4, 1), seed))?;
    add(&mut || disk::read_only(&bench, &cases))?;
    add(&mut || changes::while_read(&bench, some(14, 1), seed))?;
    add(&mut || hostile::inputs(&bench, wish.mutations, seed))?;
    Ok(tallies)
}
