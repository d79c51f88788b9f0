//! How the time of an exact search grows: with rows, columns, k and threads: `growth [--quick] [--csv FILE]`.
//!
//! 1,000 queries (200 with `--quick`), the 10 nearest of 50,000 rows of 3072 bytes by squared L2 on all cores, but
//! for what is varied. The rows are drawn images (cut to their first columns for fewer of them), so that there
//! is something to prune. The last column is the time divided by what the first line of a group would predict
//! if cost were proportional: to rows and columns, one over threads, and the same for every k.

use nearplane_benches::PIXELS;
use nearplane_benches::table::Table;
use nearplane_kernels::{Level, MatRef};
use nearplane_models::neighbors::{Engine, Index, Metric, Rows};
use nearplane_synth::{SplitName, SynthConfig, SynthParams};
use rayon::prelude::*;
use std::process::ExitCode;
use std::time::Instant;

const K: usize = 10;

/// One measurement.
#[derive(Clone, Copy)]
struct Case {
    varied: &'static str,
    rows: usize,
    cols: usize,
    k: usize,
    threads: usize,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let quick = args.iter().any(|arg| arg == "--quick");
    let threads = rayon::current_num_threads();
    let (n_queries, most, base) = if quick {
        (200, 50_000, 20_000)
    } else {
        (1_000, 500_000, 50_000)
    };
    match run(&cases(most, base, threads), n_queries, most) {
        Ok(table) => {
            println!("\nexact search, {n_queries} queries, squared L2\n\n{table}");
            table.write_for(&args)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn cases(most: usize, base: usize, threads: usize) -> Vec<Case> {
    let usual = Case {
        varied: "",
        rows: base,
        cols: PIXELS,
        k: K,
        threads,
    };
    let mut cases = Vec::new();
    for rows in [5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000] {
        cases.push(Case {
            varied: "rows",
            rows,
            ..usual
        });
    }
    for cols in [64, 128, 256, 512, 1024, 2048, 3072] {
        cases.push(Case {
            varied: "columns",
            cols,
            ..usual
        });
    }
    for k in [1, 3, 10, 30, 100] {
        cases.push(Case {
            varied: "k",
            k,
            ..usual
        });
    }
    for threads in 1..=threads {
        cases.push(Case {
            varied: "threads",
            threads,
            ..usual
        });
    }
    cases.retain(|case| case.rows <= most);
    cases
}

fn run(
    cases: &[Case],
    n_queries: usize,
    n_rows: usize,
) -> Result<Table<9>, Box<dyn std::error::Error>> {
    let synth = SynthParams::default().check()?;
    let (queries, rows) = (
        draw(&synth, SplitName::Test, n_queries),
        draw(&synth, SplitName::Train, n_rows),
    );
    let mut table = Table::new([
        "varied",
        "engine",
        "rows",
        "columns",
        "k",
        "threads",
        "seconds",
        "G pairs/s",
        "to the line",
    ]);
    for engine in [Engine::BruteForce, Engine::Pruned] {
        let mut first: Option<(Case, f64)> = None;
        for case in cases {
            let (queries, rows) = (cut(&queries, n_queries, case), cut(&rows, case.rows, case));
            let (queries, rows) = (whole(&queries, case.cols)?, whole(&rows, case.cols)?);
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(case.threads)
                .build()?;
            let (mut seconds, mut used) = (f64::INFINITY, engine);
            // Short runs are repeated, and the quickest counts.
            for _ in 0..if case.rows > 100_000 { 1 } else { 3 } {
                let start = Instant::now();
                used = pool.install(|| {
                    let index =
                        Index::with_engine(rows.clone(), Metric::L2, Level::detect(), engine)?;
                    index.kneighbors(&queries, case.k)?;
                    Ok::<_, nearplane_models::neighbors::NeighborsError>(index.engine())
                })?;
                seconds = seconds.min(start.elapsed().as_secs_f64());
            }
            let (of, took) = first
                .filter(|(of, _)| of.varied == case.varied)
                .unwrap_or((*case, seconds));
            first = Some((of, took));
            let work = |case: &Case| (case.rows * case.cols) as f64 / case.threads as f64;
            table.row([
                case.varied.to_owned(),
                used.name().to_owned(),
                case.rows.to_string(),
                case.cols.to_string(),
                case.k.to_string(),
                case.threads.to_string(),
                format!("{seconds:.4}"),
                format!(
                    "{:.1}",
                    (n_queries * case.rows * case.cols) as f64 / seconds / 1e9
                ),
                format!("{:.2}", seconds / took / (work(case) / work(&of))),
            ]);
        }
    }
    Ok(table)
}

fn draw(synth: &SynthConfig, split: SplitName, n: usize) -> Vec<u8> {
    let mut pixels = vec![0; n * PIXELS];
    pixels
        .par_chunks_exact_mut(PIXELS)
        .enumerate()
        .for_each(|(i, image)| {
            synth.draw(split, i as u64, image);
        });
    pixels
}

/// The first rows of images, and of each the first columns, one row after the other.
fn cut(images: &[u8], n: usize, case: &Case) -> Vec<u8> {
    let images = images.chunks_exact(PIXELS).take(n);
    images
        .flat_map(|image| &image[..case.cols])
        .copied()
        .collect()
}

fn whole(bytes: &[u8], cols: usize) -> Result<Rows<'_, u8>, Box<dyn std::error::Error>> {
    Ok(Rows::from_mat(MatRef::from_rows(bytes, cols))?)
}
