//! The plot of `train --plot`: how the objective of each fit falls.

use nearplane_report::{Axis, Color, Plot};

use super::fit::{Fits, Point};

/// A thin line for each lambda that was tried, and the fit of the model.
pub(super) fn of(fits: &Fits) -> Plot {
    let curve = |trace: &[Point]| -> Vec<(f64, f64)> {
        trace
            .iter()
            .map(|point| (point.s, point.objective))
            .collect()
    };
    let mut plot = Plot::new(
        "The objective over time",
        "for each fit a line that falls to its least objective",
    )
    .x(Axis::new("seconds"))
    .y(Axis::new("objective"));
    // A single lambda is not tried before.
    for (number, fit) in fits.judged.iter().enumerate() {
        let name = format!("lambda {}, nine tenths", fit.lambda);
        plot = plot.dashed(&name, Color::Series(number + 1), &curve(&fit.trace));
    }
    let points = curve(&fits.last.trace);
    let name = format!("lambda {}, the model", fits.judged[fits.chosen].lambda);
    plot.line(&name, Color::Series(0), &points)
        .points("", Color::Series(0), 2.4, &points)
}
