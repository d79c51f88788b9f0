//! linfa-nn: `LinearSearch` on `f32`. Its trees rule out next to nothing in so many dimensions.

use linfa_nn::distance::{Distance, L1Dist, L2Dist};
use linfa_nn::{LinearSearch, NearestNeighbour};
use ndarray::{Array2, aview1};

use crate::measurement::{Job, Measurement, Metric, each, rows, timed};
use crate::version_of;

const PACKAGE: &str = "linfa-nn";
const QUERIES: usize = 100;
const QUICK: usize = 20;

pub(crate) fn measure(job: &Job<'_>) -> Result<Measurement, String> {
    match job.metric {
        Metric::L1 => search(job, L1Dist),
        Metric::L2 => search(job, L2Dist),
    }
}

fn search(job: &Job<'_>, metric: impl Distance<f32> + 'static) -> Result<Measurement, String> {
    let queries = rows(job.test, if job.quick { QUICK } else { QUERIES });
    let train = matrix(job)?;
    let (fixed_seconds, index) = timed(|| LinearSearch.from_batch(&train, metric.clone()));
    let index = index.map_err(|error| error.to_string())?;
    let (item_seconds, distances) = timed(|| {
        each(&queries, job.threads, |query| {
            let query = aview1(query);
            let nearest = index
                .k_nearest(query, job.k)
                .map_err(|error| error.to_string())?;
            // It says which rows are nearest, and not how near.
            Ok(nearest
                .iter()
                .map(|(row, _)| f64::from(metric.rdistance(query, row.reborrow())))
                .collect())
        })
    });
    Ok(Measurement {
        package: PACKAGE,
        system: format!("{PACKAGE} {} LinearSearch", version_of(PACKAGE)),
        what: "from_batch and k_nearest, f32",
        distances: distances?,
        // Every partial sum of 3072 differences of bytes is an integer that f32 holds.
        exact: job.metric == Metric::L1,
        fixed_seconds,
        item_seconds,
    })
}

/// The training images, a row each.
fn matrix(job: &Job<'_>) -> Result<Array2<f32>, String> {
    let rows = rows(job.train, usize::MAX);
    let shape = (rows.len(), rows.first().map_or(0, Vec::len));
    Array2::from_shape_vec(shape, rows.concat()).map_err(|error| error.to_string())
}
