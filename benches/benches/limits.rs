//! The machine's instruction limits and how much of them block kernels and whole jobs reach.
//!
//! A limit is the register-only loop of `nearplane_kernels::limits`. On a shared machine speeds
//! drift, so each measurement stands between two measurements of its limit and is shown as a share
//! of their mean. `--quick` takes the best level only, and fewer queries for the whole job.

use nearplane_benches::{Data, PIXELS, bytes, floats, limit};
use nearplane_kernels::limits::Element;
use nearplane_kernels::*;
use nearplane_models::neighbors::{Index, Metric};
use std::time::{Duration, Instant};

const SPIN: Duration = Duration::from_millis(300);

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let threads = rayon::current_num_threads();
    let levels = if quick {
        vec![Level::detect()]
    } else {
        Level::available()
    };

    println!(
        "\nblock kernels, one thread, G pairs of elements a second ({threads} threads: the limit of all)"
    );
    println!(
        "{:<12} {:<8} {:>8} {:>8} {:>8} {:>7}",
        "level", "kernel", "limit", "all", "block", "share"
    );
    for &level in &levels {
        for (name, kernel, element) in [
            ("l1_u8", Kernel::L1, Element::U8),
            ("l2_sq_u8", Kernel::L2Sq, Element::U8),
            ("l1_f32", Kernel::L1, Element::F32),
            ("l2_sq_f32", Kernel::L2Sq, Element::F32),
            ("dot_f32", Kernel::Dot, Element::F32),
        ] {
            let before = limit(level, kernel, element, 1, SPIN);
            let rate = block_rate(level, kernel, element);
            let after = limit(level, kernel, element, 1, SPIN);
            let all = limit(level, kernel, element, threads, SPIN);
            let one = before.zip(after).map(|(a, b)| (a + b) / 2.0);
            println!(
                "{:<12} {:<9} {:>7} {:>8} {:>8.1} {:>7}",
                level.name(),
                name,
                giga(one),
                giga(all),
                rate / 1e9,
                share(rate, one)
            );
        }
    }

    let data = Data::find();
    let (train, test) = data.rows();
    let test = if quick { test.limit(2_000) } else { test };
    println!(
        "\nexact kNN, k = 10, {} queries, {}, {threads} threads",
        test.len(),
        data.name
    );
    println!(
        "{:<12} {:<7} {:>8} {:>10} {:>8} {:>7}",
        "level", "metric", "seconds", "G pairs/s", "limit", "share"
    );
    for &level in levels
        .iter()
        .filter(|&&level| quick || level != Level::SCALAR)
    {
        for (metric, kernel) in [(Metric::L1, Kernel::L1), (Metric::L2, Kernel::L2Sq)] {
            let before = limit(level, kernel, Element::U8, threads, SPIN);
            let start = Instant::now();
            let found = Index::new(train.clone(), metric, level)
                .and_then(|index| index.kneighbors(&test, 10.min(train.len())));
            let seconds = start.elapsed().as_secs_f64();
            let after = limit(level, kernel, Element::U8, threads, SPIN);
            if let Err(error) = found {
                println!("{:<12} {:<7} {error}", level.name(), metric.name());
                continue;
            }
            let rate = (train.len() * test.len() * PIXELS) as f64 / seconds;
            let limit = before.zip(after).map(|(a, b)| (a + b) / 2.0);
            println!(
                "{:<12} {:<7} {:>8.2} {:>10.1} {:>8} {:>7}",
                level.name(),
                metric.name(),
                seconds,
                rate / 1e9,
                giga(limit),
                share(rate, limit)
            );
        }
    }
}

/// Pairs of elements a second of a block of 480 x 128 rows, for about a third of a second.
fn block_rate(level: Level, kernel: Kernel, element: Element) -> f64 {
    const QUERIES: usize = 480;
    const ROWS: usize = 128;
    let timed = |run: &mut dyn FnMut()| {
        let (start, mut times) = (Instant::now(), 0);
        while times == 0 || start.elapsed() < SPIN {
            run();
            times += 1;
        }
        (times * QUERIES * ROWS * PIXELS) as f64 / start.elapsed().as_secs_f64()
    };
    match element {
        Element::U8 => {
            let (queries, rows) = (bytes(QUERIES * PIXELS, 1), bytes(ROWS * PIXELS, 2));
            let mut packed_queries = PackedQueries::new(level, kernel);
            packed_queries.pack(
                &MatRef::from_rows(&queries, PIXELS)
                    .iter()
                    .collect::<Vec<_>>(),
            );
            let mut packed_rows = PackedRows::new(level, kernel);
            packed_rows.pack(&MatRef::from_rows(&rows, PIXELS).iter().collect::<Vec<_>>());
            let mut out = vec![0; QUERIES * ROWS];
            let mut out = MatMut::new(&mut out, QUERIES, ROWS, ROWS);
            timed(&mut || u8_block(&packed_queries, &packed_rows, &mut out))
        }
        Element::F32 => {
            let (queries, rows) = (floats(QUERIES * PIXELS, 1), floats(ROWS * PIXELS, 2));
            let queries: Vec<&[f32]> = queries.chunks(PIXELS).collect();
            let rows: Vec<&[f32]> = rows.chunks(PIXELS).collect();
            let mut out = vec![0.0; QUERIES * ROWS];
            let mut out = MatMut::new(&mut out, QUERIES, ROWS, ROWS);
            timed(&mut || f32_block(level, kernel, &queries, &rows, &mut out))
        }
        _ => panic!("no block kernel for {element:?}"),
    }
}

fn giga(rate: Option<f64>) -> String {
    rate.map_or("-".to_owned(), |rate| format!("{:.1}", rate / 1e9))
}

fn share(rate: f64, limit: Option<f64>) -> String {
    limit.map_or("-".to_owned(), |limit| {
        format!("{:.0} %", 100.0 * rate / limit)
    })
}
