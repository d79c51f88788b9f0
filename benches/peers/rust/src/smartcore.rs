//! smartcore: `LinearKNNSearch`, which its `KNNClassifier` uses, on `f32`.

use smartcore::algorithm::neighbour::linear_search::LinearKNNSearch;
use smartcore::metrics::distance::Distance;
use smartcore::metrics::distance::euclidian::Euclidian;
use smartcore::metrics::distance::manhattan::Manhattan;

use crate::measurement::{Job, Measurement, Metric, each, rows, timed};
use crate::version_of;

const PACKAGE: &str = "smartcore";
const QUERIES: usize = 40;
const QUICK: usize = 10;

pub(crate) fn measure(job: &Job<'_>) -> Result<Measurement, String> {
    match job.metric {
        Metric::L1 => search(job, Manhattan::new()),
        Metric::L2 => search(job, Euclidian::new()),
    }
}

fn search(job: &Job<'_>, metric: impl Distance<Vec<f32>> + Sync) -> Result<Measurement, String> {
    let queries = rows(job.test, if job.quick { QUICK } else { QUERIES });
    let train = rows(job.train, usize::MAX);
    let (fixed_seconds, index) = timed(|| LinearKNNSearch::new(train, metric));
    let index = index.map_err(|error| error.to_string())?;
    let (item_seconds, distances) = timed(|| {
        each(&queries, job.threads, |query| {
            let nearest = index
                .find(query, job.k)
                .map_err(|error| error.to_string())?;
            let mut distances: Vec<f64> = nearest
                .iter()
                .map(|&(_, distance, _)| match job.metric {
                    Metric::L1 => distance,
                    // It hands out roots.
                    Metric::L2 => distance * distance,
                })
                .collect();
            // They come as a heap.
            distances.sort_by(f64::total_cmp);
            Ok(distances)
        })
    });
    Ok(Measurement {
        package: PACKAGE,
        system: format!("{PACKAGE} {} LinearKNNSearch", version_of(PACKAGE)),
        what: "new and find, f32",
        distances: distances?,
        exact: job.metric == Metric::L1,
        fixed_seconds,
        item_seconds,
    })
}
