//! What a peer is given, and what it hands back.

use std::thread;
use std::time::Instant;

use nearplane_cifar::Images;

/// A contest of the suite `knn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    L1,
    L2,
}

impl Metric {
    pub(crate) fn parse(name: &str) -> Result<Metric, String> {
        match name {
            "l1" => Ok(Metric::L1),
            "l2" => Ok(Metric::L2),
            _ => Err(format!("--contest {name}: expected l1 or l2")),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Metric::L1 => "l1",
            Metric::L2 => "l2",
        }
    }
}

/// One peer, one metric.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) metric: Metric,
    pub(crate) train: &'a Images,
    pub(crate) test: &'a Images,
    pub(crate) k: usize,
    pub(crate) threads: usize,
    pub(crate) quick: bool,
}

/// `fixed_seconds` are spent once; `item_seconds` grow with the queries. `distances` are `k` of each query that was
/// searched, ascending, squared for L2, and `exact` if they are integers.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// As the lock file has it.
    pub(crate) package: &'static str,
    pub(crate) system: String,
    pub(crate) what: &'static str,
    pub(crate) distances: Vec<f64>,
    pub(crate) exact: bool,
    pub(crate) fixed_seconds: f64,
    pub(crate) item_seconds: f64,
}

/// The images as rows of `f32`: the first ones, or all there are.
pub(crate) fn rows(images: &Images, count: usize) -> Vec<Vec<f32>> {
    let count = count.min(images.len());
    let widened = |image| images.image(image).iter().copied().map(f32::from);
    (0..count).map(|image| widened(image).collect()).collect()
}

/// Seconds of a function, and what it says.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}

/// What `search` says of each query, in their order. The crates search with one thread, so that the queries are
/// shared out among threads here, as their users would.
pub(crate) fn each<Q: Sync>(
    queries: &[Q],
    threads: usize,
    search: impl Fn(&Q) -> Result<Vec<f64>, String> + Sync,
) -> Result<Vec<f64>, String> {
    let part = queries.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let search = &search;
        let started: Vec<_> = queries
            .chunks(part)
            .map(|queries| scope.spawn(move || queries.iter().map(search).collect()))
            .collect();
        let mut all = Vec::new();
        for thread in started {
            let found: Result<Vec<Vec<f64>>, String> =
                thread.join().map_err(|_| "a thread panicked")?;
            all.extend(found?.into_iter().flatten());
        }
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_keep_their_order_and_errors_come_through() {
        let queries: Vec<u32> = (0..7).collect();
        let expected: Vec<f64> = queries.iter().map(|&query| f64::from(query)).collect();
        for threads in [1, 2, 3, 7, 20] {
            let found = each(&queries, threads, |&query| Ok(vec![f64::from(query)]));
            assert_eq!(found, Ok(expected.clone()), "{threads}");
            let search = |&query: &u32| match query {
                5 => Err("five".to_owned()),
                _ => Ok(Vec::new()),
            };
            assert_eq!(each(&queries, threads, search), Err("five".to_owned()));
        }
        assert_eq!(each(&[], 2, |_: &u32| Ok(vec![1.0])), Ok(Vec::new()));
    }
}
