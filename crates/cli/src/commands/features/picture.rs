//! The picture of features: a row a class, each image beside the glyphs and the bars of its blocks.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use nearplane_cifar::{Dataset, SplitName};
use nearplane_kernels::Level;
use nearplane_models::features::{HistogramConfig, HogConfig};
use nearplane_report::{BarPlot, Glyphs, Picture, Sheet, bar_plots, contact_sheet};

use crate::pending::PendingFile;
use crate::plan::{Drawn, PicturePlan, Settings};
use crate::progress::check_interrupt;

/// Pixels of the picture for one of an image: a cell of 4 has room for a star.
const SCALE: usize = 6;
/// Pixels between pictures.
const GAP: usize = 4;
/// Pixels of the sheet beyond which its memory is no longer a matter of course.
const MOST_PIXELS: usize = 1 << 27;

/// Draws the first images of each class among the first `n` of a split.
pub(super) fn draw(
    plan: &PicturePlan,
    data: &Dataset,
    split: SplitName,
    n: usize,
    settings: &Settings,
    file: &mut PendingFile,
) -> Result<()> {
    let images = data.split(split);
    let mut rows: Vec<Vec<&[u8]>> = vec![Vec::new(); data.class_names().len()];
    for i in 0..n {
        let row = &mut rows[usize::from(images.label(i))];
        if row.len() < plan.count {
            row.push(images.image(i));
        }
    }
    // A class without images has no row, and a short row ends early.
    rows.retain(|row| !row.is_empty());
    let side = 32 * SCALE;
    let columns = plan.count * (1 + plan.panels.len());
    let along = |count: usize| count * (side + GAP) + GAP;
    if along(columns).saturating_mul(along(rows.len())) > MOST_PIXELS {
        bail!(
            "--picture would be {} x {} pixels; give a smaller --count, or fewer blocks as --features",
            along(columns),
            along(rows.len())
        );
    }
    let size = (side as u32, side as u32);
    let mut sheet = Sheet::new(columns, rows.len(), size, GAP);
    for (y, row) in rows.iter().enumerate() {
        check_interrupt()?;
        for (i, &image) in row.iter().enumerate() {
            let first = i * (1 + plan.panels.len());
            sheet.put(first, y, &contact_sheet(&[image], 1, SCALE, 0));
            for (x, panel) in plan.panels.iter().enumerate() {
                let picture = match &panel.drawn {
                    Drawn::Hog(config) => glyphs(config, settings.level, image),
                    Drawn::Histogram(config) => bars(config, settings.level, image, size),
                };
                sheet.put(first + 1 + x, y, &picture);
            }
        }
    }
    let png = sheet.finish().to_png()?;
    let cannot = file.cannot_write();
    file.write_all(&png).context(cannot)
}

/// The edges of an image.
fn glyphs(config: &HogConfig, level: Level, image: &[u8]) -> Picture {
    let mut features = vec![0.0; config.n_features()];
    config.extract(level, image, &mut config.scratch(), &mut features);
    let cells = config.cells(&features).unsigned();
    let angles = cells.edge_angles();
    let shape = config.shape();
    Glyphs::new(
        cells.rows,
        cells.cols,
        cells.side,
        &angles,
        &cells.strengths,
    )
    .picture(shape.width, shape.height, SCALE)
}

/// The colours of an image, cell by cell; the channels of a cell side by side.
fn bars(config: &HistogramConfig, level: Level, image: &[u8], size: (u32, u32)) -> Picture {
    let curves = config.curves(level, image);
    let per_cell = curves.channels * curves.bins;
    let cells = curves
        .raw
        .chunks(per_cell)
        .zip(curves.smoothed.chunks(per_cell));
    let plots: Vec<BarPlot<'_>> = cells
        .map(|(raw, smoothed)| BarPlot::new(raw, smoothed, &curves.colors))
        .collect();
    bar_plots(&plots, curves.grid, size.0, size.1)
}

/// What is in the picture, for people.
pub(super) fn described(plan: &PicturePlan) -> String {
    let names = plan.panels.iter().map(|panel| panel.name.as_str());
    let columns: Vec<&str> = std::iter::once("image").chain(names).collect();
    let times = match plan.count {
        1 => String::new(),
        count => format!(", {count} times"),
    };
    format!(
        "picture, a row a class, from the left {}{times}: {}",
        columns.join(", "),
        plan.path.display()
    )
}
