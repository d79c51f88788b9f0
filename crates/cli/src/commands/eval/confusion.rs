//! The confusion matrix as a plot.

use nearplane_models::metrics::ConfusionMatrix;
use nearplane_report::{Axis, Color, Picture, Plot, contact_sheet};

/// The matrix with an image in each cell that has one.
pub(crate) fn plot<'a>(
    matrix: &ConfusionMatrix,
    names: &[String],
    example: impl Fn(u32, u32) -> Option<&'a [u8]>,
) -> Plot {
    let n = names.len();
    let ticks = |flip: bool| {
        let names = names.iter().enumerate();
        names.map(move |(i, name)| {
            let place = if flip { n - 1 - i } else { i };
            (place as f64 + 0.5, name.clone())
        })
    };
    let side = 62 * n as u32;
    let mut plot = Plot::new(
        "Confusion matrix",
        "rows are true classes, columns predicted ones; the diagonal is what is right",
    )
    .size(side + 120, side + 60)
    .x(Axis::new("taken for")
        .range(0.0, n as f64)
        .ticks(ticks(false)))
    .y(Axis::new("true class")
        .range(0.0, n as f64)
        .ticks(ticks(true)));
    for truth in 0..n {
        let support = matrix.support(truth).max(1) as f64;
        for taken in 0..n {
            let (x, y) = (taken as f64, (n - 1 - truth) as f64);
            let count = matrix.count(truth, taken);
            let color = if truth == taken {
                Color::Good
            } else {
                Color::Bad
            };
            // Rare mistakes should show, too.
            plot = plot.cell(color, x, y, 0.9 * (count as f64 / support).sqrt(), "");
            if let Some(image) = example(truth as u32, taken as u32) {
                let picture: Picture = contact_sheet(&[image], 1, 1, 0);
                plot = plot.picture(&picture, (x + 0.21, y + 0.34), (x + 0.79, y + 0.92));
            }
            let ink = if count == 0 { Color::Muted } else { Color::Ink };
            plot = plot.label(ink, x + 0.5, y + 0.16, &count.to_string());
        }
    }
    plot
}
