//! The machine's limits, and how much of them every kernel reaches: `limits [--quick] [--machine] [--csv FILE]`.
//!
//! A limit of arithmetic is the register-only loop of `nearplane_kernels::limits`; that of memory is a sum of words. On
//! a shared machine speeds drift, so each measurement stands between two of its limit and is shown as a share of
//! their mean. `--quick` takes the best level only; `--machine` prints the limits of that level as one JSON object
//! and nothing else.

use nearplane_benches::machine::{SPIN, limit, read_rate};
use nearplane_benches::table::Table;
use nearplane_benches::{PIXELS, bytes, floats};
use nearplane_kernels::limits::Element;
use nearplane_kernels::*;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("--machine") {
        println!("{}", machine());
        return ExitCode::SUCCESS;
    }
    let levels = if has("--quick") {
        vec![Level::detect()]
    } else {
        Level::available()
    };
    let threads = rayon::current_num_threads();
    println!("\nmemory read: {}\n", memory(threads));
    let mut table = Table::new([
        "level",
        "kernel",
        "shape",
        "limit of",
        "limit, 1 thread",
        &format!("limit, {threads} threads"),
        "kernel, 1 thread",
        "share",
    ]);
    for level in levels {
        for job in jobs() {
            table.row(measure(level, &job, threads));
        }
    }
    println!("G pairs of elements a second\n\n{table}");
    table.write_for(&args)
}

type Call = Box<dyn FnMut()>;

/// A kernel at work on a block.
struct Job {
    name: &'static str,
    shape: String,
    /// What limits it.
    limit: (Kernel, Element),
    /// Pairs of elements of one call.
    pairs: usize,
    /// Makes the call, ready to be repeated.
    prepare: Box<dyn Fn(Level) -> Call>,
}

fn measure(level: Level, job: &Job, threads: usize) -> [String; 8] {
    let (kernel, element) = job.limit;
    let mut call = (job.prepare)(level);
    call();
    let before = limit(level, kernel, element, 1, SPIN);
    let (start, mut times) = (Instant::now(), 0);
    while times == 0 || start.elapsed() < SPIN {
        call();
        times += 1;
    }
    let rate = (times * job.pairs) as f64 / start.elapsed().as_secs_f64();
    let after = limit(level, kernel, element, 1, SPIN);
    let all = limit(level, kernel, element, threads, SPIN);
    let one = before.zip(after).map(|(a, b)| (a + b) / 2.0);
    [
        level.name().to_owned(),
        job.name.to_owned(),
        job.shape.clone(),
        of(kernel, element).to_owned(),
        giga(one),
        giga(all),
        giga(Some(rate)),
        one.map_or("-".to_owned(), |one| format!("{:.0} %", 100.0 * rate / one)),
    ]
}

/// What stands behind a limit, for those who do not read assembly.
fn of(kernel: Kernel, element: Element) -> &'static str {
    match (kernel, element) {
        (Kernel::L1, Element::U8) => "SAD",
        (_, Element::U8) => "AMX, VNNI or MADD",
        (Kernel::L1, _) => "f32 add",
        _ => "FMA",
    }
}

fn giga(rate: Option<f64>) -> String {
    rate.map_or("-".to_owned(), |rate| format!("{:.1}", rate / 1e9))
}

fn memory(threads: usize) -> String {
    let one = read_rate(1, SPIN) / 1e9;
    if threads == 1 {
        return format!("{one:.1} GB/s");
    }
    let all = read_rate(threads, SPIN) / 1e9;
    format!("{one:.1} GB/s with one thread, {all:.1} with {threads}")
}

/// The limits of the best level as JSON: `[one thread, all threads]` each, in pairs of elements or bytes a second.
fn machine() -> String {
    let (level, threads) = (Level::detect(), rayon::current_num_threads());
    let both = |kernel, element| {
        let rate = |threads| {
            limit(level, kernel, element, threads, SPIN)
                .map_or("null".to_owned(), |rate| format!("{rate:.0}"))
        };
        format!("[{}, {}]", rate(1), rate(threads))
    };
    format!(
        r#"{{"simd": "{level}", "threads": {threads}, "l1_u8": {}, "l2_sq_u8": {}, "dot_f32": {}, "read": [{:.0}, {:.0}]}}"#,
        both(Kernel::L1, Element::U8),
        both(Kernel::L2Sq, Element::U8),
        both(Kernel::Dot, Element::F32),
        read_rate(1, SPIN),
        read_rate(threads, SPIN),
    )
}

/// Every block kernel, on shapes of its work.
fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for (name, kernel) in [
        ("l1_u8", Kernel::L1),
        ("l2_sq_u8", Kernel::L2Sq),
        ("dot_u8", Kernel::Dot),
    ] {
        jobs.push(u8_job(name, kernel, PIXELS));
        jobs.push(u8_job(name, kernel, 128));
    }
    for (name, kernel) in [
        ("l1_u8_at_most", Kernel::L1),
        ("l2_sq_u8_at_most", Kernel::L2Sq),
    ] {
        jobs.push(at_most_job(name, kernel, 48));
        jobs.push(at_most_job(name, kernel, 128));
    }
    for (name, kernel) in [
        ("l1_f32", Kernel::L1),
        ("l2_sq_f32", Kernel::L2Sq),
        ("dot_f32", Kernel::Dot),
    ] {
        jobs.push(f32_job(name, kernel));
    }
    jobs.extend([scores_job(), gradient_job(), gemm_job(), gram_job()]);
    jobs
}

fn packed(level: Level, kernel: Kernel, sizes: [usize; 3]) -> (PackedQueries, PackedRows) {
    let [queries, rows, cols] = sizes;
    let (a, b) = (bytes(queries * cols, 1), bytes(rows * cols, 2));
    let mut packed_queries = PackedQueries::new(level, kernel);
    packed_queries.pack(&a.chunks(cols).collect::<Vec<_>>());
    let mut packed_rows = PackedRows::new(level, kernel);
    packed_rows.pack(&b.chunks(cols).collect::<Vec<_>>());
    (packed_queries, packed_rows)
}

fn u8_job(name: &'static str, kernel: Kernel, cols: usize) -> Job {
    let (queries, rows) = (480, 128);
    Job {
        name,
        shape: format!("{queries} x {rows} x {cols}"),
        limit: (kernel, Element::U8),
        pairs: queries * rows * cols,
        prepare: Box::new(move |level| {
            let (a, b) = packed(level, kernel, [queries, rows, cols]);
            let mut out = vec![0; queries * rows];
            Box::new(move || u8_block(&a, &b, &mut MatMut::new(&mut out, queries, rows, rows)))
        }),
    }
}

fn at_most_job(name: &'static str, kernel: Kernel, cols: usize) -> Job {
    let (queries, rows) = (24, 1024);
    Job {
        name,
        shape: format!("{queries} x {rows} x {cols}"),
        limit: (kernel, Element::U8),
        pairs: queries * rows * cols,
        prepare: Box::new(move |level| {
            let (a, b) = packed(level, kernel, [queries, rows, cols]);
            let (limits, mut hits) = (vec![0; queries], vec![0; queries * rows / 64]);
            Box::new(move || u8_block_at_most(&a, &b, &limits, &mut hits))
        }),
    }
}

fn f32_job(name: &'static str, kernel: Kernel) -> Job {
    let (queries, rows) = (480, 128);
    Job {
        name,
        shape: format!("{queries} x {rows} x {PIXELS}"),
        limit: (kernel, Element::F32),
        pairs: queries * rows * PIXELS,
        prepare: Box::new(move |level| {
            let (a, b) = (floats(queries * PIXELS, 1), floats(rows * PIXELS, 2));
            let mut out = vec![0.0; queries * rows];
            Box::new(move || {
                let a: Vec<&[f32]> = a.chunks(PIXELS).collect();
                let b: Vec<&[f32]> = b.chunks(PIXELS).collect();
                let mut out = MatMut::new(&mut out, queries, rows, rows);
                f32_block(level, kernel, &a, &b, &mut out);
            })
        }),
    }
}

/// Batches and classes of the linear models.
const BATCH: usize = 256;
const CLASSES: usize = 10;

fn linear_job(name: &'static str, prepare: fn(Level) -> Call) -> Job {
    Job {
        name,
        shape: format!("{BATCH} x {PIXELS} x {CLASSES}"),
        limit: (Kernel::Dot, Element::F32),
        pairs: BATCH * PIXELS * CLASSES,
        prepare: Box::new(prepare),
    }
}

fn scores_job() -> Job {
    linear_job("scores_u8", |level| {
        let (rows, weights) = (bytes(BATCH * PIXELS, 1), floats(CLASSES * PIXELS, 2));
        let mut out = vec![0.0; BATCH * CLASSES];
        Box::new(move || {
            let rows = MatRef::from_rows(&rows, PIXELS);
            let weights = MatRef::from_rows(&weights, PIXELS);
            let mut out = MatMut::new(&mut out, BATCH, CLASSES, CLASSES);
            scores_u8(level, rows, weights, &mut out);
        })
    })
}

fn gradient_job() -> Job {
    linear_job("gradient_u8", |level| {
        let (rows, coefficients) = (bytes(BATCH * PIXELS, 1), floats(BATCH * CLASSES, 2));
        let mut gradient = vec![0.0; CLASSES * PIXELS];
        Box::new(move || {
            let rows = MatRef::from_rows(&rows, PIXELS);
            let coefficients = MatRef::from_rows(&coefficients, CLASSES);
            let mut gradient = MatMut::new(&mut gradient, CLASSES, PIXELS, PIXELS);
            gradient_u8(level, coefficients, rows, &mut gradient);
        })
    })
}

fn gemm_job() -> Job {
    let n = 512;
    Job {
        name: "gemm_f32",
        shape: format!("{n} x {n} x {n}"),
        limit: (Kernel::Dot, Element::F32),
        pairs: n * n * n,
        prepare: Box::new(move |level| {
            let (a, b) = (floats(n * n, 1), floats(n * n, 2));
            let mut out = vec![0.0; n * n];
            Box::new(move || {
                let (a, b) = (MatRef::from_rows(&a, n), MatRef::from_rows(&b, n));
                gemm_f32(level, a, b, &mut MatMut::new(&mut out, n, n, n));
            })
        }),
    }
}

fn gram_job() -> Job {
    let (rows, cols) = (2048, 768);
    Job {
        name: "gram_u8",
        shape: format!("{cols} x {cols} / 2 x {rows}"),
        limit: (Kernel::Dot, Element::U8),
        pairs: rows * cols * (cols + 1) / 2,
        prepare: Box::new(move |level| {
            let data = bytes(rows * cols, 1);
            let mut gram = vec![0; cols * cols];
            Box::new(move || {
                let mut gram = MatMut::new(&mut gram, cols, cols, cols);
                gram_u8(level, MatRef::from_rows(&data, cols), &mut gram);
            })
        }),
    }
}
