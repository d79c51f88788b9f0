//! A search larger than is comfortable: `scale [--rows N] [--cols N] [--queries N] [--file FILE] [--keep] [--csv FILE]`.
//!
//! Rows of bytes are drawn into a file, which is then read in blocks of 64 MiB. Each block is searched, and the lists
//! of its nearest rows are merged into those of all before: `TopK` is ordered by (distance, index), so that
//! the outcome is that of one search over everything. Memory is that of a block, of its codes if there are any, and of the lists,
//! however long the file. One block in a hundred is searched by the naive loop as well. On Linux the system is asked to
//! forget the file before it is read, so that reading is that of the disk.

use nearplane_benches::table::Table;
use nearplane_kernels::{Level, MatRef, TopK, l2_sq_u8};
use nearplane_models::neighbors::{Engine, Index, Metric, Rows};
use rayon::prelude::*;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const K: usize = 10;
const BLOCK: usize = 64 << 20;
/// Rows lie around so many centres, so that near ones and far ones exist.
const CENTRES: u64 = 4096;
/// Blocks between two that the naive loop looks at.
const CHECKED: usize = 100;

struct Wish {
    rows: usize,
    cols: usize,
    queries: usize,
    file: PathBuf,
    keep: bool,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match wish(&args).and_then(|wish| run(&wish)) {
        Ok(table) => {
            println!("{table}");
            table.write_for(&args)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wish(args: &[String]) -> Result<Wish, Box<dyn Error>> {
    let mut wish = Wish {
        rows: 10_000_000,
        cols: 128,
        queries: 1_000,
        file: PathBuf::from("target/scale.bin"),
        keep: false,
    };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--keep" {
            wish.keep = true;
            continue;
        }
        let value = rest.next().ok_or_else(|| format!("{arg} needs a value"))?;
        let number = || match value.parse() {
            Ok(0) | Err(_) => Err(format!("{arg} {value}: expected a whole number above 0")),
            Ok(number) => Ok(number),
        };
        match arg.as_str() {
            "--rows" => wish.rows = number()?,
            "--cols" => wish.cols = number()?,
            "--queries" => wish.queries = number()?,
            "--file" => wish.file = PathBuf::from(value),
            "--csv" => {}
            _ => {
                return Err(format!(
                    "`{arg}`: expected --rows, --cols, --queries, --file, --keep or --csv"
                )
                .into());
            }
        }
    }
    if wish.rows < K || u32::try_from(wish.rows).is_err() || wish.cols > BLOCK / K {
        return Err(format!(
            "--rows {} --cols {}: expected {K} to {} rows of up to {} columns",
            wish.rows,
            wish.cols,
            u32::MAX,
            BLOCK / K
        )
        .into());
    }
    Ok(wish)
}

fn run(wish: &Wish) -> Result<Table<10>, Box<dyn Error>> {
    let start = Instant::now();
    if let Err(error) = write(wish) {
        // A full disk is better left as it was found; that there may be no file is no second error.
        let _ = std::fs::remove_file(&wish.file);
        return Err(format!("{}: {error}", wish.file.display()).into());
    }
    let wrote = start.elapsed().as_secs_f64();
    let found = search(wish);
    if !wish.keep {
        std::fs::remove_file(&wish.file)?;
    }
    let found = found.map_err(|error| format!("{}: {error}", wish.file.display()))?;
    let pairs = (wish.rows * wish.queries * wish.cols) as f64;
    let mut table = Table::new([
        "rows",
        "columns",
        "queries",
        "GB",
        "drawing, s",
        "reading, s",
        "search, s",
        "G pairs/s",
        "peak memory, MB",
        "checked",
    ]);
    table.row([
        wish.rows.to_string(),
        wish.cols.to_string(),
        wish.queries.to_string(),
        format!("{:.2}", (wish.rows * wish.cols) as f64 / 1e9),
        format!("{wrote:.1}"),
        format!("{:.2}", found.reading),
        format!("{:.2}", found.searching),
        format!("{:.1}", pairs / found.searching / 1e9),
        peak_megabytes().map_or("-".to_owned(), |peak| peak.to_string()),
        format!("{} blocks, equal", found.checked),
    ]);
    Ok(table)
}

struct Found {
    reading: f64,
    searching: f64,
    checked: usize,
}

fn search(wish: &Wish) -> Result<Found, Box<dyn Error>> {
    let level = Level::detect();
    let queries: Vec<u8> = (0..wish.queries as u64)
        .flat_map(|i| row(u64::MAX - i, wish.cols))
        .collect();
    let of_queries = Rows::from_mat(MatRef::from_rows(&queries, wish.cols))?;
    let mut nearest = vec![TopK::new(K); wish.queries];
    let mut file = File::open(&wish.file)?;
    let mut block = vec![0; BLOCK / wish.cols * wish.cols];
    let mut out = Found {
        reading: 0.0,
        searching: 0.0,
        checked: 0,
    };
    let (mut first, mut number) = (0, 0);
    while first < wish.rows {
        let n_rows = (block.len() / wish.cols).min(wish.rows - first);
        let bytes = &mut block[..n_rows * wish.cols];
        let start = Instant::now();
        file.read_exact(bytes)?;
        out.reading += start.elapsed().as_secs_f64();

        let start = Instant::now();
        let rows = MatRef::from_rows(bytes, wish.cols);
        let index = Index::with_engine(Rows::from_mat(rows)?, Metric::L2, level, Engine::Auto)?;
        let k = K.min(n_rows);
        let found = index.kneighbors(&of_queries, k)?;
        for (query, list) in nearest.iter_mut().enumerate() {
            for (&distance, &index) in found.distances(query).iter().zip(found.indices(query)) {
                list.push(distance, first as u32 + index);
            }
        }
        out.searching += start.elapsed().as_secs_f64();

        if number % CHECKED == 0 {
            // The middle query, which is not one that blocks begin or end with.
            let query = wish.queries / 2;
            let mut naive = TopK::new(k);
            for (i, row) in rows.iter().enumerate() {
                let of_query = &queries[query * wish.cols..][..wish.cols];
                naive.push(l2_sq_u8(Level::SCALAR, of_query, row), i as u32);
            }
            let same = naive.into_sorted().into_iter().eq(found
                .distances(query)
                .iter()
                .copied()
                .zip(found.indices(query).iter().copied()));
            if !same {
                return Err(format!(
                    "the block from row {first} on: not what the naive loop finds"
                )
                .into());
            }
            out.checked += 1;
        }
        first += n_rows;
        number += 1;
    }
    let best: Vec<_> = nearest.into_iter().map(TopK::into_sorted).collect();
    if best.iter().any(|list| list.len() != K) {
        return Err("a query has fewer neighbours than asked for".into());
    }
    Ok(out)
}

/// Draws all rows, block by block.
fn write(wish: &Wish) -> std::io::Result<()> {
    if let Some(folder) = wish.file.parent().filter(|f| *f != Path::new("")) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = BufWriter::new(File::create(&wish.file)?);
    let per_block = BLOCK / wish.cols;
    let mut block = vec![0; per_block * wish.cols];
    for first in (0..wish.rows).step_by(per_block) {
        let n_rows = per_block.min(wish.rows - first);
        let bytes = &mut block[..n_rows * wish.cols];
        bytes
            .par_chunks_exact_mut(wish.cols)
            .enumerate()
            .for_each(|(i, out)| {
                for (byte, drawn) in out.iter_mut().zip(row((first + i) as u64, wish.cols)) {
                    *byte = drawn;
                }
            });
        file.write_all(bytes)?;
    }
    let file = file.into_inner()?;
    file.sync_all()?;
    forget(&file)
}

/// Asks the system to keep nothing of the file in memory.
#[cfg(target_os = "linux")]
fn forget(file: &File) -> std::io::Result<()> {
    Ok(rustix::fs::fadvise(
        file,
        0,
        None,
        rustix::fs::Advice::DontNeed,
    )?)
}

#[cfg(not(target_os = "linux"))]
fn forget(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// A centre and a little around it: a function of the number of the row.
fn row(number: u64, cols: usize) -> impl Iterator<Item = u8> {
    let centre = mixed(number) % CENTRES;
    (0..cols as u64).map(move |col| {
        let at = mixed(centre << 32 | col) % 192;
        let off = mixed(number.wrapping_mul(0x0001_0000_0001).wrapping_add(col)) % 64;
        (at + off) as u8
    })
}

/// The finaliser of SplitMix64.
fn mixed(n: u64) -> u64 {
    let z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The most memory that this process has held, where the system tells.
fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1000)
}
