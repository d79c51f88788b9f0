//! The plot of `cv --plot`: folds, mean and deviation over k.

use nearplane_models::neighbors::Metric;
use nearplane_report::{Axis, Color, Plot};

use super::record::Finished;

/// For each metric a point a fold, the line of means, and bars of one standard deviation.
pub(super) fn of(finished: &[Finished]) -> Plot {
    let mut plot = Plot::new(
        "Cross-validation of k",
        "accuracies of folds over k, with their mean and bars of one standard deviation",
    )
    .x(Axis::new("k"))
    .y(Axis::new("accuracy").percent());
    let mut metrics: Vec<Metric> = Vec::new();
    for found in finished {
        if !metrics.contains(&found.metric) {
            metrics.push(found.metric);
        }
    }
    for (number, metric) in metrics.into_iter().enumerate() {
        let color = Color::Series(number);
        let mut of_metric: Vec<&Finished> = finished
            .iter()
            .filter(|found| found.metric == metric)
            .collect();
        of_metric.sort_by_key(|found| found.k);
        let (mut folds, mut means, mut bars) = (Vec::new(), Vec::new(), Vec::new());
        for found in of_metric {
            let k = found.k as f64;
            folds.extend(found.folds.iter().map(|&accuracy| (k, accuracy)));
            means.push((k, found.mean));
            bars.push((k, found.mean - found.std, found.mean + found.std));
        }
        let name = metric.to_string().to_uppercase();
        // Of one row a fold there is no deviation to show.
        if !folds.is_empty() {
            plot = plot.errors("", color, &bars).points("", color, 1.6, &folds);
        }
        plot = plot.line(&name, color, &means);
    }
    plot
}
